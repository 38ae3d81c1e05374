"""What a receipt is worth under a programme: SEMANTICS, Earning, steps 1 to 5, and ledger/PROGRAMME.md, in fractions.

Written from those pages alone, in the plainest way, so that it can be read beside them. Nothing here is fast.
"""
import calendar
import datetime
import zoneinfo
from fractions import Fraction

import yaml

EVER = datetime.date.max  # a lot that never expires
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Refused(Exception):
    """A refusal: its stable code, the field where the request is malformed, and its facts."""

    def __init__(self, code, field="", **facts):
        super().__init__(code)
        self.code, self.field, self.facts = code, field, facts


def rounded(value, mode):
    """In: a Fraction of 0 or above. Returns: a whole number."""
    whole, rest = divmod(value, 1)
    if mode == "floor" or rest < Fraction(1, 2):
        return int(whole)
    if mode == "half_up" or rest > Fraction(1, 2):
        return int(whole) + 1
    return int(whole) + int(whole) % 2


def share(total, part, whole):
    """total × part ÷ whole, half-up."""
    return rounded(Fraction(total * part, whole), "half_up")


def apportion(total, weights):
    """Whole shares of `total` by weight, largest remainder; of equal remainders the first listed."""
    everything = sum(weights)
    if total == 0:
        return [0] * len(weights)
    exact = [Fraction(total) * weight / everything for weight in weights]
    shares = [int(one) for one in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_remainder[:total - sum(shares)]:
        shares[index] += 1
    return shares


def ratio(text):
    return Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)


def seconds_of(clock):
    parts = [int(part) for part in clock.split(":")] + [0]
    return parts[0] * 3600 + parts[1] * 60 + parts[2]


def month_end(year, month):
    """In: month may lie outside 1–12."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return datetime.date(year, month, calendar.monthrange(year, month)[1])


def birthday_in(year, month, day):
    if (month, day) == (2, 29) and not calendar.isleap(year):
        day = 28
    return datetime.date(year, month, day)


def birthday_kinds(month, day, date):
    """Which of day, week and month hold on a date for a birthday; month 0: not given."""
    if month == 0:
        return set()
    kinds = {"month"} if date.month == month else set()
    monday = date - datetime.timedelta(days=date.weekday())
    for year in (date.year - 1, date.year, date.year + 1):
        birthday = birthday_in(year, month, day)
        if birthday == date:
            kinds.add("day")
        if monday <= birthday <= monday + datetime.timedelta(days=6):
            kinds.add("week")
    return kinds


class Programme:
    """A programme's YAML, which must be without fault."""

    def __init__(self, text, version):
        self.version = version
        # Every value stays the text that it is: nothing passes through floating point.
        self.yaml = yaml.load(text, Loader=yaml.BaseLoader)
        self.unit = 10 ** int(self.yaml.get("currency_digits", "2"))
        self.effective_ms = self.instant(self.yaml["effective_from"], self.yaml.get("zone"))
        earn = self.yaml["earn"]
        self.rate = Fraction(int(earn["points"]), self.amount(earn["per_amount"]))
        exclusions = self.yaml.get("exclusions", {})
        self.excluded = {kind: set(exclusions.get(kind, ())) for kind in ("categories", "skus", "tenders")}
        rounding = self.yaml.get("rounding", {})
        self.round_mode, self.round_scope = rounding.get("mode", "floor"), rounding.get("scope", "receipt")
        expiry = self.yaml["expiry"]
        self.expiry_months = int(expiry["months"]) if expiry["policy"] == "month_end" else None
        self.late_after_ms = int(self.yaml.get("late_after_hours", "24")) * 3600000
        self.skew_ms = int(self.yaml.get("clock_skew_seconds", "300")) * 1000
        self.read_redemption()
        self.read_tiers()

    def amount(self, text):
        value = Fraction(text) * self.unit
        assert value.denominator == 1, text
        return int(value)

    @staticmethod
    def instant(text, zone):
        if text.endswith("Z"):
            moment = datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=datetime.timezone.utc)
        else:
            moment = datetime.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone))
        return int(moment.timestamp()) * 1000

    def read_redemption(self):
        terms = self.yaml.get("redemption")
        self.redemption = None
        if terms is not None:
            points = int(terms["points"])
            step = int(terms.get("step", points))
            self.redemption = {"points": points, "amount": self.amount(terms["amount"]), "step": step,
                               "minimum": int(terms.get("minimum", step)),
                               "share_max": ratio(terms.get("share_max", "100%"))}

    def read_tiers(self):
        tiers = self.yaml.get("tiers", {"levels": [{"name": "member"}]})
        self.window_months = int(tiers.get("window_months", "12"))
        self.levels = tiers["levels"]
        self.rules = list(self.yaml.get("rules", ()))
        self.groups = {group["name"]: group.get("stack", "best") for group in self.yaml.get("groups", ())}
        for level in self.levels:
            if "factor" in level:
                self.groups.setdefault("tier", "best")
                self.rules.append({"name": f"tier:{level['name']}", "kind": "multiplier", "factor": level["factor"],
                                   "group": "tier", "when": {"tiers": [level["name"]]}})

    def expires_on(self, date):
        if self.expiry_months is None:
            return EVER
        return month_end(date.year, date.month + self.expiry_months)

    def level_by(self, spend, visits, points):
        """The highest level whose demands the window's sums meet."""
        best = 0
        for index, level in enumerate(self.levels):
            met = []
            if "spend" in level:
                met.append(spend >= self.amount(level["spend"]))
            if "visits" in level:
                met.append(visits >= int(level["visits"]))
            if "points" in level:
                met.append(points >= int(level["points"]))
            if not met or (any(met) if level.get("require", "all") == "any" else all(met)):
                best = index
        return best

    def value_of(self, points):
        """Money that points are worth, exact."""
        return Fraction(points * self.redemption["amount"], self.redemption["points"])


