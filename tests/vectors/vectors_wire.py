"""Vectors as requests of jifen.v1, and answers in the words of vectors. The format is described in README.md."""
import datetime
import pathlib
import sys
import zoneinfo
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rpc"))

import jifend  # noqa: E402
from jifend import common_pb2, ledger_pb2, members_pb2, programmes_pb2  # noqa: E402

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
LONG = 40  # ids and cards above this many bytes are sent as they stand
ACCOUNTS = {number: name.removeprefix("ACCOUNT_").lower() for name, number in common_pb2.Account.items()}
KINDS = {number: name.removeprefix("KIND_").lower() for name, number in common_pb2.TraceStep.Kind.items()}
STATUSES = {number: name.removeprefix("MEMBER_STATUS_").lower() for name, number in common_pb2.MemberStatus.items()}


class Case:
    """What makes a case's names its own on a server that serves many."""

    def __init__(self, number, zones, digits=2):
        self.number, self.zones, self.unit = number, zones, 10 ** digits

    def id(self, text):
        return text if text == "" or len(text.encode()) > LONG or "/" in text else f"{self.number}:{text}"

    def member_number(self, text):
        value = int(text)
        return value if value == 0 or value >= 10 ** 6 else self.number * 1000 + value

    def member(self, text):
        """A number, or `card X`."""
        if text.startswith("card "):
            return common_pb2.MemberRef(card=self.id(text.removeprefix("card ").replace("''", "")))
        return common_pb2.MemberRef(number=self.member_number(text))

    def terminal(self, text):
        return self.number * 1000 + int(text)

    def money(self, text):
        value = Fraction(text) * self.unit
        assert value.denominator == 1, text
        return int(value)

    def instant(self, text, store=None):
        """Without offset: the store's local time, UTC where there is no store. In: also +N days from now."""
        if text.startswith("now"):
            now = datetime.datetime.now(UTC)
            return milliseconds(now + datetime.timedelta(days=float(text.removeprefix("now") or 0)))
        if text.removeprefix("-").isdigit():
            return int(text)
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(self.zones.get(store, "UTC")))
        return milliseconds(moment)


def milliseconds(moment):
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


def date_number(text):
    if text in ("today", "tomorrow"):
        text = (datetime.datetime.now(UTC).date() + datetime.timedelta(days=text == "tomorrow")).isoformat()
    return int(text.replace("-", "")) if text not in ("", "never", "none") else 0


def date_text(number):
    return f"{number // 10000:04}-{number // 100 % 100:02}-{number % 100:02}" if number else "never"


def thousandths(text):
    value = Fraction(text) * 1000
    assert value.denominator == 1, text
    return int(value)


def tag_bits(texts):
    return sum(1 << int(text) for text in texts)


def birthday(text):
    month, day = (int(part) for part in text.split("-")) if text else (0, 0)
    return {"birth_month": month, "birth_day": day}


# Requests, one function a command. In: case, the step's fields.

def lines_of(case, rows):
    lines = []
    for row in rows:
        one = common_pb2.Line(sku=row.get("sku", "A"), category=row.get("category", ""),
                              quantity_milli=thousandths(row.get("quantity", "1")), amount=case.money(row["amount"]))
        lines += [one] * int(row.get("times", "1"))
    return lines


def sale(case, step):
    tenders = step.get("tenders", {})
    rows = tenders.items() if isinstance(tenders, dict) else [next(iter(one.items())) for one in tenders]
    receipt = common_pb2.Receipt(
        store=int(step.get("store", "1")), terminal=case.terminal(step.get("terminal", "1")),
        number=step.get("receipt", step["id"][:32]), sold_at_ms=case.instant(step["at"], step.get("store", "1")),
        lines=lines_of(case, step.get("lines", ())),
        tenders=[common_pb2.Tender(type=kind, amount=case.money(amount)) for kind, amount in rows])
    return ledger_pb2.PostSaleRequest(
        transaction_id=case.id(step["id"]), member=case.member(step.get("member", "1")), receipt=receipt,
        redeem_points=int(step.get("redeem", "0")), offline=step.get("offline") == "true")


