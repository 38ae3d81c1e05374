"""Limits on points through the wire: they hold over a kill and a restart, batches spend a budget in their order, a
quote sees the same room, and the counters are what the journal says."""
import datetime

import jifend
from jifend import SOLD_AT_MS, WAIT, Case, Client, ledger_pb2, line, operations_pb2, programmes_pb2, sale

PROGRAMME = """
name: limits
effective_from: 2017-01-01T00:00:00Z
earn: {points: 1, per_amount: 1.00}
expiry: {policy: months_after, months: 120}
pending_days: 2
rules:
  - {name: gift, kind: bonus, points: 30, budget: 75, cap_per_member: 60}
caps:
  - {name: day, per: member_day, points: 100, rules: [base]}
"""
DAY_MS = 86400000
CAP = 7  # TraceStep.KIND_CAP


class Limits(Case):
    def setUp(self):
        super().setUp()
        self.client.chain(stores=(1,))
        request = programmes_pb2.PublishRequest(transaction_id="limits", yaml=PROGRAMME, file_name="limits.yaml")
        self.client.programmes.Publish(request, timeout=WAIT)
        self.client.enrol(1)
        self.client.enrol(2)

    def restart(self):
        self.channel.close()
        self.server.kill()
        self.server.start()
        self.channel = self.server.channel()
        self.client = Client(self.channel)

    def cuts(self, outcome):
        return [(step.points, step.exact) for step in outcome.trace if step.kind == CAP]

    def ties(self):
        last = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
        self.assertTrue(last.ties, last.difference)

    def test_what_is_used_up_stays_so_over_a_kill_and_comes_back_with_a_return(self):
        first = self.client.sell(sale("s1", lines=[line(7000)])).outcome
        self.assertEqual(first.points_granted, 100)
        self.assertEqual(self.cuts(first), [])
        self.restart()
        second = sale("s2", lines=[line(7000)])
        quoted = self.client.ledger.Quote(second, timeout=WAIT).outcome
        answered = self.client.sell(second).outcome
        self.assertEqual(list(quoted.trace), list(answered.trace))
        self.assertEqual(answered.points_granted, 30 + 30)
        self.assertEqual([points for points, _ in self.cuts(answered)], [-40])
        third = self.client.sell(sale("s3", member=2, lines=[line(1000)])).outcome
        self.assertEqual(third.points_granted, 10 + 15)
        self.assertEqual(self.cuts(third), [(-15, 1 << 32)])
        back = self.client.ledger.PostReturn(ledger_pb2.PostReturnRequest(
            transaction_id="r1", sale_transaction_id="s1", store=1, returned_at_ms=SOLD_AT_MS + 1000, all=True),
            timeout=WAIT).outcome
        self.assertEqual(back.points_granted, -100)
        self.restart()
        fourth = self.client.sell(sale("s4", member=2, lines=[line(1000)])).outcome
        self.assertEqual(fourth.points_granted, 10 + 30, "the budget has room again, and so has the member")
        fifth = self.client.sell(sale("s5", lines=[line(9000)])).outcome
        self.assertEqual(fifth.points_granted, 70, "of the day's 100 the sale that is kept has 30")
        self.ties()

    def test_a_batch_spends_the_budget_in_its_order(self):
        writes = [ledger_pb2.Write(sale=sale(f"s{number}", member=1 + number % 2, lines=[line(100)]))
                  for number in range(4)]
        answer = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
        self.assertEqual([result.outcome.points_granted for result in answer.results], [31, 31, 16, 1])
        self.ties()

    def test_pending_points_wait_for_their_day(self):
        outcome = self.client.sell(sale("s1", lines=[line(1000)])).outcome
        self.assertEqual((outcome.balance.available, outcome.balance.pending), (0, 40))
        member = self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=jifend.number(1)), timeout=WAIT).member
        self.assertEqual(member.balance.available, 40, "the sale was long ago")
        sold = datetime.date(outcome.business_date // 10000, outcome.business_date // 100 % 100,
                             outcome.business_date % 100)
        first_day = sold + datetime.timedelta(days=2)
        self.assertEqual(member.lots[0].available_on, int(first_day.strftime("%Y%m%d")))
        early = ledger_pb2.RedeemRequest(transaction_id="q", member=jifend.number(1), store=1, points=1,
                                         redeemed_at_ms=SOLD_AT_MS + DAY_MS)
        self.fails(lambda: self.client.ledger.Redeem(early, timeout=WAIT), jifend.grpc.StatusCode.FAILED_PRECONDITION)


jifend.main()
