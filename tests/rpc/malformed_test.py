"""Bad input through the wire: every malformed field of a write is refused with its name, and nothing is written.

Each case takes a request that would be accepted and spoils one field. After all of them the ledger stands at the
position it stood at, and the requests are accepted under the very ids that were refused.
"""
import grpc

import jifend
from jifend import (SOLD_AT_MS, WAIT, Case, common_pb2, ledger_pb2, line, members_pb2, number, operations_pb2,
                    programmes_pb2)

INVALID = grpc.StatusCode.INVALID_ARGUMENT
DAY_MS = 86400000
LATEST_MS = 7258118400000  # 2200-01-01
AMOUNT_MAX = 10**12
POINTS_MAX = 10**15
OVERFLOWING = (-1, -2**63, 2**63 - 1)
NO_TEXT = ("", "x" * 65, "a\nb", "a\0b", "\0")
NO_INSTANT = (0, -1, DAY_MS, LATEST_MS, 2**63 - 1, -2**63)
NO_DATE = (20170230, 20171301, 20170100, 20170132, 20190229, 20210431, 1, -20170101, 19691231, 22000101, 2**31 - 1)


def tender(type_="cash", amount=0):
    return common_pb2.Tender(type=type_, amount=amount)


def receipt(**fields):
    return common_pb2.Receipt(**{"store": 1, "terminal": 1, "number": "bad", "sold_at_ms": SOLD_AT_MS,
                                 "lines": [line()], **fields})


def sales():
    """(spoilt fields of PostSaleRequest, the field that must be named)."""
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
    yield dict(member=common_pb2.MemberRef()), "member"
    yield dict(member=number(0)), "member"
    yield dict(member=common_pb2.MemberRef(card="")), "member"
    yield dict(member=common_pb2.MemberRef(card="c" * 65)), "member.card"
    yield dict(member=common_pb2.MemberRef(card="c\td")), "member.card"
    for value in OVERFLOWING + (POINTS_MAX + 1,):
        yield dict(redeem_points=value), "redeem_points"
    yield dict(receipt=common_pb2.Receipt()), "receipt.store"
    yield dict(receipt=receipt(store=0)), "receipt.store"
    for value in ("", "n" * 33, "n\r", "n\0"):
        yield dict(receipt=receipt(number=value)), "receipt.number"
    for value in NO_INSTANT:
        yield dict(receipt=receipt(sold_at_ms=value)), "receipt.sold_at_ms"
    for count in (0, 501, 10000):
        yield dict(receipt=receipt(lines=[line()] * count)), "receipt.lines"
    yield dict(receipt=receipt(tenders=[tender()] * 17)), "receipt.tenders"
    for name, values in (("sku", ("", "s" * 33, "\x07", "\0s")), ("category", ("c" * 65, "c\n")),
                         ("quantity_milli", OVERFLOWING + (10**12 + 1,)), ("amount", OVERFLOWING + (AMOUNT_MAX + 1,))):
        for value in values:
            spoilt = line()
            setattr(spoilt, name, value)
            yield dict(receipt=receipt(lines=[line(), line(), spoilt])), f"receipt.lines[2].{name}"
    for name, values in (("type", ("", "t" * 33, "cash\0")), ("amount", OVERFLOWING + (AMOUNT_MAX + 1,))):
        for value in values:
            spoilt = tender()
            setattr(spoilt, name, value)
            yield dict(receipt=receipt(tenders=[tender(), spoilt])), f"receipt.tenders[1].{name}"
    # Only the programme says that gift cards are excluded; more of them than was sold is no receipt.
    yield (dict(receipt=receipt(tenders=[tender("cash", 10**12), tender("gift_card", 1001)])),
           "receipt.tenders[1].amount")


