"""A disk whose every write and flush is recorded, so that the power can be cut at any record, later and many times.

A file served through FUSE lies under a loop device with ext4 on it: the kernel believes in a disk with a volatile cache.
What it writes is kept in order with the flushes in between. A cut at record N keeps everything up to the last flush
before N and any subset of what came after, torn too: what dm-log-writes gives where the kernel has it. The disk
can also fail its writes, its flushes or its reads, as dm-flakey can, or lose the journal's blocks in silence.

Used by the tests as `Disk`; run as a program it is the disk's own process (FUSE's protocol is linux/fuse.h).
"""
import ctypes
import errno
import mmap
import os
import pathlib
import struct
import subprocess
import sys
import time

if __name__ != "__main__":  # the disk's own process needs none of it
    import fault

SECTOR, BLOCK = 512, 4096
REQUEST_BYTES = 1 << 20
NAME = "disk"
MODES = {"works": 0, "fails writes": 1, "fails flushes": 2, "fails reads": 3, "loses blocks": 4}
BLOCK_MAGIC = b"\x01JFBLOCK"
WRITE, FLUSH = 0, 1
RECORD = struct.Struct("<BQQB")  # kind, offset, size, whether the bytes follow (else they are zeros)
# What the disk's process and the test share: words that are read and written whole, never byte by byte (as struct does).
CONTROL_WORDS = 3
RECORDS, MODE, LOST = range(CONTROL_WORDS)


# ---- The disk's own process ---------------------------------------------------------

