"""The whole ledger in plain Python: commands in, answers or refusals out, members in a dictionary.

Written from SEMANTICS and the comments of proto/jifen/v1. Commands are dictionaries with `kind` and `id`; money in
minor units, quantities in thousandths, instants in milliseconds, dates as datetime.date. Not modelled: limits and
overflow, which have tests of their own. Returns stand in naive_return.py, a member's life in naive_members.py, jobs in
naive_jobs.py.
"""
import datetime
import zoneinfo

from naive_checks import DAY_MS, EPOCH, Checks
from naive_earn import Worth, rooms_of
from naive_jobs import Jobs
from naive_members import MemberLife
from naive_programme import Programme, Refused, birthday_kinds, rounded
from naive_return import Returns
from naive_state import Hold, Sale, merged, today_by_utc

HOLDS = 16


class Ledger(Checks, Returns, MemberLife, Jobs):
    def __init__(self, now_ms, by_name=True):
        self.now_ms, self.by_name = now_ms, by_name
        self.today = today_by_utc()  # the business date of commands that have no instant
        self.programmes, self.stores, self.members, self.cards = [], {}, {}, {}
        self.transactions = {}  # id: (content, answer)
        self.sales = {}         # transaction id: Sale
        self.holds = {}         # transaction id: Hold
        self.receipts = {}      # (store, terminal, number, business date): Sale
        self.totals = {}        # (account, entity, ground): points
        self.issued = {}        # ground: points, net of returns, over all entities
        self.stock = {}         # reward: redeemed by the chain
        self.runs = {}          # of jobs
        self.counts = {"sale": 0, "return": 0, "redeem": 0, "lines": 0}

    def post(self, command):
        """Returns the answer, a dictionary; raises Refused."""
        getattr(self, f"check_{command['kind']}")(command)
        content = {name: value for name, value in command.items() if name != "id"}
        if command["id"] in self.transactions:
            first, answer = self.transactions[command["id"]]
            if first != content:
                raise Refused("TRANSACTION_CONFLICT", "transaction_id")
            return {**answer, "replayed": True}
        answer = getattr(self, f"post_{command['kind']}")(command)
        answer["replayed"] = False
        self.transactions[command["id"]] = (content, answer)
        return answer

    # Reference data and members.

    def post_publish(self, command):
        programme = Programme(command["yaml"], len(self.programmes) + 1)
        self.programmes.append(programme)
        return {"version": len(self.programmes)}

    def post_store(self, command):
        self.stores[command["store"]] = {**command, "clock": zoneinfo.ZoneInfo(command["zone"])}
        return {}

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

    def known(self, member):
        if isinstance(member, str):
            if member not in self.cards:
                raise Refused("UNKNOWN_CARD")
            member = self.cards[member]
        if member not in self.members:
            raise Refused("UNKNOWN_MEMBER")
        if self.members[member].status == "merged":
            raise Refused("MEMBER_MERGED")
        return self.members[member]

    def known_at(self, member, store):
        member = self.known(member)
        if store not in self.stores:
            raise Refused("UNKNOWN_STORE")
        return member

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
        if member.status == "closed":
            raise Refused("MEMBER_CLOSED")
        return programme, date, second

    @staticmethod
    def overdue_given_back(member, at_ms):
        """Holds past their deadline count as void. Returns (lots with their points, postings, trace)."""
        lots, postings, trace = member.lots.copy(), [], {}
        for hold in member.overdue(at_ms):
            postings += hold.posted(-1)
            for key, points in hold.parts:
                lots.take(key, -points)
            trace.setdefault(("VOIDED", ""), [0, 0, 0])[0] += hold.points()
        return lots, postings, trace

    def overdue_end(self, member, at_ms):
        """Once the entry that gives them back is posted."""
        for hold in member.overdue(at_ms):
            if hold.each:
                self.reward_count(member, hold.reward, -(hold.points() // hold.each))
            self.hold_end(hold, None)

    def hold_end(self, hold, by):
        hold.ended_by = by or "deadline"
        hold.member.holds.remove(hold)

    def reward_of(self, programme, member, command, date):
        """The catalogue's reward that a redemption or hold is for, and how many; (None, 0): money off, or a free word."""
        if programme.rewards is None or command["reward"] == "":
            return None, 0
        reward = programme.rewards.get(command["reward"])
        if reward is None:
            raise Refused("UNKNOWN_REWARD")
        if not reward.get("valid_from", "0") <= date.isoformat() <= reward.get("valid_to", "9"):
            raise Refused("REWARD_NOT_VALID")
        each, code = int(reward["points"]), reward["code"]
        if command["points"] % each != 0:
            raise Refused("NOT_A_STEP", needed=command["points"], limit=each)
        count = command["points"] // each
        # What the member's holds past their deadline took counts as given back, as they count as void.
        void = sum(hold.points() // hold.each for hold in member.overdue(command["at_ms"])
                   if hold.each and hold.reward == code)
        mine, chain = member.counters.get(("reward", code, 0), 0) - void, self.stock.get(code, 0) - void
        if "per_member" in reward and mine + count > int(reward["per_member"]):
            raise Refused("REWARD_LIMIT")
        if "stock" in reward and chain + count > int(reward["stock"]):
            raise Refused("REWARD_OUT_OF_STOCK")
        return reward, count

    def reward_count(self, member, code, count):
        member.count_limits({("reward", code, 0): count})
        self.stock[code] = max(0, self.stock.get(code, 0) + count)

    @staticmethod
    def terms_checked(programme, points, receipt):
        """What the points are worth. In: receipt None outside a sale."""
        terms = programme.redemption
        if terms is None or points < terms["minimum"]:
            raise Refused("BELOW_MINIMUM")
        if points % terms["step"] != 0:
            raise Refused("NOT_A_STEP", needed=points, limit=terms["step"])
        value = programme.value_of(points)
        assert value.denominator == 1
        if receipt is not None:
            payable = sum(line["amount"] for line in receipt["lines"] if line["category"] not in terms["excluded"])
            most = int(payable * terms["share_max"])
            if value > most:
                raise Refused("ABOVE_SHARE", needed=int(value), limit=most)
        return int(value)

    def finish(self, member, postings, date, at_ms, keeps_lots=False, **answer):
        """Posts, and answers with the balance after it. In: postings of `member` (0) and of others."""
        for number in {posting[5] for posting in postings} | {0}:
            one = self.members[number] if number else member
            mine = [posting for posting in postings if posting[3] != 0 and posting[5] == number]
            one.apply(mine, date, not keeps_lots)
        postings = merged(postings)
        assert sum(posting[3] for posting in postings) == 0, postings
        for account, entity, reason, points, _, _ in postings:
            key = (account, entity, reason)
            self.totals[key] = self.totals.get(key, 0) + points
            if account == "ISSUED":
                self.issued[reason] = self.issued.get(reason, 0) - points
        answer = {"member": member.number, "date": date, "postings": postings, "granted": 0, "redeemed": 0, "value": 0,
                  "line_points": [], "late": False, "version": 0, "deducted": 0, "shortfall": 0, "trace": {}, **answer}
        answer["trace"] = {key: tuple(step) for key, step in answer["trace"].items() if any(step)}
        answer["settle"] = lambda: self.balance_answered(member, date, at_ms, answer["version"])
        return answer

    def balance_answered(self, member, date, at_ms, version):
        tier = self.level_in(self.programmes[version - 1], member) if version else self.level_now(member)
        return {**member.balance(date, at_ms), "tier": tier}

    def is_late(self, programme, at_ms):
        return self.now_ms - at_ms > programme.late_after_ms

    # What tills ask.

    def spending(self, command):
        """What a redemption and a hold have in common."""
        member = self.known_at(command["member"], command["store"])
        at_ms = command["at_ms"]
        programme, date, _ = self.admitted(member, command["store"], at_ms)
        if member.status == "frozen":
            raise Refused("MEMBER_FROZEN")
        reward, count = self.reward_of(programme, member, command, date)
        value = 0 if reward else self.terms_checked(programme, command["points"], None)
        lots, postings, trace = self.overdue_given_back(member, at_ms)
        if lots.total(date) < command["points"]:
            raise Refused("INSUFFICIENT_POINTS", needed=command["points"], available=lots.total(date))
        parts, spent = lots.spend(date, command["points"])
        return member, programme, date, reward, count, value, parts, postings + spent, trace

    def post_redeem(self, command):
        member, programme, date, reward, count, value, _, postings, trace = self.spending(command)
        self.overdue_end(member, command["at_ms"])
        if reward:
            self.reward_count(member, reward["code"], count)
        entity = self.stores[command["store"]]["entity"]
        postings.append(("REDEEMED", entity, "", command["points"], None, 0))
        trace["REDEEMED", ""] = [command["points"], value, 0]
        self.counts["redeem"] += 1
        return self.settled(self.finish(
            member, postings, date, command["at_ms"], redeemed=command["points"], value=value, trace=trace,
            version=programme.version, late=self.is_late(programme, command["at_ms"])))

    @staticmethod
    def settled(answer):
        answer["balance"] = answer.pop("settle")()
        return answer

    def post_hold(self, command):
        member, programme, date, reward, count, value, parts, postings, trace = self.spending(command)
        hold = Hold(member, command, programme, self.stores[command["store"]], parts)
        hold.value = value
        hold.each = int(reward["points"]) if reward else 0
        if len(member.holds) - len(member.overdue(command["at_ms"])) >= HOLDS:
            raise Refused("LIMIT_REACHED")
        self.overdue_end(member, command["at_ms"])
        if reward:
            self.reward_count(member, reward["code"], count)
        postings += [("HELD", key[2], "", points, key, 0) for key, points in parts]
        trace["HELD", ""] = [command["points"], value, 0]
        member.holds.append(hold)
        self.holds[command["id"]] = hold
        hold.serial = len(self.holds)
        hold.store_number = command["store"]
        return self.settled(self.finish(member, postings, date, command["at_ms"], trace=trace, version=programme.version,
                                        late=self.is_late(programme, command["at_ms"])))

    def hold_known(self, command):
        if command["hold"] not in self.holds:
            raise Refused("UNKNOWN_TRANSACTION")
        hold = self.holds[command["hold"]]
        self.in_time(hold.programme, command["at_ms"])
        if hold.ended_by is not None or hold.deadline_ms < command["at_ms"]:
            raise Refused("HOLD_ENDED")
        return hold

    def hold_over(self, hold, command, postings, trace, captured):
        """The end of a hold by a capture or void."""
        member, at_ms = hold.member, command["at_ms"]
        self.overdue_end(member, at_ms)
        self.hold_end(hold, command["id"])
        left = hold.points() - captured
        if left > 0:
            trace.setdefault(("VOIDED", ""), [0, 0, 0])[0] += left
            if hold.each:
                self.reward_count(member, hold.reward, -(left // hold.each))
        date, _ = self.local(hold.store_number, at_ms)
        return self.settled(self.finish(
            member, postings, date, at_ms, trace=trace, redeemed=captured, value=self.hold_value(hold, captured),
            version=hold.programme.version, late=self.is_late(hold.programme, at_ms)))

    @staticmethod
    def hold_value(hold, points):
        return 0 if hold.each or points == 0 else rounded(hold.programme.value_of(points), "half_up")

    def post_capture(self, command):
        hold = self.hold_known(command)
        points = command["points"] or hold.points()
        if hold.each and points % hold.each != 0:
            raise Refused("NOT_A_STEP", needed=points, limit=hold.each)
        if points > hold.points():
            raise Refused("INSUFFICIENT_POINTS", needed=points, available=hold.points())
        _, postings, trace = self.overdue_given_back(hold.member, command["at_ms"])
        self.counts["redeem"] += 1
        rest = points
        for key, held in hold.parts:
            part = min(held, rest)
            rest -= part
            postings += [("HELD", key[2], "", -held, key, 0), ("AVAILABLE", key[2], "", held - part, key, 0)]
        postings.append(("REDEEMED", hold.store["entity"], "", points, None, 0))
        trace["CAPTURED", ""] = [points, self.hold_value(hold, points), 0]
        return self.hold_over(hold, command, postings, trace, points)

    def post_void(self, command):
        hold = self.hold_known(command)
        _, postings, trace = self.overdue_given_back(hold.member, command["at_ms"])
        return self.hold_over(hold, command, postings + hold.posted(-1), trace, 0)

    def sale_admitted(self, command):
        receipt = command["receipt"]
        member = self.known_at(command["member"], receipt["store"])
        date, second = self.local(receipt["store"], receipt["at_ms"])
        name = (receipt["store"], receipt["terminal"], receipt["number"], date)
        if name in self.receipts:
            raise Refused("RECEIPT_TAKEN", sale=self.receipts[name])
        programme, _, _ = self.admitted(member, receipt["store"], receipt["at_ms"])
        store = self.stores[receipt["store"]]
        facts = {"date": date, "second": second, "store": receipt["store"], "region": store["region"],
                 "entity": store["entity"], "tier": self.level_in(programme, member),
                 "class": member.activity_class, "tags": member.tags, "status": member.status,
                 "birthday": birthday_kinds(*member.birthday, date), "first_purchase": member.visits == 0,
                 "rooms": rooms_of(programme, member, date, lambda ground: self.issued.get(ground, 0))}
        return member, programme, facts, name

    @staticmethod
    def words_known(programme, receipt):
        for kind, code, rows, word in (("categories", "UNKNOWN_CATEGORY", "lines", "category"),
                                       ("tenders", "UNKNOWN_TENDER", "tenders", "type")):
            for index, row in enumerate(receipt[rows]):
                if programme.refuses[kind] and row[word] != "" and row[word] not in programme.known[kind]:
                    raise Refused(code, f"receipt.{rows}[{index}].{word}")

    def sale_redemption(self, sale, member, programme, offline):
        """Returns (lots' postings, trace). Fills what the sale spends."""
        if member.status == "frozen":
            raise Refused("MEMBER_FROZEN")
        date, points = sale.facts["date"], sale.redeem_points
        sale.kept_value = self.terms_checked(programme, points, sale.receipt)
        lots, postings, trace = self.overdue_given_back(member, sale.receipt["at_ms"])
        short = points - min(points, lots.total(date))
        allowance = programme.redemption["allowance"]
        if short > 0 and offline and short > allowance:
            raise Refused("OFFLINE_ABOVE_ALLOWANCE", needed=short, limit=allowance)
        if short > 0 and not offline:
            raise Refused("INSUFFICIENT_POINTS", needed=points, available=lots.total(date))
        sale.redeemed, spent = lots.spend(date, points - short)
        sale.offline_debt = short
        trace["REDEEMED", ""] = [points, sale.kept_value, 0]
        if short > 0:
            spent.append(("DEBT", sale.facts["entity"], "", -short, None, 0))
            trace["OFFLINE_DEBT", ""] = [-short, 0, 0]
        return [*postings, *spent, ("REDEEMED", sale.facts["entity"], "", points, None, 0)], trace

    def post_sale(self, command):
        member, programme, facts, name = self.sale_admitted(command)
        receipt = command["receipt"]
        self.words_known(programme, receipt)
        sale = Sale(member, command, facts, programme)
        postings, trace = [], {}
        if sale.redeem_points > 0:
            postings, trace = self.sale_redemption(sale, member, programme, command["offline"])
        worth = Worth(programme, facts, {**receipt, "basket": sale.basket}, sale.kept_value)
        trace.update(worth.trace)
        if sale.redeem_points > 0:
            self.overdue_end(member, receipt["at_ms"])
        self.receipts[name] = self.sales[command["id"]] = sale
        self.counts["sale"] += 1
        self.counts["lines"] += len(receipt["lines"])
        return self.sale_post(sale, worth, postings, trace)

    def sale_post(self, sale, worth, postings, trace):
        member, facts, programme = sale.member, sale.facts, sale.programme
        sale.granted = sale.points = worth.points
        sale.by_reason, sale.spend, sale.counted = worth.by_reason, worth.eligible, worth.counted
        date = facts["date"]
        sale.lot = (programme.expires_on(date), programme.available_on(date), facts["entity"])
        postings += [("ISSUED", sale.lot[2], name, -points, sale.lot, 0) for name, points in worth.by_reason.items()]
        debts = dict(member.debts)
        if sale.offline_debt > 0:
            debts[facts["entity"]] = debts.get(facts["entity"], 0) + sale.offline_debt
        rest = self.debts_paid(debts, worth.points, postings, trace, sale.debt_paid)
        postings.append(("AVAILABLE", sale.lot[2], "", rest, sale.lot, 0))
        answer = self.finish(member, postings, date, sale.receipt["at_ms"], granted=worth.points,
                             redeemed=sale.redeem_points, value=sale.kept_value, line_points=worth.line_points,
                             version=programme.version, late=self.is_late(programme, sale.receipt["at_ms"]), trace=trace)
        member.count(date, worth.eligible, 1, worth.points)
        member.count_limits(worth.counted)
        self.tier_by_sale(member, programme, date, answer)
        return self.settled(answer)

    @staticmethod
    def debts_paid(debts, points, postings, trace, paid_list):
        """New points pay debts first, lowest entity first. Returns what is left."""
        rest = points
        for entity, owed in sorted(debts.items()):
            paid = min(owed, rest)
            rest -= paid
            if paid > 0:
                paid_list.append((entity, paid))
                postings.append(("DEBT", entity, "", paid, None, 0))
        if rest < points:
            trace["DEBT_PAID", ""] = [points - rest, 0, 0]
        return rest

    def balance_sum(self):
        return sum(member.points() for member in self.members.values())
