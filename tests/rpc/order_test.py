"""The order of refusals over the wire: each test sends one request for which all of them apply, and mends one cause after the other until it is answered.

Malformed fields come in the order of their numbers, then a transaction id that was used, then what is not known,
then the call's own list. What the rules alone decide is tested beside them (tests/unit/rules). SHUTTING_DOWN and
its like may come instead of any answer, and have no place in these walks.
"""
import time

import grpc

import jifend
from jifend import WAIT, Case, common_pb2, ledger_pb2, line, members_pb2, number, programmes_pb2, sale

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MISSING = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED

HELD_AT_MS = jifend.SOLD_AT_MS + 1000
DEADLINE_MS = HELD_AT_MS + 60000
LATE_MS = 4070908800000  # 2099
NOW_MS = int(time.time() * 1000)
ATTEMPTS = 200  # a bound on hanging
USED = "programme"  # a transaction id of Case's chain
LONG = "x" * 65
NOBODY, UNKNOWN, MERGED, CLOSED, FULL, MEMBER = (common_pb2.MemberRef(card="nobody"), number(99), number(3), number(4),
                                                 number(5), number(1))


def malformed(field, **mend):
    return INVALID, "INVALID_FIELD", field, mend


def conflict(**mend):
    return EXISTS, "TRANSACTION_CONFLICT", "transaction_id", {"transaction_id": "new", **mend}


def who(last=MEMBER):
    """A member that is not known, then one that became another, then one that is closed; `last` at the end."""
    return [(MISSING, "UNKNOWN_CARD", "", {"member": UNKNOWN}), (MISSING, "UNKNOWN_MEMBER", "", {"member": MERGED}),
            (PRECONDITION, "MEMBER_MERGED", "", {"member": CLOSED}),
            (PRECONDITION, "MEMBER_CLOSED", "", {"member": last})]