class Fuse:
    """One directory with one file, by the kernel's protocol."""
    HEADER = struct.Struct("<IIQQIIIHH")
    IGNORED = (2, 36, 42)  # FORGET, INTERRUPT, BATCH_FORGET: no answer is expected

    def __init__(self, folder, image, log, control):
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"jifen-disk", os.fsencode(folder), b"fuse", 6, options.encode()) != 0:  # nosuid, nodev
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self.image, self.log, self.control = image, log, control
        self.size = len(image)
        self.answers = {26: self.init, 1: self.lookup, 3: self.getattr, 4: self.getattr, 14: self.open, 15: self.read,
                        16: self.write, 18: self.empty, 20: self.fsync, 25: self.empty, 34: self.empty, 38: self.empty}

    def serve(self):
        """Until it is unmounted."""
        while True:
            try:
                request = os.read(self.fd, REQUEST_BYTES + 65536)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                raise
            _, opcode, unique, node, *_ = self.HEADER.unpack_from(request)
            if opcode in self.IGNORED:
                continue
            answer = self.answers.get(opcode, lambda node, body: -errno.ENOSYS)(node, request[self.HEADER.size:])
            error, data = (answer, b"") if isinstance(answer, int) else (0, answer)
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), error, unique) + data)

    @staticmethod
    def init(_node, body):
        major, minor, readahead, _ = struct.unpack_from("<IIII", body)
        big_writes, max_pages = 1 << 5, 1 << 22
        return struct.pack("<IIIIHHIIHHI32x", major, min(minor, 31), readahead, big_writes | max_pages, 16, 12,
                           REQUEST_BYTES, 1, REQUEST_BYTES // 4096, 0, 0)[:64]

    def attributes(self, node):
        mode, size = (0o40755, 0) if node == 1 else (0o100600, self.size)
        return struct.pack("<6Q10I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, os.getuid(), os.getgid(), 0, 4096, 0)

    def lookup(self, _node, body):
        if body.rstrip(b"\0").decode() != NAME:
            return -errno.ENOENT
        return struct.pack("<4Q2I", 2, 0, 3600, 3600, 0, 0) + self.attributes(2)

    def getattr(self, node, _body):
        return struct.pack("<QII", 3600, 0, 0) + self.attributes(node)

    @staticmethod
    def open(_node, _body):
        direct = 1  # nothing may stay in a cache of the kernel's below the loop device
        return struct.pack("<QIi", 0, direct, 0)

    @staticmethod
    def empty(_node, _body):
        return b""

    def mode(self):
        return self.control[MODE]

    def read(self, _node, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        if self.mode() == MODES["fails reads"]:
            return -errno.EIO
        return self.image[offset:min(offset + size, self.size)]

    def write(self, _node, body):
        _, offset, size = struct.unpack_from("<QQI", body)
        mode = self.mode()
        if mode == MODES["fails writes"]:
            return -errno.EIO
        data = body[40:40 + size]
        if mode == MODES["loses blocks"] and data[16:24] == BLOCK_MAGIC:
            self.control[LOST] += 1
        else:
            self.image[offset:offset + size] = data
            self.record(WRITE, offset, data)
        return struct.pack("<II", size, 0)

    def fsync(self, _node, _body):
        if self.mode() == MODES["fails flushes"]:
            return -errno.EIO
        self.record(FLUSH, 0, b"")
        return b""

    def record(self, kind, offset, data):
        """Counted before it is answered: whoever has an answer that waited for it sees the count."""
        is_zero = data == bytes(len(data))
        self.log.write(RECORD.pack(kind, offset, len(data), not is_zero))
        if not is_zero:
            self.log.write(data)
        self.log.flush()
        self.control[RECORDS] += 1


def mapped(path):
    with open(path, "r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def control_of(folder):
    """The shared words of a disk's folder, by RECORDS, MODE and LOST."""
    return memoryview(mapped(folder / "control")).cast("Q")


def disk_main(folder):
    """The process: FOLDER/image, FOLDER/log, FOLDER/control; serves FOLDER/fuse/disk."""
    folder = pathlib.Path(folder)
    with open(folder / "log", "wb", buffering=1 << 21) as log:
        Fuse(folder / "fuse", mapped(folder / "image"), log, control_of(folder)).serve()


# ---- The tests' side ----------------------------------------------------------------

class Disk:
    """A mounted disk. In: a new folder on a file system in memory; the bytes of an earlier disk, or none. Skips the test,
    saying why, where this cannot be."""

    def __init__(self, case, folder, base=None, size_mib=64):
        self.case = case
        self.folder = pathlib.Path(folder)
        (self.folder / "fuse").mkdir(parents=True)
        with open(self.folder / "image", "wb") as image:
            image.truncate(size_mib << 20)
            image.write(base or b"")
        if base is None:
            subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard,lazy_itable_init=0",
                            str(self.folder / "image")], check=True)
        self.is_first = base is None
        self.base = base or (self.folder / "image").read_bytes()
        (self.folder / "control").write_bytes(bytes(8 * CONTROL_WORDS))
        self.control = control_of(self.folder)
        self.process = subprocess.Popen([sys.executable, __file__, str(self.folder)], stderr=subprocess.PIPE, text=True)
        case.addCleanup(self.close)
        self.wait_served()
        self.place = self.folder / "mounted"
        self.mount()

    def wait_served(self):
        while self.process.poll() is None and not os.path.ismount(self.folder / "fuse"):
            time.sleep(0.01)
        if self.process.poll() is not None:
            self.case.skipTest(f"no FUSE here: {self.process.stderr.read().strip().splitlines()[-1]}")

    def mount(self):
        self.place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "ext4", "-o", "loop", str(self.folder / "fuse" / NAME), str(self.place)],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0 and self.is_first:
            self.case.skipTest(f"no file of FUSE's can be mounted here: {done.stderr.strip()}")
        self.case.assertEqual(done.returncode, 0, done.stderr)

    def unmount(self):
        """What was cached above the disk is gone then, as after a restart of the machine."""
        # A killed server's files may stay open a moment longer than the server.
        fault.wait_until("an unmount", lambda: subprocess.run(["umount", str(self.place)],
                                                              stderr=subprocess.DEVNULL).returncode == 0)

    def close(self):
        self.set("works")
        for place in (self.place, self.folder / "fuse"):
            subprocess.run(["umount", "--lazy", str(place)], stderr=subprocess.DEVNULL)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def set(self, mode):
        self.control[MODE] = MODES[mode]

    def records(self):
        """How many writes and flushes the disk has answered."""
        return self.control[RECORDS]

    def lost(self):
        """How many of the journal's blocks it has lost."""
        return self.control[LOST]

    def log(self):
        """Every record so far: (kind, offset, size, bytes or None for zeros). See is_block."""
        count = self.records()
        content = (self.folder / "log").read_bytes()
        records, at = [], 0
        while len(records) < count:
            kind, offset, size, has_bytes = RECORD.unpack_from(content, at)
            at += RECORD.size
            records.append((kind, offset, size, content[at:at + size] if has_bytes else None))
            at += size if has_bytes else 0
        return records


def is_block(record):
    """Whether a record is a write of a block of the ledger's journal."""
    return record[0] == WRITE and record[3] is not None and record[3][16:24] == BLOCK_MAGIC


class Power:
    """Cuts the power of a recorded disk. In: cuts in ascending order only."""

    def __init__(self, disk, generator):
        self.log = disk.log()
        self.safe = bytearray(disk.base)  # with the first `applied` records
        self.applied = 0
        self.random = generator

    def cut(self, at):
        """The disk's bytes when the power went after `at` records. Returns: a bytearray."""
        flushed = next((index + 1 for index in range(at - 1, -1, -1) if self.log[index][0] == FLUSH), 0)
        for record in self.log[self.applied:flushed]:
            write(self.safe, record)
        self.applied = max(self.applied, flushed)
        image = bytearray(self.safe)
        volatile = [record for record in self.log[self.applied:at] if record[0] == WRITE]
        self.random.shuffle(volatile)
        chance = self.random.choice((0.0, 0.5, 1.0))
        for record in volatile:
            if self.random.random() < chance:
                write(image, record)
            elif self.random.random() < 0.5:
                write(image, record, lambda: self.random.random() < 0.5)
        return image


def write(image, record, lands=None):
    """Applies a record to the disk's bytes: all of it, or the sectors that land."""
    kind, offset, size, data = record
    if kind != WRITE:
        return
    data = bytes(size) if data is None else data
    if lands is None:
        image[offset:offset + size] = data
        return
    # ext4 does not survive a superblock of its own that is torn within 4 KiB: only the ledger's blocks are.
    unit = SECTOR if is_block(record) else BLOCK
    for at in range(0, size, unit):
        if lands():
            part = data[at:at + unit]  # the last may be shorter than a unit
            image[offset + at:offset + at + len(part)] = part


if __name__ == "__main__":
    disk_main(sys.argv[1])
