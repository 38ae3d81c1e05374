"""The whole ledger in plain Python: commands in, answers or refusals out, members in a dictionary.

Written from SEMANTICS and the comments of proto/jifen/v1. Commands are dictionaries with `kind` and `id`; money in
minor units, quantities in thousandths, instants in milliseconds, dates as datetime.date. Not modelled: limits and
overflow, which have tests of their own.
"""
import datetime
import zoneinfo

from naive_programme import EVER, Programme, Refused, Worth, birthday_kinds, rounded, share

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86400000
AMOUNT_MAX = 10 ** 12
POINTS_MAX = 10 ** 15


def need(holds, field):
    if not holds:
        raise Refused("INVALID_FIELD", field)


def is_text(text, least, most):
    return least <= len(text.encode()) <= most and all(ord(letter) >= 32 and ord(letter) != 127 for letter in text)


def merged(postings):
    """Postings of the same kind to the same place as one, without those that cancel out; in an order of their own."""
    sums = {}
    for account, entity, reason, points, expires in postings:
        place = (account, entity, reason, expires)
        sums[place] = sums.get(place, 0) + points
    return sorted(((*place[:3], points, place[3]) for place, points in sums.items() if points != 0), key=repr)


class Member:
    def __init__(self, command):
        self.number = command["number"]
        self.enrolled_on = self.tier_since = command["enrolled_on"]
        self.birthday = (command["birth_month"], command["birth_day"])
        self.home_store, self.tags = command["home_store"], command["tags"]
        self.tier = self.visits = 0
        self.lots = {}    # (expires, entity): [granted, remaining, expired]
        self.debts = {}   # entity: points
        self.months = {}  # (year, month): [spend, visits, points]

    def spendable(self, date):
        """Lots that can pay on a date, in the order in which they do."""
        return [(key, lot[1] + lot[2]) for key, lot in sorted(self.lots.items())
                if key[0] >= date and lot[1] + lot[2] > 0]

    def out_of(self, key, points):
        """Points leave a lot: from what remains first, then from what was posted as expired. Below 0: they come."""
        remaining = min(points, self.lots.get(key, [0, 0, 0])[1])
        return [("AVAILABLE", key[1], "", -remaining, key[0]), ("EXPIRED", key[1], "", remaining - points, key[0])]

    def balance(self, date):
        lots = self.spendable(date)
        next_on = min((key[0] for key, _ in lots if key[0] != EVER), default=None)
        return {"available": sum(points for _, points in lots), "pending": 0, "held": 0,
                "debt": sum(self.debts.values()), "tier": self.tier, "expiring_on": next_on,
                "expiring_points": sum(points for key, points in lots if key[0] == next_on)}

    def window(self, date, months):
        last = date.year * 12 + date.month
        inside = [row for (year, month), row in self.months.items() if last - months < year * 12 + month <= last]
        return tuple(sum(row[index] for row in inside) for index in range(3))

    def apply(self, postings, date, sweeps=True):
        for account, entity, _, points, expires in postings:
            has_lot = account in ("ISSUED", "AVAILABLE", "EXPIRED")
            lot = self.lots.setdefault((expires, entity), [0, 0, 0]) if has_lot else None
            if account == "ISSUED":
                lot[0] -= points
            elif account == "AVAILABLE":
                lot[1] += points
            elif account == "EXPIRED":
                lot[2] += points
            elif account == "DEBT":
                self.debts[entity] = self.debts.get(entity, 0) - points
        assert sum(posting[3] for posting in postings) == 0, postings
        self.debts = {entity: points for entity, points in self.debts.items() if points != 0}
        if postings:
            self.sweep(date if sweeps else None)

    def sweep(self, date):
        """Lots that hold nothing go once they are over (not by a return), or where no sale granted them anything."""
        for key, lot in list(self.lots.items()):
            lot[0] = max(0, lot[0])
            assert lot[1] >= 0 and lot[2] >= 0, self.lots
            if lot[1] == lot[2] == 0 and (lot[0] == 0 or date is not None and key[0] < date):
                del self.lots[key]


