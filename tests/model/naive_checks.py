"""Malformed fields: step (1) of every refusal order, in the order of the fields' numbers."""
import datetime

from naive_programme import Refused

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86400000
AMOUNT_MAX = 10 ** 12
POINTS_MAX = 10 ** 15
HOLD_DAYS_MAX = 30
LAST_MS = (datetime.datetime(2199, 12, 31, tzinfo=UTC) - EPOCH) // datetime.timedelta(milliseconds=1) - DAY_MS


def need(holds, field):
    if not holds:
        raise Refused("INVALID_FIELD", field)


def is_text(text, least, most):
    return least <= len(text.encode()) <= most and text.isprintable()


def check_id(command):
    need(is_text(command["id"], 1, 64), "transaction_id")


def check_member(member, field="member"):
    need(member not in (None, 0, ""), field)
    need(not isinstance(member, str) or is_text(member, 1, 64), f"{field}.card")


def check_instant(at_ms, field):
    need(2 * DAY_MS <= at_ms <= LAST_MS, field)


def check_birthday(command):
    month, day = command["birth_month"], command["birth_day"]
    if (month, day) != (0, 0):
        need(1 <= month <= 12, "birth_month")
        need(1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1], "birth_day")


class Checks:
    """By kind of command."""
    check_publish = check_store = staticmethod(check_id)

    @staticmethod
    def check_sale(command):
        check_id(command)
        check_member(command["member"])
        receipt = command["receipt"]
        need(receipt["store"] >= 1, "receipt.store")
        need(is_text(receipt["number"], 1, 32), "receipt.number")
        check_instant(receipt["at_ms"], "receipt.sold_at_ms")
        need(1 <= len(receipt["lines"]) <= 500, "receipt.lines")
        for index, line in enumerate(receipt["lines"]):
            field = f"receipt.lines[{index}]"
            need(is_text(line["sku"], 1, 32), f"{field}.sku")
            need(is_text(line["category"], 0, 64), f"{field}.category")
            need(0 <= line["quantity"] <= 10 ** 12, f"{field}.quantity_milli")
            need(0 <= line["amount"] <= AMOUNT_MAX, f"{field}.amount")
        need(len(receipt["tenders"]) <= 16, "receipt.tenders")
        for index, tender in enumerate(receipt["tenders"]):
            need(is_text(tender["type"], 1, 32), f"receipt.tenders[{index}].type")
            need(0 <= tender["amount"] <= AMOUNT_MAX, f"receipt.tenders[{index}].amount")
        need(0 <= command["redeem_points"] <= POINTS_MAX, "redeem_points")

    @staticmethod
    def check_return(command):
        check_id(command)
        need(is_text(command["sale"], 1, 64), "sale_transaction_id")
        need(command["store"] >= 1, "store")
        check_instant(command["at_ms"], "returned_at_ms")
        lines = command["lines"]
        need(not command["all"] or not lines, "lines")
        need(command["all"] or 1 <= len(lines) <= 500, "lines")
        for index, line in enumerate(lines):
            field = f"lines[{index}]"
            need(line["number"] >= 1, f"{field}.line_number")
            need(not line["whole"] or line["quantity"] == 0, f"{field}.quantity_milli")
            need(line["whole"] or 1 <= line["quantity"] <= 10 ** 12, f"{field}.quantity_milli")
            need(line["number"] not in [other["number"] for other in lines[:index]], f"{field}.line_number")

    @staticmethod
    def check_redeem(command, at="redeemed_at_ms"):
        check_id(command)
        check_member(command["member"])
        need(command["store"] >= 1, "store")
        check_instant(command["at_ms"], at)
        need(1 <= command["points"] <= POINTS_MAX, "points")
        if command["kind"] == "hold":
            need(command["at_ms"] < command["deadline_ms"] <= command["at_ms"] + HOLD_DAYS_MAX * DAY_MS, "deadline_ms")
        need(is_text(command["reward"], 0, 64), "reward")

    @staticmethod
    def check_hold(command):
        Checks.check_redeem(command, "held_at_ms")

    @staticmethod
    def check_capture(command):
        check_id(command)
        need(is_text(command["hold"], 1, 64), "hold_transaction_id")
        check_instant(command["at_ms"], "captured_at_ms" if command["kind"] == "capture" else "voided_at_ms")
        need(command["kind"] == "void" or 0 <= command["points"] <= POINTS_MAX, "points")

    check_void = check_capture

    @staticmethod
    def check_enrol(command):
        check_id(command)
        need(command["number"] >= 1, "number")
        need(len(command["cards"]) <= 16, "cards")
        for index, card in enumerate(command["cards"]):
            need(is_text(card, 1, 64) and card not in command["cards"][:index], f"cards[{index}]")
        check_birthday(command)

    @staticmethod
    def check_update(command):
        check_id(command)
        check_member(command["member"])
        check_birthday(command)

    @staticmethod
    def check_unlink(command):
        check_id(command)
        need(is_text(command["card"], 1, 64), "card")

    @staticmethod
    def check_link(command):
        check_id(command)
        check_member(command["member"])
        need(is_text(command["card"], 1, 64), "card")

    @staticmethod
    def check_freeze(command):
        check_id(command)
        check_member(command["member"])

    check_close = check_freeze

    @staticmethod
    def check_set_tier(command):
        check_id(command)
        check_member(command["member"])
        need(is_text(command["tier"], 1, 64), "tier")
        need(is_text(command["operator"], 1, 64), "operator")

    @staticmethod
    def check_merge(command):
        check_id(command)
        check_member(command["from"], "from")
        check_member(command["into"], "into")

    @staticmethod
    def check_adjust(command):
        check_id(command)
        check_member(command["member"])
        need(command["points"] != 0 and abs(command["points"]) <= POINTS_MAX, "points")
        need(is_text(command["reason"], 1, 64), "reason_code")
        need(is_text(command["operator"], 1, 64), "operator")
        need(is_text(command["approver"], 0, 64), "approver")
        need(1 <= command["entity"] <= 255, "entity")
        check_instant(command["at_ms"], "adjusted_at_ms")

    @staticmethod
    def check_transfer(command):
        check_id(command)
        check_member(command["from"], "from")
        check_member(command["to"], "to")
        need(1 <= command["points"] <= POINTS_MAX, "points")
        need(is_text(command["operator"], 1, 64), "operator")
        check_instant(command["at_ms"], "transferred_at_ms")
