"""A programme's YAML and its conditions, in the plainest way. Written from SEMANTICS and ledger/PROGRAMME.md."""
import calendar
import datetime
import zoneinfo
from fractions import Fraction

import yaml

EVER = datetime.date.max    # the last day of a lot that never expires
ALWAYS = datetime.date.min  # the first day of a lot that can be spent from the start
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = datetime.timedelta(days=1)


class Refused(Exception):
    """A refusal: its stable code, the field where the request is malformed, and its facts."""

    def __init__(self, code, field="", **facts):
        super().__init__(code)
        self.code, self.field, self.facts = code, field, facts


def rounded(value, mode):
    """In: a Fraction of 0 or above. Returns: a whole number."""
    whole, rest = divmod(value.numerator, value.denominator)
    if mode == "floor" or rest * 2 < value.denominator:
        return whole
    if mode == "half_up" or rest * 2 > value.denominator:
        return whole + 1
    return whole + whole % 2


def share(total, part, whole):
    """total × part ÷ whole, half-up."""
    return rounded(Fraction(total * part, whole), "half_up")


def apportion(total, weights):
    """Whole shares of `total` by weight, largest remainder; of equal remainders the first listed."""
    everything = sum(weights)
    if total == 0 or everything == 0:
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


def month_index(date):
    return date.year * 12 + date.month - 1


def month_day(index, day):
    """That day of a month, or the month's last where it has no such day."""
    year, month = index // 12, index % 12 + 1
    return datetime.date(year, month, min(day, calendar.monthrange(year, month)[1]))


def day_in_year(year, month, day):
    return month_day(year * 12 + month - 1, day)


def birthday_kinds(month, day, date):
    """Which of day, week and month hold on a date for a birthday; month 0: not given."""
    if month == 0:
        return set()
    kinds = {"month"} if date.month == month else set()
    monday = date - datetime.timedelta(days=date.weekday())
    for year in (date.year - 1, date.year, date.year + 1):
        birthday = day_in_year(year, month, day)
        if birthday == date:
            kinds.add("day")
        if monday <= birthday <= monday + datetime.timedelta(days=6):
            kinds.add("week")
    return kinds


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


# By condition: whether it holds. In: its items, facts of the sale, the receipt as kept, the programme.
CONDITIONS = {
    "days_of_month": lambda items, facts, receipt, programme: str(facts["date"].day) in items,
    "weekdays": lambda items, facts, receipt, programme:
        WEEKDAYS[facts["date"].weekday()] in [item[:3].lower() for item in items],
    "nth_weekdays": lambda items, facts, receipt, programme:
        any(nth_weekday_is(item, facts["date"]) for item in items),
    "dates": lambda items, facts, receipt, programme: facts["date"].isoformat() in items,
    "date_ranges": lambda items, facts, receipt, programme:
        any(item["from"] <= facts["date"].isoformat() <= item["to"] for item in items),
    "times": lambda items, facts, receipt, programme: any(time_is(item, facts["second"]) for item in items),
    "stores": lambda items, facts, receipt, programme: str(facts["store"]) in items,
    "regions": lambda items, facts, receipt, programme: facts["region"] in items,
    "entities": lambda items, facts, receipt, programme: str(facts["entity"]) in items,
    "tiers": lambda items, facts, receipt, programme: programme.level_name(facts["tier"]) in items,
    "activity_classes": lambda items, facts, receipt, programme: programme.class_name(facts["class"]) in items,
    "tags": lambda items, facts, receipt, programme: any(facts["tags"] >> int(item) & 1 for item in items),
    "birthday": lambda item, facts, receipt, programme: item in facts["birthday"],
    "first_purchase": lambda item, facts, receipt, programme: facts["first_purchase"] == (item == "true"),
    "basket_min": lambda item, facts, receipt, programme: receipt["basket"] >= programme.amount(item),
    "tenders": lambda items, facts, receipt, programme:
        any(tender["type"] in items and tender["amount"] > 0 for tender in receipt["tenders"]),
}