def sale_return(case, step):
    lines = []
    for row in step.get("lines", ()):
        is_whole = row.get("quantity", "all") == "all"
        lines.append(ledger_pb2.ReturnLine(line_number=int(row["line"]), whole=is_whole,
                                           quantity_milli=0 if is_whole else thousandths(row["quantity"])))
    return ledger_pb2.PostReturnRequest(
        transaction_id=case.id(step["id"]), sale_transaction_id=case.id(step["sale"]),
        store=int(step.get("store", "1")), terminal=case.terminal(step.get("terminal", "1")),
        returned_at_ms=case.instant(step["at"], step.get("store", "1")), lines=lines, all=step.get("all") == "true")


def till(case, step, at):
    return {"transaction_id": case.id(step["id"]), "member": case.member(step.get("member", "1")),
            "store": int(step.get("store", "1")), "terminal": case.terminal(step.get("terminal", "1")),
            at: case.instant(step["at"], step.get("store", "1")), "points": int(step["points"]),
            "reward": step.get("reward", "")}


def redeem(case, step):
    return ledger_pb2.RedeemRequest(**till(case, step, "redeemed_at_ms"))


def hold(case, step):
    return ledger_pb2.HoldRequest(**till(case, step, "held_at_ms"),
                                  deadline_ms=case.instant(step["deadline"], step.get("store", "1")))


def capture(case, step):
    return ledger_pb2.CaptureRequest(
        transaction_id=case.id(step["id"]), hold_transaction_id=case.id(step["hold"]),
        captured_at_ms=case.instant(step["at"], step.get("store", "1")), points=int(step.get("points", "0")))


def void(case, step):
    return ledger_pb2.VoidRequest(transaction_id=case.id(step["id"]), hold_transaction_id=case.id(step["hold"]),
                                  voided_at_ms=case.instant(step["at"], step.get("store", "1")))


def enrol(case, step):
    return members_pb2.EnrolRequest(
        transaction_id=case.id(step["id"]), number=case.member_number(step["member"]),
        cards=[case.id(card) for card in step.get("cards", ())], enrolled_on=date_number(step.get("on", "2020-01-01")),
        home_store=int(step.get("home_store", "0")), tags=tag_bits(step.get("tags", ())),
        **birthday(step.get("birthday", "")))


def update(case, step):
    return members_pb2.UpdateMemberRequest(
        transaction_id=case.id(step["id"]), member=case.member(step.get("member", "1")),
        home_store=int(step.get("home_store", "0")), tags=tag_bits(step.get("tags", ())),
        erase=step.get("erase") == "true", **birthday(step.get("birthday", "")))


def link(case, step):
    return members_pb2.LinkCardRequest(transaction_id=case.id(step["id"]), card=case.id(step["card"]),
                                       member=case.member(step.get("member", "1")))


def unlink(case, step):
    return members_pb2.UnlinkCardRequest(transaction_id=case.id(step["id"]), card=case.id(step["card"]))


def freeze(case, step):
    return members_pb2.FreezeRequest(transaction_id=case.id(step["id"]), member=case.member(step.get("member", "1")))


def thaw(case, step):
    request = freeze(case, step)
    request.thaw = True
    return request


def close(case, step):
    return members_pb2.CloseRequest(transaction_id=case.id(step["id"]), member=case.member(step.get("member", "1")))


def merge(case, step):
    return members_pb2.MergeRequest(transaction_id=case.id(step["id"]), **{"from": case.member(step["from"])},
                                    into=case.member(step["into"]))


def adjust(case, step):
    return members_pb2.AdjustRequest(
        transaction_id=case.id(step["id"]), member=case.member(step.get("member", "1")), points=int(step["points"]),
        reason_code=step.get("reason", "goodwill"), operator=step.get("operator", "op-1"),
        approver=step.get("approver", ""), entity=int(step.get("entity", "1")),
        adjusted_at_ms=case.instant(step["at"]))


def transfer(case, step):
    return members_pb2.TransferRequest(
        transaction_id=case.id(step["id"]), **{"from": case.member(step["from"])}, to=case.member(step["to"]),
        points=int(step["points"]), operator=step.get("operator", "op-1"), transferred_at_ms=case.instant(step["at"]))


def store(case, step):
    return programmes_pb2.PutStoreRequest(
        transaction_id=case.id(step["id"]), store=int(step["store"]), entity=int(step.get("entity", "1")),
        region=step.get("region", ""), zone=step.get("zone", "Asia/Shanghai"), day_start_minute=minutes(step))


