"""Random programmes without fault, as YAML text. Each draws its own mix of sections and rules."""
import yaml

CATEGORIES = ("GROCERY", "DRUG GM", "FUEL", "tobacco", "健康", "")
SKUS = tuple(f"sku-{number}" for number in range(6))
TENDERS = ("cash", "gift_card", "medical_insurance")
REGIONS = ("east", "west", "")
LEVELS = ("member", "silver", "gold", "black")
REWARDS = ("mug", "towel", "umbrella")
CLASSES = ("A", "B", "C", "D")
RULES_MAX = 7


def some(random, items):
    return random.sample(items, random.randint(1, min(3, len(items))))


def day(random):
    return f"{random.choice((2017, 2018, 2019))}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"


def conditions(random, levels, classes):
    """All that a rule's `when` may name, each a function of its own drawing."""
    def between():
        first, last = sorted((day(random), day(random)))
        return {"from": first, "to": last}

    def clock():
        first, last = random.sample(range(24), 2)
        return {"from": f"{first:02}:30", "to": f"{last:02}:15:30"}
    makers = {
        "days_of_month": lambda: [str(one) for one in random.sample(range(1, 32), random.randint(1, 16))],
        "weekdays": lambda: some(random, ["monday", "tue", "wed", "thursday", "fri", "sat", "sunday"]),
        "nth_weekdays": lambda: [f"{random.choice(('1', '2', '3', '4', '5', 'last'))} {name}"
                                 for name in some(random, ["monday", "tuesday", "fri", "sunday"])],
        "dates": lambda: [day(random) for _ in range(30)],
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
    if classes:
        makers["activity_classes"] = lambda: some(random, list(CLASSES))
    return makers


def rule_of(random, index, groups, levels, built, issued):
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
    makers = conditions(random, levels, "class_rules" in built)
    names = random.sample(sorted(makers), random.choice((0, 1, 1, 1, 2, 3)))
    if names:
        rule["when"] = {name: makers[name]() for name in names}
    if "caps" in built and random.random() < 0.2:
        rule["cap_per_member"] = str(random.choice((10, 100, 1000)))
    if "caps" in built and random.random() < 0.2:
        rule["budget"] = str(max(0, issued(rule["name"])) + random.choice((1, 50, 500, 5000)))
    return rule


def caps_of(random, rules):
    caps = []
    for per in random.sample(("receipt", "member_day", "member_month"), random.randint(1, 3)):
        cap = {"name": f"cap-{per}", "per": per, "points": str(random.choice((5, 50, 200)))}
        names = ["base", *(rule["name"] for rule in rules)]
        if random.random() < 0.5:
            cap["rules"] = random.sample(names, random.randint(1, len(names)))
        caps.append(cap)
    return caps


def tiers_of(random, levels, built):
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
    tiers = {"levels": rows}
    months = str(random.choice((1, 3, 12, 36)))
    if "windows" in built and random.random() < 0.7:
        tiers["window"] = random.choice(({"kind": "rolling_months", "months": months}, {"kind": "calendar_year"},
                                         {"kind": "membership_year"}))
        tiers["grace_days"] = str(random.choice((0, 30, 400)))
        tiers["down"] = random.choice(("window", "one_level"))
    else:
        tiers["window_months"] = months
    return tiers


def classes_of(random):
    return {"window_months": str(random.choice((4, 6, 12))), "levels": [
        {"name": "A", "visits_per_month": str(random.randint(1, 3)), "months": str(random.randint(1, 4))},
        {"name": "B", "visits": "1", "every_months": "2"}, {"name": "C"},
        {"name": "D", "none_for_months": str(random.randint(1, 4))}]}


def redemption_of(random, built):
    step = random.choice((1, 1, 2, 10))
    terms = {"points": str(random.choice((1, 5))), "amount": random.choice(("0.01", "0.05", "1.00")),
             "step": str(step * 5), "minimum": str(step * 5 * random.randint(1, 3)),
             "share_max": random.choice(("50%", "100%", "1/3", "33.3%"))}
    if "spending" in built:
        if random.random() < 0.5:
            terms["offline_allowance"] = str(random.choice((50, 500, 100000)))
        if random.random() < 0.3:
            terms["earn_on_redeemed"] = "true"
        if "unpayable" in built and random.random() < 0.3:
            terms["excluded_categories"] = some(random, CATEGORIES[:-1])
    return terms


def rewards_of(random, stock):
    rewards = []
    for code in random.sample(REWARDS, random.randint(1, 3)):
        reward = {"code": code, "points": str(random.choice((5, 20, 100)))}
        if random.random() < 0.3:
            reward["valid_from"], reward["valid_to"] = sorted((day(random), day(random)))
        if random.random() < 0.4:
            reward["stock"] = str(stock(code) + random.randint(1, 40))
        if random.random() < 0.4:
            reward["per_member"] = str(random.randint(1, 30))
        rewards.append(reward)
    return rewards


def expiry_of(random, built):
    kinds = [{"policy": "never"}, *({"policy": "month_end", "months": months} for months in ("0", "1", "3", "12", "13"))]
    if "expiry" in built:
        kinds += [{"policy": "months_after", "months": months} for months in ("1", "6", "12")]
        kinds += [{"policy": "day_of_year", "day": random.choice(("03-31", "02-29", "12-31")),
                   "years": random.choice(("1", "2"))}]
    return random.choice(kinds)


def sections_of(random, built, ledger, programme):
    """Sections that a programme may have or not."""
    if random.random() < 0.7:
        programme["exclusions"] = {"categories": some(random, CATEGORIES[:-1]), "skus": some(random, SKUS),
                                   "tenders": some(random, TENDERS[1:])}
        if "statuses" in built and random.random() < 0.3:
            programme["exclusions"]["member_statuses"] = ["frozen"]
        if "statuses" in built and random.random() < 0.3:
            programme["exclusions"]["tags"] = [str(random.randint(0, 5))]
    if random.random() < 0.9:
        programme["redemption"] = redemption_of(random, built)
    if "rewards" in built and random.random() < 0.4:
        programme["rewards"] = rewards_of(random, lambda code: ledger.stock.get(code, 0))
    if "caps" in built and random.random() < 0.5:
        programme["caps"] = caps_of(random, programme["rules"])
    if "pending" in built and random.random() < 0.3:
        programme["pending_days"] = str(random.choice((0, 1, 7, 30)))
    if "known" in built and random.random() < 0.2:
        programme["unknown"] = {"categories": random.choice(("refuse", "plain")),
                                "tenders": random.choice(("refuse", "plain"))}
        programme["known"] = {"categories": some(random, CATEGORIES[:-1]), "tenders": some(random, TENDERS)}
    if "returns" in built and random.random() < 0.7:
        shortfall = random.choice(("debt", "write_off", "deduct" if "redemption" in programme else "debt"))
        programme["returns"] = {"shortfall": shortfall, "from_other_lots": random.choice(("true", "false")),
                                "reinstate_days": random.choice(("0", "30", "400"))}
    if "members" in built:
        if random.random() < 0.5:
            programme["adjustments"] = {"limit": str(random.choice((0, 100)))}
            if random.random() < 0.5:
                programme["adjustments"]["expiry"] = expiry_of(random, built)
        if random.random() < 0.5:
            programme["close"] = {"balance": random.choice(("forfeit", "refuse"))}
        if random.random() < 0.5:
            programme["transfers"] = {"allowed": random.choice(("true", "true", "false")), "minimum": "10"}
    if "classes" in built and random.random() < 0.6:
        programme["classes"] = classes_of(random)


def programme_text(random, name, built, ledger):
    """The first programme of a ledger is in force from the start of 2017 on, later ones often from some later day."""
    levels = list(LEVELS[:random.randint(1, 4)])
    groups = {f"group-{index}": random.choice(("best", "add", "multiply")) for index in range(random.randint(0, 3))}

    def issued(ground):
        return ledger.issued.get(ground, 0)
    programme = {
        "name": name, "effective_from": random.choice(("2017-01-01", "2017-01-01", day(random))),
        "zone": random.choice(("Asia/Shanghai", "America/New_York")), "currency": "CNY", "currency_digits": "2",
        "earn": {"points": str(random.choice((1, 1, 2, 3))),
                 "per_amount": random.choice(("1.00", "0.30", "7", "0.07"))},
        "rounding": {"mode": random.choice(("floor", "half_up", "half_even")),
                     "scope": random.choice(("receipt", "line"))},
        "expiry": expiry_of(random, built), "late_after_hours": "72", "clock_skew_seconds": "60",
        "groups": [{"name": group, "stack": stack} for group, stack in groups.items()],
        "rules": [rule_of(random, index, groups, levels, built, issued)
                  for index in range(random.randint(0, RULES_MAX))],
        "tiers": tiers_of(random, levels, built),
    }
    sections_of(random, built, ledger, programme)
    programme = {key: value for key, value in programme.items() if value != []}
    names = {rule["name"] for rule in programme.get("rules", ())}
    if "activity_classes" in str(programme.get("rules", "")) and "classes" not in programme:
        programme["classes"] = classes_of(random)
    assert names or "rules" not in programme
    return yaml.safe_dump(programme, sort_keys=False, allow_unicode=True)
