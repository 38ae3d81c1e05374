"""Levels and classes, their recalculation, and expiry posted."""
from naive_checks import DAY_MS, EPOCH
from naive_programme import month_day, month_index


def class_by(programme, member, as_of):
    """The number of the activity class that the visits give; 0: the programme has none."""
    if programme.classes is None:
        return 0
    last, window = month_index(as_of), int(programme.classes["window_months"])

    def visits(first_back, months):
        """In the months that begin `first_back` months before the last."""
        return sum(member.months.get(last - back, [0, 0, 0])[1] for back in range(first_back, first_back + months))

    def holds(level):
        if "none_for_months" in level:
            return visits(0, int(level["none_for_months"])) == 0
        if "visits_per_month" in level:
            months = int(level.get("months", window))
            return visits(0, months) >= int(level["visits_per_month"]) * months
        if "visits" in level:
            every = int(level["every_months"])
            return all(visits(back, every) >= int(level["visits"]) for back in range(0, window - every + 1, every))
        return True
    levels = list(enumerate(programme.classes["levels"], 1))
    for number, level in sorted(levels, key=lambda one: ("none_for_months" not in one[1], one[0])):
        if holds(level):
            return number
    return 0


class Jobs:
    def level_in(self, programme, member):
        """A member's level as a version counts it: the level of the same name, else the highest not above the number."""
        if programme is None or member.tier_version == 0 or not self.by_name:
            return member.tier
        name = self.programmes[member.tier_version - 1].level_name(member.tier)
        names = [level["name"] for level in programme.levels]
        return names.index(name) if name in names else min(member.tier, len(names) - 1)

    def level_now(self, member):
        """By the version in force by the ledger's clock."""
        return self.level_in(self.programme_at(self.now_ms), member)

    def members_by_tier(self):
        """{level: members}; who became another member is on none."""
        levels = [self.level_in(self.programmes[-1] if self.programmes else None, member)
                  for member in self.members.values() if member.status != "merged"]
        return {tier: levels.count(tier) for tier in levels}

    @staticmethod
    def level_set(programme, member, tier, date):
        member.tier, member.tier_version, member.tier_since = tier, programme.version, date

    def tier_by_sale(self, member, programme, date, answer):
        """Up at once: the best level that any window gives that ends with the sale's month or a later one."""
        ends = [date] + [month_day(index, 1) for index in member.months if index > month_index(date)]
        best = max(programme.level_by(member.window(end, programme.window_months(end, member.enrolled_on)))
                   for end in ends)
        before = self.level_in(programme, member)
        if best > before:
            answer["trace"] = {**answer["trace"], ("TIER_UP", ""): (best, 0, before)}
            self.level_set(programme, member, best, date)

    def recalculate(self, run_id, as_of, preview=False):
        """Returns {(from, to): members} and the changes, in the order of members."""
        programme = self.programme_at(((as_of - EPOCH.date()).days + 1) * DAY_MS - 1)
        counts, changes = {}, []
        for number, member in sorted(self.members.items()):
            if member.status == "merged" and self.by_name:
                continue
            sums = member.window(as_of, programme.window_months(as_of, member.enrolled_on))
            before = self.level_in(programme, member)
            after, ends_hand = self.level_after(programme, member, before, sums, as_of)
            group = class_by(programme, member, as_of) or member.activity_class
            name = f"tiers/{run_id}/{number}"
            if not preview and name in self.transactions:
                after, ends_hand, group = before, False, member.activity_class
            counts[(before, after)] = counts.get((before, after), 0) + 1
            if after != before or ends_hand or group != member.activity_class:
                changes.append((number, before, after, sums[0], sums[1], member.activity_class, group))
                if not preview:
                    self.transactions[name] = (None, None)
                    member.tier_until = None if ends_hand else member.tier_until
                    member.activity_class = group
                    if after != before:
                        self.level_set(programme, member, after, as_of)
        return counts, changes

    def level_after(self, programme, member, before, sums, as_of):
        """Returns (level, whether a level by hand ends)."""
        by_window = programme.level_by(sums)
        if member.tier_until is not None:
            return (before, False) if as_of <= member.tier_until else (by_window, True)
        if by_window >= before:
            return by_window, False
        if as_of < member.tier_since + programme.grace and self.by_name:
            return before, False
        return (by_window if programme.down == "window" else before - 1), False

    def expire(self, as_of):
        """Posts what has expired before a date. Returns the points."""
        total = 0
        for member in self.members.values():
            postings = []
            for key, lot in member.lots.items():
                if key[0] < as_of and lot[1] > 0:
                    postings += [("AVAILABLE", key[2], "", -lot[1], key, 0), ("EXPIRED", key[2], "", lot[1], key, 0)]
                    total += lot[1]
            if postings:
                self.finish(member, postings, as_of, self.now_ms)
        return total
