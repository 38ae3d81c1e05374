"""The power is cut at block level, many times over the same run of the server, and during recovery again.

The server's disk is recorded (disk.py). For each cut the disk is put together as a power cut may leave it: all that was
flushed, any part of what was not. Whatever was acknowledged before the cut must be there.
power_test.py PROGRAMS [unittest arguments]; JF_SEED draws the same load, and cuts at the same parts of the run.
"""
import os
import pathlib
import random
import secrets
import tempfile

import disk
import fault
import load
from fault import WAIT, Client
from jifend import operations_pb2

FLAGS = ("--segment-mib", "4", "--reserve-mib", "1", "--cache-mib", "8", "--filter-mib", "1",
         "--checkpoint-entries", "1000")
TILLS = 3
SECONDS = 2.5
CUTS = int(os.environ.get("JF_CUTS", "12"))
DOUBTFUL = 60  # of those not acknowledged at a cut, so many are looked at


class Power(fault.Case):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("JF_SEED", secrets.randbelow(2 ** 32)))
        print(f"{self.id()}: JF_SEED={self.seed} JF_CUTS={CUTS}", flush=True)
        self.random = random.Random(self.seed)
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="jifen-power-", dir="/dev/shm"))
        self.addCleanup(lambda: fault.shutil.rmtree(self.memory, ignore_errors=True))
        self.disks = 0

    def new_disk(self, base=None):
        self.disks += 1
        return disk.Disk(self, self.memory / str(self.disks), base)

    def post(self, recorded):
        """Tills post; in between the state is asked to flush. Returns the load, all stamped by the disk's records."""
        server = self.serve(recorded.place, *FLAGS)
        tills = load.Load(self, TILLS, self.seed)
        with server.channel() as channel:
            client = Client(channel)
            tills.begin(client)
            self.begun = recorded.records()
            for till in tills.tills:
                till.stamp = recorded.records

            def checkpoints():
                for _ in range(5):
                    load.pause(self.random, 2 * SECONDS / 5)
                    client.operations.Checkpoint(operations_pb2.CheckpointRequest(), timeout=WAIT)
            tills.run(client, checkpoints)
        server.kill()
        return tills

    def cuts(self, tills, last):
        """Half of them the very moment an answer was there, half at any record."""
        stamps = [stamp for till in tills.tills for stamp in till.stamps.values()]
        at_answers = self.random.sample(stamps, CUTS // 2)
        return sorted([*at_answers, *(self.random.randint(self.begun, last) for _ in range(CUTS - CUTS // 2))])

    def assert_sound(self, place, tills, cut):
        """A server on the disk as the cut left it knows what was acknowledged by then, and nothing by halves."""
        server = self.serve(place, *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            known = [(till.stamps[name], answer) for till in tills.tills for name, answer in till.acknowledged.items()]
            later = [answer for stamp, answer in known if stamp > cut]
            for _, request, outcome in self.random.sample(later, min(DOUBTFUL, len(later))):
                found = load.entry_of(client.ledger, request.transaction_id)
                if found is not None:
                    self.assertEqual(found.outcome, outcome)
            tills.assert_replayed(client, [answer for stamp, answer in known if stamp <= cut])
            self.assert_ties(client)
        self.assertEqual(server.stop(), 0, server.log.read_text())

    def assert_starts(self, image, tills, cut):
        """Mounts the bytes as they are and starts. Now and then the power goes again while it does."""
        again = self.new_disk(bytes(image))
        if self.random.random() < 0.3:
            server = self.serve(again.place, *FLAGS)
            server.kill()
            power = disk.Power(again, self.random)
            image = power.cut(self.random.randint(0, len(power.log)))
            again.close()
            again = self.new_disk(bytes(image))
            self.twice += 1
        self.assert_sound(again.place, tills, cut)
        again.close()

    def test_what_was_acknowledged_before_a_power_cut_is_there_after_it(self):
        recorded = self.new_disk()
        tills = self.post(recorded)
        power = disk.Power(recorded, self.random)
        recorded.close()
        self.twice = 0
        for cut in self.cuts(tills, len(power.log)):
            with self.subTest(cut=cut):
                self.assert_starts(power.cut(cut), tills, cut)
        answers = sum(len(till.acknowledged) for till in tills.tills)
        print(f"{CUTS} power cuts, {self.twice} of them twice, within {len(power.log)} writes and flushes and "
              f"{answers} acknowledged answers", flush=True)


if __name__ == "__main__":
    fault.namespace_enter()
    fault.main()
