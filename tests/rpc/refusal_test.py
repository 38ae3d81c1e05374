"""Every refusal that a client can bring about: its status, its code and its facts, in all the places where they are."""
import re
import time

import grpc

import jifend
from jifend import ROOT, WAIT, Case, common_pb2, ledger_pb2, line, members_pb2, number, programmes_pb2, sale

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MISSING = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
NOW_MS = int(time.time() * 1000)
DAY_MS = 86400000

# What the requests here cannot bring about, and where it is tested instead.
ELSEWHERE = {
    "NO_PROGRAMME": "below, without a programme", "MEMBER_MERGED": "members_test", "APPROVAL_NEEDED": "members_test",
    "MEMBER_CLOSED": "members_test", "MEMBER_FROZEN": "members_test", "BALANCE_LEFT": "rules", "LIMIT_REACHED": "rules", "OVERFLOW": "rules",
    "OVERLOADED": "overload_test", "DISK_FULL": "overload_test", "SHUTTING_DOWN": "process_test", "FAILED": "unit_service",
    "ZONE_UNREADABLE": "rules",
}


def codes_of_header():
    text = (ROOT / "ledger" / "rules" / "refusal.h").read_text()
    return re.findall(r"^\s+X\((\w+), ([A-Z_]+),", text, re.MULTILINE)


