"""Damage at rest: what was acknowledged and is damaged is reported, never served, and nothing is changed by finding it.

Blocks are found here by FORMAT.md, not by the journal's own reader.
"""
import shutil
import struct
import subprocess

import fault
from fault import PROGRAMS, WAIT, Client
from jifend import grpc, ledger_pb2, number, sale

BLOCK_MAGIC = b"\x01JFBLOCK"
HEADER_BYTES = 256
SALES = 60
# Nothing is flushed while the test runs: every block is read again at the next start.
FLAGS = ("--segment-mib", "4", "--checkpoint-entries", "1000000", "--checkpoint-seconds", "86400")
DAMAGED = 4


class Block:
    def __init__(self, path, offset, header):
        self.path, self.offset = path, offset
        self.length, = struct.unpack_from("<I", header, 96)
        self.sequence, = struct.unpack_from("<Q", header, 160)
        self.entries, self.payload = struct.unpack_from("<II", header, 184)


def blocks_of(ledger):
    """Every block of the journal, oldest first."""
    blocks = []
    for path in sorted(ledger.rglob("segment-*.jfl")):
        content, offset = path.read_bytes(), 0
        while content[offset + 16:offset + 24] == BLOCK_MAGIC:
            blocks.append(Block(path, offset, content[offset:offset + HEADER_BYTES]))
            offset += blocks[-1].length
    return blocks


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


