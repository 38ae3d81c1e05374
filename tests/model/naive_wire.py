"""Between the naive model and jifen.v1: its commands as requests, its answers and members as messages say them.

The server is started by tests/rpc/jifend.py, which reads the directory of the programs from the first argument.
"""
import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rpc"))

import grpc  # noqa: E402

import jifend  # noqa: E402
from jifend import WAIT, common_pb2, ledger_pb2, members_pb2, programmes_pb2  # noqa: E402
from naive_programme import ALWAYS, EVER  # noqa: E402
from naive_state import merged  # noqa: E402

from fractions import Fraction  # noqa: E402

KINDS = {number: name.removeprefix("KIND_") for name, number in common_pb2.TraceStep.Kind.items()}
EXACT = {"BASE", "MULTIPLIER", "BONUS", "OUTDONE", "ROUNDED"}  # steps whose `exact` is a ratio
STATUS = {number: name.removeprefix("MEMBER_STATUS_").lower() for name, number in common_pb2.MemberStatus.items()}
ACCOUNTS = {number: name.removeprefix("ACCOUNT_") for name, number in common_pb2.Account.items()}


class Difference(Exception):
    """The server and the model disagree."""


def date_number(date):
    return 0 if date in (None, EVER, ALWAYS) else date.year * 10000 + date.month * 100 + date.day