class Programme:
    """A programme's YAML, which must be without fault."""

    def __init__(self, text, version):
        self.version, self.text = version, text
        # Every value stays the text that it is: nothing passes through floating point.
        self.yaml = yaml.load(text, Loader=yaml.CBaseLoader)
        self.unit = 10 ** int(self.yaml.get("currency_digits", "2"))
        self.effective_ms = self.instant(self.yaml["effective_from"], self.yaml.get("zone"))
        earn = self.yaml["earn"]
        self.rate = Fraction(int(earn["points"]), self.amount(earn["per_amount"]))
        exclusions = self.yaml.get("exclusions", {})
        self.excluded = {kind: set(exclusions.get(kind, ()))
                         for kind in ("categories", "skus", "tenders", "member_statuses", "tags")}
        rounding = self.yaml.get("rounding", {})
        self.round_mode, self.round_scope = rounding.get("mode", "floor"), rounding.get("scope", "receipt")
        self.pending_days = int(self.yaml.get("pending_days", "0"))
        self.late_after_ms = int(self.yaml.get("late_after_hours", "24")) * 3600000
        self.skew_ms = int(self.yaml.get("clock_skew_seconds", "300")) * 1000
        self.returns = {"shortfall": "debt", "from_other_lots": "false", "reinstate_days": "0",
                        **self.yaml.get("returns", {})}
        self.adjustments = self.yaml.get("adjustments")
        self.close_balance = self.yaml.get("close", {}).get("balance", "forfeit")
        self.transfers = {"allowed": "true", "minimum": "1", **self.yaml.get("transfers", {})}
        self.read_redemption()
        self.read_tiers()
        self.read_known()

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
        self.rewards = None
        if "rewards" in self.yaml:
            self.rewards = {reward["code"]: reward for reward in self.yaml["rewards"]}
        if terms is not None:
            points = int(terms["points"])
            step = int(terms.get("step", points))
            self.redemption = {"points": points, "amount": self.amount(terms["amount"]), "step": step,
                               "minimum": int(terms.get("minimum", step)),
                               "share_max": ratio(terms.get("share_max", "100%")),
                               "excluded": set(terms.get("excluded_categories", ())),
                               "allowance": int(terms.get("offline_allowance", "0")),
                               "earns": terms.get("earn_on_redeemed", "false") == "true"}

    def read_tiers(self):
        tiers = self.yaml.get("tiers", {"levels": [{"name": "member"}]})
        self.window = tiers.get("window", {"kind": "rolling_months", "months": tiers.get("window_months", "12")})
        self.grace = datetime.timedelta(days=int(tiers.get("grace_days", "0")))
        self.down = tiers.get("down", "window")
        self.levels = tiers["levels"]
        self.classes = self.yaml.get("classes")
        self.rules = list(self.yaml.get("rules", ()))
        self.caps = list(self.yaml.get("caps", ()))
        self.groups = {group["name"]: group.get("stack", "best") for group in self.yaml.get("groups", ())}
        for level in self.levels:
            if "factor" in level:
                self.groups.setdefault("tier", "best")
                self.rules.append({"name": f"tier:{level['name']}", "kind": "multiplier", "factor": level["factor"],
                                   "group": "tier", "when": {"tiers": [level["name"]]}})

    def read_known(self):
        """What the programme names anywhere, and what it lists as known."""
        unknown, known = self.yaml.get("unknown", {}), self.yaml.get("known", {})
        self.refuses = {kind: unknown.get(kind, "plain") == "refuse" for kind in ("categories", "tenders")}
        self.known = {kind: set(known.get(kind, ())) | self.excluded[kind] for kind in ("categories", "tenders")}
        for rule in self.rules:
            for kind, names in self.known.items():
                names.update(rule.get("when", {}).get(kind, ()))
        if self.redemption is not None:
            self.known["categories"] |= self.redemption["excluded"]

    def level_name(self, tier):
        return self.levels[tier]["name"] if tier < len(self.levels) else None

    def class_name(self, number):
        return self.classes["levels"][number - 1]["name"] if number > 0 and self.classes is not None and \
            number <= len(self.classes["levels"]) else None

    def expires_on(self, date, policy=None):
        policy = policy or self.yaml["expiry"]
        if policy["policy"] == "never":
            return EVER
        if policy["policy"] == "month_end":
            return month_day(month_index(date) + int(policy["months"]), 31)
        if policy["policy"] == "months_after":
            return month_day(month_index(date) + int(policy["months"]), date.day)
        month, day = (int(part) for part in policy["day"].split("-"))
        year = date.year if day_in_year(date.year, month, day) >= date else date.year + 1
        return day_in_year(year + int(policy.get("years", "1")) - 1, month, day)

    def available_on(self, date):
        return date + DAY * self.pending_days if self.pending_days > 0 else ALWAYS

    def level_by(self, sums):
        """The highest level whose demands the window's sums meet. In: (spend, visits, points)."""
        best = 0
        for index, level in enumerate(self.levels):
            met = []
            if "spend" in level:
                met.append(sums[0] >= self.amount(level["spend"]))
            if "visits" in level:
                met.append(sums[1] >= int(level["visits"]))
            if "points" in level:
                met.append(sums[2] >= int(level["points"]))
            if not met or (any(met) if level.get("require", "all") == "any" else all(met)):
                best = index
        return best

    def window_months(self, date, enrolled_on):
        """How many calendar months the window that ends with the month of a date has."""
        if self.window["kind"] == "rolling_months":
            return int(self.window["months"])
        if self.window["kind"] == "calendar_year":
            return date.month
        return (month_index(date) - month_index(enrolled_on)) % 12 + 1

    def value_of(self, points):
        """Money that points are worth, exact."""
        return Fraction(points * self.redemption["amount"], self.redemption["points"])

    def receipt_matches(self, when, facts, receipt):
        """Whether every condition that is not about lines holds. In: receipt: basket, tenders as kept."""
        return all(CONDITIONS[name](items, facts, receipt, self)
                   for name, items in when.items() if name not in ("categories", "skus"))


def line_matches(when, line):
    return (("categories" not in when or line["category"] in when["categories"]) and
            ("skus" not in when or line["sku"] in when["skus"]))
