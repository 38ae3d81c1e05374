"""A full disk while a backup is taken, restored or archived: it is said, nothing that was whole is lost, and the same
command goes on once there is room. On small file systems of their own (tmpfs)."""
import subprocess

import backup_test
import fault
from archive_test import Archives

NO_ROOM = 3  # exit code of jifen: it cannot be done now


class Full(Archives):
    def small(self, name, mib):
        place = self.folder / name
        fault.mount(self, "tmpfs", f"size={mib}m", place)
        if not fault.takes_direct(place):
            self.skipTest("tmpfs takes no O_DIRECT here")
        return place

    @staticmethod
    def grow(place, mib):
        subprocess.run(["mount", "-o", f"remount,size={mib}m", str(place)], check=True)

    def test_a_backup_goes_on_when_there_is_room_and_the_one_before_stays_whole(self):
        server = self.begin()
        self.post_fast(server, 50)
        self.assertEqual(server.stop(), 0)
        place = self.small("small", 8)
        self.backup = place / "backup"
        first = self.take()
        server.start()
        self.post_fast(server, 500)
        self.assertEqual(server.stop(), 0)
        self.take(code=NO_ROOM, words=["No space left", "Free space in"])
        self.assertEqual(self.run_jifen("backup", self.backup, "--check", "--json")["last_position"],
                         first["last_position"])
        self.restore("before")
        self.grow(place, 64)
        taken = self.take()
        self.assertLess(taken["files_copied"], taken["files"])
        self.restore("after")
        server = self.assert_holds("after", taken["last_position"], lines=450)
        self.assertEqual(server.stop(), 0)

    def test_a_restore_goes_on_when_there_is_room(self):
        self.filled(300)
        taken = self.take()
        place = self.small("small", 8)
        data = place / "ledger"
        self.run_jifen("restore", self.backup, "--data", data, code=NO_ROOM, words=["No space left", "run it again"])
        self.assertFalse(data.exists())
        self.assert_ends(backup_test.LOST, ["not a Jifen data directory"], place / "ledger.restoring",
                         *backup_test.FLAGS)
        self.grow(place, 512)
        self.run_jifen("restore", self.backup, "--data", data)
        server = self.assert_holds("small", taken["last_position"], lines=450)
        self.assertEqual(server.stop(), 0)

    def test_a_full_archive_keeps_the_journal_whole_and_the_server_going(self):
        server = self.filled(550)
        entries = self.entries_of(self.data)
        before = self.segments()
        place = self.small("small", 1)
        self.archive = place / "archive"
        self.fill(place)
        self.archive_now(code=NO_ROOM, words=["No space left"])
        self.assertEqual((self.segments(), self.archived()), (before, []))
        server.flags = (*server.flags, "--archive", self.archive)
        server.start()
        fault.wait_until("the complaint", lambda: "nothing can be archived now" in server.log.read_text())
        self.post_fast(server, 50)
        self.grow(place, 64)
        self.assertEqual(server.stop(), 0)
        self.assertGreater(self.archive_now()["segments"], 0)
        self.assertEqual(self.entries_of(self.data), entries + 50)

    @staticmethod
    def fill(place):
        with open(place / "ballast", "wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass


if __name__ == "__main__":
    fault.namespace_enter()
    fault.main()
