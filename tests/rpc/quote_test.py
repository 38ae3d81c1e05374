"""Quote is PostSale without the write: the same outcome but for the position, the same refusals, nothing written."""
import grpc

import jifend
from jifend import WAIT, Case, common_pb2, ledger_pb2, line, operations_pb2, programmes_pb2, sale

PROGRAMME = """
name: quote
effective_from: 2016-01-01T00:00:00Z
earn: {points: 1, per_amount: 1.00}
exclusions: {categories: [tobacco], tenders: [gift]}
expiry: {policy: months_after, months: 6}
pending_days: 0
redemption: {points: 100, amount: 1.00, minimum: 10, step: 10, share_max: 50%}
caps: [{name: day, per: member_day, points: 150}]
groups: [{name: g}]
rules:
  - {name: twice, kind: multiplier, factor: 2, group: g, when: {categories: [tea]}}
  - {name: first, kind: bonus, points: 20, group: g, budget: 25, when: {first_purchase: true}}
tiers: {levels: [{name: a}, {name: b, spend: 100.00, factor: 1.5}]}
"""


class Quote(Case):
    def setUp(self):
        super().setUp()
        self.client.programmes.Publish(programmes_pb2.PublishRequest(transaction_id="p", yaml=PROGRAMME), timeout=WAIT)
        self.client.programmes.PutStore(programmes_pb2.PutStoreRequest(
            transaction_id="s", store=1, entity=1, zone="America/New_York"), timeout=WAIT)
        for member in (1, 2):
            self.client.enrol(member)

    def position(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last

    def quote(self, request):
        """Twice, and once without a transaction id: the same answer, and nothing written."""
        before = self.position()
        answers = [self.client.ledger.Quote(request, timeout=WAIT) for _ in range(2)]
        nameless = ledger_pb2.PostSaleRequest()
        nameless.CopyFrom(request)
        nameless.transaction_id = ""
        answers.append(self.client.ledger.Quote(nameless, timeout=WAIT))
        self.assertEqual(self.position(), before)
        for answer in answers:
            self.assertEqual((answer.outcome.position, answer.replayed), (0, False))
            self.assertEqual(answer, answers[0])
        return answers[0].outcome

    def test_a_quote_is_the_sale_that_follows_it(self):
        tenders = [common_pb2.Tender(type="gift", amount=700), common_pb2.Tender(type="cash", amount=5300)]
        with_tenders = sale("s3", 1, [line(6000, category="tea")])
        with_tenders.receipt.tenders.extend(tenders)
        requests = [
            sale("s1", 1, [line(5099), line(300, category="tobacco"), line(1234, 3000, category="tea")]),
            sale("s2", 2, [line(1000)]),  # the budget has 5 points left
            with_tenders,
            sale("s4", 1, [line(9900)], redeem_points=60),
            sale("s5", 1, [line(20000, category="tea")]),  # the day's cap is reached
            sale("s6", 1, [line(100)], offline=True),
        ]
        for request in requests:
            with self.subTest(request.transaction_id):
                quoted = self.quote(request)
                posted = self.client.sell(request).outcome
                self.assertGreater(posted.position, 0)
                quoted.position = posted.position
                self.assertEqual(quoted.SerializeToString(deterministic=True),
                                 posted.SerializeToString(deterministic=True))
        self.assertEqual(posted.points_granted, 0)

    def test_a_quote_is_refused_as_the_sale_would_be(self):
        self.client.sell(sale("s1", 1, [line(5000)]))
        requests = [sale("x1", 9), sale("x2", 1, store=7), sale("x3", 1, redeem_points=5),
                    sale("x4", 1, [line(100)], redeem_points=60), sale("x5", 2, redeem_points=50),
                    sale("x6", 1, sold_at_ms=1), sale("x7", 1, [line(-1)])]
        taken = sale("x8", 2)
        taken.receipt.number = "s1"
        for request in [*requests, taken]:
            with self.subTest(request.transaction_id):
                refusals = []
                for call in (self.client.ledger.Quote, self.client.ledger.PostSale):
                    with self.assertRaises(grpc.RpcError) as caught:
                        call(request, timeout=WAIT)
                    refusals.append(jifend.refusal_of(caught.exception))
                self.assertEqual(refusals[0], refusals[1])


jifend.main()
