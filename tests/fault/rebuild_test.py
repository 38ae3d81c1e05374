"""`jifen rebuild`: the state made anew from the journal, whatever it was, and whenever the making was cut off."""
import json
import random
import shutil
import signal
import subprocess
import time

import fault
from fault import PROGRAMS, WAIT, Client
from jifend import sale

FLAGS = ("--segment-mib", "4")
MEMBERS, DAYS, KILLS, SEED = 400, 6, 10, 11
HELD, REFUSED, DAMAGED = 3, 4, 5  # exit codes of jifen
JIFEND_HELD, JIFEND_DAMAGED = 3, 4


def rebuild(data, *flags):
    """Returns exit code, what was printed as JSON, and stderr."""
    done = subprocess.run([PROGRAMS / "jifen", "rebuild", "--data", data, "--json", *flags], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=WAIT)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class Rebuild(fault.Case):
    """A ledger of a few days of a chain, stopped in order."""

    def setUp(self):
        super().setUp()
        receipts = self.folder / "receipts.csv"
        fault.receipts_write(receipts, MEMBERS, DAYS, SEED)
        server = self.serve(self.folder / "first", *FLAGS)
        with server.channel() as channel:
            Client(channel).chain()
        replayed = fault.jifen(server, "replay", str(receipts))
        output = replayed.communicate(timeout=WAIT)
        self.assertEqual(replayed.returncode, 0, output)
        with server.channel() as channel:
            self.status = fault.status_of(Client(channel))
        self.assertEqual(server.stop(), 0)
        self.ledger = self.folder / "first" / "ledger"

    def names(self):
        """What lies in the ledger's directory, without the place that the scrubber remembers."""
        return sorted(path.name for path in self.ledger.iterdir() if path.name != "scrub")

    def assert_whole(self):
        """The ledger starts, holds everything, and ties."""
        server = self.serve(self.folder / "first", *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            status = fault.status_of(client)
            self.assertEqual((status.position_last, status.sales, status.members),
                             (self.status.position_last, self.status.sales, self.status.members))
            self.assertEqual(status.recovered_entries, 0)
            self.assertEqual(status.totals, self.status.totals)
            self.assert_ties(client)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.names(), ["journal", "state"])

    def state_damage(self):
        for path in (self.ledger / "state").glob("*.sst"):
            path.write_bytes(path.read_bytes()[:-100])

    def test_a_damaged_state_is_made_anew_and_the_old_one_is_kept_where_asked(self):
        self.state_damage()
        self.assert_ends(JIFEND_DAMAGED, [".sst", "jifen rebuild"], self.ledger, *FLAGS)
        damaged = fault.tree_of(self.ledger / "state")
        journal = fault.tree_of(self.ledger / "journal")
        code, result, error = rebuild(self.ledger, "--keep")
        self.assertEqual(code, 0, error)
        self.assertEqual((result["entries"], result["resumed_from"], result["members"]),
                         (self.status.position_last, 0, self.status.members))
        self.assertEqual(fault.tree_of(self.ledger / "journal"), journal)
        kept = fault.tree_of(self.ledger / "state.old")
        self.assertEqual({name: kept[name] for name in kept if name.endswith(".sst")},
                         {name: damaged[name] for name in damaged if name.endswith(".sst")})
        code, _, error = rebuild(self.ledger, "--keep")
        self.assertEqual(code, REFUSED)
        self.assertIn("state.old is there already", error)
        shutil.rmtree(self.ledger / "state.old")
        self.assert_whole()

    def test_a_state_that_is_gone_is_made_anew(self):
        shutil.rmtree(self.ledger / "state")
        code, result, error = rebuild(self.ledger)
        self.assertEqual((code, result and result["entries"]), (0, self.status.position_last), error)
        self.assert_whole()

    def test_a_rebuild_killed_at_any_moment_leaves_a_state_in_place_and_is_run_again(self):
        self.state_damage()
        damaged = fault.tree_of(self.ledger / "state")
        began = time.monotonic()
        shutil.copytree(self.ledger, self.folder / "spare")
        self.assertEqual(rebuild(self.folder / "spare")[0], 0)
        took = time.monotonic() - began
        chance = random.Random(SEED)
        for _ in range(KILLS):
            process = subprocess.Popen([PROGRAMS / "jifen", "rebuild", "--data", self.ledger, "--keep"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, took))
            process.kill()
            if process.wait(WAIT) == 0:
                break  # it was faster: the state is the new one
            if fault.tree_of(self.ledger / "state") != damaged:
                break  # killed behind the exchange
        shutil.rmtree(self.ledger / "state.old", ignore_errors=True)
        code, result, error = rebuild(self.ledger)
        self.assertEqual((code, result and result["entries"]), (0, self.status.position_last), error)
        self.assert_whole()

    def test_a_rebuild_cut_off_between_its_renames_is_finished_by_the_next_and_harmless_to_a_start(self):
        (self.ledger / "state").rename(self.ledger / "state.rebuilding")
        (self.ledger / "state.removing").mkdir()
        shutil.copytree(self.ledger, self.folder / "started" / "ledger")
        code, result, error = rebuild(self.ledger)
        self.assertEqual((code, result and result["resumed_from"]), (0, self.status.position_last), error)
        self.assert_whole()
        server = self.serve(self.folder / "started", *FLAGS)
        with server.channel() as channel:
            self.assertEqual(fault.status_of(Client(channel)).sales, self.status.sales)
            self.assert_ties(Client(channel))
        self.assertEqual(server.stop(), 0)

    def test_what_an_earlier_run_left_is_gone_on_with_only_if_it_is_of_this_journal(self):
        shutil.copytree(self.ledger, self.folder / "other" / "ledger")
        shutil.copytree(self.ledger / "state", self.folder / "earlier")
        for folder, name in (("first", "here"), ("other", "there")):
            server = self.serve(self.folder / folder, *FLAGS)
            with server.channel() as channel:
                client = Client(channel)
                client.enrol(900001)
                client.sell(sale(name, 900001))
                if folder == "first":
                    self.status = fault.status_of(client)
            self.assertEqual(server.stop(), 0)
        last = self.status.position_last
        for left, resumed in ((self.folder / "earlier", last - 2), (self.folder / "other" / "ledger" / "state", 0)):
            shutil.copytree(left, self.ledger / "state.rebuilding")
            code, result, error = rebuild(self.ledger)
            self.assertEqual((code, result and (result["entries"], result["resumed_from"])), (0, (last, resumed)),
                             error)
            self.assert_whole()
        (self.ledger / "state.rebuilding").mkdir()
        (self.ledger / "state.rebuilding" / "CURRENT").write_text("MANIFEST-000001\n")
        self.assertEqual(rebuild(self.ledger)[0], 0)
        self.assert_whole()

    def test_only_one_of_a_ledger_and_a_rebuild_can_have_the_directory(self):
        before = fault.tree_of(self.ledger / "state")
        process = subprocess.Popen([PROGRAMS / "jifen", "rebuild", "--data", self.ledger],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fault.wait_until("the new state", (self.ledger / "state.rebuilding").exists)
        process.send_signal(signal.SIGSTOP)
        if process.poll() is None and fault.tree_of(self.ledger / "state") == before:
            self.assert_ends(JIFEND_HELD, [str(process.pid)], self.ledger, *FLAGS)
            code, _, error = rebuild(self.ledger)
            self.assertEqual(code, HELD, error)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.wait(WAIT), 0)
        server = self.serve(self.folder / "first", *FLAGS)
        code, _, error = rebuild(self.ledger)
        self.assertEqual(code, HELD, error)
        self.assertIn(str(server.process.pid), error)
        self.assertEqual(server.stop(), 0)
        self.assert_whole()

    def test_a_damaged_journal_is_refused_naming_the_place_and_the_state_is_left_alone(self):
        segment = self.ledger / "journal" / "segment-0000000000000001.jfl"
        content = bytearray(segment.read_bytes())
        content[8192 + 300] ^= 1
        segment.write_bytes(content)
        before = fault.tree_of(self.ledger)
        code, _, error = rebuild(self.ledger)
        self.assertEqual(code, DAMAGED, error)
        self.assertIn(segment.name, error)
        self.assertIn("offset ", error)
        self.assertEqual(fault.tree_of(self.ledger), before)
        self.assertEqual(rebuild(self.folder / "nowhere")[0], REFUSED)


if __name__ == "__main__":
    fault.main()
