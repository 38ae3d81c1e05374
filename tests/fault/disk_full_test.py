"""A full disk: writes are refused at once and clearly, reads go on, nothing is lost once there is room again.

On small file systems of their own: tmpfs, and ext4 on a loop device where that is allowed.
"""
import errno
import os
import random
import subprocess
import unittest

import fault
from fault import WAIT, Client
from jifend import grpc, ledger_pb2, line, number, operations_pb2, refusal_of, sale

MIB = 1 << 20
SIZE_MIB, RESERVE_MIB = 192, 32
FLAGS = ("--segment-mib", "4", "--reserve-mib", str(RESERVE_MIB), "--cache-mib", "8", "--checkpoint-entries", "1000")
TRIES = 4000  # sales of 20 KiB that fill many segments
LINES = [line(sku=f"{index:032}", category="C" * 64) for index in range(200)]


class DiskFull(fault.Case):
    def small_disk(self, kind):
        place = self.folder / kind
        if kind == "tmpfs":
            fault.mount(self, kind, f"size={SIZE_MIB}m", place)
        else:
            image = self.folder / "image"
            with open(image, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, SIZE_MIB * MIB)
            subprocess.run(["/sbin/mkfs.ext4", "-q", "-F", str(image)], check=True)
            fault.mount(self, kind, "loop", place, str(image))
        if not fault.takes_direct(place):
            self.skipTest(f"{kind} takes no O_DIRECT here")
        return place

    def begin(self, place, *flags):
        self.place = place
        self.server = self.serve(place, *FLAGS, *flags)
        self.connect()
        self.client.chain()
        self.client.enrol(1)
        self.answers = {}
        self.post(50)

    def lines(self, _name):
        return LINES

    def connect(self):
        channel = self.server.channel()
        self.addCleanup(channel.close)
        self.client = Client(channel)

    def post(self, most):
        """Posts until something is refused. Returns the error, or None."""
        for _ in range(most):
            name = f"s{len(self.answers)}"
            try:
                self.answers[name] = self.client.sell(sale(name, lines=self.lines(name))).outcome
            except grpc.RpcError as error:
                return error
        return None

    def fill(self, left_bytes):
        """A file that leaves so much room. The server may take some between the question and the taking."""
        with open(self.place / "ballast", "ab") as file:
            for _ in range(100):
                free = os.statvfs(self.place)
                try:
                    os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_bsize - left_bytes))
                    return
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        self.fail("the room never stood still")

    def assert_reads(self):
        got = self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=number(1), as_of=20170118), timeout=WAIT)
        self.assertEqual(got.member.visits, len(self.answers))
        entry = self.client.ledger.GetTransaction(ledger_pb2.GetTransactionRequest(transaction_id="s0"), timeout=WAIT)
        self.assertEqual(entry.entry.outcome, self.answers["s0"])
        # What was posted before is answered, not refused.
        again = self.client.sell(sale("s1", lines=LINES))
        self.assertEqual((again.replayed, again.outcome), (True, self.answers["s1"]))

    def assert_nothing_lost(self):
        for name, outcome in self.answers.items():
            again = self.client.sell(sale(name, lines=self.lines(name)))
            self.assertEqual((again.replayed, again.outcome), (True, outcome))
        self.assertEqual(fault.status_of(self.client).sales, len(self.answers))
        self.assert_ties(self.client)

    def assert_refused_as_full(self, error):
        self.assertIsNotNone(error, "writes went on beyond the reserve")
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error.details())
        self.assertEqual(refusal_of(error).code, "DISK_FULL")
        self.assertTrue(error.details().startswith("DISK_FULL: "), error.details())

    def room_again(self):
        (self.place / "ballast").unlink()

        def is_posted():
            error = self.post(1)
            if error is not None:
                self.assert_refused_as_full(error)
            return error is None
        fault.wait_until("a write after there was room again", is_posted)
        self.assertIsNone(self.post(50))

    def reserve_reached(self, kind):
        self.begin(self.small_disk(kind))
        self.fill((RESERVE_MIB - 2) * MIB)
        self.assert_refused_as_full(self.post(TRIES))
        status = fault.status_of(self.client)
        self.assertTrue(status.read_only)
        self.assertIn("space", status.read_only_reason)
        self.assert_reads()
        # Refused as a whole, in a batch too: half a batch is never written.
        batch = [ledger_pb2.Write(sale=sale(f"batch-{index}")) for index in range(3)]
        results = []
        try:
            results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=batch), timeout=WAIT).results
        except grpc.RpcError as error:
            self.assert_refused_as_full(error)
        self.assertEqual({result.refusal.code for result in results} - {"DISK_FULL"}, set())
        self.assert_reads()
        self.room_again()
        self.assertFalse(fault.status_of(self.client).read_only)
        self.assert_nothing_lost()
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.connect()
        self.assert_nothing_lost()
        self.assertEqual(self.server.stop(), 0)

    def test_below_the_reserve_writes_are_refused_and_reads_go_on_on_tmpfs(self):
        self.reserve_reached("tmpfs")

    def test_below_the_reserve_writes_are_refused_and_reads_go_on_on_ext4(self):
        self.reserve_reached("ext4")

    def all_is_taken(self, kind):
        """Somebody else takes the last byte, reserve and all: the server refuses or stops, and loses nothing."""
        self.begin(self.small_disk(kind))
        self.fill(0)
        error = self.post(TRIES)
        self.assertIsNotNone(error)
        if self.server.process.poll() is None and error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
            self.assert_refused_as_full(error)
            self.assert_reads()
        code = self.server.stop()
        log = self.server.log.read_text()
        self.assertIn(code, (0, 1), log)
        self.assertTrue(code == 0 or "space" in log.lower(), log)
        (self.place / "ballast").unlink()
        self.server.start()
        self.connect()
        self.assert_nothing_lost_but_the_last()
        self.assertEqual(self.server.stop(), 0)

    def assert_nothing_lost_but_the_last(self):
        """What was answered is there; the one that was not may be, whole."""
        sales = fault.status_of(self.client).sales
        self.assertIn(sales - len(self.answers), (0, 1))
        if sales > len(self.answers):
            name = f"s{len(self.answers)}"
            self.answers[name] = self.client.sell(sale(name, lines=self.lines(name))).outcome
        self.assert_nothing_lost()

    def test_when_all_is_taken_nothing_is_lost_on_tmpfs(self):
        self.all_is_taken("tmpfs")

    def test_when_all_is_taken_nothing_is_lost_on_ext4(self):
        self.all_is_taken("ext4")

    def test_a_start_on_a_full_disk_is_refused_and_changes_nothing(self):
        self.begin(self.small_disk("tmpfs"))
        self.server.kill()
        self.fill(0)
        before = fault.tree_of(self.place / "ledger")
        self.assert_ends(3, [str(self.place), "disk is full", "Nothing is lost"], self.place / "ledger", *FLAGS)
        self.assertEqual(fault.tree_of(self.place / "ledger"), before)
        (self.place / "ballast").unlink()
        self.server.start()
        self.connect()
        self.assert_nothing_lost()
        self.assertEqual(self.server.stop(), 0)

    def test_verifying_and_rebuilding_without_room_is_no_difference_and_changes_nothing(self):
        self.begin(self.small_disk("tmpfs"))
        self.assertEqual(self.server.stop(), 0)
        for left in (0, MIB // 2):
            self.fill(left)
            for command in ("verify", "rebuild"):
                done = subprocess.run([fault.PROGRAMS / "jifen", command, "--data", self.place / "ledger"],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=WAIT)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn("free", done.stderr)
            (self.place / "ballast").unlink()
        self.server.start()
        self.connect()
        self.assert_nothing_lost()
        self.assertEqual(self.server.stop(), 0)

    def test_a_disk_too_small_for_a_ledger_is_said_at_the_start(self):
        place = self.small_disk("tmpfs")
        self.place = place
        self.fill(8 * MIB)
        self.assert_ends(3, [str(place)], place / "ledger", "--segment-mib", "64", "--reserve-mib", "32")


class FlushWithoutRoom(DiskFull):
    """The state's flush finds less room than it needs, though more than is asked for before it is begun."""

    def lines(self, name):
        """Twenty kilobytes that do not compress."""
        draw = random.Random(name)
        return [line(sku=f"{draw.getrandbits(128):032x}", category=f"{draw.getrandbits(256):064x}") for _ in range(200)]

    def test_a_flush_that_runs_out_of_room_ends_the_server_and_loses_nothing(self):
        self.begin(self.small_disk("tmpfs"), "--checkpoint-entries", "1000000", "--checkpoint-seconds", "86400")
        self.assertIsNone(self.post(800))
        self.fill((RESERVE_MIB // 4 + 1) * MIB)
        with self.assertRaises(grpc.RpcError):
            self.client.operations.Checkpoint(operations_pb2.CheckpointRequest(), timeout=WAIT)
        self.assertEqual(self.server.process.wait(WAIT), 1)
        self.assertIn("No space left", self.server.log.read_text())
        (self.place / "ballast").unlink()
        self.server.start()
        self.connect()
        self.assert_nothing_lost()
        self.assertEqual(self.server.stop(), 0)


def load_tests(loader, _tests, _pattern):
    """What the second class inherits is tried by the first."""
    own = [name for name in loader.getTestCaseNames(FlushWithoutRoom) if name not in dir(DiskFull)]
    return unittest.TestSuite([loader.loadTestsFromTestCase(DiskFull), *map(FlushWithoutRoom, own)])


if __name__ == "__main__":
    fault.namespace_enter()
    fault.main()