def minutes(step):
    hour, minute = step.get("day_start", "00:00").split(":")
    return int(hour) * 60 + int(minute)


def publish(case, step):
    return programmes_pb2.PublishRequest(transaction_id=case.id(step["id"]), yaml=step["text"], file_name="vector.yaml")


def set_tier(case, step):
    return members_pb2.SetTierRequest(
        transaction_id=case.id(step["id"]), member=case.member(step.get("member", "1")), tier=step["tier"],
        until=date_number(step.get("until", "none")), operator=step.get("operator", "op-1"))


# Answers, as the words of vectors. Every function gives a dictionary of plain values.

def balance(case, message):
    return {"available": message.available, "pending": message.pending, "held": message.held, "debt": message.debt,
            "tier": message.tier,
            "expiring": f"{message.expiring_points} on {date_text(message.expiring_on)}" if message.expiring_on else "none"}


def posting_text(case, posting, reasons):
    """account entity points [ground] [until DATE] [from DATE] [member N]."""
    text = f"{ACCOUNTS[posting.account]} {posting.entity} {posting.points:+}"
    if ACCOUNTS[posting.account] == "issued":
        text += f" {reasons[posting.reason]}"
    if ACCOUNTS[posting.account] in ("issued", "available", "pending", "held", "expired"):
        text += f" until {date_text(posting.expires_on)}"
        text += f" from {date_text(posting.available_on)}" if posting.available_on else ""
    return text + (f" member {posting.member - case.number * 1000}" if posting.member else "")


def trace(outcome, reasons):
    """Sums of points by kind and ground: {"multiplier member-day": 5}; money where the step has no points."""
    sums = {}
    for step in outcome.trace:
        kind = KINDS[step.kind]
        name = kind if step.reason == 0 else f"{kind} {reasons[step.reason]}"
        sums[name] = sums.get(name, 0) + (step.amount if kind in ("eligible", "kept") else step.points)
    return sums


def outcome(case, message, reasons):
    got = {"granted": message.points_granted, "redeemed": message.points_redeemed, "value": message.redeemed_value,
           "line_points": list(message.line_points), "date": date_text(message.business_date), "late": message.late,
           "member": message.member - case.number * 1000, "version": message.programme_version,
           "postings": sorted(posting_text(case, posting, reasons) for posting in message.postings),
           "trace": trace(message, reasons)}
    for name, field in (("deduct", "deducted_value"), ("shortfall", "shortfall_points")):
        got[name] = getattr(message, field, 0)
    got.update(balance(case, message.balance) if message.HasField("balance") else {})
    return got


def member(case, message):
    got = {"status": STATUSES[message.status], "tier": message.tier, "tier_name": message.tier_name,
           "tier_since": date_text(message.tier_since), "enrolled_on": date_text(message.enrolled_on),
           "birthday": f"{message.birth_month:02}-{message.birth_day:02}" if message.birth_month else "",
           "home_store": message.home_store, "debt": message.debt, "visits": message.visits,
           "tags": [bit for bit in range(64) if message.tags >> bit & 1],
           "months": [f"{one.month // 100}-{one.month % 100:02} {one.spend} {one.visits} {one.points}"
                      for one in message.months],
           "lots": [lot_text(lot) for lot in message.lots]}
    names = message.DESCRIPTOR.fields_by_name
    if "cards" in names:
        got["cards"] = sorted(card.removeprefix(f"{case.number}:") for card in message.cards)
    if "merged_into" in names:
        got["merged_into"] = message.merged_into - case.number * 1000 if message.merged_into else 0
    for name in ("activity_class", "class_name"):
        if name in names:
            got[{"activity_class": "class"}.get(name, name)] = getattr(message, name)
    got.update(balance(case, message.balance))
    return got


def lot_text(lot):
    """entity granted/remaining until DATE [from DATE] [expired N]."""
    text = f"{lot.entity} {lot.granted}/{lot.remaining} until {date_text(lot.expires_on)}"
    text += f" from {date_text(lot.available_on)}" if lot.available_on else ""
    return text + (f" expired {lot.expired}" if lot.expired else "")
