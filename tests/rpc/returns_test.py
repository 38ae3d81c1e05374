"""Returns through the wire: what becomes of points already spent, over a restart, and on the command line."""
import subprocess

import jifend
from jifend import (SOLD_AT_MS, WAIT, Case, common_pb2, ledger_pb2, line, members_pb2, number, operations_pb2,
                    programmes_pb2, sale)

DAY_MS = 86400000
HEAD = """name: returns
effective_from: 2017-01-01T00:00:00Z
earn: {points: 1, per_amount: 1.00}
expiry: {policy: month_end, months: 1}
redemption: {points: 3, amount: 0.01, minimum: 3}
"""


class Returns(Case):
    def open(self, terms):
        """A programme with such terms; member 1 buys for 10.00 twice on one receipt, and spends 18 of the 20 points."""
        self.client.chain()
        request = programmes_pb2.PublishRequest(transaction_id="terms", yaml=f"{HEAD}returns: {terms}\n",
                                                file_name="returns.yaml")
        self.client.programmes.Publish(request, timeout=WAIT)
        self.client.enrol(1)
        self.client.sell(sale("s", lines=[line(), line()]))
        self.client.ledger.Redeem(ledger_pb2.RedeemRequest(
            transaction_id="q", member=number(1), store=1, redeemed_at_ms=SOLD_AT_MS + 1000, points=18), timeout=WAIT)

    def bring_back(self, name, of="s", after_ms=2000, **fields):
        request = ledger_pb2.PostReturnRequest(transaction_id=name, sale_transaction_id=of, store=1,
                                               returned_at_ms=SOLD_AT_MS + after_ms, **fields)
        return self.client.ledger.PostReturn(request, timeout=WAIT)

    def killed(self):
        """The server is killed and started again."""
        self.server.kill()
        self.server.start()
        self.channel.close()
        self.channel = self.server.channel()
        self.client = jifend.Client(self.channel)

    def verify(self):
        last = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
        self.assertTrue(last.ties, last.difference)
        self.assertEqual(last.digest, last.replay_digest)

    def jifen(self, *arguments):
        done = subprocess.run([jifend.PROGRAMS / "jifen", *arguments, "--address", f"127.0.0.1:{self.server.port}"],
                              capture_output=True, text=True, timeout=WAIT, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def posted(self, outcome, account):
        return sum(posting.points for posting in outcome.postings if posting.account == account)

    def test_money_is_deducted_half_up_over_all_returns_also_after_a_kill(self):
        self.open("{shortfall: deduct}")
        first = self.bring_back("r1", lines=[ledger_pb2.ReturnLine(line_number=2, whole=True)])
        # 2 of 10 points are in the lot; 8 are worth 0.0267.
        self.assertEqual((first.outcome.shortfall_points, first.outcome.deducted_value), (8, 3))
        self.assertEqual(self.posted(first.outcome, common_pb2.ACCOUNT_WRITTEN_OFF), -8)
        self.killed()
        again = self.bring_back("r1", lines=[ledger_pb2.ReturnLine(line_number=2, whole=True)])
        self.assertTrue(again.replayed)
        self.assertEqual(again.outcome, first.outcome)
        rest = self.bring_back("r2", all=True)
        self.assertEqual((rest.outcome.shortfall_points, rest.outcome.deducted_value), (10, 3))  # 18 are 0.06
        self.assertEqual(rest.outcome.balance.debt, 0)
        self.verify()

    def test_the_command_line_says_what_to_deduct(self):
        self.open("{shortfall: deduct}")
        text = self.jifen("return", "--sale", "s", "--store", "1", "--at", "2017-01-17T18:00:00Z", "--all", "--id", "r")
        self.assertIn("Points spent already and written off: 18", text)
        self.assertIn("Deduct from the refund: 0.06", text)
        self.assertIn("18 points had been spent already: the till takes them off the refund, worth 0.06",
                      self.jifen("explain", "r"))

    def test_other_lots_pay_and_the_rest_is_written_off(self):
        self.open("{shortfall: write_off, from_other_lots: true}")
        self.client.sell(sale("other", lines=[line(amount=700)], sold_at_ms=SOLD_AT_MS + 40 * DAY_MS))
        answer = self.bring_back("r", after_ms=40 * DAY_MS + 1000, all=True).outcome
        kinds = {step.kind: step.points for step in answer.trace}
        self.assertEqual(kinds[common_pb2.TraceStep.KIND_TAKEN_BACK], -2)
        self.assertEqual(kinds[common_pb2.TraceStep.KIND_TAKEN_FROM_OTHER], -7)
        self.assertEqual(kinds[common_pb2.TraceStep.KIND_SHORTFALL], 11)
        self.assertEqual((answer.balance.available, answer.balance.debt), (0, 0))
        self.assertEqual((answer.shortfall_points, answer.deducted_value), (11, 0))
        self.verify()

    def test_points_return_to_a_lot_that_is_over_for_some_days(self):
        self.open("{reinstate_days: 10}")
        self.client.sell(sale("more", lines=[line(amount=3000)], sold_at_ms=SOLD_AT_MS + 2000))
        self.client.sell(sale("paid", lines=[line()], redeem_points=30, sold_at_ms=SOLD_AT_MS + 3000))
        # The lot's last day is 28 February; the return comes on 5 March.
        answer = self.bring_back("r", of="paid", after_ms=47 * DAY_MS, all=True).outcome
        self.assertEqual(answer.points_redeemed, -30)
        self.assertEqual((answer.balance.available, answer.balance.expiring_on), (30, 20170310))
        self.verify()

    def test_a_sale_comes_back_from_the_member_that_its_member_became(self):
        self.open("{shortfall: debt}")
        for member in (2, 3):
            self.client.enrol(member)
        self.client.sell(sale("other", 2, lines=[line(amount=700)], sold_at_ms=SOLD_AT_MS + 40 * DAY_MS))
        for from_, into in ((1, 2), (2, 3)):
            self.client.members.Merge(members_pb2.MergeRequest(
                **{"transaction_id": f"merge-{from_}", "from": number(from_), "into": number(into)}), timeout=WAIT)
        first = self.bring_back("r1", lines=[ledger_pb2.ReturnLine(line_number=2, whole=True)]).outcome
        self.assertEqual((first.member, first.points_granted), (3, -10))
        # 2 of the 10 lay in the lot that has moved; 8 were spent.
        self.assertEqual((first.balance.available, first.balance.debt), (7, 8))
        self.killed()  # nobody is cached now: the way from 1 to 3 is found in the state
        rest = self.bring_back("r2", all=True).outcome
        self.assertEqual((rest.member, rest.balance.available, rest.balance.debt), (3, 7, 18))
        member = self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=number(3)), timeout=WAIT).member
        self.assertEqual((member.visits, member.last_position), (1, rest.position))
        history = self.client.ledger.History(ledger_pb2.HistoryRequest(member=number(3), limit=2), timeout=WAIT)
        self.assertEqual([entry.transaction_id for entry in history.entries], ["r2", "r1"])
        self.verify()


jifend.main()