def date_of(number):
    return EVER if number == 0 else datetime.date(number // 10000, number // 100 % 100, number % 100)


def first_day_of(number):
    return ALWAYS if number == 0 else date_of(number)


def same(what, got, expected):
    if got != expected:
        raise Difference(f"{what}: the server says\n    {got}\n  the model says\n    {expected}")


def member_ref(member):
    return common_pb2.MemberRef(card=member) if isinstance(member, str) else common_pb2.MemberRef(number=member)


def sale_request(command):
    receipt = command["receipt"]
    return ledger_pb2.PostSaleRequest(
        transaction_id=command["id"], member=member_ref(command["member"]), redeem_points=command["redeem_points"],
        offline=command["offline"], receipt=common_pb2.Receipt(
            store=receipt["store"], terminal=receipt["terminal"], number=receipt["number"],
            sold_at_ms=receipt["at_ms"],
            lines=[common_pb2.Line(sku=line["sku"], category=line["category"], quantity_milli=line["quantity"],
                                   amount=line["amount"]) for line in receipt["lines"]],
            tenders=[common_pb2.Tender(**tender) for tender in receipt["tenders"]]))


def return_request(command):
    lines = [ledger_pb2.ReturnLine(line_number=line["number"], quantity_milli=line["quantity"], whole=line["whole"])
             for line in command["lines"]]
    return ledger_pb2.PostReturnRequest(
        transaction_id=command["id"], sale_transaction_id=command["sale"], store=command["store"], terminal=1,
        returned_at_ms=command["at_ms"], lines=lines, all=command["all"])


def redeem_request(command):
    return ledger_pb2.RedeemRequest(
        transaction_id=command["id"], member=member_ref(command["member"]), store=command["store"], terminal=1,
        redeemed_at_ms=command["at_ms"], points=command["points"], reward=command["reward"])


def enrol_request(command):
    return members_pb2.EnrolRequest(
        transaction_id=command["id"], number=command["number"], cards=command["cards"],
        enrolled_on=date_number(command["enrolled_on"]), birth_month=command["birth_month"],
        birth_day=command["birth_day"], home_store=command["home_store"], tags=command["tags"])


def publish_request(command):
    return programmes_pb2.PublishRequest(transaction_id=command["id"], yaml=command["yaml"], file_name="model.yaml")


def store_request(command):
    return programmes_pb2.PutStoreRequest(transaction_id=command["id"], store=command["store"],
                                          entity=command["entity"], region=command["region"], zone=command["zone"],
                                          day_start_minute=command["day_start_minute"])


def hold_request(command):
    return ledger_pb2.HoldRequest(
        transaction_id=command["id"], member=member_ref(command["member"]), store=command["store"], terminal=1,
        held_at_ms=command["at_ms"], points=command["points"], deadline_ms=command["deadline_ms"],
        reward=command["reward"])


def capture_request(command):
    return ledger_pb2.CaptureRequest(transaction_id=command["id"], hold_transaction_id=command["hold"],
                                     captured_at_ms=command["at_ms"], points=command["points"])


def void_request(command):
    return ledger_pb2.VoidRequest(transaction_id=command["id"], hold_transaction_id=command["hold"],
                                  voided_at_ms=command["at_ms"])


def update_request(command):
    return members_pb2.UpdateMemberRequest(
        transaction_id=command["id"], member=member_ref(command["member"]), birth_month=command["birth_month"],
        birth_day=command["birth_day"], home_store=command["home_store"], tags=command["tags"], erase=command["erase"])


def link_request(command):
    return members_pb2.LinkCardRequest(transaction_id=command["id"], member=member_ref(command["member"]),
                                       card=command["card"])


def unlink_request(command):
    return members_pb2.UnlinkCardRequest(transaction_id=command["id"], card=command["card"])


def freeze_request(command):
    return members_pb2.FreezeRequest(transaction_id=command["id"], member=member_ref(command["member"]),
                                     thaw=command["thaw"])


def close_request(command):
    return members_pb2.CloseRequest(transaction_id=command["id"], member=member_ref(command["member"]))


def merge_request(command):
    return members_pb2.MergeRequest(transaction_id=command["id"], **{"from": member_ref(command["from"])},
                                    into=member_ref(command["into"]))


def adjust_request(command):
    return members_pb2.AdjustRequest(
        transaction_id=command["id"], member=member_ref(command["member"]), points=command["points"],
        reason_code=command["reason"], operator=command["operator"], approver=command["approver"],
        entity=command["entity"], adjusted_at_ms=command["at_ms"])


def transfer_request(command):
    return members_pb2.TransferRequest(
        transaction_id=command["id"], **{"from": member_ref(command["from"])}, to=member_ref(command["to"]),
        points=command["points"], operator=command["operator"], transferred_at_ms=command["at_ms"])


def set_tier_request(command):
    return members_pb2.SetTierRequest(
        transaction_id=command["id"], member=member_ref(command["member"]), tier=command["tier"],
        until=date_number(command["until"]), operator=command["operator"])


WRITES = {"sale": ("sale", sale_request), "return": ("sale_return", return_request),
          "redeem": ("redeem", redeem_request), "hold": ("hold", hold_request), "capture": ("capture", capture_request),
          "void": ("void_hold", void_request)}


def write_of(command):
    """The command as one write of a batch or stream."""
    field, request = WRITES[command["kind"]]
    return ledger_pb2.Write(**{field: request(command)})


def call_of(client, command):
    """(the call, the request) of a command of its own."""
    calls = {"sale": client.ledger.PostSale, "return": client.ledger.PostReturn, "redeem": client.ledger.Redeem,
             "hold": client.ledger.Hold, "capture": client.ledger.Capture, "void": client.ledger.Void,
             "enrol": client.members.Enrol, "update": client.members.UpdateMember, "link": client.members.LinkCard,
             "unlink": client.members.UnlinkCard, "freeze": client.members.Freeze, "close": client.members.Close,
             "merge": client.members.Merge, "adjust": client.members.Adjust, "transfer": client.members.Transfer,
             "publish": client.programmes.Publish, "store": client.programmes.PutStore}
    if command["kind"] == "set_tier":
        return client.members.SetTier, set_tier_request(command)
    return calls[command["kind"]], globals()[f"{command['kind']}_request"](command)


def unary(client, command):
    """Sends one command. Returns (answer, None) or (None, Refusal)."""
    call, request = call_of(client, command)
    try:
        return call(request, timeout=WAIT), None
    except grpc.RpcError as error:
        if "grpc-status-details-bin" not in dict(error.trailing_metadata() or ()):
            raise
        return None, jifend.refusal_of(error)


WITH_LOT = {"ISSUED", "AVAILABLE", "PENDING", "HELD", "EXPIRED"}


def postings_of(outcome, reasons):
    """As naive_state.merged gives them. In: reasons: {number: name}."""
    found = []
    for posting in outcome.postings:
        account = ACCOUNTS[posting.account]
        key = None
        if account in WITH_LOT:
            key = (date_of(posting.expires_on), first_day_of(posting.available_on), posting.entity)
        member = 0 if posting.member == outcome.member else posting.member
        found.append((account, posting.entity, reasons[posting.reason] if account == "ISSUED" else "", posting.points,
                      key, member))
    return merged(found)


def trace_of(outcome, reasons):
    """{(kind, ground): (points, money, exact)}, sums of all steps; without what is nothing."""
    sums = {}
    for step in outcome.trace:
        kind = KINDS[step.kind]
        row = sums.setdefault((kind, reasons[step.reason] if step.reason else ""), [0, 0, 0])
        row[0] += step.points
        row[1] += step.amount
        if kind in EXACT:
            row[2] += Fraction(step.exact, outcome.denominator or 1)
        elif kind in ("TIER_UP", "TIER_DOWN"):
            row[2] += step.exact
    return {key: tuple(row) for key, row in sums.items() if any(row)}


def balance_of(message):
    expiring = message.expiring_on
    return {"available": message.available, "pending": message.pending, "held": message.held, "debt": message.debt,
            "tier": message.tier, "expiring_points": message.expiring_points,
            "expiring_on": date_of(expiring) if expiring else None}


def outcome_same(what, outcome, answer, reasons):
    """Compares an Outcome with the model's answer to a sale, return or redemption."""
    got = {"member": outcome.member, "date": date_of(outcome.business_date), "balance": balance_of(outcome.balance),
           "granted": outcome.points_granted, "redeemed": outcome.points_redeemed, "value": outcome.redeemed_value,
           "postings": postings_of(outcome, reasons), "line_points": list(outcome.line_points),
           "late": outcome.late, "version": outcome.programme_version, "trace": trace_of(outcome, reasons),
           "deducted": getattr(outcome, "deducted_value", 0), "shortfall": getattr(outcome, "shortfall_points", 0)}
    same(what, got, {name: answer[name] for name in got})


def member_same(message, member, as_of, now_ms, level):
    """Compares a Member as GetMember gave it with the model's, judged as of a date, holds by the clock."""
    lots = [((date_of(lot.expires_on), first_day_of(lot.available_on), lot.entity), lot.granted, lot.remaining, lot.expired)
            for lot in message.lots]
    months = {month.month // 100 * 12 + month.month % 100 - 1: [month.spend, month.visits, month.points]
              for month in message.months}
    got = {"balance": balance_of(message.balance), "lots": lots, "debt": message.debt, "tier": message.tier,
           "tier_since": date_of(message.tier_since), "months": months, "visits": message.visits,
           "enrolled_on": date_of(message.enrolled_on), "tags": message.tags, "home_store": message.home_store,
           "birthday": (message.birth_month, message.birth_day), "status": STATUS[message.status]}
    expected = {"balance": {**member.balance(as_of, now_ms), "tier": level},
                "lots": [(key, *lot) for key, lot in sorted(member.lots.items())],
                "debt": sum(member.debts.values()), "tier": level, "tier_since": member.tier_since,
                "months": member.months, "visits": member.visits, "enrolled_on": member.enrolled_on,
                "tags": member.tags, "home_store": member.home_store, "birthday": member.birthday,
                "status": member.status}
    if "cards" in message.DESCRIPTOR.fields_by_name:
        got["cards"], expected["cards"] = sorted(message.cards), sorted(member.cards)
    if "merged_into" in message.DESCRIPTOR.fields_by_name:
        got["into"], expected["into"] = message.merged_into, member.into.number if member.into else 0
    if "activity_class" in message.DESCRIPTOR.fields_by_name:
        got["class"], expected["class"] = message.activity_class, member.activity_class
    same(f"member {member.number} as of {as_of}", got, expected)


def members_same(client, ledger, numbers, as_of):
    """Reads members, many calls at a time, and compares each."""
    numbers = list(numbers)
    for at in range(0, len(numbers), 500):
        calls = [(number, client.ledger.GetMember.future(ledger_pb2.GetMemberRequest(
            member=common_pb2.MemberRef(number=number), as_of=date_number(as_of)), timeout=WAIT))
            for number in numbers[at:at + 500]]
        for number, call in calls:
            member = ledger.members[number]
            member_same(call.result().member, member, as_of, ledger.now_ms, ledger.level_now(member))


def reasons_of(client):
    newest = client.programmes.Get(programmes_pb2.GetProgrammeRequest(), timeout=WAIT)
    return {reason.number: reason.name for reason in newest.reasons}


def expire_same(client, ledger, run_id, as_of):
    request = programmes_pb2.ExpireRequest(run_id=run_id, as_of=date_number(as_of))
    last = list(client.programmes.Expire(request, timeout=WAIT))[-1]
    expired = ledger.expire(as_of)
    same(f"expire {run_id} as of {as_of}", (last.done, last.points_expired), (True, expired))
    return expired


def totals_same(client, ledger):
    """Compares every control account and count, and asks the server whether all ties."""
    status = client.operations.Status(jifend.operations_pb2.StatusRequest(), timeout=WAIT)
    got = {}
    for total in status.totals:
        account = ACCOUNTS[total.account]
        name = total.reason_name if account == "ISSUED" else ""
        got[(account, total.entity, name)] = total.points
    same("control accounts", {key: points for key, points in got.items() if points != 0},
         {key: points for key, points in ledger.totals.items() if points != 0})
    same("counts of sales, returns, redemptions, lines, members",
         (status.sales, status.returns, status.redemptions, status.lines, status.members),
         (*(ledger.counts[kind] for kind in ("sale", "return", "redeem", "lines")), len(ledger.members)))
    same("members by tier", {tier.tier: tier.members for tier in status.tiers if tier.members > 0},
         ledger.members_by_tier())
    verdict = list(client.operations.Verify(jifend.operations_pb2.VerifyRequest(), timeout=600))[-1]
    same("Verify", (verdict.done, verdict.ties, verdict.difference, verdict.balance_sum, verdict.members),
         (True, True, "", ledger.balance_sum(), len(ledger.members)))
    return status


def recalculate_same(client, ledger, run_id, as_of):
    """Previews, then runs the recalculation of tiers, and compares both. Returns the changes."""
    for preview in (True, False):
        request = programmes_pb2.RecalculateTiersRequest(run_id=run_id, as_of=date_number(as_of), preview=preview,
                                                         list=True)
        messages = list(client.programmes.RecalculateTiers(request, timeout=WAIT))
        # `from` is a word of Python: generated code has no attribute of that name.
        counts = {(getattr(count, "from"), count.to): count.members for count in messages[-1].counts if count.members}
        changes = [(change.member, getattr(change, "from"), change.to, change.spend, change.visits,
                    getattr(change, "class_from", 0), getattr(change, "class_to", 0))
                   for message in messages for change in message.changes]
        expected_counts, expected_changes = ledger.recalculate(run_id, as_of, preview)
        same(f"tiers {run_id} as of {as_of}, preview {preview}: done", messages[-1].done, True)
        same(f"tiers {run_id} as of {as_of}, preview {preview}: counts", counts, expected_counts)
        same(f"tiers {run_id} as of {as_of}, preview {preview}: changes", changes, expected_changes)
    return expected_changes
