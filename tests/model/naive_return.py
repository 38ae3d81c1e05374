"""Returns: what is kept decides what the sale is worth; the difference to what it was worth before is posted."""
import datetime

from naive_earn import Worth
from naive_programme import ALWAYS, Refused, rounded, share


class Returns:
    def post_return(self, command):
        if command["store"] not in self.stores:
            raise Refused("UNKNOWN_STORE")
        if command["sale"] not in self.sales:
            raise Refused("UNKNOWN_SALE")
        sale = self.sales[command["sale"]]
        left = self.left_after(sale, command)
        self.in_time(sale.programme, command["at_ms"])
        if command["at_ms"] < sale.receipt["at_ms"]:
            raise Refused("BEFORE_SALE")
        date, _ = self.local(command["store"], command["at_ms"])
        sale.left = left
        while sale.member.into is not None:
            sale.member = sale.member.into
        self.counts["return"] += 1
        return self.settled(self.return_post(sale, date, command["at_ms"]))

    @staticmethod
    def left_after(sale, command):
        left = list(sale.left)
        if command["all"]:
            if all(one is None for one in left):
                raise Refused("RETURN_EXCEEDS_KEPT", "all")
            return [None] * len(left)
        for index, line in enumerate(command["lines"]):
            if line["number"] > len(left):
                raise Refused("UNKNOWN_LINE", f"lines[{index}].line_number", needed=line["number"], limit=len(left))
        for index, line in enumerate(command["lines"]):
            kept = left[line["number"] - 1]
            if kept is None or line["quantity"] > kept:
                raise Refused("RETURN_EXCEEDS_KEPT", f"lines[{index}]", needed=line["quantity"], available=kept or 0)
            rest = 0 if line["whole"] else kept - line["quantity"]
            left[line["number"] - 1] = rest if rest > 0 else None
        return left

    def return_post(self, sale, date, at_ms):
        kept = sale.kept_receipt()
        redeemed = share(sale.redeem_points, kept["basket"], sale.basket) if sale.basket > 0 else 0
        value = min(kept["basket"], rounded(sale.programme.value_of(redeemed), "half_up")) if redeemed > 0 else 0
        worth = Worth(sale.programme, sale.facts, kept, value) if kept["lines"] else None
        points, by_reason, spend, counted = \
            (worth.points, worth.by_reason, worth.eligible, worth.counted) if worth else (0, {}, 0, {})
        trace = dict(worth.trace) if worth else {}
        trace["KEPT", ""] = [0, kept["basket"], 0]
        lots, voided, voided_trace = self.overdue_given_back(sale.member, at_ms)
        trace.update(voided_trace)
        postings, undone = self.given_back(sale, redeemed, date, lots, trace)
        for name in set(sale.by_reason) | set(by_reason):
            change = sale.by_reason.get(name, 0) - by_reason.get(name, 0)
            postings.append(("ISSUED", sale.lot[2], name, change, sale.lot, 0))
        more, deducted, shortfall = self.taken_back(sale, sale.granted - points, date, lots, undone, trace)
        change, value_change = points - sale.points, value - sale.kept_value
        self.overdue_end(sale.member, at_ms)
        answer = self.finish(sale.member, voided + postings + more, date, at_ms, keeps_lots=True, granted=change,
                             redeemed=redeemed - sale.kept_redeemed, value=value_change, trace=trace, deducted=deducted,
                             shortfall=shortfall, version=sale.programme.version, late=self.is_late(sale.programme, at_ms))
        visits = -1 if sale.is_visit and worth is None else 0
        sale.member.count(sale.facts["date"], spend - sale.spend, visits, change)
        sale.member.count_limits({key: counted.get(key, 0) - sale.counted.get(key, 0)
                                  for key in {**counted, **sale.counted}})
        sale.points, sale.by_reason, sale.spend, sale.counted = points, by_reason, spend, counted
        sale.kept_redeemed, sale.kept_value, sale.is_visit = redeemed, value, worth is not None
        return answer

    @staticmethod
    def given_back(sale, redeemed, date, lots, trace):
        """Redeemed points: first what became debt offline, then the lots that paid, last spent first.

        What of that debt the sale's own grant paid goes to the lot of that grant, as if it had not paid it.

        Returns (postings without the debt's, points by which a debt is to be undone).
        """
        def by_part(total):
            parts, rest = [], total
            for points in (sale.offline_debt - own_paid, own_paid, *(points for _, points in reversed(sale.redeemed))):
                parts.append(min(points, rest))
                rest -= parts[-1]
            return parts
        own_paid = sum(points for entity, points in sale.debt_paid if entity == sale.facts["entity"])
        own_paid = min(own_paid, sale.offline_debt)
        before, now = by_part(sale.redeem_points - sale.kept_redeemed), by_part(sale.redeem_points - redeemed)
        changes = [after - first for first, after in zip(before, now)]
        sale.repaid = [before[1], now[1]]
        postings = [("REDEEMED", sale.facts["entity"], "", -sum(changes), None, 0), *lots.take(sale.lot, -changes[1])]
        days = datetime.timedelta(days=int(sale.programme.returns["reinstate_days"]))
        for (key, _), points in zip(reversed(sale.redeemed), changes[2:]):
            if date > key[0]:
                again = (key[0] + days, ALWAYS, key[2])
                if date > again[0]:
                    postings.append(("EXPIRED", key[2], "", points, key, 0))
                    lots.setdefault(key, [0, 0, 0])[2] += points
                    trace.setdefault(("EXPIRED", ""), [0, 0, 0])[0] += points
                    continue
                key = again
            postings += lots.take(key, -points)
        trace["GIVEN_BACK", ""] = [sum(changes[1:]), 0, 0]
        return postings, changes[0]

    def taken_back(self, sale, total, date, lots, undone, trace):
        """In: total: what all returns take back; lots: after redeemed points went back; undone: debt to be undone besides.

        Returns (postings, money to deduct, points of the shortfall).
        """
        member, key = sale.member, sale.lot
        lot = lots.get(key, [0, 0, 0])
        paid = sum(points for _, points in sale.debt_paid) - sale.repaid[1]
        from_lot = min(total, sale.from_lot + lot[1] + lot[2], sale.granted - paid)
        rest = total - from_lot
        restored = min(rest, paid)
        rest -= restored
        from_other = self.from_others(sale, rest, date, lots)
        rest -= sum(from_other.values())
        is_debt = sale.programme.returns["shortfall"] == "debt"
        postings, moved = self.debts_moved(sale, member, restored + (rest if is_debt else 0), undone)
        written_off = 0 if is_debt else rest
        # What of a debt cannot be unmade, because it was paid since, the others need not bear.
        stuck = sale.as_debt + moved - restored - (rest if is_debt else 0)
        cut = min(stuck, written_off)
        written_off -= cut
        from_other = self.from_others(sale, sum(from_other.values()) - min(stuck - cut, sum(from_other.values())), date, lots)
        sale.as_debt += moved
        from_lot = total - sale.as_debt - written_off - sum(from_other.values())
        postings += lots.take(key, from_lot - sale.from_lot)
        for other in {**sale.from_other, **from_other}:
            postings += lots.take(other, from_other.get(other, 0) - sale.from_other.get(other, 0))
        postings.append(("WRITTEN_OFF", key[2], "", sale.written_off - written_off, None, 0))
        trace["TAKEN_BACK", ""] = [sale.from_lot - from_lot, 0, 0]
        trace["TAKEN_FROM_OTHER", ""] = [sum(sale.from_other.values()) - sum(from_other.values()), 0, 0]
        trace["DEBT", ""] = [undone - moved, 0, 0]
        short = written_off - sale.written_off
        money = self.shortfall_traced(sale, written_off, trace)
        sale.from_lot, sale.from_other, sale.written_off = from_lot, from_other, written_off
        return postings, money, short

    @staticmethod
    def shortfall_traced(sale, written_off, trace):
        """Returns the money to take off the refund."""
        short = written_off - sale.written_off
        if sale.programme.returns["shortfall"] != "deduct":
            trace["SHORTFALL", ""] = [short, 0, 0]
            return 0
        deducted = rounded(sale.programme.value_of(written_off), "half_up")
        money = deducted - sale.deducted
        sale.deducted = deducted
        trace["DEDUCTED", ""] = [short, money, 0]
        return money

    @staticmethod
    def from_others(sale, rest, date, lots):
        """What other lots bear of the rest, cumulative over the sale's returns: {lot's key: points}."""
        if sale.programme.returns["from_other_lots"] != "true":
            return {}
        spendable = dict(lots.spendable(date))
        found = {}
        for key in sorted({**spendable, **sale.from_other}):
            if key != sale.lot:
                points = min(rest, sale.from_other.get(key, 0) + spendable.get(key, 0))
                rest -= points
                if points > 0:
                    found[key] = points
        return found

    @staticmethod
    def debts_moved(sale, member, target, undone):
        """Moves the sale's share of debts from what it was to the target. Returns (postings, by how much it moved).

        Debts that the grant had paid come back first, the last paid first; then the sale's own entity is owed.
        """
        own = sale.facts["entity"]
        shares = {own: [0, 0], **{entity: [0, 0] for entity, _ in sale.debt_paid}}
        for index, rest in enumerate((sale.as_debt, target)):
            for entity, most in reversed(sale.debt_paid):
                part = min(rest, most - (sale.repaid[index] if entity == own else 0))
                shares[entity][index] += part
                rest -= part
            shares[own][index] += rest
        postings, moved = [], 0
        for entity, (before, now) in shares.items():
            besides = undone if entity == own else 0
            change = max(now - before - besides, -member.debts.get(entity, 0))  # no debt is unmade that was paid since
            postings.append(("DEBT", entity, "", -change, None, 0))
            moved += change + besides
        return postings, moved