class Refusal(Case):
    seen = set()

    def setUp(self):
        super().setUp()
        self.client.chain(stores=(1, 2))
        self.client.enrol(1, "card-1")
        self.client.enrol(2)

    def refused(self, call, status, code):
        self.seen.add(code)
        return super().refused(call, status, code)

    def sale_refused(self, request, status, code):
        return self.refused(lambda: self.client.sell(request), status, code)

    def return_refused(self, status, code, **fields):
        request = ledger_pb2.PostReturnRequest(**{
            "transaction_id": "r", "sale_transaction_id": "s1", "store": 1,
            "returned_at_ms": jifend.SOLD_AT_MS + 1000, **fields})
        return self.refused(lambda: self.client.ledger.PostReturn(request, timeout=WAIT), status, code)

    def redeem_refused(self, points, status, code, **fields):
        request = ledger_pb2.RedeemRequest(**{
            "transaction_id": "q", "member": number(1), "store": 1, "redeemed_at_ms": jifend.SOLD_AT_MS + 1000,
            "points": points, **fields})
        return self.refused(lambda: self.client.ledger.Redeem(request, timeout=WAIT), status, code)

    def test_instants_far_outside_the_calendar_are_malformed_everywhere(self):
        self.client.sell(sale("s1"))
        for at_ms in (-2**63, -10**15, -1, 0, 10**13, 10**15, 10**17, 2**63 - 1):
            with self.subTest(at_ms=at_ms):
                bad = sale("x", sold_at_ms=at_ms)
                self.sale_refused(bad, INVALID, "INVALID_FIELD")
                self.refused(lambda: self.client.ledger.Quote(bad, timeout=WAIT), INVALID, "INVALID_FIELD")
                self.redeem_refused(100, INVALID, "INVALID_FIELD", redeemed_at_ms=at_ms)
                self.return_refused(INVALID, "INVALID_FIELD", all=True, returned_at_ms=at_ms)
                batch = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=[
                    ledger_pb2.Write(sale=bad), ledger_pb2.Write(sale=sale("s1"))]), timeout=WAIT)
                self.assertEqual(batch.results[0].refusal.code, "INVALID_FIELD")
                self.assertTrue(batch.results[1].replayed)

    def test_ids_of_the_ledgers_own_are_refused(self):
        for own in ("tiers/june/1", "expire/june"):
            refusal = self.sale_refused(sale(own), INVALID, "INVALID_FIELD")
            self.assertEqual(refusal.field, "transaction_id")

    def test_malformed_fields_are_named_with_their_bound(self):
        cases = [
            (dict(name=""), "transaction_id"), (dict(name="x" * 65), "transaction_id"),
            (dict(name="s", member=0), "member"), (dict(name="s", member="c" * 65), "member.card"),
            (dict(name="s", store=0), "receipt.store"),
            (dict(name="s", lines=[line(), line(amount=10**12 + 1)]), "receipt.lines[1].amount"),
            (dict(name="s", lines=[line(quantity=-1)]), "receipt.lines[0].quantity_milli"),
            (dict(name="s", lines=[line()] * 501), "receipt.lines"),
            (dict(name="s", redeem_points=-1), "redeem_points"), (dict(name="s", sold_at_ms=0), "receipt.sold_at_ms"),
        ]
        for fields, field in cases:
            with self.subTest(field=field):
                refusal = self.sale_refused(sale(**fields), INVALID, "INVALID_FIELD")
                self.assertEqual(refusal.field, field)
        empty = ledger_pb2.PostSaleRequest(transaction_id="s")
        self.assertEqual(self.sale_refused(empty, INVALID, "INVALID_FIELD").field, "member")
        empty.member.number = 1
        self.assertTrue(self.sale_refused(empty, INVALID, "INVALID_FIELD").field.startswith("receipt"))

    def test_a_nul_byte_is_refused_with_the_path_of_its_field(self):
        def wrong(name):
            request = sale(name, lines=[line(), line()])
            request.receipt.lines[1].sku = "a\0b"
            return request
        refusal = self.sale_refused(wrong("s"), INVALID, "INVALID_FIELD")
        self.assertEqual(refusal.field, "receipt.lines[1].sku")
        self.assertIn("NUL", refusal.message)
        request = sale("s")
        request.receipt.number = "\0"
        for call in (self.client.ledger.PostSale, self.client.ledger.Quote):
            refusal = self.refused(lambda: call(request, timeout=WAIT), INVALID, "INVALID_FIELD")
            self.assertEqual(refusal.field, "receipt.number")
        request = members_pb2.EnrolRequest(transaction_id="e", number=9, cards=["c", "d\0"], enrolled_on=20170101)
        refusal = self.refused(lambda: self.client.members.Enrol(request, timeout=WAIT), INVALID, "INVALID_FIELD")
        self.assertEqual(refusal.field, "cards[1]")
        read = ledger_pb2.GetMemberRequest(member=common_pb2.MemberRef(card="card-1\0"))
        refusal = self.refused(lambda: self.client.ledger.GetMember(read, timeout=WAIT), INVALID, "INVALID_FIELD")
        self.assertEqual(refusal.field, "member.card")
        self.assertFalse(self.client.sell(sale("s")).replayed)

    def writes_around_a_nul(self):
        """(write, the field that is refused or None)."""
        yield ledger_pb2.Write(sale=sale("w0")), None
        spoilt = sale("w1")
        spoilt.receipt.number = "n\0"
        yield ledger_pb2.Write(sale=spoilt), "receipt.number"
        yield ledger_pb2.Write(sale=sale("w2", "card-1\0")), "member.card"  # cut, it would be a card
        spoilt = sale("w3", lines=[line(), line()])
        spoilt.receipt.lines[1].category = "\0"
        yield ledger_pb2.Write(sale=spoilt), "receipt.lines[1].category"
        yield ledger_pb2.Write(sale_return=ledger_pb2.PostReturnRequest(
            transaction_id="w4", sale_transaction_id="w0\0", store=1, returned_at_ms=jifend.SOLD_AT_MS + 1000,
            all=True)), "sale_transaction_id"
        yield ledger_pb2.Write(sale=sale("w0\0")), "transaction_id"  # cut, it would be a replay
        yield ledger_pb2.Write(), "write"
        yield ledger_pb2.Write(sale=sale("w5")), None

    def answered_one_by_one(self, results):
        fields = [field for _, field in self.writes_around_a_nul()]
        self.assertEqual([result.refusal.field or None for result in results], fields)
        for result, field in zip(results, fields):
            self.assertEqual(result.HasField("outcome"), field is None)
            self.assertFalse(result.replayed)
            if field is not None:
                self.assertEqual(result.refusal.code, "INVALID_FIELD")
                self.assertEqual(result.refusal.status, INVALID.value[0])

    def test_a_nul_byte_in_a_batch_refuses_its_write_only(self):
        batch = ledger_pb2.PostBatchRequest(writes=[write for write, _ in self.writes_around_a_nul()])
        self.answered_one_by_one(self.client.ledger.PostBatch(batch, timeout=WAIT).results)

    def test_a_nul_byte_in_a_stream_refuses_its_write_only(self):
        requests = (ledger_pb2.StreamRequest(write=write) for write, _ in self.writes_around_a_nul())
        self.answered_one_by_one([answer.result for answer in self.client.ledger.Stream(requests, timeout=WAIT)])

    def test_a_batch_that_other_parsers_read_differently_hides_no_nul_byte(self):
        batch = ledger_pb2.PostBatchRequest(writes=[ledger_pb2.Write(sale=sale("w0\0"))]).SerializeToString()
        call = self.channel.unary_unary("/jifen.v1.Ledger/PostBatch")
        answer = ledger_pb2.PostBatchResponse.FromString(call(b"\x82\x80\x80\x80\x10\x01x" + batch, timeout=WAIT))
        self.assertEqual([result.refusal.code for result in answer.results], ["INVALID_FIELD"])

    def test_dates_that_are_none_are_malformed(self):
        for wire in (20170230, 20171301, 1, -20170101, 18000101):
            with self.subTest(wire=wire):
                request = members_pb2.EnrolRequest(transaction_id="e", number=9, enrolled_on=wire)
                refusal = self.refused(lambda: self.client.members.Enrol(request, timeout=WAIT), INVALID,
                                       "INVALID_FIELD")
                self.assertEqual(refusal.field, "enrolled_on")
                read = ledger_pb2.GetMemberRequest(member=number(1), as_of=wire)
                refusal = self.refused(lambda: self.client.ledger.GetMember(read, timeout=WAIT), INVALID,
                                       "INVALID_FIELD")
                self.assertEqual(refusal.field, "as_of")

    def test_reads_are_refused_with_the_field_at_fault(self):
        ledger = self.client.ledger
        cases = [
            (ledger.GetMember, ledger_pb2.GetMemberRequest(), "member"),
            (ledger.GetMember, ledger_pb2.GetMemberRequest(member=common_pb2.MemberRef()), "member"),
            (ledger.GetMember, ledger_pb2.GetMemberRequest(member=number(0)), "member.number"),
            (ledger.History, ledger_pb2.HistoryRequest(member=common_pb2.MemberRef(card="")), "member.card"),
            (ledger.History, ledger_pb2.HistoryRequest(member=number(1), limit=1001), "limit"),
            (ledger.GetTransaction, ledger_pb2.GetTransactionRequest(), "transaction_id"),
            (ledger.GetTransaction, ledger_pb2.GetTransactionRequest(position=0), "position"),
            (ledger.GetTransaction, ledger_pb2.GetTransactionRequest(transaction_id="x" * 65), "transaction_id"),
        ]
        for call, request, field in cases:
            with self.subTest(field=field):
                refusal = self.refused(lambda: call(request, timeout=WAIT), INVALID, "INVALID_FIELD")
                self.assertEqual(refusal.field, field)

    def test_what_is_not_known_is_not_found(self):
        self.sale_refused(sale("s", "no-card"), MISSING, "UNKNOWN_CARD")
        self.sale_refused(sale("s", 99), MISSING, "UNKNOWN_MEMBER")
        self.sale_refused(sale("s", store=99), MISSING, "UNKNOWN_STORE")
        self.return_refused(MISSING, "UNKNOWN_SALE", all=True)
        ledger = self.client.ledger
        for request in (ledger_pb2.GetTransactionRequest(transaction_id="no"),
                        ledger_pb2.GetTransactionRequest(position=10**9)):
            self.refused(lambda: ledger.GetTransaction(request, timeout=WAIT), MISSING, "UNKNOWN_TRANSACTION")
        for card, code in ((common_pb2.MemberRef(card="no"), "UNKNOWN_CARD"), (number(99), "UNKNOWN_MEMBER")):
            self.refused(lambda: ledger.GetMember(ledger_pb2.GetMemberRequest(member=card), timeout=WAIT), MISSING,
                         code)
            self.refused(lambda: ledger.History(ledger_pb2.HistoryRequest(member=card), timeout=WAIT), MISSING, code)
        request = programmes_pb2.GetProgrammeRequest(version=7)
        self.refused(lambda: self.client.programmes.Get(request, timeout=WAIT), MISSING, "UNKNOWN_PROGRAMME")

    def test_other_content_under_the_same_id_is_a_conflict_with_both_fingerprints(self):
        self.client.sell(sale("s1"))
        refusal = self.sale_refused(sale("s1", lines=[line(amount=1001)]), EXISTS, "TRANSACTION_CONFLICT")
        self.assertNotIn(0, (refusal.fingerprint_first, refusal.fingerprint_second))
        self.assertNotEqual(refusal.fingerprint_first, refusal.fingerprint_second)
        self.redeem_refused(100, EXISTS, "TRANSACTION_CONFLICT", transaction_id="s1")

    def test_a_receipt_earns_once(self):
        first = self.client.sell(sale("s1"))
        request = sale("s1", 2)
        request.transaction_id = "other"
        refusal = self.sale_refused(request, EXISTS, "RECEIPT_TAKEN")
        self.assertEqual(refusal.position, first.outcome.position)

    def test_times_that_cannot_be_are_refused(self):
        self.sale_refused(sale("s", sold_at_ms=NOW_MS + DAY_MS), PRECONDITION, "IN_FUTURE")
        self.sale_refused(sale("s", sold_at_ms=jifend.SOLD_AT_MS - 30 * DAY_MS), PRECONDITION, "NO_PROGRAMME")
        late = members_pb2.EnrolRequest(transaction_id="e", number=9, enrolled_on=20170601)
        self.client.members.Enrol(late, timeout=WAIT)
        self.sale_refused(sale("s", 9), PRECONDITION, "BEFORE_ENROLMENT")
        self.client.sell(sale("s1"))
        self.return_refused(PRECONDITION, "BEFORE_SALE", all=True, returned_at_ms=jifend.SOLD_AT_MS - DAY_MS)

    def test_redemptions_are_refused_with_what_is_needed_and_there(self):
        self.client.sell(sale("s1", lines=[line(amount=25000)]))
        self.redeem_refused(50, PRECONDITION, "BELOW_MINIMUM")
        self.redeem_refused(150, PRECONDITION, "NOT_A_STEP")
        refusal = self.redeem_refused(500, PRECONDITION, "INSUFFICIENT_POINTS")
        self.assertEqual((refusal.needed, refusal.available), (500, 250))
        self.sale_refused(sale("s2", lines=[line(amount=300)], redeem_points=200), PRECONDITION, "ABOVE_SHARE")

    def test_the_message_begins_with_the_code_and_holds_the_facts(self):
        error = self.fails(lambda: self.client.ledger.Redeem(ledger_pb2.RedeemRequest(
            transaction_id="q", member=number(1), store=1, redeemed_at_ms=jifend.SOLD_AT_MS, points=500),
            timeout=WAIT), PRECONDITION)
        self.assertRegex(error.details(), r"^INSUFFICIENT_POINTS: The member has too few points\. "
                                          r"\(.*needed 500, available 0.*\)$")

    def test_rewards_that_cannot_be_had_are_refused(self):
        text = jifend.PROGRAMME.read_text() + (
            "\nrewards:\n  - {code: mug, points: 30, valid_from: 2017-01-01, valid_to: 2017-12-31, stock: 3, "
            "per_member: 2}\n  - {code: cup, points: 10, valid_to: 2017-01-01}\n")
        self.client.programmes.Publish(programmes_pb2.PublishRequest(transaction_id="p2", yaml=text), timeout=WAIT)
        for member in (1, 2):
            self.client.sell(sale(f"s{member}", member, lines=[line(amount=50000)]))
        self.assertEqual(self.redeem_refused(31, MISSING, "UNKNOWN_REWARD", reward="hat").field, "reward")
        self.assertIn("2017-01-01", self.redeem_refused(31, PRECONDITION, "REWARD_NOT_VALID", reward="cup").message)
        self.assertEqual(self.redeem_refused(31, PRECONDITION, "NOT_A_STEP", reward="mug").limit, 30)
        refusal = self.redeem_refused(90, PRECONDITION, "REWARD_LIMIT", reward="mug")
        self.assertEqual((refusal.needed, refusal.available, refusal.limit), (3, 2, 2))

        def redeem(name, member, points):
            return self.client.ledger.Redeem(ledger_pb2.RedeemRequest(
                transaction_id=name, member=number(member), store=1, redeemed_at_ms=jifend.SOLD_AT_MS + 1000,
                points=points, reward="mug"), timeout=WAIT)
        self.assertEqual(redeem("m1", 2, 60).outcome.redeemed_value, 0)
        refusal = self.redeem_refused(60, PRECONDITION, "REWARD_OUT_OF_STOCK", reward="mug")
        self.assertEqual((refusal.needed, refusal.available, refusal.limit), (2, 1, 3))
        self.assertTrue(redeem("m1", 2, 60).replayed)
        redeem("m2", 1, 30)
        self.redeem_refused(30, PRECONDITION, "REWARD_OUT_OF_STOCK", reward="mug")

    def test_a_sale_made_offline_lacks_no_more_than_the_allowance(self):
        text = jifend.PROGRAMME.read_text()
        text = text.replace("  share_max: 50%", "  share_max: 50%\n  offline_allowance: 200")
        self.assertIn("offline_allowance", text)
        self.client.programmes.Publish(programmes_pb2.PublishRequest(transaction_id="p2", yaml=text), timeout=WAIT)
        request = sale("s1", lines=[line(amount=2000)], redeem_points=300, offline=True)
        refusal = self.sale_refused(request, PRECONDITION, "OFFLINE_ABOVE_ALLOWANCE")
        self.assertEqual((refusal.needed, refusal.limit), (300, 200))
        request.redeem_points = 200
        outcome = self.client.sell(request).outcome
        self.assertEqual((outcome.points_redeemed, outcome.balance.debt, outcome.balance.available),
                         (200, 200 - outcome.points_granted, 0))

    def test_holds_that_ended_or_never_were_are_refused(self):
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        at_ms = jifend.SOLD_AT_MS + 1000

        def hold(name, points, deadline_ms=at_ms + 60000):
            return self.client.ledger.Hold(ledger_pb2.HoldRequest(
                transaction_id=name, member=number(1), store=1, held_at_ms=at_ms, points=points,
                deadline_ms=deadline_ms), timeout=WAIT)

        def capture(name, of, points=0, after_ms=1000):
            return self.client.ledger.Capture(ledger_pb2.CaptureRequest(
                transaction_id=name, hold_transaction_id=of, captured_at_ms=at_ms + after_ms, points=points),
                timeout=WAIT)

        refusal = self.refused(lambda: hold("h", 100, at_ms), INVALID, "INVALID_FIELD")
        self.assertEqual((refusal.field, refusal.limit), ("deadline_ms", at_ms + 1))
        self.refused(lambda: hold("h", 600), PRECONDITION, "INSUFFICIENT_POINTS")
        self.refused(lambda: capture("c", "h"), MISSING, "UNKNOWN_TRANSACTION")  # refused, so never held
        self.refused(lambda: capture("c", "s1"), MISSING, "UNKNOWN_TRANSACTION")
        hold("h", 300)
        refusal = self.refused(lambda: capture("c", "h", 301), PRECONDITION, "INSUFFICIENT_POINTS")
        self.assertEqual((refusal.needed, refusal.available), (301, 300))
        self.refused(lambda: capture("c", "h", after_ms=NOW_MS), PRECONDITION, "IN_FUTURE")
        captured = capture("c", "h", 100)
        refusal = self.refused(lambda: capture("c2", "h", 100), PRECONDITION, "HOLD_ENDED")
        self.assertEqual(refusal.position, captured.outcome.position)
        refusal = self.refused(lambda: self.client.ledger.Void(ledger_pb2.VoidRequest(
            transaction_id="v", hold_transaction_id="h", voided_at_ms=at_ms), timeout=WAIT), PRECONDITION, "HOLD_ENDED")
        self.assertEqual(refusal.position, captured.outcome.position)
        hold("h2", 100)
        refusal = self.refused(lambda: capture("c3", "h2", after_ms=60001), PRECONDITION, "HOLD_ENDED")
        self.assertEqual(refusal.position, 0)

    def test_returns_beyond_the_sale_are_refused(self):
        self.client.sell(sale("s1"))
        self.return_refused(MISSING, "UNKNOWN_LINE", lines=[ledger_pb2.ReturnLine(line_number=2, whole=True)])
        self.return_refused(PRECONDITION, "RETURN_EXCEEDS_KEPT",
                            lines=[ledger_pb2.ReturnLine(line_number=1, quantity_milli=1001)])

    def test_numbers_and_cards_are_taken_once(self):
        for number_, cards, code in ((1, [], "MEMBER_EXISTS"), (9, ["card-1"], "CARD_TAKEN")):
            request = members_pb2.EnrolRequest(transaction_id="again", number=number_, cards=cards,
                                               enrolled_on=20170101)
            self.refused(lambda: self.client.members.Enrol(request, timeout=WAIT), EXISTS, code)

    def test_an_unreadable_programme_is_named_by_file_line_and_field(self):
        text = jifend.PROGRAMME.read_text().replace("per_amount: 1.00", "per_amount: none")
        wrong = next(i for i, row in enumerate(text.split("\n"), 1) if "per_amount: none" in row)
        for yaml, words in ((text, f"tills.yaml:{wrong}"), ("a: [1, ü", "tills.yaml"), ("\tx", "tills.yaml")):
            request = programmes_pb2.PublishRequest(transaction_id="p", yaml=yaml, file_name="tills.yaml")
            with self.subTest(words=words):
                refusal = self.refused(lambda: self.client.programmes.Publish(request, timeout=WAIT), INVALID,
                                       "PROGRAMME_INVALID")
                self.assertIn(words, refusal.message)

    def test_words_that_the_programme_does_not_know_are_refused_where_it_says_so(self):
        text = jifend.PROGRAMME.read_text() + "unknown: {categories: refuse, tenders: refuse}\n"
        self.client.programmes.Publish(programmes_pb2.PublishRequest(transaction_id="strict", yaml=text), timeout=WAIT)
        strange = sale("x")
        strange.receipt.lines[0].category = "no such category"
        refusal = self.sale_refused(strange, INVALID, "UNKNOWN_CATEGORY")
        self.assertEqual(refusal.field, "receipt.lines[0].category")
        strange.receipt.lines[0].category = ""
        del strange.receipt.tenders[:]
        strange.receipt.tenders.add(type="gift_card", amount=1)
        strange.receipt.tenders.add(type="beads", amount=1)
        refusal = self.sale_refused(strange, INVALID, "UNKNOWN_TENDER")
        self.assertEqual(refusal.field, "receipt.tenders[1].type")

    def test_an_unknown_zone_is_refused(self):
        for zone in ("Mars/Olympus", "../etc/passwd"):
            request = programmes_pb2.PutStoreRequest(transaction_id="z", store=9, entity=1, zone=zone)
            self.refused(lambda: self.client.programmes.PutStore(request, timeout=WAIT), INVALID, "ZONE_UNKNOWN")

    def test_a_level_given_by_hand_is_refused_in_order(self):
        def set_tier(**fields):
            request = {"transaction_id": "t", "member": common_pb2.MemberRef(number=1), "tier": "gold", "operator": "o",
                       **fields}
            return self.refused(lambda: self.client.members.SetTier(members_pb2.SetTierRequest(**request), timeout=WAIT),
                                *expected)
        expected = INVALID, "INVALID_FIELD"
        for fields, field in ((dict(tier=""), "tier"), (dict(operator=""), "operator"), (dict(until=20170230), "until"),
                              (dict(member=None), "member")):
            self.assertEqual(set_tier(**fields).field, field)
        expected = MISSING, "UNKNOWN_TIER"
        set_tier(tier="platinum", until=20170101)
        expected = INVALID, "INVALID_FIELD"
        self.assertEqual(set_tier(until=20170101).field, "until")

    def test_a_refused_write_may_be_sent_again_with_other_content(self):
        self.sale_refused(sale("s1", 99), MISSING, "UNKNOWN_MEMBER")
        self.assertFalse(self.client.sell(sale("s1")).replayed)

    def test_the_list_for_clients_is_complete_and_right(self):
        listed = dict(re.findall(r"^\| `(\w+)` \| `([A-Z_]+)` \|", (ROOT / "proto" / "README.md").read_text(),
                                 re.MULTILINE))
        self.assertEqual(listed, dict(codes_of_header()))

    @classmethod
    def tearDownClass(cls):
        codes = {code for code, _ in codes_of_header()}
        missing = codes - cls.seen - set(ELSEWHERE)
        assert len(codes) > 25 and not missing, f"refusals that no test here brings about: {sorted(missing)}"


jifend.main()
