"""What a receipt is worth under a programme: SEMANTICS, Earning, steps 1 to 6, in fractions.

Written from that page alone, in the plainest way, so that it can be read beside it. Nothing here is fast.
"""
from fractions import Fraction

from naive_programme import Refused, apportion, line_matches, month_index, ratio, rounded


def eligible_of(programme, facts, receipt, redeemed_value):
    """Step 1, by line."""
    lines = receipt["lines"]
    amounts = [line["amount"] for line in lines]
    is_out = (facts["status"] in programme.excluded["member_statuses"] or
              any(facts["tags"] >> int(tag) & 1 for tag in programme.excluded["tags"]))
    eligible = [0 if is_out or line["category"] in programme.excluded["categories"] or
                line["sku"] in programme.excluded["skus"] else line["amount"] for line in lines]
    excluded = 0
    for index, tender in enumerate(receipt["tenders"]):
        if tender["type"] in programme.excluded["tenders"]:
            excluded += tender["amount"]
            if excluded > receipt["basket"]:
                raise Refused("INVALID_FIELD", f"receipt.tenders[{index}].amount")
    taken = [apportion(excluded, amounts)]
    if redeemed_value > 0 and not programme.redemption["earns"]:
        payable = [0 if line["category"] in programme.redemption["excluded"] else line["amount"] for line in lines]
        taken.append(apportion(redeemed_value, payable))
    for parts in taken:
        eligible = [max(0, left - part) for left, part in zip(eligible, parts)]
    return eligible


class Worth:
    """Steps 2 to 6. Has: eligible (money), points, by_reason {name: points}, line_points, trace, counted."""

    def __init__(self, programme, facts, receipt, redeemed_value):
        self.programme, self.facts, self.receipt = programme, facts, receipt
        self.trace = {}
        by_line = eligible_of(programme, facts, receipt, redeemed_value)
        self.eligible = sum(by_line)
        self.line_base = [amount * programme.rate for amount in by_line]
        self.line_exact = list(self.line_base)
        grounds = [("base", sum(self.line_base))]
        grounds += [(name, sum(uplift)) for name, uplift in self.uplifts(by_line)]
        exact = [value for _, value in grounds]
        if programme.round_scope == "line":
            self.line_points = [rounded(value, programme.round_mode) for value in self.line_exact]
            points = sum(self.line_points)
        else:
            points = rounded(Fraction(sum(exact)), programme.round_mode)
            self.line_points = apportion(points, self.line_exact)
        whole = dict(zip((name for name, _ in grounds), apportion(points, exact)))
        self.trace_of(grounds, whole, points)
        self.limit(whole)
        self.by_reason = {name: points for name, points in whole.items() if points != 0}
        self.points = sum(whole.values())
        if self.points != points:
            weights = self.line_points if programme.round_scope == "line" else self.line_exact
            self.line_points = apportion(self.points, weights)

    def trace_of(self, grounds, whole, points):
        """{(kind, ground): [points, money, exact]}."""
        self.trace["ELIGIBLE", ""] = [0, self.eligible, 0]
        for name, value in grounds:
            key = ("BASE", "") if name == "base" else (self.kinds[name], name)
            self.trace[key] = [whole[name], 0, value]
        self.trace["ROUNDED", ""] = [points, 0, sum(value for _, value in grounds)]

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
        self.kinds = {rule["name"]: rule["kind"].upper() for rule in self.programme.rules}
        for rule in self.programme.rules:
            if not self.programme.receipt_matches(rule.get("when", {}), self.facts, self.receipt):
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
        counted = []
        for name, group, stack, uplift in found:
            if stack != "best" or best[group][0] == name:
                counted.append((name, uplift))
            else:
                self.trace["OUTDONE", name] = [0, 0, sum(uplift)]
        for _, uplift in counted:
            self.line_exact = [before + more for before, more in zip(self.line_exact, uplift)]
        return counted

    def limit(self, whole):
        """Step 6: each rule's own limits, then the caps as listed; room goes to grounds as listed."""
        rooms = self.facts["rooms"]
        self.counted = {}
        rules = {rule["name"]: rule for rule in self.programme.rules}
        for name in whole:
            for what in ("cap_per_member", "budget"):
                if what in rules.get(name, ()):
                    self.cut(whole, name, rooms[what, name])
        for cap in self.programme.caps:
            room = rooms["cap", cap["name"]]
            for name in self.under(cap, whole):
                self.cut(whole, name, room)
                room -= whole[name]
        for name, points in whole.items():
            if "cap_per_member" in rules.get(name, ()) and points != 0:
                self.counted["rule", name, 0] = points
        for cap in self.programme.caps:
            points = sum(whole[name] for name in self.under(cap, whole))
            if cap["per"] != "receipt" and points != 0:
                self.counted[(*cap_counter(cap, self.facts["date"]),)] = points

    @staticmethod
    def under(cap, whole):
        return [name for name in whole if name in cap.get("rules", whole)]

    def cut(self, whole, name, room):
        if whole[name] > room:
            step = self.trace.setdefault(("CAP", "" if name == "base" else name), [0, 0, 0])
            step[0] -= whole[name] - room
            whole[name] = room


def cap_counter(cap, date):
    """The counter's key: (kind, ground, period)."""
    if cap["per"] == "member_day":
        return "day", cap["name"], date.toordinal()
    return "month", cap["name"], month_index(date)


def rooms_of(programme, member, date, issued):
    """How much each limit leaves at the sale. In: issued: a function that says what the chain granted on a ground."""
    rooms = {}
    for rule in programme.rules:
        if "cap_per_member" in rule:
            rooms["cap_per_member", rule["name"]] = \
                max(0, int(rule["cap_per_member"]) - member.counters.get(("rule", rule["name"], 0), 0))
        if "budget" in rule:
            rooms["budget", rule["name"]] = max(0, int(rule["budget"]) - issued(rule["name"]))
    for cap in programme.caps:
        used = 0 if cap["per"] == "receipt" else member.counters.get(cap_counter(cap, date), 0)
        rooms["cap", cap["name"]] = max(0, int(cap["points"]) - used)
    return rooms
