"""What the crash tests share: folders, fingerprints of directories, ledgers compared whole, mounts of their own."""
import csv
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rpc"))

import jifend  # noqa: E402
from jifend import PROGRAMS, WAIT, Client, common_pb2, ledger_pb2, operations_pb2  # noqa: E402

SKIPPED = 77
BLOCK_MAGIC = b"\x01JFBLOCK"
IN_NAMESPACE = "JF_TEST_IN_NAMESPACE"


class Case(unittest.TestCase):
    """A folder beside the programs, where O_DIRECT works; servers that are gone at the end, whatever happened."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fault-", dir=PROGRAMS))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def serve(self, folder, *flags, environment=None):
        folder.mkdir(exist_ok=True)
        server = jifend.Jifend(folder, *flags, environment=environment)
        self.addCleanup(lambda: server.process.poll() is None and server.kill())
        return server

    def run_jifend(self, data, *flags, before=()):
        """Returns exit code and stderr of a jifend that must end by itself."""
        done = subprocess.run([*before, PROGRAMS / "jifend", "--data", data, "--listen", "127.0.0.1:0", *flags],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=WAIT)
        return done.returncode, done.stderr

    def assert_ends(self, code, words, data, *flags, before=()):
        got, error = self.run_jifend(data, *flags, before=before)
        self.assertEqual(got, code, error)
        for word in words:
            self.assertIn(word, error)

    def assert_ties(self, client):
        verdict = list(client.operations.Verify(operations_pb2.VerifyRequest(), timeout=600))[-1]
        self.assertTrue(verdict.done and verdict.ties, verdict.difference)
        return verdict


def flip(path, offset):
    """Another bit at that byte of a file."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def status_of(client):
    return client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)


def tree_of(folder):
    """{path: fingerprint} of all files below a folder. LOCK is left out: it holds the last process's id."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "LOCK"}


def is_sealed(ledger):
    """Whether the journal's last block is an empty one, which says that the one before it was durable."""
    entries = None
    for path in sorted((ledger / "journal").glob("segment-*.jfl")):
        content, offset = path.read_bytes(), 0
        while content[offset + 16:offset + 24] == BLOCK_MAGIC:
            length, = struct.unpack_from("<I", content, offset + 96)
            entries, = struct.unpack_from("<I", content, offset + 184)
            offset += length
    return entries == 0


def jifen(server, *arguments):
    """A `jifen` under way."""
    return subprocess.Popen([PROGRAMS / "jifen", *arguments, "--address", f"127.0.0.1:{server.port}"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def receipts_write(path, members, days, seed):
    with open(path, "wb") as out:
        subprocess.run([PROGRAMS / "jifen", "generate", "--stores", "10", "--members", str(members), "--days",
                        str(days), "--start", "2017-03-06", "--seed", str(seed)], stdout=out, check=True, timeout=WAIT)


def members_in(path):
    with open(path, newline="") as lines:
        return sorted({int(row["member_id"]) for row in csv.DictReader(lines)})


def receipts_in(path):
    with open(path, newline="") as lines:
        return len({row["receipt_id"] for row in csv.DictReader(lines)})


def ledger_of(client, numbers, as_of):
    """All that reading tells of a ledger, but positions, which depend on the order in which tills were served."""
    members = {}
    for at in range(0, len(numbers), 500):
        calls = [(number, client.ledger.GetMember.future(ledger_pb2.GetMemberRequest(
            member=common_pb2.MemberRef(number=number), as_of=as_of), timeout=WAIT))
            for number in numbers[at:at + 500]]
        for number, call in calls:
            member = call.result().member
            member.last_position = 0
            members[number] = member.SerializeToString(deterministic=True)
    status = status_of(client)
    totals = sorted((total.account, total.entity, total.reason_name, total.points) for total in status.totals)
    return members, totals, (status.sales, status.lines, status.members, status.stores, status.position_last)


def wait_until(what, holds):
    """Polls, bounded."""
    deadline = time.monotonic() + WAIT
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {WAIT} s")
        time.sleep(0.002)


def namespace_enter():
    """Runs the program again in a mount namespace, so that its mounts end with it; as root, or as root of its own."""
    if os.environ.get(IN_NAMESPACE):
        return
    for flags in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        tried = subprocess.run(["unshare", *flags, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        if tried.returncode == 0:
            os.environ[IN_NAMESPACE] = "1"
            os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    print("skipped: no mount namespace may be made here (unshare --mount), so no small or unfit disk")
    sys.exit(SKIPPED)


def mount(case, kind, options, target, source="none"):
    """Mounts, or skips the test saying why. The mount ends with the test."""
    target.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", kind, *(["-o", options] if options else []), source, str(target)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        case.skipTest(f"{kind} cannot be mounted here: {done.stderr.strip()}")
    case.addCleanup(subprocess.run, ["umount", "--lazy", str(target)], stderr=subprocess.DEVNULL)


def takes_direct(folder):
    """Whether files of the folder can be opened with O_DIRECT."""
    path = folder / "probe"
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_DIRECT))
        return True
    except OSError:
        return False
    finally:
        path.unlink(missing_ok=True)


def main():
    """As unittest.main, but exit code 77 where every test skipped."""
    result = unittest.main(argv=[sys.argv[0], *sys.argv[2:]], exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if result.testsRun == len(result.skipped) else 0)
