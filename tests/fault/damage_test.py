"""Damage at rest: what was acknowledged and is damaged is reported, never served, and nothing is changed by finding it.

Blocks are found here by FORMAT.md, not by the journal's own reader.
"""
import shutil
import struct
import subprocess

import fault
import jifend
from fault import PROGRAMS, WAIT, Client, flip
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
        middle = self.with_entries[len(self.with_entries) // 2]
        fields = {"header checksum": 0, "magic": 17, "format version": 24, "partition": 28, "ledger id": 40,
                  "generation": 48, "epoch": 56, "incarnation": 64, "segment": 72, "offset": 80, "durable sequence": 88,
                  "length": 97, "envelope's rest": 110, "body checksum": 130, "previous checksum": 150, "sequence": 160,
                  "first position": 168, "time": 176, "entry count": 184, "payload size": 188, "body's rest": 200}
        places = {(middle, field): offset for field, offset in fields.items()}
        for block in (self.with_entries[0], middle, self.with_entries[-1]):
            places[block, "entry's size"] = HEADER_BYTES
            places[block, "payload"] = HEADER_BYTES + block.payload - 1
            places[block, "padding"] = block.length - 1
        for (block, place), offset in places.items():
            with self.subTest(block=block.sequence, place=place):
                ledger, where = self.copy()
                flip(where(block), block.offset + offset)
                self.assert_refused(ledger, self.words(ledger, block))

    def test_a_damaged_header_is_made_again_and_everything_is_there(self):
        block = self.with_entries[len(self.with_entries) // 2]
        ledger, where = self.copy()
        flip(where(block), block.offset + 64)
        command = [PROGRAMS / "jifen", "journal", "repair", ledger]
        before = fault.tree_of(ledger)
        for flags, code, words in ((["--json"], 5, ['"fields":"incarnation"', '"exact":true', '"written":false']),
                                   (["--write"], 0, [f"offset {block.offset}", "is made again", "1 headers"]),
                                   ([], 0, ["0 headers"])):
            done = subprocess.run([*command, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  timeout=WAIT)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            for word in words:
                self.assertIn(word, done.stdout)
            if code != 0:
                self.assertEqual(fault.tree_of(ledger), before)
        self.assertEqual(where(block).read_bytes(), block.path.read_bytes())
        server, client = self.start_copy(ledger)
        self.assertEqual(fault.status_of(client).sales, SALES)
        self.assert_ties(client)
        self.assertEqual(server.stop(), 0)

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

    def test_the_superblock_is_read_from_any_copy_that_is_whole_and_else_refused(self):
        for damaged in ((0,), (3,), (0, 1, 2), (1, 2, 3)):
            for offset in (3, 17, 40, 48, 80, 4095):
                with self.subTest(copies=damaged, offset=offset):
                    ledger, _ = self.copy()
                    for copy in damaged:
                        flip(ledger / "journal" / "SUPERBLOCK", 4096 * copy + offset)
                    done = subprocess.run([PROGRAMS / "jifen", "journal", "verify", ledger], stdout=subprocess.PIPE,
                                          stderr=subprocess.PIPE, text=True, timeout=WAIT)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn(f"SUPERBLOCK {len(damaged)} are damaged", done.stdout)
        with open(ledger / "journal" / "SUPERBLOCK", "r+b") as file:
            file.truncate(4096 * 1)  # and the copy that is left is the one that was whole
        server, client = self.start_copy(ledger)
        self.assertEqual(fault.status_of(client).sales, SALES)
        self.assertEqual(server.stop(), 0)
        mended = (ledger / "journal" / "SUPERBLOCK").read_bytes()
        self.assertEqual(mended, 4 * mended[:4096])
        self.assertIn("SUPERBLOCK 3 were damaged: all were written again", server.log.read_text())
        for size, flipped in ((16384, (0, 1, 2, 3)), (0, ()), (4000, ())):
            with self.subTest(size=size):
                ledger, _ = self.copy()
                for copy in flipped:
                    flip(ledger / "journal" / "SUPERBLOCK", 4096 * copy + 40)
                with open(ledger / "journal" / "SUPERBLOCK", "r+b") as file:
                    file.truncate(size)
                self.assert_refused(ledger, [str(ledger), "SUPERBLOCK"])

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


class Segments(fault.Case):
    """A journal of three segments: each publication brings a long comment."""
    PUBLICATIONS = 9

    def setUp(self):
        super().setUp()
        self.ledger = self.make("first")
        self.segments = sorted(block.path for block in blocks_of(self.ledger) if block.offset == 0)
        self.assertEqual(len(self.segments), 3)

    def make(self, name):
        server = self.serve(self.folder / name, *FLAGS)
        yaml = jifend.PROGRAMME.read_text() + "# " + 900_000 * "x" + "\n"
        with server.channel() as channel:
            client = Client(channel)
            for index in range(self.PUBLICATIONS):
                client.programmes.Publish(jifend.programmes_pb2.PublishRequest(
                    transaction_id=f"p{index}", yaml=yaml, file_name="long.yaml"), timeout=WAIT)
        self.assertEqual(server.stop(), 0)
        return self.folder / name / "ledger"

    def assert_refused(self, codes, words):
        """By a start that needs all of the journal, by verify, and by a rebuild."""
        shutil.rmtree(self.ledger / "state", ignore_errors=True)
        before = fault.tree_of(self.ledger)
        code, error = self.run_jifend(self.ledger, *FLAGS)
        self.assertIn(code, codes, error)
        for word in words:
            self.assertIn(word, error)
        for command in (["journal", "verify", self.ledger], ["rebuild", "--data", self.ledger]):
            done = subprocess.run([PROGRAMS / "jifen", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=WAIT)
            self.assertIn(done.returncode, (4, 5), done.stdout + done.stderr)
        self.assertEqual(fault.tree_of(self.ledger), before)

    def test_segments_that_changed_places_are_gone_cut_or_another_ledgers_are_refused(self):
        first, second, third = self.segments
        keep = {path: path.read_bytes() for path in self.segments}
        other = self.make("other") / "journal"
        cases = {"swapped": ({second: keep[third], third: keep[second]}, (DAMAGED,), ["segment-", "offset ", "block "]),
                 "gone": ({second: None}, (DAMAGED,), [second.name, "is missing"]),
                 "the first gone": ({first: None}, (DAMAGED,), [first.name, "is missing"]),
                 "cut": ({second: keep[second][:1 << 20]}, (DAMAGED,), [second.name]),
                 "cut within a sector": ({second: keep[second][:-100]}, (DAMAGED,), [second.name]),
                 "empty": ({second: b""}, (DAMAGED,), [second.name]),
                 "twice": ({second: keep[first]}, (DAMAGED,), ["segment-", "offset "]),
                 "another ledger's": ({second: (other / second.name).read_bytes()}, (DAMAGED,), ["segment-", "offset "]),
                 "another ledger's first": ({first: (other / first.name).read_bytes()}, (3,),
                                            [first.name, "another ledger"]),
                 "all another ledger's": ({path: (other / path.name).read_bytes() for path in self.segments}, (3,),
                                          [first.name, "another ledger"])}
        for name, (contents, codes, words) in cases.items():
            with self.subTest(case=name):
                for path, content in keep.items():
                    path.write_bytes(content)
                for path, content in contents.items():
                    path.unlink()
                    if content is not None:
                        path.write_bytes(content)
                self.assert_refused(codes, words)
        for path, content in keep.items():
            path.write_bytes(content)
        server = self.serve(self.folder / "first", *FLAGS)
        with server.channel() as channel:
            self.assertEqual(fault.status_of(Client(channel)).programme_version, self.PUBLICATIONS)
        self.assertEqual(server.stop(), 0)

    def test_a_superblock_of_another_ledger_is_refused(self):
        other = self.make("other") / "journal"
        shutil.copy(other / "SUPERBLOCK", self.ledger / "journal" / "SUPERBLOCK")
        self.assert_refused((3,), ["another ledger"])

    def test_a_block_that_stands_twice_is_refused(self):
        blocks = [block for block in blocks_of(self.ledger) if block.path == self.segments[1] and block.entries > 0]
        content = bytearray(self.segments[1].read_bytes())
        one, other = blocks[0], blocks[1]
        self.assertEqual(one.length, other.length)
        content[other.offset:other.offset + other.length] = content[one.offset:one.offset + one.length]
        self.segments[1].write_bytes(content)
        self.assert_refused((DAMAGED,), [self.segments[1].name, f"offset {other.offset}", f"block {other.sequence}"])


if __name__ == "__main__":
    fault.main()
