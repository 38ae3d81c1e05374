"""Damage at rest in the state's files: each part of each kind of file is refused, naming it, or does not matter; a
wrong answer is never given, neither at start nor by a server that meets the damage while it runs."""
import shutil
import subprocess

import fault
import rocksdb_files
from fault import PROGRAMS, WAIT, Client, common_pb2, ledger_pb2, operations_pb2
from jifend import grpc, number, sale

FLAGS = ("--segment-mib", "4")
MEMBERS, SALES = 40, 120
DAMAGED, FAILED = 4, 1  # exit codes of jifend
BROKEN = 5  # of jifen
REMEDY = "jifen rebuild --data DIR"
HARMLESS = {"filter"}  # without it look-ups take longer


def sale_of(index):
    return sale(f"s{index}", 1 + index % MEMBERS)


class DamagedState(fault.Case):
    """A ledger in several flushes, stopped in order; a copy for each kind of damage."""

    def setUp(self):
        super().setUp()
        self.first = self.folder / "first"
        server = self.serve(self.first, *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            client.chain()
            for index in range(1, MEMBERS + 1):
                client.enrol(index, f"card{index}")
            for index in range(SALES):
                client.sell(sale_of(index))
                if index % 50 == 25:
                    client.operations.Checkpoint(operations_pb2.CheckpointRequest(), timeout=WAIT)
            self.answers = self.answers_of(client)
            self.position = fault.status_of(client).position_last
        self.assertEqual(server.stop(), 0)
        self.state = self.first / "ledger" / "state"
        self.ledger = self.folder / "copy" / "ledger"

    def questions(self, client):
        """What reads each table: members, cards, transactions and receipts, entries."""
        for index in range(1, MEMBERS + 1, 6):
            yield lambda index=index: client.ledger.GetMember(
                ledger_pb2.GetMemberRequest(member=number(index), as_of=20170118), timeout=WAIT).member
            yield lambda index=index: client.ledger.GetMember(
                ledger_pb2.GetMemberRequest(member=common_pb2.MemberRef(card=f"card{index}"), as_of=20170118),
                timeout=WAIT).member
            yield lambda index=index: client.ledger.PostSale(sale_of(index), timeout=WAIT).outcome
            yield lambda index=index: client.ledger.History(
                ledger_pb2.HistoryRequest(member=number(index), limit=5), timeout=WAIT)

    def answers_of(self, client):
        return [question() for question in self.questions(client)]

    def copy(self):
        shutil.rmtree(self.ledger.parent, ignore_errors=True)
        shutil.copytree(self.first, self.ledger.parent)
        return self.ledger / "state"

    def verify(self):
        done = subprocess.run([PROGRAMS / "jifen", "verify", "--data", self.ledger], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=WAIT)
        return done.returncode, done.stdout + done.stderr

    def assert_verify_names(self, words):
        before = fault.tree_of(self.ledger)
        code, text = self.verify()
        self.assertEqual(code, BROKEN, text)
        for word in (str(self.ledger), REMEDY, *words):
            self.assertIn(word, text)
        self.assertEqual(fault.tree_of(self.ledger), before)

    def assert_answers_right_or_none(self, client):
        """Returns how many questions were not answered."""
        errors = 0
        for question, right in zip(self.questions(client), self.answers):
            try:
                self.assertEqual(question(), right)
            except grpc.RpcError as error:
                self.assertIn(error.code(), (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE,
                                             grpc.StatusCode.DATA_LOSS))
                errors += 1
        return errors

    def assert_start_is_refused_or_right(self, words):
        """Returns whether it was refused."""
        try:
            server = self.serve(self.ledger.parent, *FLAGS)
        except AssertionError as error:
            for word in (str(self.ledger), *words):
                self.assertIn(word, str(error))
            return True
        with server.channel() as channel:
            errors = self.assert_answers_right_or_none(Client(channel))
        self.assertEqual(server.stop(), FAILED if errors else 0)
        log = server.log.read_text()
        for word in words if errors else ():
            self.assertIn(word, log)
        return False

    def assert_whole(self):
        code, text = self.verify()
        self.assertEqual(code, 0, text)
        server = self.serve(self.ledger.parent, *FLAGS)
        with server.channel() as channel:
            self.assertEqual(self.assert_answers_right_or_none(Client(channel)), 0)
            self.assertEqual(fault.status_of(Client(channel)).position_last, self.position)
            self.assert_ties(Client(channel))
        self.assertEqual(server.stop(), 0)

    def tables(self):
        """{family: its first table}"""
        return {rocksdb_files.family_of(path): path for path in sorted(self.state.glob("*.sst"), reverse=True)}

    def test_each_part_of_a_table_is_refused_naming_the_table_or_does_not_matter(self):
        tables = self.tables()
        self.assertLessEqual({"default", "members", "cards", "entries", "transactions", "receipts", "expiries"},
                             set(tables))
        for family in ("members", "entries", "transactions"):
            table = tables[family]
            for part, (begin, size) in rocksdb_files.table_parts(table).items():
                with self.subTest(family=family, part=part):
                    state = self.copy()
                    fault.flip(state / table.name, begin + size // 2)
                    words = [table.name] if part.startswith("footer") else [table.name, "offset "]
                    if part in HARMLESS:
                        self.assert_whole()
                        continue
                    self.assert_verify_names(words)
                    if family == "members":
                        self.assert_start_is_refused_or_right(words)

    def test_a_table_that_is_cut_gone_swapped_or_of_another_ledger_is_refused(self):
        tables = self.tables()
        one, other = tables["members"], tables["transactions"]
        size = one.stat().st_size
        for left in (size - 1, size // 2, 60, 0):
            with self.subTest(left=left):
                state = self.copy()
                with open(state / one.name, "r+b") as file:
                    file.truncate(left)
                self.assert_verify_names([one.name])
                self.assert_ends(DAMAGED, [one.name, REMEDY], self.ledger, *FLAGS)
        state = self.copy()
        (state / one.name).unlink()
        self.assert_verify_names([one.name])
        self.assert_ends(DAMAGED, [one.name, REMEDY], self.ledger, *FLAGS)
        state = self.copy()
        (state / one.name).rename(state / "aside")
        (state / other.name).rename(state / one.name)
        (state / "aside").rename(state / other.name)
        self.assert_verify_names([])
        self.assert_ends(DAMAGED, [REMEDY], self.ledger, *FLAGS)

    def test_each_record_of_the_manifest_is_refused_or_an_earlier_state_is_caught_up_with(self):
        manifest = next(self.state.glob("MANIFEST-*"))
        records = rocksdb_files.records_of(manifest)
        self.assertGreater(len(records), 10)
        for index in (0, len(records) // 2, len(records) - 1):
            for part, offset in (("checksum", 0), ("length", 4), ("kind", 6), ("payload", 10)):
                with self.subTest(record=index, part=part):
                    state = self.copy()
                    fault.flip(state / manifest.name, records[index][0] + offset)
                    code, text = self.verify()
                    if code != 0:
                        self.assertEqual(code, BROKEN, text)
                        self.assertIn(manifest.name, text)
                    else:  # a length that leads behind the end: RocksDB takes what was written before
                        self.assertEqual((index, part), (len(records) - 1, "length"))
                        self.assert_start_is_refused_or_right([])
        refused = 0
        for begin, _ in records[::3]:
            with self.subTest(cut=begin):
                state = self.copy()
                with open(state / manifest.name, "r+b") as file:
                    file.truncate(begin)
                refused += self.assert_start_is_refused_or_right([])
        self.assertGreater(refused, 0)
        state = self.copy()
        (state / manifest.name).unlink()
        self.assert_verify_names([manifest.name])
        self.assert_ends(DAMAGED, [manifest.name, REMEDY], self.ledger, *FLAGS)

    def test_each_byte_of_current_is_refused(self):
        size = (self.state / "CURRENT").stat().st_size
        for offset in range(size):
            with self.subTest(offset=offset):
                state = self.copy()
                fault.flip(state / "CURRENT", offset)
                self.assert_verify_names([])
        self.assert_ends(DAMAGED, [REMEDY], self.ledger, *FLAGS)
        state = self.copy()
        (state / "CURRENT").unlink()
        self.assert_verify_names(["CURRENT"])
        self.assert_ends(DAMAGED, ["CURRENT", REMEDY], self.ledger, *FLAGS)

    def test_files_that_nothing_is_read_from_do_not_matter(self):
        options = sorted(path.name for path in self.state.glob("OPTIONS-*"))
        for name in ("IDENTITY", "LOG", *options):
            with self.subTest(name=name):
                state = self.copy()
                fault.flip(state / name, 3)
                self.assertEqual(self.verify()[0], 0)
        for name in ("IDENTITY", "LOG", *options):
            (state / name).unlink(missing_ok=True)
        self.assert_whole()

    def test_a_running_server_that_meets_damage_stops_and_says_where(self):
        for family in ("members", "cards", "transactions", "receipts", "entries"):
            with self.subTest(family=family):
                state = self.copy()
                server = self.serve(self.ledger.parent, *FLAGS)
                damaged = []
                for path in sorted(state.glob("*.sst")):
                    if rocksdb_files.family_of(path) == family:
                        begin, size = rocksdb_files.table_parts(path)["data"]
                        fault.flip(path, begin + size // 2)
                        damaged.append(path.name)
                with server.channel() as channel:
                    errors = self.assert_answers_right_or_none(Client(channel))
                code = server.stop()
                log = server.log.read_text()
                if family == "entries":  # the server has read that block at its start
                    self.assertEqual(code, FAILED if errors else 0)
                    continue
                self.assertEqual((code, errors > 0), (FAILED, True), log)
                for word in ("offset ", str(self.ledger), REMEDY):
                    self.assertIn(word, log)
                self.assertTrue(any(name in log for name in damaged), log)

    def test_whatever_is_damaged_in_the_state_is_mended_by_a_rebuild(self):
        for name in ("CURRENT", next(self.state.glob("MANIFEST-*")).name, self.tables()["members"].name):
            with self.subTest(name=name):
                state = self.copy()
                fault.flip(state / name, 5)
                done = subprocess.run([PROGRAMS / "jifen", "rebuild", "--data", self.ledger], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, timeout=WAIT)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_whole()


if __name__ == "__main__":
    fault.main()