class Damage(fault.Case):
    """A ledger of some sales whose server was killed once all was acknowledged; a copy for each kind of damage."""

    def setUp(self):
        super().setUp()
        server = self.serve(self.folder / "first", *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            client.chain()
            client.enrol(1)
            for index in range(SALES):
                self.last = client.sell(sale(f"s{index}")).outcome
            self.ends(server)
        self.ledger = self.folder / "first" / "ledger"
        self.blocks = blocks_of(self.ledger)
        self.with_entries = [block for block in self.blocks if block.entries > 0]
        self.assertGreaterEqual(len(self.with_entries), SALES)

    def ends(self, server):
        # The seal on idle: an empty block says that the last one was durable.
        fault.wait_until("the seal", lambda: blocks_of(server.folder / "ledger")[-1].entries == 0)
        server.kill()

    def copy(self):
        """A fresh copy. Returns its ledger's folder and how to find a block in it."""
        target = self.folder / "copy"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.folder / "first", target)
        ledger = target / "ledger"
        return ledger, lambda block: ledger / block.path.relative_to(self.ledger)

    @staticmethod
    def words(ledger, block):
        return [str(ledger), block.path.name, f"offset {block.offset}", f"block {block.sequence}"]

    def assert_refused(self, ledger, words):
        before = fault.tree_of(ledger)
        self.assert_ends(DAMAGED, words, ledger, *FLAGS)
        self.assertEqual(fault.tree_of(ledger), before)
        before = fault.tree_of(ledger)
        done = subprocess.run([PROGRAMS / "jifen", "verify", "--data", ledger], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=WAIT)
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertEqual(fault.tree_of(ledger), before)

    def test_a_flipped_bit_of_an_acknowledged_block_is_refused_naming_file_and_offset(self):
        chosen = [self.with_entries[0], self.with_entries[len(self.with_entries) // 2], self.with_entries[-1]]
        places = {"the payload's first byte": lambda block: HEADER_BYTES,
                  "the payload's last byte": lambda block: HEADER_BYTES + block.payload - 1,
                  "the header's checksum": lambda block: 0, "the magic": lambda block: 17,
                  "the length": lambda block: 97, "the durable sequence": lambda block: 88,
                  "the previous checksum": lambda block: 150, "the entry count": lambda block: 184,
                  "the padding": lambda block: block.length - 1}
        for block in chosen:
            for place, offset in places.items():
                with self.subTest(block=block.sequence, place=place):
                    ledger, where = self.copy()
                    flip(where(block), block.offset + offset(block))
                    self.assert_refused(ledger, self.words(ledger, block))

    def test_an_acknowledged_block_that_became_zeros_is_refused(self):
        block = self.with_entries[len(self.with_entries) // 2]
        ledger, where = self.copy()
        with open(where(block), "r+b") as file:
            file.seek(block.offset)
            file.write(bytes(block.length))
        self.assert_refused(ledger, self.words(ledger, block))

    def test_two_blocks_of_equal_length_that_changed_places_are_refused(self):
        first, second = next((one, two) for one, two in zip(self.with_entries[5:], self.with_entries[6:])
                             if one.length == two.length and one.path == two.path)
        ledger, where = self.copy()
        content = bytearray(where(first).read_bytes())
        one = content[first.offset:first.offset + first.length]
        content[first.offset:first.offset + first.length] = content[second.offset:second.offset + second.length]
        content[second.offset:second.offset + second.length] = one
        where(first).write_bytes(content)
        self.assert_refused(ledger, self.words(ledger, first))

    def test_a_last_segment_that_was_cut_short_below_what_was_acknowledged_is_refused(self):
        block = self.with_entries[len(self.with_entries) // 2]
        for size in (block.offset, block.offset + 100, 0):
            with self.subTest(size=size):
                ledger, where = self.copy()
                with open(where(block), "r+b") as file:
                    file.truncate(size)
                self.assert_refused(ledger, [block.path.name])

    def test_a_journal_that_lost_its_segments_or_superblock_is_refused(self):
        for gone in ("segment-*.jfl", "SUPERBLOCK"):
            with self.subTest(gone=gone):
                ledger, _ = self.copy()
                for path in list(ledger.rglob(gone)):
                    path.unlink()
                before = fault.tree_of(ledger)
                code, error = self.run_jifend(ledger, *FLAGS)
                self.assertIn(code, (3, DAMAGED), error)
                self.assertIn(str(ledger), error)
                self.assertEqual(fault.tree_of(ledger), before)

    def start_copy(self, ledger):
        server = self.serve(ledger.parent, *FLAGS)
        channel = server.channel()
        self.addCleanup(channel.close)
        return server, Client(channel)

    def test_a_torn_seal_is_cut_and_everything_acknowledged_is_there(self):
        seal = self.blocks[-1]
        self.assertEqual(seal.entries, 0)
        for place in (0, 17, HEADER_BYTES - 1):
            with self.subTest(place=place):
                ledger, where = self.copy()
                flip(where(seal), seal.offset + place)
                server, client = self.start_copy(ledger)
                again = client.sell(sale(f"s{SALES - 1}"))
                self.assertEqual((again.replayed, again.outcome), (True, self.last))
                self.assertEqual(fault.status_of(client).sales, SALES)
                self.assert_ties(client)
                self.assertEqual(server.stop(), 0)

    def test_a_seal_whose_padding_is_no_longer_zero_was_not_torn_and_is_refused(self):
        seal = self.blocks[-1]
        ledger, where = self.copy()
        flip(where(seal), seal.offset + seal.length - 1)
        self.assert_refused(ledger, self.words(ledger, seal))

    def test_a_state_that_was_lost_is_made_again_from_the_journal(self):
        ledger, _ = self.copy()
        shutil.rmtree(ledger / "state")
        server, client = self.start_copy(ledger)
        self.assertEqual(client.sell(sale("s0")).replayed, True)
        self.assertEqual(fault.status_of(client).sales, SALES)
        self.assert_ties(client)
        self.assertEqual(server.stop(), 0)

    def test_damage_below_what_was_flushed_is_found_by_verify(self):
        ledger, where = self.copy()
        server, client = self.start_copy(ledger)
        client.operations.Checkpoint(fault.operations_pb2.CheckpointRequest(), timeout=WAIT)
        self.assertEqual(server.stop(), 0)
        block = self.with_entries[len(self.with_entries) // 2]
        flip(where(block), block.offset + HEADER_BYTES)
        done = subprocess.run([PROGRAMS / "jifen", "verify", "--data", ledger], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=WAIT)
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertIn(block.path.name, done.stdout + done.stderr)
        code, error = self.run_jifend_or_serve(ledger)
        self.assertIn(code, (DAMAGED, None), error)

    def run_jifend_or_serve(self, ledger):
        """Starting may read only what is not flushed; where it does start, its Verify must find the damage."""
        try:
            server, client = self.start_copy(ledger)
        except AssertionError as error:
            return DAMAGED, str(error)
        try:
            verdict = list(client.operations.Verify(fault.operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
            self.assertFalse(verdict.ties)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.DATA_LOSS, error.details())
        got = client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=number(1), as_of=20170118), timeout=WAIT)
        self.assertEqual(got.member.visits, SALES)
        server.stop()
        return None, ""

    def test_a_state_of_another_ledger_is_refused_and_neither_half_is_changed(self):
        ledger, where = self.copy()
        torn = self.blocks[-1]
        flip(where(torn), torn.offset + 17)  # what a good start would cut
        other = self.serve(self.folder / "other", *FLAGS)
        self.assertEqual(other.stop(), 0)
        shutil.rmtree(ledger / "state")
        shutil.copytree(self.folder / "other" / "ledger" / "state", ledger / "state")
        before = fault.tree_of(ledger)
        self.assert_ends(3, [str(ledger), "belongs to another ledger"], ledger, *FLAGS)
        self.assertEqual(fault.tree_of(ledger), before)

    def test_a_second_jifend_and_a_foreign_directory_change_nothing(self):
        ledger, _ = self.copy()
        server, client = self.start_copy(ledger)
        self.assert_ends(3, [str(ledger)], ledger)
        self.assertEqual(fault.status_of(client).sales, SALES)
        self.assertEqual(server.stop(), 0)
        foreign = self.folder / "foreign"
        (foreign / "journal").mkdir(parents=True)
        for name in ("journal/accounts.db", "notes.txt"):
            (foreign / name).write_bytes(b"not a ledger")
        before = fault.tree_of(foreign)
        self.assert_ends(3, [str(foreign)], foreign)
        self.assertEqual(fault.tree_of(foreign), before)
        self.assertEqual([path for path in foreign.rglob("*") if path.is_dir()], [foreign / "journal"])


if __name__ == "__main__":
    fault.main()
