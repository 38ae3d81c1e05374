"""What the model remembers: members with their lots, debts, counters and holds, and sales with what is left of them."""
import copy
import datetime

from naive_programme import ALWAYS, EVER, month_index, share

DAY_COUNTERS, MONTH_COUNTERS = 92, 24  # counters this much older than the newest of their kind are forgotten
MONTHS = 37


def merged(postings):
    """Postings of the same kind to the same place as one, without those that cancel out; in an order of their own.

    A posting: (account, entity, ground, points, lot's key or None, member or 0). A lot's key: (last day, first day, entity).
    """
    sums = {}
    for account, entity, reason, points, key, member in postings:
        place = (account, entity, reason, key, member)
        sums[place] = sums.get(place, 0) + points
    return sorted(((*place[:3], points, *place[3:]) for place, points in sums.items() if points != 0), key=repr)


class Lots(dict):
    """{key: [granted, remaining, expired]}. What was posted as expired can be spent on a day before it expired."""

    def copy(self):
        return Lots({key: list(lot) for key, lot in self.items()})

    def spendable(self, date):
        """What can pay on a date: (key, points), in the order in which it does."""
        return [(key, lot[1] + lot[2]) for key, lot in sorted(self.items())
                if key[1] <= date <= key[0] and lot[1] + lot[2] > 0]

    def total(self, date):
        return sum(points for _, points in self.spendable(date))

    def take(self, key, points):
        """Returns the postings that take points (below 0: put) from what remains, then from what expired."""
        lot = self.setdefault(key, [0, 0, 0])
        from_remaining = min(points, lot[1])
        lot[1] -= from_remaining
        lot[2] -= points - from_remaining
        return [("AVAILABLE", key[2], "", -from_remaining, key, 0),
                ("EXPIRED", key[2], "", from_remaining - points, key, 0)]

    def choose(self, date, points):
        """Which lots pay: (key, points)."""
        parts, rest = [], points
        for key, held in self.spendable(date):
            if rest > 0:
                parts.append((key, min(held, rest)))
                rest -= parts[-1][1]
        return parts

    def spend(self, date, points):
        """Returns (parts, postings)."""
        parts = self.choose(date, points)
        return parts, [posting for key, part in parts for posting in self.take(key, part)]


class Member:
    def __init__(self, command):
        self.number = command["number"]
        self.enrolled_on = self.tier_since = command["enrolled_on"]
        self.birthday = (command["birth_month"], command["birth_day"])
        self.home_store, self.tags = command["home_store"], command["tags"]
        self.tier = self.visits = self.activity_class = 0
        self.tier_version = 0   # the programme version that counted the level; 0: it never changed
        self.tier_until = None  # last day of a level given by hand; EVER: no end
        self.status, self.into = "active", None
        self.cards = list(command["cards"])
        self.lots = Lots()
        self.debts = {}     # entity: points
        self.months = {}    # month index: [spend, visits, points]
        self.counters = {}  # (kind, ground, period): value
        self.holds = []     # of Hold, oldest first

    def overdue(self, at_ms):
        return [hold for hold in self.holds if hold.deadline_ms < at_ms]

    def balance(self, date, at_ms):
        """As of a date; holds judged by an instant: one past its deadline counts as void."""
        lots = self.lots.copy()
        for hold in self.overdue(at_ms):
            for key, points in hold.parts:
                lots.take(key, -points)
        live = [(key, lot[1] + lot[2]) for key, lot in lots.items() if date <= key[0] and lot[1] + lot[2] > 0]
        next_on = min((key[0] for key, _ in live if key[0] != EVER), default=None)
        return {"available": sum(points for key, points in live if key[1] <= date),
                "pending": sum(points for key, points in live if key[1] > date),
                "held": sum(hold.points() for hold in self.holds if hold.deadline_ms >= at_ms),
                "debt": sum(self.debts.values()), "expiring_on": next_on,
                "expiring_points": sum(points for key, points in live if key[0] == next_on)}

    def window(self, date, months):
        """(spend, visits, points) of the months that end with the date's."""
        last = month_index(date)
        inside = [row for index, row in self.months.items() if last - months < index <= last]
        return tuple(sum(row[number] for row in inside) for number in range(3))

    def count(self, date, spend, visits, points):
        """In the month of a sale. Months too far before the newest are not counted; no count falls below 0."""
        self.visits = max(0, self.visits + visits)
        index = month_index(date)
        is_sale = visits > 0
        if index not in self.months:
            newest = max(self.months, default=index)
            if not is_sale or index <= newest - MONTHS:
                return
            self.months = {other: row for other, row in self.months.items() if other > index - MONTHS or other > index}
        row = self.months.setdefault(index, [0, 0, 0])
        for number, more in enumerate((spend, visits, points)):
            row[number] = max(0, row[number] + more)
        if row == [0, 0, 0]:
            del self.months[index]

    def count_limits(self, counted):
        """In: {(kind, ground, period): change}."""
        for key, change in counted.items():
            self.counters[key] = max(0, self.counters.get(key, 0) + change)
        self.counters = {key: value for key, value in self.counters.items() if value > 0}
        for kind, span in (("day", DAY_COUNTERS), ("month", MONTH_COUNTERS)):
            newest = max((period for name, _, period in self.counters if name == kind), default=0)
            self.counters = {key: value for key, value in self.counters.items()
                             if key[0] != kind or key[2] >= newest - span}

    def apply(self, postings, date, sweeps_granted=True):
        """In: postings of this member. Lots that hold nothing go once they are over or nothing is granted to them."""
        for account, entity, _, points, key, _ in postings:
            lot = self.lots.setdefault(key, [0, 0, 0]) if account in ("ISSUED", "AVAILABLE", "EXPIRED") else None
            if account == "ISSUED":
                lot[0] -= points
            elif account == "AVAILABLE":
                lot[1] += points
            elif account == "EXPIRED":
                lot[2] += points
            elif account == "DEBT":
                self.debts[entity] = self.debts.get(entity, 0) - points
        self.debts = {entity: points for entity, points in self.debts.items() if points != 0}
        if any(points != 0 for _, _, _, points, _, _ in postings):
            self.sweep(date, sweeps_granted)

    def sweep(self, date, sweeps_granted=True):
        for key, lot in list(self.lots.items()):
            lot[0] = max(0, lot[0])
            assert lot[1] >= 0 and lot[2] >= 0, self.lots
            if lot[1] == 0 and lot[2] == 0 and (lot[0] == 0 or sweeps_granted and key[0] < date):
                del self.lots[key]

    def points(self):
        """What invariant 2 calls the balance: lots and holds, less debt."""
        return (sum(lot[1] for lot in self.lots.values()) + sum(hold.points() for hold in self.holds) -
                sum(self.debts.values()))