class Sale:
    """A sale that was posted, and what its returns have left of it."""

    def __init__(self, member, command, facts, programme):
        self.member, self.facts, self.programme = member, facts, programme
        self.receipt = command["receipt"]
        self.basket = sum(line["amount"] for line in self.receipt["lines"])
        self.position = 0
        self.redeemed = []   # (lot's key, points), in the order of spending
        self.redeem_points = command["redeem_points"]
        self.debt_paid = []  # (entity, points)
        self.granted = 0
        self.left = [line["quantity"] for line in self.receipt["lines"]]  # None: gone
        self.points, self.by_reason, self.spend = 0, {}, 0
        self.kept_redeemed, self.kept_value = self.redeem_points, 0
        self.from_lot = self.as_debt = 0  # taken back by all returns
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


class Ledger:
    def __init__(self, now_ms):
        self.now_ms = now_ms
        self.programmes, self.stores, self.members, self.cards = [], {}, {}, {}
        self.transactions = {}  # id: (content, answer)
        self.sales = {}         # transaction id: Sale
        self.receipts = {}      # (store, terminal, number, business date): Sale
        self.totals = {}        # (account, entity, reason): points
        self.counts = {"sale": 0, "return": 0, "redeem": 0, "lines": 0}

    def post(self, command):
        """Returns the answer, a dictionary; raises Refused."""
        handle = getattr(self, f"post_{command['kind']}")
        getattr(self, f"check_{command['kind']}")(command)
        content = {name: value for name, value in command.items() if name != "id"}
        if command["id"] in self.transactions:
            first, answer = self.transactions[command["id"]]
            if first != content:
                raise Refused("TRANSACTION_CONFLICT", "transaction_id")
            return {**answer, "replayed": True}
        answer = handle(command)
        answer["replayed"] = False
        self.transactions[command["id"]] = (content, answer)
        return answer

    # Malformed fields, in the order of their numbers.

    @staticmethod
    def check_id(command):
        need(is_text(command["id"], 1, 64), "transaction_id")

    @staticmethod
    def check_member(member):
        need(member not in (None, 0, ""), "member")
        need(not isinstance(member, str) or is_text(member, 1, 64), "member.card")

    @staticmethod
    def check_instant(at_ms, field):
        last = datetime.datetime(2199, 12, 31, tzinfo=UTC)
        need(2 * DAY_MS <= at_ms <= (last - EPOCH) // datetime.timedelta(milliseconds=1) - DAY_MS, field)

    def check_sale(self, command):
        self.check_id(command)
        self.check_member(command["member"])
        receipt = command["receipt"]
        need(receipt["store"] >= 1, "receipt.store")
        need(is_text(receipt["number"], 1, 32), "receipt.number")
        self.check_instant(receipt["at_ms"], "receipt.sold_at_ms")
        need(1 <= len(receipt["lines"]) <= 500, "receipt.lines")
        for index, line in enumerate(receipt["lines"]):
            field = f"receipt.lines[{index}]"
            need(is_text(line["sku"], 1, 32), f"{field}.sku")
            need(is_text(line["category"], 0, 64), f"{field}.category")
            need(0 <= line["quantity"] <= 10 ** 12, f"{field}.quantity_milli")
            need(0 <= line["amount"] <= AMOUNT_MAX, f"{field}.amount")
        need(len(receipt["tenders"]) <= 16, "receipt.tenders")
        for index, tender in enumerate(receipt["tenders"]):
            need(is_text(tender["type"], 1, 32), f"receipt.tenders[{index}].type")
            need(0 <= tender["amount"] <= AMOUNT_MAX, f"receipt.tenders[{index}].amount")
        need(0 <= command["redeem_points"] <= POINTS_MAX, "redeem_points")

    def check_return(self, command):
        self.check_id(command)
        need(is_text(command["sale"], 1, 64), "sale_transaction_id")
        need(command["store"] >= 1, "store")
        self.check_instant(command["at_ms"], "returned_at_ms")
        lines = command["lines"]
        need(not command["all"] or not lines, "lines")
        need(command["all"] or 1 <= len(lines) <= 500, "lines")
        for index, line in enumerate(lines):
            field = f"lines[{index}]"
            need(line["number"] >= 1, f"{field}.line_number")
            need(not line["whole"] or line["quantity"] == 0, f"{field}.quantity_milli")
            need(line["whole"] or 1 <= line["quantity"] <= 10 ** 12, f"{field}.quantity_milli")
            need(line["number"] not in [other["number"] for other in lines[:index]], f"{field}.line_number")

    def check_redeem(self, command):
        self.check_id(command)
        self.check_member(command["member"])
        need(command["store"] >= 1, "store")
        self.check_instant(command["at_ms"], "redeemed_at_ms")
        need(1 <= command["points"] <= POINTS_MAX, "points")
        need(is_text(command["reward"], 0, 64), "reward")

    def check_enrol(self, command):
        self.check_id(command)
        need(command["number"] >= 1, "number")
        need(len(command["cards"]) <= 16, "cards")
        for index, card in enumerate(command["cards"]):
            need(is_text(card, 1, 64) and card not in command["cards"][:index], f"cards[{index}]")
        month, day = command["birth_month"], command["birth_day"]
        if (month, day) != (0, 0):
            need(1 <= month <= 12, "birth_month")
            need(1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1], "birth_day")

    check_publish = check_store = check_id

    # Reference data and members.

    def post_publish(self, command):
        self.programmes.append(Programme(command["yaml"], len(self.programmes) + 1))
        return {"version": len(self.programmes)}

    def post_store(self, command):
        self.stores[command["store"]] = {**command, "clock": zoneinfo.ZoneInfo(command["zone"])}
        return {}

    def post_enrol(self, command):
        if command["number"] in self.members:
            raise Refused("MEMBER_EXISTS")
        for index, card in enumerate(command["cards"]):
            if card in self.cards:
                raise Refused("CARD_TAKEN", f"cards[{index}]")
        if command["enrolled_on"] > (EPOCH + datetime.timedelta(days=self.now_ms // DAY_MS + 1)).date():
            raise Refused("IN_FUTURE")
        self.members[command["number"]] = Member(command)
        self.cards.update({card: command["number"] for card in command["cards"]})
        return {"member": command["number"]}

    # What several commands ask.

    def programme_at(self, at_ms):
        return next((one for one in reversed(self.programmes) if one.effective_ms <= at_ms), None)

    def local(self, store, at_ms):
        """Business date and second of the local day."""
        moment = (EPOCH + datetime.timedelta(milliseconds=at_ms)).astimezone(self.stores[store]["clock"])
        second = moment.hour * 3600 + moment.minute * 60 + moment.second
        date = moment.date()
        if second < self.stores[store]["day_start_minute"] * 60:
            date -= datetime.timedelta(days=1)
        return date, second

    def known(self, member, store):
        if isinstance(member, str):
            if member not in self.cards:
                raise Refused("UNKNOWN_CARD")
            member = self.cards[member]
        if member not in self.members:
            raise Refused("UNKNOWN_MEMBER")
        if store not in self.stores:
            raise Refused("UNKNOWN_STORE")
        return self.members[member]

    def in_time(self, programme, at_ms):
        if at_ms > self.now_ms + programme.skew_ms:
            raise Refused("IN_FUTURE")

    def admitted(self, member, store, at_ms):
        programme = self.programme_at(at_ms)
        if programme is None:
            raise Refused("NO_PROGRAMME")
        self.in_time(programme, at_ms)
        date, second = self.local(store, at_ms)
        if date < member.enrolled_on:
            raise Refused("BEFORE_ENROLMENT")
        return programme, date, second

    @staticmethod
    def redemption(programme, member, date, points, basket):
        """Returns what pays, by lot, and what it is worth. In: basket None outside a sale."""
        terms = programme.redemption
        if terms is None or points < terms["minimum"]:
            raise Refused("BELOW_MINIMUM")
        if points % terms["step"] != 0:
            raise Refused("NOT_A_STEP", needed=points, limit=terms["step"])
        value = programme.value_of(points)
        assert value.denominator == 1
        if basket is not None and value > int(basket * terms["share_max"]):
            raise Refused("ABOVE_SHARE", needed=int(value), limit=int(basket * terms["share_max"]))
        lots = member.spendable(date)
        if sum(held for _, held in lots) < points:
            raise Refused("INSUFFICIENT_POINTS", needed=points, available=sum(held for _, held in lots))
        parts, rest = [], points
        for key, held in lots:
            if rest > 0:
                parts.append((key, min(held, rest)))
                rest -= parts[-1][1]
        return parts, int(value)

    def finish(self, member, postings, date, sweeps=True, **answer):
        """Posts, and answers with the balance after it."""
        member.apply([posting for posting in postings if posting[3] != 0], date, sweeps)
        postings = merged(postings)
        for account, entity, reason, points, _ in postings:
            key = (account, entity, reason)
            self.totals[key] = self.totals.get(key, 0) + points
        return {"member": member.number, "date": date, "postings": postings, "granted": 0,
                "redeemed": 0, "value": 0, "line_points": [], "late": False, "version": 0, **answer}

    def is_late(self, programme, at_ms):
        return self.now_ms - at_ms > programme.late_after_ms

    # What tills ask.

    def post_redeem(self, command):
        member = self.known(command["member"], command["store"])
        programme, date, _ = self.admitted(member, command["store"], command["at_ms"])
        parts, value = self.redemption(programme, member, date, command["points"], None)
        entity = self.stores[command["store"]]["entity"]
        answer = self.finish(member, self.spent(member, parts, entity), date, redeemed=command["points"], value=value,
                             version=programme.version, late=self.is_late(programme, command["at_ms"]))
        self.counts["redeem"] += 1
        return {**answer, "balance": member.balance(date)}

    @staticmethod
    def spent(member, parts, entity):
        postings = [posting for key, points in parts for posting in member.out_of(key, points)]
        return postings + [("REDEEMED", entity, "", sum(points for _, points in parts), None)]

    def post_sale(self, command):
        receipt = command["receipt"]
        member = self.known(command["member"], receipt["store"])
        date, second = self.local(receipt["store"], receipt["at_ms"])
        name = (receipt["store"], receipt["terminal"], receipt["number"], date)
        if name in self.receipts:
            raise Refused("RECEIPT_TAKEN", sale=self.receipts[name])
        programme, _, _ = self.admitted(member, receipt["store"], receipt["at_ms"])
        store = self.stores[receipt["store"]]
        facts = {"date": date, "second": second, "store": receipt["store"], "region": store["region"],
                 "entity": store["entity"], "tier": member.tier, "tags": member.tags,
                 "birthday": birthday_kinds(*member.birthday, date), "first_purchase": member.visits == 0}
        sale = Sale(member, command, facts, programme)
        if sale.redeem_points > 0:
            sale.redeemed, sale.kept_value = self.redemption(programme, member, date, sale.redeem_points, sale.basket)
        worth = Worth(programme, facts, {**receipt, "basket": sale.basket}, sale.kept_value)
        answer = self.sale_post(sale, worth)
        self.receipts[name] = self.sales[command["id"]] = sale
        sale.answer = answer
        self.counts["sale"] += 1
        self.counts["lines"] += len(receipt["lines"])
        return answer

    def sale_post(self, sale, worth):
        member, facts = sale.member, sale.facts
        sale.granted = sale.points = worth.points
        sale.by_reason, sale.spend = worth.by_reason, worth.eligible
        sale.lot = (sale.programme.expires_on(facts["date"]), facts["entity"])
        postings = self.spent(member, sale.redeemed, facts["entity"])
        postings += [("ISSUED", sale.lot[1], name, -points, sale.lot[0]) for name, points in worth.by_reason.items()]
        rest = worth.points
        for entity, owed in sorted(member.debts.items()):
            paid = min(owed, rest)
            rest -= paid
            sale.debt_paid.append((entity, paid))
            postings.append(("DEBT", entity, "", paid, None))
        postings.append(("AVAILABLE", sale.lot[1], "", rest, sale.lot[0]))
        answer = self.finish(member, postings, facts["date"], granted=worth.points, redeemed=sale.redeem_points,
                             value=sale.kept_value, line_points=worth.line_points, version=sale.programme.version,
                             late=self.is_late(sale.programme, sale.receipt["at_ms"]))
        self.count(member, facts["date"], worth.eligible, 1, worth.points)
        ends = [facts["date"]] + [datetime.date(year, month, 1) for year, month in member.months
                                  if (year, month) > (facts["date"].year, facts["date"].month)]
        tier = max(sale.programme.level_by(*member.window(end, sale.programme.window_months)) for end in ends)
        if tier > member.tier:
            member.tier, member.tier_since = tier, facts["date"]
        return {**answer, "balance": member.balance(facts["date"])}

    @staticmethod
    def count(member, date, spend, visits, points):
        row = member.months.setdefault((date.year, date.month), [0, 0, 0])
        for index, more in enumerate((spend, visits, points)):
            row[index] += more
        member.visits += visits
        if row == [0, 0, 0]:
            del member.months[(date.year, date.month)]

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
        answer = self.return_post(sale, date, self.is_late(sale.programme, command["at_ms"]))
        self.counts["return"] += 1
        return answer

    @staticmethod
    def left_after(sale, command):
        left = list(sale.left)
        if command["all"]:
            if all(one is None for one in left):
                raise Refused("RETURN_EXCEEDS_KEPT", "all")
            return [None] * len(left)
        for index, line in enumerate(command["lines"]):
            if line["number"] > len(left):
                raise Refused("UNKNOWN_LINE", f"lines[{index}].line_number")
        for index, line in enumerate(command["lines"]):
            kept = left[line["number"] - 1]
            if kept is None or line["quantity"] > kept:
                raise Refused("RETURN_EXCEEDS_KEPT", f"lines[{index}]", needed=line["quantity"], available=kept or 0)
            rest = 0 if line["whole"] else kept - line["quantity"]
            left[line["number"] - 1] = rest if rest > 0 else None
        return left

    def return_post(self, sale, date, is_late):
        """The difference between what is kept now and what the sale was worth before."""
        member = sale.member
        kept = sale.kept_receipt()
        redeemed = share(sale.redeem_points, kept["basket"], sale.basket) if sale.basket > 0 else 0
        value = min(kept["basket"], rounded(sale.programme.value_of(redeemed), "half_up")) if redeemed > 0 else 0
        worth = Worth(sale.programme, sale.facts, kept, value) if kept["lines"] else None
        points, by_reason, spend = (worth.points, worth.by_reason, worth.eligible) if worth else (0, {}, 0)
        back = sale.kept_redeemed - redeemed
        postings = self.given_back(sale, redeemed, date)
        postings.append(("REDEEMED", sale.facts["entity"], "", -back, None))
        for name in set(sale.by_reason) | set(by_reason):
            change = sale.by_reason.get(name, 0) - by_reason.get(name, 0)
            postings.append(("ISSUED", sale.lot[1], name, change, sale.lot[0]))
        postings += self.taken_back(sale, sale.granted - points, postings)
        change, value_change = points - sale.points, value - sale.kept_value
        answer = self.finish(member, postings, date, sweeps=False, granted=change, redeemed=-back, value=value_change,
                             version=sale.programme.version, late=is_late)
        visits = -1 if sale.is_visit and worth is None else 0
        self.count(member, sale.facts["date"], spend - sale.spend, visits, change)
        sale.points, sale.by_reason, sale.spend = points, by_reason, spend
        sale.kept_redeemed, sale.kept_value, sale.is_visit = redeemed, value, worth is not None
        return {**answer, "balance": member.balance(date)}

    @staticmethod
    def given_back(sale, redeemed, date):
        """To the lots that paid, last spent first; what goes to a lot that is over expires at once."""
        def by_lot(total):
            parts = {}
            for key, points in reversed(sale.redeemed):
                parts[key] = min(points, total)
                total -= parts[key]
            return parts
        before, now = by_lot(sale.redeem_points - sale.kept_redeemed), by_lot(sale.redeem_points - redeemed)
        return [("AVAILABLE" if key[0] >= date else "EXPIRED", key[1], "", now[key] - before[key], key[0])
                for key in now]

    @staticmethod
    def taken_back(sale, total, postings):
        """In: total: what all returns take back. The lot granted to pays what it can, the rest is debt.

        Points of the sale that paid debts never were in the lot: they become debt again, the last paid first.
        """
        member = sale.member
        remaining, expired = member.lots.get(sale.lot, [0, 0, 0])[1:]
        for account, entity, _, points, expires in postings:
            if (expires, entity) == sale.lot:
                remaining += points if account == "AVAILABLE" else 0
                expired += points if account == "EXPIRED" else 0
        paid = sum(points for _, points in sale.debt_paid)
        target = total - min(total, sale.from_lot + remaining + expired, sale.granted - paid)
        shares = {entity: [0, 0] for entity, _ in sale.debt_paid}  # of the debt before and now, by entity
        shares.setdefault(sale.lot[1], [0, 0])
        for index, rest in enumerate((sale.as_debt, target)):
            for entity, most in reversed(sale.debt_paid):
                part = min(rest, most)
                shares[entity][index] += part
                rest -= part
            shares[sale.lot[1]][index] += rest
        result, moved = [], 0
        for entity, (before, now) in shares.items():
            change = max(now - before, -member.debts.get(entity, 0))  # no debt is unmade that has been paid since
            result.append(("DEBT", entity, "", -change, None))
            moved += change
        from_lot = total - sale.as_debt - moved
        part = min(from_lot - sale.from_lot, remaining)
        result.append(("AVAILABLE", sale.lot[1], "", -part, sale.lot[0]))
        result.append(("EXPIRED", sale.lot[1], "", part - (from_lot - sale.from_lot), sale.lot[0]))
        sale.as_debt += moved
        sale.from_lot = from_lot
        return result

    def recalculate(self, run_id, as_of, preview=False):
        """Returns {(from, to): members} and the changes, in the order of members."""
        end_ms = ((as_of - EPOCH.date()).days + 1) * DAY_MS - 1
        programme = self.programme_at(end_ms)
        counts, changes = {}, []
        for number, member in sorted(self.members.items()):
            spend, visits, points = member.window(as_of, programme.window_months)
            before, after = member.tier, programme.level_by(spend, visits, points)
            name = f"tiers/{run_id}/{number}"
            if after != before and not preview and name in self.transactions:
                after = before
            counts[(before, after)] = counts.get((before, after), 0) + 1
            if after != before:
                changes.append((number, before, after, spend, visits))
                if not preview:
                    member.tier, member.tier_since = after, as_of
                    self.transactions[name] = (None, None)
        return counts, changes

    def balance_sum(self):
        return sum(sum(lot[1] for lot in member.lots.values()) - sum(member.debts.values())
                   for member in self.members.values())
