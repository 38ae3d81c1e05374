"""kill -9 in the middle of a replay, and in the middle of starting again: nothing is lost, nothing is twice.

A file of receipts is replayed undisturbed once. Then it is replayed into another ledger whose server is killed, or told
to stop, at random positions; the replay is run again until it goes through. Both ledgers must be equal in every member
and account. kill_test.py PROGRAMS [unittest arguments]; JF_SEED repeats a run whose seed was printed.
"""
import json
import os
import random
import secrets
import signal
import subprocess
import time

import fault
from fault import PROGRAMS, WAIT, Client
from jifend import PROGRAMME

FLAGS = ("--segment-mib", "4", "--checkpoint-entries", "3000", "--cache-mib", "8")
MEMBERS, DAYS = 6000, 6
AS_OF = 20170401
KILLS = 7
UNAVAILABLE = 3  # exit code of jifen


class Kill(fault.Case):
    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("JF_SEED", secrets.randbelow(2 ** 32)))
        print(f"{self.id()}: JF_SEED={seed}", flush=True)
        self.random = random.Random(seed)
        self.file = self.folder / "receipts.csv"
        fault.receipts_write(self.file, MEMBERS, DAYS, seed % 1000)
        self.numbers = fault.members_in(self.file)
        self.receipts = fault.receipts_in(self.file)
        self.broken_off = 0  # replays that met a signal before they were through
        self.whole = self.undisturbed()
        self.last_position = self.whole[2][-1]

    def jifen_done(self, server, *arguments):
        process = fault.jifen(server, *arguments)
        out, error = process.communicate(timeout=600)
        self.assertEqual(process.returncode, 0, error)
        return out

    def publish(self, server):
        self.jifen_done(server, "programme", "publish", str(PROGRAMME), "--id", "programme")

    def replay(self, server, wait=True):
        arguments = ("replay", str(self.file), "--json", "--concurrency", "16", *self.batches())
        return json.loads(self.jifen_done(server, *arguments)) if wait else fault.jifen(server, *arguments)

    def batches(self):
        return self.random.choice(((), (), ("--batch", "100")))

    def ledger(self, server):
        with server.channel() as channel:
            client = Client(channel)
            self.assert_ties(client)
            return fault.ledger_of(client, self.numbers, AS_OF)

    def undisturbed(self):
        server = self.serve(self.folder / "whole", *FLAGS)
        self.publish(server)
        posted = self.replay(server)
        self.assertEqual((posted["posted"], posted["replayed"], posted["refused"]), (self.receipts, 0, 0))
        ledger = self.ledger(server)
        self.assertEqual(server.stop(), 0)
        return ledger

    def disturb(self, server, position, number):
        """Replays until the server holds `position`, then sends it a signal. Returns the server's exit code."""
        process = self.replay(server, wait=False)
        with server.channel() as channel:
            client = Client(channel)
            fault.wait_until(f"position {position}", lambda: fault.status_of(client).position_last >= position)
            time.sleep(self.random.random() / 100)
            server.process.send_signal(number)
        code = server.process.wait(WAIT)
        _, error = process.communicate(timeout=WAIT)
        # A replay that was through before the signal came is no failure of the server.
        self.assertIn(process.returncode, (0, UNAVAILABLE), error)
        self.broken_off += process.returncode == UNAVAILABLE
        return code

    def positions(self):
        return sorted(self.random.randint(20, self.last_position - 1) for _ in range(KILLS))

    def finish(self, server):
        self.assertGreater(self.broken_off, 0)
        posted = self.replay(server)
        self.assertEqual((posted["posted"] + posted["replayed"], posted["refused"]), (self.receipts, 0))
        self.assertEqual(self.ledger(server), self.whole)
        again = self.replay(server)
        self.assertEqual((again["posted"], again["replayed"]), (0, self.receipts))
        self.assertEqual(self.ledger(server), self.whole)
        self.assertEqual(server.stop(), 0)

    def start_killed(self, server):
        """Starts that are killed before or while they recover; then one that is let."""
        for _ in range(self.random.randint(0, 4)):
            starting = subprocess.Popen([PROGRAMS / "jifend", "--data", server.folder / "ledger", "--listen",
                                         "127.0.0.1:0", *FLAGS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(self.random.random() / 10)
            starting.kill()
            self.assertIn(starting.wait(WAIT), (0, -signal.SIGKILL))
        server.start()

    def test_a_replay_whose_server_is_killed_again_and_again_ends_where_an_undisturbed_one_ends(self):
        server = self.serve(self.folder / "killed", *FLAGS)
        self.publish(server)
        for position in self.positions():
            self.assertEqual(self.disturb(server, position, signal.SIGKILL), -signal.SIGKILL)
            self.start_killed(server)
            with server.channel() as channel:
                client = Client(channel)
                status = fault.status_of(client)
                self.assertGreaterEqual(status.position_last, position)
                self.assertLessEqual(status.sales, self.receipts)
                self.assert_ties(client)
        self.finish(server)

    def test_a_replay_whose_server_is_told_to_stop_loses_nothing_and_the_server_exits_0(self):
        server = self.serve(self.folder / "stopped", *FLAGS)
        self.publish(server)
        for position in self.positions():
            self.assertEqual(self.disturb(server, position, signal.SIGTERM), 0, server.log.read_text())
            server.start()
            self.assertIn("recovered 0 entries", server.log.read_text().splitlines()[-1])
            with server.channel() as channel:
                self.assertGreaterEqual(fault.status_of(Client(channel)).position_last, position)
        self.finish(server)

    def test_a_journal_that_was_verified_offline_after_a_kill_is_recovered_unchanged(self):
        server = self.serve(self.folder / "offline", *FLAGS)
        self.publish(server)
        self.disturb(server, self.last_position // 2, signal.SIGKILL)
        before = fault.tree_of(server.folder / "ledger")
        done = subprocess.run([PROGRAMS / "jifen", "verify", "--data", server.folder / "ledger"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(fault.tree_of(server.folder / "ledger"), before)
        server.start()
        self.finish(server)


if __name__ == "__main__":
    fault.main()
