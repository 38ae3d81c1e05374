"""Random programmes without fault, as YAML text."""
import yaml

CATEGORIES = ("GROCERY", "DRUG GM", "FUEL", "tobacco", "健康", "")
SKUS = tuple(f"sku-{number}" for number in range(6))
TENDERS = ("cash", "gift_card", "medical_insurance")
REGIONS = ("east", "west", "")
LEVELS = ("member", "silver", "gold", "black")


def some(random, items):
    return random.sample(items, random.randint(1, min(3, len(items))))


def day(random):
    return f"{random.choice((2017, 2018, 2019))}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def conditions(random, levels):
    """All that a rule's `when` may name, each a function of its own drawing."""
    def between():
        first, last = sorted((day(random), day(random)))
        return {"from": first, "to": last}

    def clock():
        first, last = random.sample(range(24), 2)
        return {"from": f"{first:02}:30", "to": f"{last:02}:15:30"}
    return {
        "days_of_month": lambda: [str(one) for one in random.sample(range(1, 32), random.randint(1, 16))],
        "weekdays": lambda: some(random, ["monday", "tue", "wed", "thursday", "fri", "sat", "sunday"]),
        "nth_weekdays": lambda: [f"{random.choice(('1', '2', '3', '4', '5', 'last'))} {name}"
                                 for name in some(random, ["monday", "tuesday", "fri", "sunday"])],
        "dates": lambda: [day(random) for _ in range(3)],
        "date_ranges": lambda: [between() for _ in range(random.randint(1, 2))],
        "times": lambda: [clock() for _ in range(random.randint(1, 2))],
        "stores": lambda: [str(one) for one in some(random, range(1, 5))],
        "regions": lambda: some(random, ["east", "west"]),
        "entities": lambda: [str(one) for one in some(random, [1, 2, 3])],
        "tiers": lambda: some(random, levels),
        "tags": lambda: [str(one) for one in some(random, range(4))],
        "birthday": lambda: random.choice(("day", "week", "month")),
        "first_purchase": lambda: random.choice(("true", "false")),
        "basket_min": lambda: f"{random.randint(1, 60)}.{random.randint(0, 99):02}",
        "tenders": lambda: some(random, TENDERS),
        "categories": lambda: some(random, CATEGORIES[:-1]),
        "skus": lambda: some(random, SKUS),
    }


def rule_of(random, index, groups, levels):
    rule = {"name": f"rule-{index}", "kind": random.choice(("multiplier", "multiplier", "bonus"))}
    group = random.choice([None, *groups])
    if group is not None:
        rule["group"] = group
        if groups[group] == "multiply":
            rule["kind"] = "multiplier"
    if rule["kind"] == "bonus":
        rule["points"] = str(random.choice((1, 5, 33, 100)))
    else:
        rule["factor"] = random.choice(("1.5", "2", "3", "4/3", "110%", "1.05", "2.25"))
    makers = conditions(random, levels)
    names = random.sample(sorted(makers), random.choice((0, 1, 1, 1, 2, 3)))
    if names:
        rule["when"] = {name: makers[name]() for name in names}
    return rule


def tiers_of(random, levels):
    rows = [{"name": levels[0]}]
    demand = {"spend": 2000, "visits": 2, "points": 30}
    kinds = random.sample(sorted(demand), random.randint(1, 3))
    for name in levels[1:]:
        demand = {kind: least * random.randint(2, 3) for kind, least in demand.items()}
        row = {"name": name, "require": random.choice(("any", "all"))}
        for kind in kinds:
            value = demand[kind]
            row[kind] = f"{value // 100}.{value % 100:02}" if kind == "spend" else str(value)
        if random.random() < 0.6:
            row["factor"] = random.choice(("1.1", "1.25", "2"))
        rows.append(row)
    return {"window_months": str(random.choice((1, 3, 12, 36))), "levels": rows}


def redemption_of(random):
    step = random.choice((1, 5, 10, 50))
    return {"points": str(random.choice((1, 5))), "amount": random.choice(("0.01", "0.05", "1.00")),
            "step": str(step * 5), "minimum": str(step * 5 * random.randint(1, 3)),
            "share_max": random.choice(("50%", "100%", "1/3", "33.3%"))}


def programme_text(random, name):
    """The first programme of a ledger is in force from the start of 2017 on, later ones often from some later day."""
    levels = list(LEVELS[:random.randint(1, 4)])
    groups = {f"group-{index}": random.choice(("best", "add", "multiply")) for index in range(random.randint(0, 3))}
    programme = {
        "name": name, "effective_from": random.choice(("2017-01-01", "2017-01-01", day(random))),
        "zone": random.choice(("Asia/Shanghai", "America/New_York")), "currency": "CNY", "currency_digits": "2",
        "earn": {"points": str(random.choice((1, 1, 2, 3))),
                 "per_amount": random.choice(("1.00", "0.30", "7", "0.07"))},
        "rounding": {"mode": random.choice(("floor", "half_up", "half_even")),
                     "scope": random.choice(("receipt", "line"))},
        "expiry": random.choice(({"policy": "never"}, *({"policy": "month_end", "months": months}
                                                        for months in ("0", "1", "3", "12", "13")))),
        "late_after_hours": "72", "clock_skew_seconds": "60",
        "groups": [{"name": group, "stack": stack} for group, stack in groups.items()],
        "rules": [rule_of(random, index, groups, levels) for index in range(random.randint(0, 7))],
        "tiers": tiers_of(random, levels),
    }
    if random.random() < 0.7:
        programme["exclusions"] = {"categories": some(random, CATEGORIES[:-1]), "skus": some(random, SKUS),
                                   "tenders": some(random, TENDERS[1:])}
    if random.random() < 0.9:
        programme["redemption"] = redemption_of(random)
    programme = {key: value for key, value in programme.items() if value != []}
    return yaml.safe_dump(programme, sort_keys=False, allow_unicode=True)