def returns():
    def part(**fields):
        return ledger_pb2.ReturnLine(**{"line_number": 1, "whole": True, **fields})

    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
        yield dict(sale_transaction_id=value), "sale_transaction_id"
    yield dict(store=0), "store"
    for value in NO_INSTANT:
        yield dict(returned_at_ms=value), "returned_at_ms"
    yield dict(lines=[]), "lines"
    yield dict(lines=[part(line_number=1 + i) for i in range(501)]), "lines"
    yield dict(lines=[part(), part()]), "lines[1].line_number"
    yield dict(lines=[part(line_number=0)]), "lines[0].line_number"
    yield dict(lines=[part(quantity_milli=1)]), "lines[0].quantity_milli"
    for value in OVERFLOWING + (0, 10**12 + 1):
        yield dict(lines=[part(whole=False, quantity_milli=value)]), "lines[0].quantity_milli"
    yield dict(all=True), "lines"


def redemptions():
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
    yield dict(member=common_pb2.MemberRef()), "member"
    yield dict(store=0), "store"
    for value in NO_INSTANT:
        yield dict(redeemed_at_ms=value), "redeemed_at_ms"
    for value in OVERFLOWING + (0, POINTS_MAX + 1):
        yield dict(points=value), "points"
    for value in ("r" * 65, "\n"):
        yield dict(reward=value), "reward"


def holds():
    for fields, field in redemptions():
        yield {"held_at_ms" if name == "redeemed_at_ms" else name: value for name, value in fields.items()}, \
            "held_at_ms" if field == "redeemed_at_ms" else field
    for value in (0, SOLD_AT_MS + 1000, SOLD_AT_MS + 1000 + 31 * DAY_MS, -1, 2**63 - 1):
        yield dict(deadline_ms=value), "deadline_ms"


def second_steps(at_ms):
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
        yield dict(hold_transaction_id=value), "hold_transaction_id"
    for value in NO_INSTANT:
        yield {at_ms: value}, at_ms
    for value in (OVERFLOWING + (POINTS_MAX + 1,) if at_ms == "captured_at_ms" else ()):
        yield dict(points=value), "points"


def members(member="member"):
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
    yield {member: common_pb2.MemberRef()}, member
    yield {member: common_pb2.MemberRef(card="c" * 65)}, f"{member}.card"


def updates():
    yield from members()
    for month, day, field in ((13, 1, "birth_month"), (2, 30, "birth_day"), (1, 0, "birth_day"), (0, 1, "birth_month")):
        yield dict(birth_month=month, birth_day=day), field


def cards():
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
        yield dict(card=value), "card"


def adjustments():
    yield from members()
    for value in (0, 2**63 - 1, -2**63, POINTS_MAX + 1, -POINTS_MAX - 1):
        yield dict(points=value), "points"
    for field in ("reason_code", "operator"):
        for value in NO_TEXT:
            yield {field: value}, field
    yield dict(approver="a" * 65), "approver"
    yield dict(entity=0), "entity"
    yield dict(entity=256), "entity"
    for value in NO_INSTANT:
        yield dict(adjusted_at_ms=value), "adjusted_at_ms"


def transfers():
    yield from members("from")
    yield from members("to")
    yield {"to": number(1)}, "to"
    for value in OVERFLOWING + (0, POINTS_MAX + 1):
        yield dict(points=value), "points"
    for value in NO_TEXT:
        yield dict(operator=value), "operator"
    for value in NO_INSTANT:
        yield dict(transferred_at_ms=value), "transferred_at_ms"


def merges():
    yield from members("from")
    yield from members("into")
    yield {"into": number(1)}, "into"


def enrolments():
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
    yield dict(number=0), "number"
    yield dict(cards=["c" * 65]), "cards[0]"
    yield dict(cards=["c", ""]), "cards[1]"
    yield dict(cards=["c", "d\0"]), "cards[1]"
    yield dict(cards=["c", "c"]), "cards[1]"
    yield dict(cards=[f"c{i}" for i in range(17)]), "cards"
    for value in NO_DATE:
        yield dict(enrolled_on=value), "enrolled_on"
    for month, day, field in ((13, 1, "birth_month"), (2, 30, "birth_day"), (4, 31, "birth_day"), (1, 32, "birth_day"),
                              (1, 0, "birth_day"), (0, 1, "birth_month")):
        yield dict(birth_month=month, birth_day=day), field


def stores():
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
    yield dict(store=0), "store"
    yield dict(entity=0), "entity"
    yield dict(entity=256), "entity"
    yield dict(region="r" * 65), "region"
    for value in ("", "z" * 65):
        yield dict(zone=value), "zone"
    yield dict(day_start_minute=720), "day_start_minute"