class Order(Case):
    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1, "card-1")
        for member in (2, 3, 4):
            self.client.enrol(member)
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        self.client.members.Merge(members_pb2.MergeRequest(transaction_id="merge", **{"from": MERGED},
                                                           into=number(2)), timeout=WAIT)
        self.client.members.Close(members_pb2.CloseRequest(transaction_id="close", member=CLOSED), timeout=WAIT)

    def walk(self, call, request_type, fields, *steps):
        """In: steps of (status, code, field, what mends it). Returns: the answer when all is mended."""
        for status, code, field, mend in steps:
            with self.subTest(code=code, field=field):
                refusal = self.refused(lambda: call(request_type(**fields), timeout=WAIT), status, code)
                if field:
                    self.assertEqual(refusal.field, field)
            fields = {**fields, **mend}
        return call(request_type(**fields), timeout=WAIT)

    def test_enrol_refusals_come_in_their_order(self):
        self.walk(
            self.client.members.Enrol, members_pb2.EnrolRequest,
            dict(transaction_id="", number=0, cards=["fresh", LONG], enrolled_on=20170230, birth_month=13,
                 birth_day=30),
            malformed("transaction_id", transaction_id=USED), malformed("number", number=1),
            malformed("cards[1]", cards=["fresh", "card-1"]), malformed("enrolled_on", enrolled_on=20990101),
            malformed("birth_month", birth_month=2), malformed("birth_day", birth_day=29), conflict(),
            (EXISTS, "MEMBER_EXISTS", "", dict(number=9)),
            (EXISTS, "CARD_TAKEN", "cards[1]", dict(cards=["fresh", "fresher"])),
            (PRECONDITION, "IN_FUTURE", "", dict(enrolled_on=20170101)))

    def test_update_member_refusals_come_in_their_order(self):
        self.walk(
            self.client.members.UpdateMember, members_pb2.UpdateMemberRequest,
            dict(transaction_id="", birth_month=13, birth_day=30),
            malformed("transaction_id", transaction_id=USED), malformed("member", member=NOBODY),
            malformed("birth_month", birth_month=2), malformed("birth_day", birth_day=29), conflict(), *who())

    def test_link_card_refusals_come_in_their_order(self):
        self.client.enrol(5, *(f"full-{i}" for i in range(16)))
        for i in range(16, 64):
            self.client.members.LinkCard(members_pb2.LinkCardRequest(
                transaction_id=f"full-{i}", member=FULL, card=f"full-{i}"), timeout=WAIT)
        self.walk(
            self.client.members.LinkCard, members_pb2.LinkCardRequest, dict(transaction_id="", card=LONG),
            malformed("transaction_id", transaction_id=USED), malformed("member", member=NOBODY),
            malformed("card", card="card-1"), conflict(), *who(FULL),
            (EXISTS, "CARD_TAKEN", "card", dict(card="fresh")),
            (PRECONDITION, "LIMIT_REACHED", "", dict(member=MEMBER)))

    def test_unlink_card_refusals_come_in_their_order(self):
        self.walk(
            self.client.members.UnlinkCard, members_pb2.UnlinkCardRequest, dict(transaction_id="", card=LONG),
            malformed("transaction_id", transaction_id=USED), malformed("card", card="nobody"), conflict(),
            (MISSING, "UNKNOWN_CARD", "", dict(card="card-1")))

    def test_freeze_refusals_come_in_their_order(self):
        self.walk(
            self.client.members.Freeze, members_pb2.FreezeRequest, dict(transaction_id=""),
            malformed("transaction_id", transaction_id=USED), malformed("member", member=NOBODY), conflict(), *who())

    def test_close_refusals_come_in_their_order(self):
        text = jifend.PROGRAMME.read_text() + "\nclose: {balance: refuse}\n"
        self.client.programmes.Publish(programmes_pb2.PublishRequest(transaction_id="p2", yaml=text), timeout=WAIT)
        self.client.sell(sale("left", 2, sold_at_ms=NOW_MS - 86400000))  # points that are not over
        self.walk(
            self.client.members.Close, members_pb2.CloseRequest, dict(transaction_id=""),
            malformed("transaction_id", transaction_id=USED), malformed("member", member=NOBODY), conflict(),
            *who(number(2)), (PRECONDITION, "BALANCE_LEFT", "", dict(member=MEMBER)))

    def hold(self):
        self.client.ledger.Hold(ledger_pb2.HoldRequest(
            transaction_id="h", member=MEMBER, store=1, held_at_ms=HELD_AT_MS, points=300, deadline_ms=DEADLINE_MS),
            timeout=WAIT)

    def test_capture_refusals_come_in_their_order(self):
        self.hold()
        self.walk(
            self.client.ledger.Capture, ledger_pb2.CaptureRequest,
            dict(transaction_id="", hold_transaction_id="", captured_at_ms=0, points=-1),
            malformed("transaction_id", transaction_id=USED),
            malformed("hold_transaction_id", hold_transaction_id="nothing"),
            malformed("captured_at_ms", captured_at_ms=LATE_MS), malformed("points", points=301), conflict(),
            (MISSING, "UNKNOWN_TRANSACTION", "", dict(hold_transaction_id="s1")),
            (MISSING, "UNKNOWN_TRANSACTION", "", dict(hold_transaction_id="h")),
            (PRECONDITION, "IN_FUTURE", "", dict(captured_at_ms=DEADLINE_MS + 1)),
            (PRECONDITION, "HOLD_ENDED", "", dict(captured_at_ms=DEADLINE_MS)),
            (PRECONDITION, "INSUFFICIENT_POINTS", "", dict(points=300)))

    def test_void_refusals_come_in_their_order(self):
        self.hold()
        self.walk(
            self.client.ledger.Void, ledger_pb2.VoidRequest,
            dict(transaction_id="", hold_transaction_id="", voided_at_ms=0),
            malformed("transaction_id", transaction_id=USED),
            malformed("hold_transaction_id", hold_transaction_id="nothing"),
            malformed("voided_at_ms", voided_at_ms=LATE_MS), conflict(),
            (MISSING, "UNKNOWN_TRANSACTION", "", dict(hold_transaction_id="s1")),
            (MISSING, "UNKNOWN_TRANSACTION", "", dict(hold_transaction_id="h")),
            (PRECONDITION, "IN_FUTURE", "", dict(voided_at_ms=DEADLINE_MS + 1)),
            (PRECONDITION, "HOLD_ENDED", "", dict(voided_at_ms=DEADLINE_MS)))

    def test_publish_refusals_come_in_their_order(self):
        self.walk(
            self.client.programmes.Publish, programmes_pb2.PublishRequest,
            dict(transaction_id="", yaml="", file_name="x" * 257),
            malformed("transaction_id", transaction_id=USED), malformed("yaml", yaml="colour: red\n"),
            malformed("file_name", file_name="next.yaml"), conflict(),
            (INVALID, "PROGRAMME_INVALID", "", dict(yaml=jifend.PROGRAMME.read_text())))

    def test_put_store_refusals_come_in_their_order(self):
        self.walk(
            self.client.programmes.PutStore, programmes_pb2.PutStoreRequest,
            dict(transaction_id="", store=0, entity=0, region=LONG, zone="", day_start_minute=720),
            malformed("transaction_id", transaction_id=USED), malformed("store", store=9),
            malformed("entity", entity=1), malformed("region", region="east"),
            malformed("zone", zone="Europe/Atlantis"), malformed("day_start_minute", day_start_minute=719),
            conflict(), (INVALID, "ZONE_UNKNOWN", "", dict(zone="Europe/Paris")))

    def job_fields_walk(self, call):
        """What ends a job's call with a Refusal: the fields in their order, then a date that has not come."""
        fields = dict(run_id="", as_of=20170230)
        for field, mend in (("run_id", dict(run_id="begun")), ("as_of", dict(as_of=20990101)), ("as_of", {})):
            refusal = self.refused(lambda: call(**fields), INVALID, "INVALID_FIELD")
            self.assertEqual(refusal.field, field)
            fields.update(mend)

    def busy_walk(self, call, as_of, behind):
        """A date that has not come is refused also while a job runs, and a job that runs before what is behind it.

        A job is short: the walk is tried again until one was caught. In: `behind`: the status of what comes next
        for a run begun as of another date."""
        for attempt in range(ATTEMPTS):
            running = call(run_id=f"busy-{attempt}", as_of=20180101)
            future, second = call(run_id="begun", as_of=20990101), call(run_id="begun", as_of=as_of)
            ends = [self.end_of(one) for one in (running, future, second)]
            self.assertEqual(ends[1][0], INVALID)
            self.assertTrue(ends[1][1].startswith("INVALID_FIELD: "), ends[1][1])
            if ends[0][0] == grpc.StatusCode.OK and ends[2][0] == BUSY:
                return
            self.assertIn(ends[2][0], (BUSY, behind), ends[2][1])
        self.fail("no job was caught running")

    def end_of(self, call):
        try:
            self.assertTrue(list(call)[-1].done)
            return grpc.StatusCode.OK, ""
        except grpc.RpcError as error:
            return error.code(), error.details()

    def test_recalculate_tiers_refusals_come_in_their_order(self):
        def call(**fields):
            return self.client.programmes.RecalculateTiers(programmes_pb2.RecalculateTiersRequest(**fields),
                                                           timeout=WAIT)

        def recalculate(**fields):
            return list(call(**fields))
        recalculate(run_id="begun", as_of=20180101)
        self.job_fields_walk(recalculate)
        self.busy_walk(call, 20161201, PRECONDITION)
        self.fails(lambda: recalculate(run_id="begun", as_of=20161201), PRECONDITION, "no programme")
        self.fails(lambda: recalculate(run_id="begun", as_of=20180102), INVALID, "another date")
        self.assertTrue(recalculate(run_id="fresh", as_of=20180102)[-1].done)

    def test_expire_refusals_come_in_their_order(self):
        def call(**fields):
            return self.client.programmes.Expire(programmes_pb2.ExpireRequest(**fields), timeout=WAIT)

        def expire(**fields):
            return list(call(**fields))
        expire(run_id="begun", as_of=20180101)
        self.job_fields_walk(expire)
        self.busy_walk(call, 20180102, INVALID)
        self.fails(lambda: expire(run_id="begun", as_of=20180102), INVALID, "another date")
        self.assertTrue(expire(run_id="fresh", as_of=20180102)[-1].done)


jifend.main()
