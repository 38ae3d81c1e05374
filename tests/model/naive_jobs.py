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
    def level_mapped(self, before, after, tier):
        """The level of that name in another version; where it has none, the highest that is not above the number."""
        if not self.by_name:
            return tier
        name = before.level_name(tier)
        names = [level["name"] for level in after.levels]
        return names.index(name) if name in names else min(tier, len(names) - 1)

    def level_in(self, programme, tier):
        """A member's level, held by the newest programme's numbers, as another version counts it: by its name."""
        return self.level_mapped(self.programmes[-1], programme, tier)

    def class_in(self, programme, number):
        return number

    def levels_renamed(self, programme):
        """A new version keeps everybody's level by its name."""
        if self.programmes:
            for member in self.members.values():
                member.tier = self.level_mapped(self.programmes[-1], programme, member.tier)

    def tier_by_sale(self, member, programme, date, answer):
        """Up at once: the best level that any window gives that ends with the sale's month or a later one."""
        ends = [date] + [month_day(index, 1) for index in member.months if index > month_index(date)]
        best = max(programme.level_by(member.window(end, programme.window_months(end, member.enrolled_on)))
                   for end in ends)
        tier = self.level_mapped(programme, self.programmes[-1], best)
        if tier > member.tier:
            answer["trace"] = {**answer["trace"], ("TIER_UP", ""): (tier, 0, member.tier)}
            member.tier, member.tier_since = tier, date

    def recalculate(self, run_id, as_of, preview=False):
        """Returns {(from, to): members} and the changes, in the order of members."""
        programme = self.programme_at(((as_of - EPOCH.date()).days + 1) * DAY_MS - 1)
        counts, changes = {}, []
        for number, member in sorted(self.members.items()):
            if member.status == "merged":
                continue
            months = programme.window_months(as_of, member.enrolled_on)
            sums = member.window(as_of, months)
            before, after = member.tier, self.level_after(programme, member, sums, as_of)
            name = f"tiers/{run_id}/{number}"
            group = class_by(programme, member, as_of)
            if not preview and name in self.transactions:
                after, group = before, member.activity_class
            counts[(before, after)] = counts.get((before, after), 0) + 1
            if after != before or group != member.activity_class:
                changes.append((number, before, after, sums[0], sums[1]))
                if not preview:
                    if after != before:
                        member.tier, member.tier_since = after, as_of
                        member.tier_until = None
                    member.activity_class = group
                    self.transactions[name] = (None, None)
        return counts, changes

    def level_after(self, programme, member, sums, as_of):
        by_window = self.level_mapped(programme, self.programmes[-1], programme.level_by(sums))
        if by_window >= member.tier:
            return by_window
        if member.tier_until is not None and as_of <= member.tier_until:
            return member.tier
        if self.by_name and as_of < member.tier_since + programme.grace:
            return member.tier
        return by_window if programme.down == "window" else member.tier - 1

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
