"""A disk that fails or lies under the running server: it stops, says what and where, and nothing acknowledged is lost.

The disk is that of disk.py. broken_disk_test.py PROGRAMS [unittest arguments]
"""
import pathlib
import random
import subprocess
import tempfile
import time

import disk
import fault
import load
from fault import WAIT, Client

FLAGS = ("--segment-mib", "4", "--reserve-mib", "1", "--cache-mib", "8", "--filter-mib", "1",
         "--checkpoint-entries", "1000")
TILLS = 2
SECONDS = 0.5
FAILED, DIRECTORY, DAMAGED = 1, 3, 4  # exit codes of jifend


class BrokenDisk(fault.Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(self.id())
        self.memory = pathlib.Path(tempfile.mkdtemp(prefix="jifen-disk-", dir="/dev/shm"))
        self.addCleanup(lambda: fault.shutil.rmtree(self.memory, ignore_errors=True))
        self.disk = self.disk_make()
        self.server = self.serve(self.disk.place, *FLAGS)
        self.tills = load.Load(self, TILLS, self.id())
        with self.server.channel() as channel:
            self.tills.begin(Client(channel))

    def disk_make(self):
        return disk.Disk(self, self.memory / "disk")

    def post(self, disturb):
        with self.server.channel() as channel:
            self.tills.run(Client(channel), disturb)

    def breaks(self, mode):
        """Posts on, then breaks the disk under the server. Returns what the server said when it ended by itself."""
        def disturb():
            load.pause(self.random, SECONDS)
            self.disk.set(mode)
            self.assertEqual(self.server.process.wait(WAIT), FAILED, self.server.log.read_text())
        self.post(disturb)
        return self.server.log.read_text()

    def wait_until_quiet(self):
        """Until nothing has reached the disk for a while."""
        before, quiet = self.disk.records(), 0
        while quiet < 5:
            time.sleep(0.05)
            records = self.disk.records()
            before, quiet = records, quiet + 1 if records == before else 0

    def mended(self):
        """The disk works again; what the kernel had cached above it is gone."""
        self.disk.set("works")
        self.disk.unmount()
        self.disk.mount()

    def assert_nothing_lost(self):
        self.server.start()
        with self.server.channel() as channel:
            client = Client(channel)
            self.tills.doubts_settle(client)
            self.tills.assert_all_there(client)
            self.assert_ties(client)
        self.assertEqual(self.server.stop(), 0, self.server.log.read_text())

    def failed_once(self, log):
        """The journal says it: where, and what to do. Returns what it says."""
        said = [line for line in log.splitlines() if "has failed" in line]
        self.assertEqual(len(said), 1, log)
        return said[0]

    def test_a_write_that_fails_stops_the_server_for_good(self):
        said = self.failed_once(self.breaks("fails writes"))
        self.assertIn("Input/output error", said)
        self.assertIn("start again", said)
        self.mended()
        self.assert_nothing_lost()

    def test_after_a_failed_write_nothing_more_is_written_though_the_disk_works_again(self):
        def disturb():
            load.pause(self.random, SECONDS)
            self.disk.set("fails writes")
            fault.wait_until("the failure", lambda: "has failed" in self.server.log.read_text())
            self.wait_until_quiet()  # what was in flight with the write that failed
            self.disk.set("works")
            self.mended_at = self.disk.records()
            self.assertEqual(self.server.process.wait(WAIT), FAILED, self.server.log.read_text())
        tables = set((self.disk.place / "ledger" / "state").glob("*.sst"))
        self.post(disturb)
        self.assertEqual([record for record in self.disk.log()[self.mended_at:] if disk.is_block(record)], [])
        self.assertEqual(set((self.disk.place / "ledger" / "state").glob("*.sst")), tables)
        self.mended()
        self.assert_nothing_lost()

    def test_a_flush_that_fails_stops_the_server_for_good(self):
        said = self.failed_once(self.breaks("fails flushes"))
        self.assertIn("Input/output error", said)
        self.mended()
        self.assert_nothing_lost()

    def test_a_file_system_that_turns_read_only_stops_the_server_and_a_start_on_it_is_refused(self):
        def disturb():
            load.pause(self.random, SECONDS)
            # What ext4 does by itself when it finds an error.
            subprocess.run(["mount", "-o", "remount,abort", str(self.disk.place)], check=True)
            self.assertEqual(self.server.process.wait(WAIT), FAILED, self.server.log.read_text())
        self.assertEqual(self.server.stop(), 0)
        self.server.log = self.folder / "log"  # not on that file system
        self.server.start()
        self.post(disturb)
        self.failed_once(self.server.log.read_text())
        self.assert_ends(DIRECTORY, [str(self.disk.place), "Read-only file system"], self.disk.place / "ledger", *FLAGS)
        self.mended()
        self.assert_nothing_lost()

    def test_a_start_on_a_disk_that_cannot_be_written_is_refused(self):
        self.post(lambda: load.pause(self.random, SECONDS))
        self.server.kill()
        self.disk.set("fails writes")
        code, error = self.run_jifend(self.disk.place / "ledger", *FLAGS)
        self.assertEqual(code, DIRECTORY, error)
        self.assertIn(str(self.disk.place), error)
        self.mended()
        self.assert_nothing_lost()

    def test_a_start_on_a_disk_that_cannot_be_read_is_refused_and_changes_nothing(self):
        self.post(lambda: load.pause(self.random, SECONDS))
        self.server.kill()
        before = fault.tree_of(self.disk.place / "ledger")
        self.disk.set("fails reads")
        code, error = self.run_jifend(self.disk.place / "ledger", *FLAGS)
        self.assertIn(code, (DIRECTORY, DAMAGED), error)
        self.assertIn(str(self.disk.place), error)
        self.mended()
        self.assertEqual(fault.tree_of(self.disk.place / "ledger"), before)
        self.assert_nothing_lost()

    def test_blocks_that_were_lost_amid_others_are_reported_and_nothing_is_changed(self):
        def disturb():
            load.pause(self.random, SECONDS)
            self.disk.set("loses blocks")
            fault.wait_until("a lost block", lambda: self.disk.lost() > 0)
            self.disk.set("works")
            at = self.disk.records()
            fault.wait_until("a block behind it", lambda: any(map(disk.is_block, self.disk.log()[at:])))
        self.post(disturb)
        self.server.kill()
        self.mended()
        before = fault.tree_of(self.disk.place / "ledger")
        code, error = self.run_jifend(self.disk.place / "ledger", *FLAGS)
        self.assertEqual(code, DAMAGED, error)
        for word in ("segment-", "offset", "block", "nothing was changed"):
            self.assertIn(word, error)
        self.assertEqual(fault.tree_of(self.disk.place / "ledger"), before)


if __name__ == "__main__":
    fault.namespace_enter()
    fault.main()
