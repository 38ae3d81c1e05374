"""`jifen verify`, live and of a stopped ledger: what it prints and the exit codes that scripts rely on."""
import json
import subprocess

import jifend
from jifend import PROGRAMS, WAIT, operations_pb2, sale

TIES, CANNOT_NOW, CANNOT, BROKEN = 0, 3, 4, 5
MEMBERS, SALES = 20, 200
BLOCK_HEADER_BYTES = 256


def verify(*arguments):
    """Returns exit code, stdout, stderr."""
    done = subprocess.run([PROGRAMS / "jifen", "verify", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=WAIT)
    return done.returncode, done.stdout, done.stderr


class Verify(jifend.Case):
    def setUp(self):
        super().setUp()
        self.client.chain()
        for number in range(1, MEMBERS + 1):
            self.client.enrol(number, f"card{number}")
        for index in range(SALES):
            self.client.sell(sale(f"s{index}", 1 + index % MEMBERS))
        self.address = ("--address", f"127.0.0.1:{self.server.port}")
        self.entries = 2 + MEMBERS + SALES

    def test_a_ledger_that_ties_says_what_was_compared_and_how_fast(self):
        code, out, error = verify(*self.address, "--json")
        self.assertEqual(code, TIES, error)
        live = json.loads(out)
        self.assertEqual((live["ties"], live["difference"], live["entries"], live["members"]),
                         (True, "", self.entries, MEMBERS))
        # Transactions, receipts, cards, expiries, dates, stores and programmes.
        self.assertGreaterEqual(live["rows"], self.entries + SALES + MEMBERS)
        self.assertGreater(live["entries_per_second"], 0)
        code, out, error = verify(*self.address, "--progress")
        self.assertEqual(code, TIES)
        self.assertIn("All ties", out)
        self.assertIn("entries/s", out)
        self.assertEqual(self.server.stop(), 0)
        code, out, error = verify("--data", str(self.folder / "ledger"), "--json", "--progress")
        self.assertEqual(code, TIES, error)
        for stage in ("journal", "transactions", "receipts", "cards", "expiries", "totals"):
            self.assertIn(stage, error)
        stopped = json.loads(out)
        self.assertEqual([stopped[field] for field in ("ties", "entries", "members", "rows", "digest")],
                         [live[field] for field in ("ties", "entries", "members", "rows", "digest")])

    def test_what_cannot_be_told_has_other_exit_codes_than_what_is_broken(self):
        code, _, error = verify("--data", str(self.folder / "nowhere"))
        self.assertEqual(code, CANNOT, error)
        first = self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT)
        next(first)  # it runs
        code, _, error = verify(*self.address)
        if code != TIES:  # unless the first was done already
            self.assertEqual(code, CANNOT_NOW, error)
            self.assertIn("running", error)
        self.assertEqual(self.server.stop(), 0)
        code, _, error = verify(*self.address)
        self.assertEqual(code, CANNOT_NOW, error)

    def test_damage_under_a_running_ledger_is_named_and_the_tills_are_served_on(self):
        segment = self.folder / "ledger" / "journal" / "segment-0000000000000001.jfl"
        with open(segment, "r+b") as file:
            file.seek(4096 * 5 + BLOCK_HEADER_BYTES + 20)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 4]))
        code, out, error = verify(*self.address)
        self.assertEqual((code, out), (BROKEN, ""), error)
        for word in (segment.name, f"offset {4096 * 5}", "block 6", "checksum"):
            self.assertIn(word, error)
        self.assertFalse(self.client.sell(sale("after")).replayed)
        self.assertEqual(self.server.stop(), 0)
        code, _, error = verify("--data", str(self.folder / "ledger"))
        self.assertEqual(code, BROKEN, error)
        self.assertIn(f"offset {4096 * 5}", error)


jifend.main()
