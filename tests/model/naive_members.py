"""A member's life: enrolment, cards, freezing, closing, merging, adjustments, transfers, levels by hand."""
import datetime

from naive_checks import DAY_MS, EPOCH
from naive_programme import ALWAYS, EVER, Refused
from naive_state import Member, merged

CARDS = 64


def utc_date(at_ms):
    return (EPOCH + datetime.timedelta(milliseconds=at_ms)).date()


class MemberLife:
    def post_enrol(self, command):
        if command["number"] in self.members:
            raise Refused("MEMBER_EXISTS")
        for index, card in enumerate(command["cards"]):
            if card in self.cards:
                raise Refused("CARD_TAKEN", f"cards[{index}]")
        if command["enrolled_on"] > (EPOCH + datetime.timedelta(days=self.now_ms // DAY_MS + 1)).date():
            raise Refused("IN_FUTURE")
        member = self.members[command["number"]] = Member(command)
        self.cards.update({card: command["number"] for card in command["cards"]})
        return self.quiet(member, command["enrolled_on"])

    def quiet(self, member, date=None):
        """The answer of an entry that moves no points."""
        return self.settled(self.finish(member, [], date or self.today, self.now_ms))

    def living(self, command):
        member = self.known(command["member"])
        if member.status == "closed":
            raise Refused("MEMBER_CLOSED")
        return member

    def post_update(self, command):
        member = self.known(command["member"]) if command["erase"] else self.living(command)
        member.birthday = (0, 0) if command["erase"] else (command["birth_month"], command["birth_day"])
        member.home_store, member.tags = command["home_store"], command["tags"]
        if command["erase"]:
            self.cards = {card: owner for card, owner in self.cards.items() if card not in member.cards}
            member.cards = []
        return self.quiet(member)

    def post_link(self, command):
        member = self.living(command)
        if command["card"] in self.cards:
            raise Refused("CARD_TAKEN", "card")
        if len(member.cards) >= CARDS:
            raise Refused("LIMIT_REACHED")
        self.cards[command["card"]] = member.number
        member.cards.append(command["card"])
        return self.quiet(member)

    def post_unlink(self, command):
        if command["card"] not in self.cards:
            raise Refused("UNKNOWN_CARD")
        member = self.members[self.cards.pop(command["card"])]
        member.cards.remove(command["card"])
        return self.quiet(member)

    def post_freeze(self, command):
        member = self.living(command)
        member.status = "active" if command["thaw"] else "frozen"
        return self.quiet(member)

    def post_close(self, command):
        member = self.living(command)
        now_ms, date = self.now_ms, self.today
        programme = self.programme_at(now_ms)
        balance = member.balance(date, now_ms)
        left = balance["available"] + balance["pending"] + balance["held"]
        if programme is not None and programme.close_balance == "refuse" and (left or balance["debt"]):
            raise Refused("BALANCE_LEFT", needed=balance["debt"], available=left)
        postings, trace, lots = [], {}, member.lots.copy()
        for hold in list(member.holds):
            postings += hold.posted(-1)
            for key, points in hold.parts:
                lots.take(key, -points)
            trace.setdefault(("VOIDED", ""), [0, 0, 0])[0] += hold.points()
            if hold.each:
                self.reward_count(member, hold.reward, -(hold.points() // hold.each))
            self.hold_end(hold, command["id"])
        forfeited = 0
        for key, lot in lots.copy().items():
            if date <= key[0]:
                forfeited += lot[1] + lot[2]
                postings += lots.take(key, lot[1] + lot[2])
                postings.append(("WRITTEN_OFF", key[2], "", lot[1] + lot[2], None, 0))
        for entity, owed in member.debts.items():
            postings += [("DEBT", entity, "", owed, None, 0), ("WRITTEN_OFF", entity, "", -owed, None, 0)]
        trace["FORFEITED", ""] = [forfeited, 0, 0]
        trace["DEBT", ""] = [sum(member.debts.values()), 0, 0]
        member.status = "closed"
        version = programme.version if programme is not None else 0
        return self.settled(self.finish(member, postings, date, now_ms, trace=trace, version=version))

    def post_adjust(self, command):
        member = self.known(command["member"])
        at_ms, points = command["at_ms"], command["points"]
        programme = self.programme_at(at_ms)
        if programme is None:
            raise Refused("NO_PROGRAMME")
        self.in_time(programme, at_ms)
        if member.status == "closed":
            raise Refused("MEMBER_CLOSED")
        terms = programme.adjustments
        limit = int(terms.get("limit", "0")) if terms is not None else None
        if limit is not None and abs(points) > limit and command["approver"] in ("", command["operator"]):
            raise Refused("APPROVAL_NEEDED", needed=abs(points), limit=limit)
        date, postings, trace = utc_date(at_ms), [], {}
        trace["ADJUSTED", ""] = [points, 0, 0]
        if points > 0:
            key = (programme.expires_on(date, (terms or {}).get("expiry")), ALWAYS, command["entity"])
            rest = self.debts_paid(member.debts, points, postings, trace, [])
            postings.append(("AVAILABLE", key[2], "", rest, key, 0))
        else:
            lots, postings, voided = self.overdue_given_back(member, at_ms)
            if lots.total(date) < -points:
                raise Refused("INSUFFICIENT_POINTS", needed=-points, available=lots.total(date))
            postings += lots.spend(date, -points)[1]
            trace.update(voided)
            self.overdue_end(member, at_ms)
        postings.append(("ADJUSTED", command["entity"], "", -points, None, 0))
        return self.settled(self.finish(member, postings, date, at_ms, trace=trace, version=programme.version,
                                        late=self.is_late(programme, at_ms)))

    def post_transfer(self, command):
        giver, taker = self.known(command["from"]), self.known(command["to"])
        at_ms, points = command["at_ms"], command["points"]
        if giver is taker:
            raise Refused("INVALID_FIELD", "to")
        programme = self.programme_at(at_ms)
        if programme is None:
            raise Refused("NO_PROGRAMME")
        self.in_time(programme, at_ms)
        if "closed" in (giver.status, taker.status):
            raise Refused("MEMBER_CLOSED")
        if giver.status == "frozen":
            raise Refused("MEMBER_FROZEN")
        minimum = int(programme.transfers["minimum"])
        if programme.transfers["allowed"] != "true" or points < minimum:
            raise Refused("BELOW_MINIMUM")
        date = utc_date(at_ms)
        lots, postings, trace = self.overdue_given_back(giver, at_ms)
        if lots.total(date) < points:
            raise Refused("INSUFFICIENT_POINTS", needed=points, available=lots.total(date))
        self.overdue_end(giver, at_ms)
        parts, spent = lots.spend(date, points)
        postings += spent
        postings += [("AVAILABLE", key[2], "", part, key, taker.number) for key, part in parts]
        trace["TRANSFERRED", ""] = [points, 0, 0]
        return self.settled(self.finish(giver, postings, date, at_ms, trace=trace, version=programme.version,
                                        late=self.is_late(programme, at_ms)))

    def post_merge(self, command):
        gone, into = self.known(command["from"]), self.known(command["into"])
        if gone is into:
            raise Refused("INVALID_FIELD", "into")
        if "closed" in (gone.status, into.status):
            raise Refused("MEMBER_CLOSED")
        if gone.status == "frozen":
            raise Refused("MEMBER_FROZEN")
        return self.merge_post(gone, into)

    def merge_post(self, gone, into):
        now_ms = self.now_ms
        _, postings, trace = self.overdue_given_back(into, now_ms)
        _, more, voided = self.overdue_given_back(gone, now_ms)
        moved = [(*posting[:5], gone.number) for posting in more]
        for key, step in voided.items():
            trace.setdefault(key, [0, 0, 0])[0] += step[0]
        self.overdue_end(into, now_ms)
        self.overdue_end(gone, now_ms)
        self.finish_quietly(into, postings)
        self.finish_quietly(gone, more)
        brought = self.lots_moved(gone, into, moved)
        trace["MERGED", ""] = [brought, 0, 0]
        for index, row in gone.months.items():
            mine = into.months.setdefault(index, [0, 0, 0])
            into.months[index] = [one + other for one, other in zip(mine, row)]
        newest = max(into.months, default=0)
        into.months = {index: row for index, row in into.months.items() if index > newest - 37}
        into.visits += gone.visits
        into.count_limits(gone.counters)
        if self.level_now(gone) > self.level_now(into):
            into.tier, into.tier_version = gone.tier, gone.tier_version
            into.tier_since, into.tier_until = gone.tier_since, gone.tier_until
        into.enrolled_on = min(into.enrolled_on, gone.enrolled_on)
        into.tags |= gone.tags
        into.birthday = gone.birthday if into.birthday == (0, 0) else into.birthday
        for card in gone.cards:
            self.cards[card] = into.number
        into.cards += gone.cards
        gone.status, gone.into = "merged", into
        gone.months, gone.counters, gone.cards = {}, {}, []
        gone.tier = gone.visits = gone.tags = gone.activity_class = 0
        gone.birthday, gone.tier_until = (0, 0), None
        into.sweep(self.today)
        answer = self.finish(into, [], self.today, now_ms, trace=trace)
        answer["postings"] = merged(postings + moved)
        return self.settled(answer)

    def finish_quietly(self, member, postings):
        for account, entity, reason, points, _, _ in postings:
            self.totals[account, entity, reason] = self.totals.get((account, entity, reason), 0) + points
        member.apply(postings, datetime.date.min)

    def lots_moved(self, gone, into, moved):
        """Lots, debts and holds change hands. Adds their postings. Returns how many points they bring."""
        brought = sum(lot[1] for lot in gone.lots.values()) + sum(hold.points() for hold in gone.holds)
        for key, lot in gone.lots.items():
            mine = into.lots.setdefault(key, [0, 0, 0])
            for index, points in enumerate(lot):
                mine[index] += points
            for member, sign in ((gone.number, -1), (0, 1)):
                moved.append(("AVAILABLE", key[2], "", sign * lot[1], key, member))
                moved.append(("EXPIRED", key[2], "", sign * lot[2], key, member))
        for entity, owed in gone.debts.items():
            into.debts[entity] = into.debts.get(entity, 0) + owed
            moved += [("DEBT", entity, "", owed, None, gone.number), ("DEBT", entity, "", -owed, None, 0)]
        for hold in gone.holds:
            hold.member = into
            moved += [("HELD", key[2], "", sign * points, key, member) for key, points in hold.parts
                      for member, sign in ((gone.number, -1), (0, 1))]
        into.holds = sorted(into.holds + gone.holds, key=lambda hold: hold.serial)
        gone.lots.clear()
        gone.debts, gone.holds = {}, []
        return brought

    def post_set_tier(self, command):
        member = self.living(command)
        programme = self.programme_at(self.now_ms)
        if programme is None:
            raise Refused("NO_PROGRAMME")
        names = [level["name"] for level in programme.levels]
        if command["tier"] not in names:
            raise Refused("UNKNOWN_TIER")
        if command["until"] is not None and command["until"] < self.today:
            raise Refused("INVALID_FIELD", "until")
        before, after = self.level_in(programme, member), names.index(command["tier"])
        trace = {}
        if after != before:
            trace["TIER_UP" if after > before else "TIER_DOWN", ""] = [after, 0, before]
            member.tier_since = self.today
        member.tier, member.tier_version = after, programme.version  # given by name, also where it stays
        member.tier_until = command["until"] or EVER
        return self.settled(self.finish(member, [], self.today, self.now_ms, version=programme.version, trace=trace))
