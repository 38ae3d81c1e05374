"""kill -9 at random moments, a hundred times and more, under tills that post without rest.

Every acknowledged answer is there exactly once and comes again byte for byte; what was not acknowledged is there whole
or not at all. The server is killed while tills post, while it recovers, just when a checkpoint was asked for, and just
when a segment is being made. crash_test.py PROGRAMS [unittest arguments]; JF_KILLS says how many; JF_SEED draws the
same load and moments again, though not the same race.
"""
import os
import random
import secrets
import signal
import subprocess
import time

import fault
import load
from fault import PROGRAMS, WAIT, Client
from jifend import grpc, operations_pb2

FLAGS = ("--segment-mib", "4", "--reserve-mib", "1", "--cache-mib", "8", "--filter-mib", "1", "--checkpoint-entries", "1000")
TILLS = 4
KILLS = int(os.environ.get("JF_KILLS", "120"))
LIFE = 0.15      # seconds a server lives at most once tills post
RECOVERY = 0.12  # seconds after which a start is killed at most
SEGMENT = 5      # seconds in which tills need a new segment, surely
VERIFY_EVERY = 40


class Crash(fault.Case):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JF_SEED", secrets.randbelow(2 ** 32)))
        print(f"{self.id()}: JF_SEED={self.seed} JF_KILLS={KILLS}", flush=True)
        self.random = random.Random(self.seed)
        self.marks = {"load": 0, "checkpoint": 0, "segment": 0, "start": 0, "recovered": 0}

    def kill(self, mark):
        self.server.process.send_signal(signal.SIGKILL)
        self.assertEqual(self.server.process.wait(WAIT), -signal.SIGKILL, self.server.log.read_text())
        self.marks[mark] += 1

    # ---- Moments

    def at_any_time(self):
        load.pause(self.random, LIFE)
        self.kill("load")

    def at_a_checkpoint(self):
        """Just after the state was asked to flush: it is being written."""
        load.pause(self.random, LIFE)
        future = self.client.operations.Checkpoint.future(operations_pb2.CheckpointRequest(), timeout=WAIT)
        load.pause(self.random, 0.02)
        self.kill("checkpoint")
        try:
            future.result()
        except grpc.RpcError:
            pass

    def at_a_new_segment(self):
        """While the next segment is filled or has just got its name; or when none was needed for long."""
        journal = self.server.folder / "ledger" / "journal"
        before = set(os.listdir(journal))
        deadline = time.monotonic() + SEGMENT
        while set(os.listdir(journal)) == before and time.monotonic() < deadline:
            time.sleep(0.0005)
        load.pause(self.random, 0.004)
        self.kill("segment" if time.monotonic() < deadline else "load")

    def while_it_starts(self):
        starting = subprocess.Popen([PROGRAMS / "jifend", "--data", self.server.folder / "ledger", "--listen",
                                     "127.0.0.1:0", *FLAGS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        load.pause(self.random, RECOVERY)
        starting.kill()
        self.assertEqual(starting.wait(WAIT), -signal.SIGKILL)
        self.marks["start"] += 1

    # ---- Lives

    def start(self):
        self.server.start()
        log = self.server.log.read_text().splitlines()
        self.marks["recovered"] += "recovered 0 entries" not in log[-1]

    def killed(self):
        return sum(self.marks[mark] for mark in ("load", "checkpoint", "segment", "start"))

    def life(self, number):
        moments = (self.at_any_time, self.at_a_checkpoint, self.at_any_time, self.at_a_new_segment)
        with self.server.channel() as channel:
            self.client = Client(channel)
            self.tills.run(self.client, moments[number % len(moments)])
        while self.killed() < KILLS and self.random.random() < 0.3:
            self.while_it_starts()

    def check(self):
        with self.server.channel() as channel:
            client = Client(channel)
            self.tills.doubts_settle(client)
            self.tills.assert_all_there(client)
            self.assert_ties(client)

    def test_what_was_acknowledged_is_there_once_after_any_number_of_kills(self):
        self.server = self.serve(self.folder / "data", *FLAGS)
        self.tills = load.Load(self, TILLS, self.seed)
        with self.server.channel() as channel:
            self.tills.begin(Client(channel))
        lives = 0
        while self.killed() < KILLS:
            self.life(lives)
            self.start()
            lives += 1
            if lives % VERIFY_EVERY == 0:
                self.check()
        self.check()
        self.assertEqual(self.server.stop(), 0)
        self.start()
        self.assertIn("recovered 0 entries", self.server.log.read_text().splitlines()[-1])
        self.check()
        self.assertEqual(self.server.stop(), 0)
        answers = sum(len(till.acknowledged) for till in self.tills.tills)
        print(f"{self.killed()} kills {self.marks}, {answers} acknowledged answers, all there once", flush=True)
        for mark in ("load", "checkpoint", "segment", "start", "recovered"):
            self.assertGreater(self.marks[mark], 0, f"no kill of this kind: {mark}")


if __name__ == "__main__":
    fault.main()
