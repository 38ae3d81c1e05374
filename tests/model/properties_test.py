"""Properties of the whole ledger over the wire, by name, each over random programmes and commands with a printed seed.

    properties_test.py PROGRAMS [SEED [ROUNDS]]
"""
import copy
import random
import secrets
import sys
import unittest

SEED = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2 ** 32)
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 40
sys.argv = sys.argv[:2]

import naive_wire as wire  # noqa: E402
from naive_test import Run  # noqa: E402
import jifend  # noqa: E402
from jifend import WAIT, Case, common_pb2, ledger_pb2, operations_pb2  # noqa: E402


# A level lost by a return falls at the next recalculation, not at once.
LEVEL = ("tier", "tier_name", "tier_since")


def without(member, *names):
    """A member without the fields that are not compared."""
    member = copy.deepcopy(member)
    for name in names:
        member.ClearField(name)
    member.balance.ClearField("tier")
    return member


class Properties(Case):
    """Every test runs on a server of its own; commands are drawn as in naive_test.py."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{SEED} {self.id()}")
        self.run_ = Run(self.server, SEED, self.id())
        self.run_.sequence(0, 0)  # stores, and a first programme
        self.tested = 0
        print(f"{self.id()}: seed {SEED}", flush=True)

    def member(self, number):
        request = ledger_pb2.GetMemberRequest(member=common_pb2.MemberRef(number=number), as_of=20190601)
        return self.client.ledger.GetMember(request, timeout=WAIT).member

    def status(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def totals(self):
        return {(one.account, one.entity, one.reason): one.points for one in self.status().totals if one.points}

    def verified(self):
        verdict = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=600))[-1]
        self.assertTrue(verdict.done and verdict.ties, verdict.difference)
        self.assertEqual(verdict.digest, verdict.replay_digest)
        return verdict.digest

    def accepted(self, command):
        answer, refusal = wire.unary(self.client, command)
        self.assertIsNone(refusal, f"{command}: {refusal}")
        return answer.outcome

    def sales_alike(self, members):
        """The same receipt, for each of some members that are alike; None where it is refused for one."""
        draws = self.run_.draws
        draws.numbers = members
        sale = draws.sale()
        while not isinstance(sale["member"], int) or sale["member"] not in members or sale["receipt"]["store"] == 99:
            sale = draws.sale()
        sales = []
        for index, number in enumerate(members):
            one = copy.deepcopy(sale)
            one.update(id=f"{sale['id']}-{index}", member=number)
            one["receipt"].update(terminal=index, number=f"{sale['id']}")
            sales.append(one)
        return sales

    def alike(self, members, round_, must):
        """Whether members have the same lots, debts, months and counts."""
        found = [without(self.member(number), "number", "last_position", *LEVEL) for number in members]
        for number, one in zip(members, found):
            if must:
                self.assertEqual(one, found[0], f"seed {SEED}, round {round_}, member {number}")
        return all(one == found[0] for one in found)

    def parts_of(self, sale):
        """A random partition of everything sold, in a random order: the lines of each return."""
        pieces = []
        for number, line in enumerate(sale["receipt"]["lines"], 1):
            left = line["quantity"]
            while left > 0 and self.random.random() < 0.6:
                piece = self.random.randint(1, left)
                pieces.append({"number": number, "quantity": piece, "whole": False})
                left -= piece
            if left > 0:
                pieces.append({"number": number, "quantity": left, "whole": False})
            if line["quantity"] == 0:
                pieces.append({"number": number, "quantity": 0, "whole": True})
        self.random.shuffle(pieces)
        returns = []
        for piece in pieces:
            numbers = [line["number"] for line in returns[-1]] if returns else []
            if returns and piece["number"] not in numbers and self.random.random() < 0.5:
                returns[-1].append(piece)
            else:
                returns.append([piece])
        return returns

    def test_any_permutation_and_partition_of_returns_ends_equal_to_one_full_return(self):
        for round_ in range(1, ROUNDS + 1):
            commands = self.run_.draws.begin(round_)
            members = [round_ * 100 + index for index in (1, 2, 3)]
            enrol = next(one for one in commands if one["kind"] == "enrol")
            for command in commands:
                if command["kind"] in ("publish", "store"):
                    self.run_.send([command])
            for number in members:
                self.run_.send([{**enrol, "id": f"enrol-{number}", "number": number, "cards": []}])
            sets = [self.sales_alike(members) for _ in range(4)]
            posted = [[command for command in sales if wire.unary(self.client, command)[1] is None] for sales in sets]
            sets = [sales for sales in posted if len(sales) == len(members)]
            # Where a budget of the chain ran out between them they are not alike, and nothing is said of them.
            if not sets or not self.alike(members, round_, must=False):
                continue
            self.tested += 1
            tested = self.random.choice(sets)
            at_ms = max(sales[0]["receipt"]["at_ms"] for sales in sets) + 1000
            for index, (sale, number) in enumerate(zip(tested, members)):
                parts = [None] if index == 0 else self.parts_of(sale)
                for part, lines in enumerate(parts):
                    self.accepted({"kind": "return", "id": f"{sale['id']}-back-{part}", "sale": sale["id"],
                                   "store": sale["receipt"]["store"], "at_ms": at_ms, "lines": lines or [],
                                   "all": lines is None})
            self.alike(members, round_, must=True)
        self.assertGreater(self.tested, ROUNDS // 2)
        self.verified()

    def test_a_full_return_leaves_everything_as_if_the_sale_had_not_been(self):
        for round_ in range(1, ROUNDS + 1):
            for command in self.run_.draws.begin(round_):
                if command["kind"] != "enrol" or command["number"] in self.run_.draws.numbers:
                    wire.unary(self.client, command)
            number = self.run_.draws.numbers[0]
            at_ms = 0
            for command in self.sales_alike([number]) + self.sales_alike([number]):
                if wire.unary(self.client, command)[1] is None:
                    at_ms = max(at_ms, command["receipt"]["at_ms"])
            [sale] = self.sales_alike([number])
            sale["receipt"]["at_ms"] = max(at_ms, sale["receipt"]["at_ms"])
            if sale["receipt"]["at_ms"] > 10 ** 13 // 2:
                continue
            before, totals = without(self.member(number), "last_position", *LEVEL), self.totals()
            if wire.unary(self.client, sale)[1] is not None:
                continue
            self.tested += 1
            for part, lines in enumerate(self.parts_of(sale)):
                self.accepted({"kind": "return", "id": f"{sale['id']}-back-{part}", "sale": sale["id"], "lines": lines,
                               "store": sale["receipt"]["store"], "at_ms": sale["receipt"]["at_ms"], "all": False})
            self.assertEqual(before, without(self.member(number), "last_position", *LEVEL), f"seed {SEED}, round {round_}")
            self.assertEqual(totals, self.totals(), f"seed {SEED}, round {round_}")
        self.assertGreater(self.tested, ROUNDS // 4)
        self.verified()

    def test_any_duplication_and_reordering_of_retries_changes_nothing(self):
        run, answers = self.run_, []
        run.send(run.draws.begin(1))
        for command in run.drawn([], 60 * ROUNDS):
            if command["kind"] not in wire.WRITES:
                run.send([command])
                continue
            expected = run.expect(command)
            answer, refusal = wire.unary(self.client, command)
            if refusal is None and not expected.get("replayed", True):
                answers.append((command, answer.outcome.SerializeToString()))
        self.assertGreater(len(answers), 4 * ROUNDS)
        position, digest = self.status().position_last, self.verified()
        again = self.random.choices(answers, k=3 * len(answers))
        for start in range(0, len(again), 500):
            part = again[start:start + 500]
            writes = [wire.write_of(command) for command, _ in part]
            results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
            for (command, first), result in zip(part, results, strict=True):
                self.assertEqual((result.replayed, result.outcome.SerializeToString()), (True, first), command)
        self.assertEqual((self.status().position_last, self.verified()), (position, digest))

    def test_replaying_the_journal_gives_the_same_digest(self):
        run = self.run_
        for sequence in range(1, 4):
            run.send(run.draws.begin(sequence))
            run.send(run.drawn([], 20 * ROUNDS))
            digest = self.verified()
            self.server.kill() if sequence % 2 else self.assertEqual(self.server.stop(), 0)
            self.server.start()
            self.channel = self.server.channel()
            self.client = jifend.Client(self.channel)
            run.connect()
            run.reasons = wire.reasons_of(run.client)
            self.assertEqual(self.verified(), digest)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
