"""Directories that are removed, under the running server and before its start.

removed_test.py PROGRAMS [unittest arguments]
"""
import shutil

import fault
from fault import WAIT, Client
from jifend import grpc, operations_pb2, sale

FLAGS = ("--segment-mib", "4", "--reserve-mib", "1", "--cache-mib", "8", "--filter-mib", "1")
SALES = 40
FAILED, DIRECTORY = 1, 3  # exit codes of jifend


class Removed(fault.Case):
    def setUp(self):
        super().setUp()
        self.server = self.serve(self.folder / "data", *FLAGS)
        self.ledger = self.folder / "data" / "ledger"
        self.connect()
        self.client.chain()
        self.client.enrol(1)
        self.answers = {f"s{index}": self.client.sell(sale(f"s{index}")).outcome for index in range(SALES)}

    def connect(self):
        channel = self.server.channel()
        self.addCleanup(channel.close)
        self.client = Client(channel)

    def assert_nothing_lost(self):
        self.connect()
        for name, outcome in self.answers.items():
            again = self.client.sell(sale(name))
            self.assertEqual((again.replayed, again.outcome), (True, outcome))
        self.assertEqual(fault.status_of(self.client).sales, len(self.answers))
        self.assert_ties(self.client)
        self.assertEqual(self.server.stop(), 0)

    def assert_ends_by_itself(self, *words):
        self.assertEqual(self.server.process.wait(WAIT), FAILED, self.server.log.read_text())
        for word in words:
            self.assertIn(word, self.server.log.read_text())

    def test_a_journal_removed_under_the_server_is_noticed_and_nothing_more_is_acknowledged(self):
        kept = self.folder / "kept"
        shutil.copytree(self.ledger / "journal", kept)
        shutil.rmtree(self.ledger / "journal")
        self.assert_ends_by_itself(str(self.ledger / "journal"), "was removed")
        with self.assertRaises(grpc.RpcError):
            self.client.sell(sale("late"))
        # The state alone is no ledger.
        before = fault.tree_of(self.ledger)
        self.assert_ends(DIRECTORY, [str(self.ledger / "journal"), "backup"], self.ledger, *FLAGS)
        self.assertEqual(fault.tree_of(self.ledger), before)
        shutil.copytree(kept, self.ledger / "journal")
        self.server.start()
        self.assert_nothing_lost()

    def test_a_segment_removed_under_the_server_is_noticed(self):
        first = self.ledger / "journal" / "segment-0000000000000001.jfl"
        kept = self.folder / first.name
        shutil.copy(first, kept)
        first.unlink()
        self.assert_ends_by_itself(str(first), "was removed")
        before = fault.tree_of(self.ledger)
        self.assert_ends(4, [first.name], self.ledger, *FLAGS)
        self.assertEqual(fault.tree_of(self.ledger), before)
        shutil.copy(kept, first)
        self.server.start()
        self.assert_nothing_lost()

    def test_a_state_removed_under_the_server_stops_it_and_is_made_again(self):
        shutil.rmtree(self.ledger / "state")
        with self.assertRaises(grpc.RpcError):
            self.client.operations.Checkpoint(operations_pb2.CheckpointRequest(), timeout=WAIT)
        self.assert_ends_by_itself(str(self.ledger / "state"))
        self.server.start()
        self.assert_nothing_lost()

    def test_a_ledger_removed_under_the_server_is_noticed(self):
        shutil.rmtree(self.ledger)
        self.assert_ends_by_itself(str(self.ledger), "was removed")
        self.assertFalse(self.ledger.exists())

    def test_a_state_removed_before_the_start_is_made_again(self):
        self.assertEqual(self.server.stop(), 0)
        shutil.rmtree(self.ledger / "state")
        self.server.start()
        self.assert_nothing_lost()

    def test_a_journal_removed_before_the_start_is_refused_and_the_state_is_not_touched(self):
        self.assertEqual(self.server.stop(), 0)
        for gone in ("journal", "journal/SUPERBLOCK"):
            with self.subTest(gone=gone):
                moved = self.folder / "moved"
                shutil.move(self.ledger / gone, moved)
                before = fault.tree_of(self.ledger)
                self.assert_ends(DIRECTORY, [str(self.ledger)], self.ledger, *FLAGS)
                self.assertEqual(fault.tree_of(self.ledger), before)
                shutil.move(moved, self.ledger / gone)
        self.server.start()
        self.assert_nothing_lost()


if __name__ == "__main__":
    fault.main()