def nth_weekday_is(text, date):
    which, weekday = text.split()
    if WEEKDAYS.index(weekday[:3].lower()) != date.weekday():
        return False
    if which == "last":
        return (date + datetime.timedelta(days=7)).month != date.month
    return (date.day - 1) // 7 + 1 == int(which)


def time_is(span, second):
    start, end = seconds_of(span["from"]), seconds_of(span["to"])
    return start <= second < end if start < end else second >= start or second < end


def receipt_matches(programme, when, facts, receipt):
    """Whether every condition that is not about lines holds. In: receipt: date, basket, tenders as kept."""
    date = facts["date"]
    tiers = [index for index, level in enumerate(programme.levels) if level["name"] in when.get("tiers", ())]
    checks = {
        "days_of_month": lambda items: date.day in [int(item) for item in items],
        "weekdays": lambda items: WEEKDAYS[date.weekday()] in [item[:3].lower() for item in items],
        "nth_weekdays": lambda items: any(nth_weekday_is(item, date) for item in items),
        "dates": lambda items: date.isoformat() in items,
        "date_ranges": lambda items: any(item["from"] <= date.isoformat() <= item["to"] for item in items),
        "times": lambda items: any(time_is(item, facts["second"]) for item in items),
        "stores": lambda items: str(facts["store"]) in items,
        "regions": lambda items: facts["region"] in items,
        "entities": lambda items: str(facts["entity"]) in items,
        "tiers": lambda items: facts["tier"] in tiers,
        "tags": lambda items: any(facts["tags"] >> int(item) & 1 for item in items),
        "birthday": lambda item: item in facts["birthday"],
        "first_purchase": lambda item: facts["first_purchase"] == (item == "true"),
        "basket_min": lambda item: receipt["basket"] >= programme.amount(item),
        "tenders": lambda items: any(tender["type"] in items and tender["amount"] > 0 for tender in receipt["tenders"]),
    }
    return all(checks[name](items) for name, items in when.items() if name not in ("categories", "skus"))


