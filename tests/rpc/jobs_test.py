"""Jobs through the wire: tiers recalculated and expiry posted with progress, verification that ties, clients that leave."""
import time

import grpc

import jifend
from jifend import WAIT, Case, common_pb2, ledger_pb2, line, number, operations_pb2, programmes_pb2, sale

MEMBERS = 300


class Jobs(Case):
    def setUp(self):
        super().setUp()
        self.client.chain()
        for member in range(1, MEMBERS + 1):
            self.client.enrol(member)
        # A hundred are gold by spend in January 2017; a year and more later the window holds nothing.
        writes = [ledger_pb2.Write(sale=sale(f"s{member}", member, lines=[line(amount=20000)]))
                  for member in range(1, 101)]
        results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        self.assertEqual({result.outcome.balance.tier for result in results}, {2})

    def recalculate(self, **fields):
        request = programmes_pb2.RecalculateTiersRequest(**{"run_id": "run", "as_of": 20190101, **fields})
        messages = list(self.client.programmes.RecalculateTiers(request, timeout=WAIT))
        self.assertEqual([message.done for message in messages], [False] * (len(messages) - 1) + [True])
        changes = [change for message in messages for change in message.changes]
        counts = {(count.frm, count.to): count.members for count in
                  (_Count(count) for count in messages[-1].counts)}
        return changes, counts

    def tier(self, member):
        request = ledger_pb2.GetMemberRequest(member=number(member))
        return self.client.ledger.GetMember(request, timeout=WAIT).member.tier

    def test_a_preview_lists_every_change_and_writes_nothing(self):
        before = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last
        changes, counts = self.recalculate(preview=True, list=True)
        self.assertEqual([change.member for change in changes], list(range(1, 101)))
        self.assertEqual(sum(counts.values()), MEMBERS)
        self.assertEqual(counts[(0, 0)], MEMBERS - 100)
        after = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last
        self.assertEqual((before, self.tier(1)), (after, 2))

    def test_a_run_changes_each_member_once_also_when_sent_again(self):
        previewed, _ = self.recalculate(preview=True, list=True)
        changes, counts = self.recalculate(list=True)
        self.assertEqual([(change.member, change.to) for change in changes],
                         [(change.member, change.to) for change in previewed])
        self.assertEqual(self.tier(1), changes[0].to)
        position = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last
        self.recalculate()
        status = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
        self.assertEqual((status.position_last, self.tier(1)), (position, changes[0].to))

    def test_a_run_is_refused_without_its_id_or_date(self):
        for fields, field in ((dict(run_id=""), "run_id"), (dict(run_id="x" * 33), "run_id"),
                              (dict(run_id="a\nb"), "run_id"), (dict(as_of=0), "as_of"),
                              (dict(as_of=20190230), "as_of"), (dict(as_of=21991231), "as_of")):
            refusal = self.refused(lambda: self.recalculate(**fields), grpc.StatusCode.INVALID_ARGUMENT,
                                   "INVALID_FIELD")
            self.assertEqual(refusal.field, field)

    def expire(self, run_id="run", as_of=20180201):
        request = programmes_pb2.ExpireRequest(run_id=run_id, as_of=as_of)
        messages = list(self.client.programmes.Expire(request, timeout=WAIT))
        self.assertEqual([message.done for message in messages], [False] * (len(messages) - 1) + [True])
        self.assertEqual(messages[-1].seconds_left, 0)
        return messages[-1]

    def position(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last

    def accounts(self):
        status = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
        return {row.account: row.points for row in status.totals}

    def test_an_expiry_posts_each_member_once_and_looks_only_at_those_with_points(self):
        last = self.expire(as_of=20180131)
        self.assertEqual((last.members_done, last.points_expired), (0, 0))
        before = self.position()
        last = self.expire(run_id="february")
        self.assertEqual((last.members_done, last.members_total, last.points_expired), (100, 100, 100 * 200))
        self.assertEqual(self.position(), before + 101)  # the run's begin, and an entry a member
        self.assertEqual(self.accounts()[common_pb2.ACCOUNT_EXPIRED], 100 * 200)
        history = self.client.ledger.History(ledger_pb2.HistoryRequest(member=number(7), limit=1), timeout=WAIT)
        entry = history.entries[0]
        self.assertEqual((entry.kind, entry.transaction_id), ("expiry", "expire/february/7"))
        self.assertEqual([(step.kind, step.points) for step in entry.outcome.trace],
                         [(common_pb2.TraceStep.KIND_EXPIRED, 200)])
        position = self.position()
        for again in ("february", "march"):
            self.assertEqual(self.expire(run_id=again).points_expired, 0)
        self.assertEqual(self.position(), position + 1)  # only the begin of the other run
        self.verified()

    def test_an_expiry_is_refused_without_its_id_or_date(self):
        for fields, field in ((dict(run_id=""), "run_id"), (dict(run_id="x" * 33), "run_id"),
                              (dict(as_of=0), "as_of"), (dict(as_of=20180230), "as_of"),
                              (dict(as_of=21990101), "as_of")):
            refusal = self.refused(lambda: self.expire(**fields), grpc.StatusCode.INVALID_ARGUMENT,
                                   "INVALID_FIELD")
            self.assertEqual(refusal.field, field)
        self.expire()
        self.fails(lambda: self.expire(as_of=20180202), grpc.StatusCode.INVALID_ARGUMENT, "another date")

    def test_points_that_were_spent_or_come_late_are_expired_as_they_are(self):
        request = ledger_pb2.RedeemRequest(transaction_id="spent", member=number(1), store=1, points=200,
                                           redeemed_at_ms=jifend.SOLD_AT_MS)
        self.client.ledger.Redeem(request, timeout=WAIT)
        self.assertEqual(self.expire().members_done, 99)
        self.client.sell(sale("late", 1, lines=[line(amount=500)]))
        last = self.expire(run_id="next")
        self.assertEqual((last.members_done, last.points_expired), (1, 6))  # gold earns more
        self.verified()

    def verified(self):
        messages = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))
        self.assertTrue(messages[-1].done and messages[-1].ties, messages[-1].difference)

    def test_verification_ties_and_says_what_it_saw(self):
        messages = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))
        last = messages[-1]
        self.assertTrue(last.done and last.ties, last.difference)
        self.assertEqual((last.members, last.difference, last.digest), (MEMBERS, "", last.replay_digest))
        self.assertEqual(last.balance_sum, 100 * 200)

    def test_a_client_that_goes_away_leaves_no_job_behind(self):
        for _ in range(5):
            call = self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT)
            call.cancel()
        for _ in range(100):
            try:
                messages = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))
                break
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error.details())
                time.sleep(0.05)  # the cancelled one is still stopping
        self.assertTrue(messages[-1].ties)


class _Count:
    """`from` is a word of Python's own."""

    def __init__(self, count):
        self.frm, self.to, self.members = getattr(count, "from"), count.to, count.members


jifend.main()
