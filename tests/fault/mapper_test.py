"""The broken disk once more, as the kernel's device mapper breaks it: dm-flakey over a loop device.

Where there is no device mapper (no /dev/mapper/control), or none may be used, this skips and says so; what it tries is
tried on the disk of disk.py everywhere else. mapper_test.py PROGRAMS [unittest arguments]
"""
import os
import pathlib
import shutil
import subprocess

import broken_disk_test
import fault

SECTOR = 512
CONTROL = pathlib.Path("/dev/mapper/control")


class MappedDisk:
    """As disk.Disk, but nothing is recorded. A mode is a table; tables change without flushing, as a fault comes."""
    TABLES = {"works": "linear {device} 0", "fails writes": "flakey {device} 0 0 1 1 error_writes",
              "fails reads": "flakey {device} 0 0 1"}  # up for 0 seconds, down for 1, again and again

    def __init__(self, case, folder, size_mib=64):
        self.case = case
        if not CONTROL.exists() or shutil.which("dmsetup", path="/sbin:/usr/sbin:/usr/bin") is None:
            case.skipTest("no device mapper here: no /dev/mapper/control, or no dmsetup")
        folder.mkdir()
        with open(folder / "image", "wb") as image:
            image.truncate(size_mib << 20)
        self.name = f"jifen-{os.getpid()}"
        self.sectors = (size_mib << 20) // SECTOR
        self.device = self.run("losetup", "--find", "--show", str(folder / "image")).strip()
        case.addCleanup(subprocess.run, ["losetup", "--detach", self.device], stderr=subprocess.DEVNULL)
        self.run("dmsetup", "create", self.name, "--table", self.table("works"))
        case.addCleanup(subprocess.run, ["dmsetup", "remove", "--retry", self.name], stderr=subprocess.DEVNULL)
        self.run("/sbin/mkfs.ext4", "-q", "-F", f"/dev/mapper/{self.name}")
        self.place = folder / "mounted"
        self.mount()
        case.addCleanup(self.close)

    def run(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            self.case.skipTest(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def table(self, mode):
        return f"0 {self.sectors} {self.TABLES[mode].format(device=self.device)}"

    def set(self, mode):
        for command in (["suspend", "--noflush", "--nolockfs", self.name],
                        ["load", self.name, "--table", self.table(mode)], ["resume", self.name]):
            subprocess.run(["dmsetup", *command], check=True)

    def mount(self):
        fault.mount(self.case, "ext4", "", self.place, f"/dev/mapper/{self.name}")

    def unmount(self):
        fault.wait_until("an unmount", lambda: subprocess.run(["umount", str(self.place)],
                                                              stderr=subprocess.DEVNULL).returncode == 0)

    def close(self):
        self.set("works")
        subprocess.run(["umount", str(self.place)], stderr=subprocess.DEVNULL)


class Mapper(broken_disk_test.BrokenDisk):
    # What needs a record of the writes, or a disk that fails flushes alone.
    test_after_a_failed_write_nothing_more_is_written_though_the_disk_works_again = None
    test_a_flush_that_fails_stops_the_server_for_good = None
    test_blocks_that_were_lost_amid_others_are_reported_and_nothing_is_changed = None

    def disk_make(self):
        return MappedDisk(self, self.memory / "disk")


if __name__ == "__main__":
    fault.namespace_enter()
    fault.main()