def line_matches(when, line):
    return (("categories" not in when or line["category"] in when["categories"]) and
            ("skus" not in when or line["sku"] in when["skus"]))


def eligible_of(programme, receipt, redeemed_value):
    """Step 1, by line."""
    lines = receipt["lines"]
    amounts = [line["amount"] for line in lines]
    eligible = [0 if line["category"] in programme.excluded["categories"] or line["sku"] in programme.excluded["skus"]
                else line["amount"] for line in lines]
    excluded = 0
    for index, tender in enumerate(receipt["tenders"]):
        if tender["type"] in programme.excluded["tenders"]:
            excluded += tender["amount"]
            if excluded > receipt["basket"]:
                raise Refused("INVALID_FIELD", f"receipt.tenders[{index}].amount")
    for money in (excluded, redeemed_value):
        eligible = [max(0, left - taken) for left, taken in zip(eligible, apportion(money, amounts))]
    return eligible


class Worth:
    """Steps 2 to 5. Has: eligible (money), points, by_reason {name: points}, line_points."""

    def __init__(self, programme, facts, receipt, redeemed_value):
        self.programme, self.facts, self.receipt = programme, facts, receipt
        by_line = eligible_of(programme, receipt, redeemed_value)
        self.eligible = sum(by_line)
        self.line_base = [amount * programme.rate for amount in by_line]
        self.line_exact = list(self.line_base)
        grounds = [("base", sum(self.line_base))]
        grounds += [(name, sum(uplift)) for name, uplift in self.uplifts(by_line)]
        exact = [value for _, value in grounds]
        if programme.round_scope == "line":
            self.line_points = [rounded(value, programme.round_mode) for value in self.line_exact]
            self.points = sum(self.line_points)
        else:
            self.points = rounded(sum(exact), programme.round_mode)
            self.line_points = apportion(self.points, self.line_exact)
        shares = zip((name for name, _ in grounds), apportion(self.points, exact))
        self.by_reason = {name: points for name, points in shares if points != 0}

    def uplift(self, rule, by_line, running):
        """What one rule adds to each line."""
        when = rule.get("when", {})
        matched = [line_matches(when, line) for line in self.receipt["lines"]]
        if rule["kind"] == "bonus":
            weights = [amount if is_in else 0 for amount, is_in in zip(by_line, matched)]
            points = int(rule["points"]) if sum(weights) > 0 else 0
            return [Fraction(one) for one in apportion(points, weights)]
        more = ratio(rule["factor"]) - 1
        return [base * more if is_in else Fraction(0) for base, is_in in zip(running, matched)]

    def uplifts(self, by_line):
        """Those that count, in listed order: (name, uplift by line). Adds them to line_exact."""
        running, found = {}, []
        for rule in self.programme.rules:
            if not receipt_matches(self.programme, rule.get("when", {}), self.facts, self.receipt):
                continue
            group = rule.get("group")
            stack = self.programme.groups[group] if group is not None else "add"
            base = running.setdefault(group, list(self.line_base)) if stack == "multiply" else self.line_base
            uplift = self.uplift(rule, by_line, base)
            if stack == "multiply":
                running[group] = [before + more for before, more in zip(base, uplift)]
            if sum(uplift) > 0:
                found.append((rule["name"], group, stack, uplift))
        best = {}
        for name, group, stack, uplift in found:
            if stack == "best" and (group not in best or sum(uplift) > sum(best[group][1])):
                best[group] = (name, uplift)
        counted = [(name, uplift) for name, group, stack, uplift in found if stack != "best" or best[group][0] == name]
        for _, uplift in counted:
            self.line_exact = [before + more for before, more in zip(self.line_exact, uplift)]
        return counted
