"""Places where a ledger cannot live: each is said clearly, with its exit code, and nothing is changed."""
import os
import subprocess

import fault
from fault import PROGRAMS, Client
from jifend import sale

FLAGS = ("--segment-mib", "4", "--reserve-mib", "1")  # for places of 64 MiB
DIRECTORY, KERNEL = 3, 5  # exit codes of jifend


class Place(fault.Case):
    def ledger_with_a_sale(self, folder):
        server = self.serve(folder, *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            client.chain()
            client.enrol(1)
            client.sell(sale("s1"))
        self.assertEqual(server.stop(), 0)
        return folder / "ledger"

    def test_no_io_uring_is_said_and_a_ledger_that_is_there_is_not_touched(self):
        """jf_ring_init answers JF_ERROR_NO_URING."""
        ledger = self.ledger_with_a_sale(self.folder / "there")
        before = fault.tree_of(ledger)
        for error in ("ENOSYS", "EPERM"):
            deny = (PROGRAMS / "deny_io_uring", error)
            if subprocess.run([*deny, "/bin/true"], stderr=subprocess.DEVNULL).returncode == 125:
                self.skipTest("no seccomp filter can be set here")
            with self.subTest(error=error):
                self.assert_ends(KERNEL, ["io_uring"], ledger, before=deny)
                self.assertEqual(fault.tree_of(ledger), before)
                self.assert_ends(KERNEL, ["io_uring"], self.folder / "new", before=deny)
        self.assertEqual(list((self.folder / "new").rglob("*.jfl")), [])

    def test_a_file_system_without_o_direct_is_said(self):
        place = self.folder / "ram"
        fault.mount(self, "ramfs", "", place)
        if fault.takes_direct(place):
            self.skipTest("even ramfs takes O_DIRECT here: no file system without it is at hand")
        self.assert_ends(KERNEL, ["O_DIRECT", str(place)], place / "ledger")
        self.assertEqual(list(place.rglob("*.jfl")), [])
        # A ledger that was moved there is not touched.
        ledger = self.ledger_with_a_sale(self.folder / "there")
        subprocess.run(["cp", "-r", str(ledger), str(place / "moved")], check=True)
        before = fault.tree_of(place / "moved" / "journal")
        self.assert_ends(KERNEL, ["O_DIRECT", str(place)], place / "moved")
        self.assertEqual(fault.tree_of(place / "moved" / "journal"), before)

    def test_a_directory_that_cannot_be_written_is_said_and_is_not_changed(self):
        place = self.folder / "tmpfs"
        fault.mount(self, "tmpfs", "size=64m", place)
        if not fault.takes_direct(place):
            self.skipTest("tmpfs takes no O_DIRECT here (Linux before 6.6)")
        ledger = self.ledger_with_a_sale(place)
        before = fault.tree_of(ledger)
        remounted = subprocess.run(["mount", "-o", "remount,ro", str(place)], stderr=subprocess.PIPE, text=True)
        if remounted.returncode != 0:
            self.skipTest(f"no remount here: {remounted.stderr}")
        self.assert_ends(DIRECTORY, [str(ledger), "Read-only file system"], ledger)
        self.assert_ends(DIRECTORY, [str(place / "new"), "Read-only file system"], place / "new")
        self.assertEqual(fault.tree_of(ledger), before)
        self.assertFalse((place / "new").exists())
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        server = self.serve(place, *FLAGS)
        with server.channel() as channel:
            self.assertEqual(fault.status_of(Client(channel)).sales, 1)
        self.assertEqual(server.stop(), 0)

    def test_a_data_directory_that_is_a_file_or_without_parent_is_said(self):
        path = self.folder / "file"
        path.write_text("dear")
        self.assert_ends(DIRECTORY, [str(path)], path)
        self.assertEqual(path.read_text(), "dear")
        self.assert_ends(DIRECTORY, [str(self.folder / "no" / "parent")], self.folder / "no" / "parent")
        self.assertFalse((self.folder / "no").exists())

    def test_a_directory_of_another_user_is_said(self):
        if os.geteuid() == 0 and subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "true"],
                                                stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("there is no other user to be here")
        ledger = self.ledger_with_a_sale(self.folder / "mine")
        before = fault.tree_of(ledger)
        other = ("setpriv", "--reuid", "65534", "--clear-groups") if os.geteuid() == 0 else ()
        if not other:
            os.chmod(ledger, 0)
            self.addCleanup(os.chmod, ledger, 0o750)
        self.assert_ends(DIRECTORY, [str(ledger), "Permission denied"], ledger, before=other)
        os.chmod(ledger, 0o750)
        self.assertEqual(fault.tree_of(ledger), before)


if __name__ == "__main__":
    fault.namespace_enter()
    fault.main()