def publications(text):
    for value in NO_TEXT:
        yield dict(transaction_id=value), "transaction_id"
    yield dict(yaml=""), "yaml"
    yield dict(yaml=text + "\0"), "yaml"
    yield dict(yaml=text + "#" * (1 << 20)), "yaml"
    yield dict(file_name="f" * 257), "file_name"


class Malformed(Case):
    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1)
        self.client.sell(jifend.sale("sold", lines=[line(amount=50000), line(amount=100)]))

    def position(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last

    def spoil(self, call, good, cases):
        """In: good, a request that is accepted; cases, its fields spoilt with the name that must be named."""
        before = self.position()
        for fields, field in cases:
            request = type(good)()
            request.CopyFrom(good)
            for name, value in fields.items():
                request.ClearField(name)
                if hasattr(value, "DESCRIPTOR"):
                    getattr(request, name).CopyFrom(value)
                elif isinstance(value, list):
                    getattr(request, name).extend(value)
                else:
                    setattr(request, name, value)
            with self.subTest(field=field, request=str(fields)[:200]):
                refusal = self.refused(lambda: call(request, timeout=WAIT), INVALID, "INVALID_FIELD")
                self.assertEqual(refusal.field, field)
        self.assertEqual(self.position(), before)
        self.assertFalse(call(good, timeout=WAIT).replayed)
        self.assertEqual(self.position(), before + 1)

    def test_sales(self):
        good = ledger_pb2.PostSaleRequest(transaction_id="bad", member=number(1), receipt=receipt())
        self.spoil(self.client.ledger.PostSale, good, sales())

    def test_quotes(self):
        good = ledger_pb2.PostSaleRequest(transaction_id="bad", member=number(1), receipt=receipt())
        for fields, field in sales():
            if fields.get("transaction_id") != "":  # a quote needs none
                request = ledger_pb2.PostSaleRequest(**{
                    "transaction_id": "bad", "member": number(1), "receipt": receipt(), **fields})
                with self.subTest(field=field):
                    refusal = self.refused(lambda: self.client.ledger.Quote(request, timeout=WAIT), INVALID,
                                           "INVALID_FIELD")
                    self.assertEqual(refusal.field, field)
        self.assertEqual(self.client.ledger.Quote(good, timeout=WAIT).outcome.position, 0)

    def test_reads(self):
        """An id or a card that can stand nowhere is malformed, not unknown."""
        ledger = self.client.ledger
        for value in NO_TEXT:
            if not value:
                continue
            card = common_pb2.MemberRef(card=value)
            for call, request, field in (
                    (ledger.GetTransaction, ledger_pb2.GetTransactionRequest(transaction_id=value), "transaction_id"),
                    (ledger.GetMember, ledger_pb2.GetMemberRequest(member=card), "member.card"),
                    (ledger.History, ledger_pb2.HistoryRequest(member=card), "member.card")):
                with self.subTest(field=field, value=value):
                    refusal = self.refused(lambda: call(request, timeout=WAIT), INVALID, "INVALID_FIELD")
                    self.assertEqual(refusal.field, field)

    def test_returns(self):
        good = ledger_pb2.PostReturnRequest(
            transaction_id="bad", sale_transaction_id="sold", store=1, returned_at_ms=SOLD_AT_MS + 1000,
            lines=[ledger_pb2.ReturnLine(line_number=1, quantity_milli=500)])
        self.spoil(self.client.ledger.PostReturn, good, returns())

    def test_redemptions(self):
        good = ledger_pb2.RedeemRequest(transaction_id="bad", member=number(1), store=1,
                                        redeemed_at_ms=SOLD_AT_MS + 1000, points=100)
        self.spoil(self.client.ledger.Redeem, good, redemptions())

    def test_holds(self):
        good = ledger_pb2.HoldRequest(transaction_id="bad", member=number(1), store=1, held_at_ms=SOLD_AT_MS + 1000,
                                      points=100, deadline_ms=SOLD_AT_MS + 61000)
        self.spoil(self.client.ledger.Hold, good, holds())
        good = ledger_pb2.CaptureRequest(transaction_id="bad-capture", hold_transaction_id="bad",
                                         captured_at_ms=SOLD_AT_MS + 2000)
        self.spoil(self.client.ledger.Capture, good, second_steps("captured_at_ms"))

    def test_voids(self):
        self.client.ledger.Hold(ledger_pb2.HoldRequest(
            transaction_id="held", member=number(1), store=1, held_at_ms=SOLD_AT_MS + 1000, points=100,
            deadline_ms=SOLD_AT_MS + 61000), timeout=WAIT)
        good = ledger_pb2.VoidRequest(transaction_id="bad", hold_transaction_id="held", voided_at_ms=SOLD_AT_MS + 2000)
        self.spoil(self.client.ledger.Void, good, second_steps("voided_at_ms"))

    def test_members(self):
        stub = self.client.members
        one = dict(transaction_id="bad", member=number(1))
        self.spoil(stub.UpdateMember, members_pb2.UpdateMemberRequest(**one), updates())
        one["transaction_id"] = "bad-link"
        self.spoil(stub.LinkCard, members_pb2.LinkCardRequest(**one, card="c"), [*members(), *cards()])
        self.spoil(stub.UnlinkCard, members_pb2.UnlinkCardRequest(transaction_id="bad-unlink", card="c"), cards())
        one["transaction_id"] = "bad-freeze"
        self.spoil(stub.Freeze, members_pb2.FreezeRequest(**one), members())
        one["transaction_id"] = "bad-close"
        self.spoil(stub.Close, members_pb2.CloseRequest(**one), members())

    def test_points_between_members(self):
        stub = self.client.members
        self.client.enrol(2)
        good = members_pb2.AdjustRequest(
            transaction_id="bad", member=number(1), points=100, reason_code="goodwill", operator="o", entity=1,
            adjusted_at_ms=SOLD_AT_MS + 1000)
        self.spoil(stub.Adjust, good, adjustments())
        good = members_pb2.TransferRequest(**{
            "transaction_id": "bad-transfer", "from": number(1), "to": number(2), "points": 100, "operator": "o",
            "transferred_at_ms": SOLD_AT_MS + 1000})
        self.spoil(stub.Transfer, good, transfers())
        good = members_pb2.MergeRequest(**{"transaction_id": "bad-merge", "from": number(1), "into": number(2)})
        self.spoil(stub.Merge, good, merges())

    def test_enrolments(self):
        good = members_pb2.EnrolRequest(transaction_id="bad", number=7, enrolled_on=20170101)
        self.spoil(self.client.members.Enrol, good, enrolments())

    def test_stores(self):
        good = programmes_pb2.PutStoreRequest(transaction_id="bad", store=7, entity=1, zone="UTC")
        self.spoil(self.client.programmes.PutStore, good, stores())

    def test_publications(self):
        text = jifend.PROGRAMME.read_text()
        good = programmes_pb2.PublishRequest(transaction_id="bad", yaml=text, file_name="p.yaml")
        self.spoil(self.client.programmes.Publish, good, publications(text))

    def test_a_batch_answers_each_malformed_write_by_itself(self):
        before = self.position()
        spoilt = [fields for fields, _ in sales()]
        writes = [ledger_pb2.Write(sale=ledger_pb2.PostSaleRequest(**{
            "transaction_id": f"b{i}", "member": number(1), "receipt": receipt(number=f"b{i}"), **fields}))
            for i, fields in enumerate(spoilt)]
        writes.append(ledger_pb2.Write(sale=ledger_pb2.PostSaleRequest(
            transaction_id="good", member=number(1), receipt=receipt(number="good"))))
        answer = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
        self.assertEqual({result.refusal.code for result in answer.results[:-1]}, {"INVALID_FIELD"})
        self.assertEqual([result.refusal.field for result in answer.results[:-1]], [field for _, field in sales()])
        self.assertEqual(answer.results[-1].outcome.position, before + 1)

    def test_bytes_that_are_no_message_are_told_apart(self):
        call = self.channel.unary_unary("/jifen.v1.Ledger/PostSale")
        self.fails(lambda: call(b"\xff\xff\xff", timeout=WAIT), INVALID, "MALFORMED")


jifend.main()