class Hold:
    """Points set aside."""

    def __init__(self, member, command, programme, store, parts):
        self.member, self.id, self.programme, self.store = member, command["id"], programme, store
        self.deadline_ms, self.parts, self.reward = command["deadline_ms"], parts, command["reward"]
        self.in_catalogue = False
        self.ended_by = None  # None: not ended

    def points(self):
        return sum(points for _, points in self.parts)

    def posted(self, sign):
        """Postings that set aside (1) or give back (-1)."""
        return [(account, key[2], "", points * sign * side, key, 0) for key, points in self.parts
                for account, side in (("AVAILABLE", -1), ("HELD", 1))]


class Sale:
    """A sale that was posted, and what its returns have left of it."""

    def __init__(self, member, command, facts, programme):
        self.member, self.facts, self.programme = member, facts, programme
        self.receipt = copy.deepcopy(command["receipt"])
        self.basket = sum(line["amount"] for line in self.receipt["lines"])
        self.redeemed = []   # (lot's key, points), in the order of spending
        self.redeem_points = command["redeem_points"]
        self.offline_debt = 0
        self.repaid = [0, 0]  # of it, paid by the sale's own grant and given back: before the last return, and after it
        self.debt_paid = []  # (entity, points)
        self.granted = 0
        self.left = [line["quantity"] for line in self.receipt["lines"]]  # None: gone
        self.points, self.by_reason, self.spend, self.counted = 0, {}, 0, {}
        self.kept_redeemed, self.kept_value = self.redeem_points, 0
        self.from_lot = self.restored = self.as_debt = self.written_off = self.deducted = 0  # by all returns
        self.from_other = {}  # lot's key: points
        self.is_visit = True

    def kept_receipt(self):
        lines = []
        for line, left in zip(self.receipt["lines"], self.left):
            if left is not None:
                part = line["amount"] if line["quantity"] == 0 else share(line["amount"], left, line["quantity"])
                lines.append({**line, "amount": part})
        basket = sum(line["amount"] for line in lines)
        room, tenders = basket, []
        for tender in self.receipt["tenders"]:
            amount = share(tender["amount"], basket, self.basket) if self.basket > 0 else tender["amount"]
            if tender["type"] in self.programme.excluded["tenders"]:
                amount = min(amount, room)
                room -= amount
            tenders.append({**tender, "amount": amount})
        return {"lines": lines, "tenders": tenders, "basket": basket}


def today_by_utc():
    return datetime.datetime.now(datetime.timezone.utc).date()
