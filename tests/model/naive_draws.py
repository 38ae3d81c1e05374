"""Draws random commands. What is drawn follows from the seed and the model's state alone."""
import copy
import datetime
import random

from jifend import PROGRAMME
from naive_programme import EVER
from naive_programmes import CATEGORIES, LEVELS, REGIONS, REWARDS, SKUS, TENDERS, programme_text

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London", "Asia/Kathmandu", "Pacific/Auckland")
START_MS = 1483200000000  # 2016-12-31T16:00:00Z: midnight of 2017 in Shanghai
SPAN_MS = 1090 * 86400000
HOUR_MS, DAY_MS = 3600000, 86400000
TILL = ("sale", "return", "redeem", "hold", "capture", "void")


class Draws:
    def __init__(self, seed, ledger, built):
        self.random = random.Random(seed)
        self.ledger, self.built = ledger, built
        self.sequence = 0
        self.serial = 0
        self.numbers = []
        self.sales = []
        self.holds = []
        self.clock_ms = START_MS

    def chance(self, share):
        return self.random.random() < share

    def name(self, kind):
        self.serial += 1
        return f"{kind}-{self.sequence}-{self.serial}"

    def begin(self, sequence):
        """Whoever and whatever the sequence needs. Returns its first commands."""
        self.sequence, self.serial, self.sales, self.holds = sequence, 0, [], []
        self.clock_ms = START_MS + self.random.randrange(SPAN_MS // 2)
        self.pace_ms = self.random.choice((HOUR_MS, DAY_MS, 5 * DAY_MS))
        self.weights = {kind: self.random.choice((0.2, 1, 1, 3)) for kind in self.kinds()}
        self.weights["sale"] *= 6
        self.weights["return"] *= 3
        self.loyalty = self.random.choice((0.1, 0.8))
        if sequence == 0:
            commands = [self.store(number) for number in range(1, 5)]
            commands.append({"kind": "publish", "id": "first", "yaml": PROGRAMME.read_text()})
            self.numbers = []
        else:
            commands = [self.publish()]
            commands += [self.store(self.random.randint(1, 4))] if self.chance(0.3) else []
            self.numbers = [sequence * 100 + index + 1 for index in range(self.random.randint(2, 8))]
            commands += [self.enrol(number) for number in self.numbers]
        # The same number again, and the same card for another number.
        if self.numbers:
            taken = commands[-1]
            commands += [{**taken, "id": self.name("enrol")}]
            if taken["cards"]:
                commands.append({**taken, "id": self.name("enrol"), "number": self.numbers[-1] + 50,
                                 "cards": taken["cards"][-1:]})
        return commands

    def kinds(self):
        kinds = ["sale", "return", "redeem"]
        kinds += ["hold", "capture", "void"] if "holds" in self.built else []
        kinds += ["update", "link", "unlink", "freeze"] if "life" in self.built else []
        kinds += ["close", "merge", "adjust", "transfer"] if "members" in self.built else []
        return kinds + (["set_tier"] if "manual" in self.built else [])

    def publish(self):
        return {"kind": "publish", "id": self.name("publish"),
                "yaml": programme_text(self.random, f"programme-{self.sequence}", self.built, self.ledger)}

    def store(self, number):
        return {"kind": "store", "id": self.name("store"), "store": number, "entity": self.random.randint(1, 3),
                "region": self.random.choice(REGIONS), "zone": self.random.choice(ZONES),
                "day_start_minute": self.random.choice((0, 0, 240, 719))}

    def birthday(self):
        month = self.random.choice((0, 2, self.random.randint(1, 12)))
        return {"birth_month": month, "birth_day": (29 if month == 2 else self.random.randint(1, 30)) if month else 0}

    def tags(self):
        return self.random.getrandbits(5) | self.random.choice((0, 1 << 63))

    def enrol(self, number):
        days = self.random.choice((0, 0, 0, 0, 0, 0, self.random.randint(0, 500)))
        return {"kind": "enrol", "id": self.name("enrol"), "number": number,
                "cards": [f"card-{number}-{index}" for index in range(self.random.choice((0, 1, 3)))],
                "enrolled_on": datetime.date(2016, 12, 31) + datetime.timedelta(days=days), **self.birthday(),
                "home_store": self.random.randint(0, 4), "tags": self.tags()}

    def time(self):
        """Mostly a little later than before; sometimes long late, sometimes before everything, sometimes to come."""
        draw = self.random.random()
        if draw < 0.005:
            return self.random.choice((START_MS - 30 * DAY_MS, 5000000000000, 0, 7258118400000))
        if draw < 0.1:
            return self.random.randint(START_MS, self.clock_ms)
        self.clock_ms += self.random.choice((0, 1, 60000, HOUR_MS, self.random.randrange(self.pace_ms)))
        self.clock_ms = min(self.clock_ms, START_MS + SPAN_MS)
        return self.clock_ms

    def member(self):
        """By number, or by card; sometimes nobody."""
        draw = self.random.random()
        living = [number for number in self.numbers if number in self.ledger.members and
                  self.ledger.members[number].status in ("active", "frozen")]
        number = self.random.choice(living if living and self.chance(0.95) else self.numbers)
        if draw < 0.01:
            return self.random.choice((987654321, "no-such-card", "", "c" * 65))
        cards = self.ledger.members[number].cards if draw < 0.3 and number in self.ledger.members else []
        return self.random.choice(cards) if cards else number

    def shop(self):
        """Sequences differ in how often a member goes elsewhere: points and debts of several entities need both."""
        if self.chance(self.loyalty):
            return self.random.choice((1, 2, 3, 4)) if self.chance(0.97) else 99
        return 1 + self.sequence % 4

    def line(self):
        quantity = self.random.choice((1000, 1000, 1000, 2000, 3000, 0, 1, 1234, 7000))
        amount = self.random.choice((0, 1, 99, 100, 999, self.random.randrange(20000)))
        return {"sku": self.random.choice(SKUS), "category": self.random.choice(CATEGORIES), "quantity": quantity,
                "amount": amount}

    def tenders(self, basket):
        tenders, rest = [], basket
        for _ in range(self.random.choice((0, 0, 1, 2, 3))):
            amount = self.random.choice((0, rest, self.random.randint(0, rest)))
            rest -= amount
            tenders.append({"type": self.random.choice(TENDERS), "amount": amount})
        if tenders and self.chance(0.02):
            tenders[-1]["amount"] += basket + 1
        return tenders

    def held(self, member, at_ms):
        number = self.ledger.cards.get(member, member)
        if number not in self.ledger.members:
            return 0
        date = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=max(0, at_ms))).date()
        return self.ledger.members[number].balance(date, at_ms)["available"]

    def points(self, member, at_ms):
        """What the member could redeem, or nearly."""
        programme = self.ledger.programme_at(at_ms)
        terms = programme.redemption if programme else None
        step = terms["step"] if terms else 5
        least = terms["minimum"] // step if terms else 1
        most = self.held(member, at_ms) // step
        steps = self.random.choice((most, self.random.randint(0, most), least, least, most + 1, 1))
        return max(steps, 1) * step + self.chance(0.05)

    def sale(self):
        member, at_ms = self.member(), self.time()
        lines = [self.line() for _ in range(self.random.choice((1, 1, 2, 3, 5)))]
        redeem = self.points(member, at_ms) if self.chance(0.3) else 0
        programme = self.ledger.programme_at(at_ms)
        if redeem > 0 and self.chance(0.9) and programme and programme.redemption:
            worth = int(programme.value_of(redeem)) + 1
            lines[0]["amount"] = min(10 ** 12, self.random.randint(1, 4) * worth)
        number = f"r{self.random.randrange(10 ** 6)}" if self.chance(0.97) else "same"
        command = {"kind": "sale", "id": self.name("sale"), "member": member, "redeem_points": redeem,
                   "offline": "spending" in self.built and self.chance(0.3),
                   "receipt": {"store": self.shop(), "terminal": self.random.randint(0, 2), "number": number,
                               "at_ms": at_ms, "lines": lines,
                               "tenders": self.tenders(sum(line["amount"] for line in lines))}}
        self.sales.append(command["id"])
        return command

    def receipt_again(self):
        """A receipt that was sent before, under another id, perhaps for another member."""
        posted = [name for name in self.sales[-50:] if name in self.ledger.sales]
        command = self.sale()
        if posted:
            command["receipt"] = copy.deepcopy(self.ledger.sales[self.random.choice(posted)].receipt)
        return command

    def draw_return(self):
        posted = [name for name in self.sales[-60:] if name in self.ledger.sales]
        if self.chance(0.95):
            posted = [name for name in posted if any(left is not None for left in self.ledger.sales[name].left)] or posted
        if not posted and self.chance(0.9):
            return self.sale()
        name = self.random.choice(posted or ["none"])
        if self.chance(0.02):
            name = self.random.choice(("no-such-sale", "x" * 65, self.sales[-1] if self.sales else "none"))
        sale = self.ledger.sales.get(name)
        at_ms = self.time()
        if sale and at_ms < sale.receipt["at_ms"] and self.chance(0.9):
            at_ms = sale.receipt["at_ms"] + self.random.choice((0, 1, DAY_MS))
        command = {"kind": "return", "id": self.name("return"), "sale": name, "store": self.shop(),
                   "at_ms": at_ms, "lines": [], "all": self.chance(0.2)}
        if not command["all"]:
            command["lines"] = self.return_lines(sale)
        return command

    def return_lines(self, sale):
        count = len(sale.left) if sale else 2
        numbers = list(range(1, count + 1))
        if sale and self.chance(0.8):
            numbers = [number for number in numbers if sale.left[number - 1] is not None] or numbers
        lines = []
        for number in self.random.sample(numbers, self.random.randint(1, len(numbers))):
            left = (sale.left[number - 1] if sale else 1000) or 0
            whole = left == 0 or self.chance(0.4)
            quantity = self.random.choice((left, max(1, left // 2), self.random.randint(1, left + self.chance(0.1)) if left else 1))
            lines.append({"number": number, "quantity": 0 if whole else max(1, quantity), "whole": whole})
        if self.chance(0.03):
            lines.append(copy.deepcopy(self.random.choice(lines)))
            lines[-1]["number"] += self.random.choice((0, 20))
        return lines

    def redeem(self):
        member, at_ms = self.member(), self.time()
        command = {"kind": "redeem", "id": self.name("redeem"), "member": member, "store": self.shop(), "at_ms": at_ms,
                   "points": self.points(member, at_ms), "reward": self.random.choice(("", "mug"))}
        programme = self.ledger.programme_at(at_ms)
        if programme and programme.rewards and self.chance(0.6):
            command["reward"] = self.random.choice(REWARDS)
            each = int(programme.rewards.get(command["reward"], {"points": "7"})["points"])
            command["points"] = each * self.random.choice((1, 1, 2, max(1, self.held(member, at_ms) // each))) + \
                self.chance(0.05)
        return command

    def hold(self):
        command = {**self.redeem(), "kind": "hold", "id": self.name("hold")}
        days = self.random.choice((1, 30 * DAY_MS, 30 * DAY_MS, 20 * DAY_MS, HOUR_MS, self.random.randint(1, 10 * DAY_MS), 31 * DAY_MS, 0))
        command["deadline_ms"] = command["at_ms"] + days
        self.holds.append(command["id"])
        return command

    def some_hold(self):
        holds = [name for name in self.holds if name in self.ledger.holds]
        live = [name for name in holds if self.ledger.holds[name].ended_by is None]
        name = self.random.choice(live if live and self.chance(0.9) else holds or ["no-such-hold"])
        hold = self.ledger.holds.get(name)
        at_ms = self.clock_ms
        if hold and (self.chance(0.5) or hold.deadline_ms < at_ms):
            at_ms = self.random.choice((hold.deadline_ms, hold.deadline_ms, hold.deadline_ms + 1, hold.deadline_ms - 1))
        return name, hold, at_ms

    def no_hold(self):
        """Whether to draw a hold instead of its end."""
        live = any(self.ledger.holds[name].ended_by is None for name in self.holds if name in self.ledger.holds)
        return not live and self.chance(0.95)

    def capture(self):
        if self.no_hold():
            return self.hold()
        name, hold, at_ms = self.some_hold()
        held = hold.points() if hold else 5
        each = hold.each if hold and hold.each else 1
        points = self.random.choice((0, held, self.random.randint(1, held // each) * each, held + 1, 1))
        return {"kind": "capture", "id": self.name("capture"), "hold": name, "at_ms": at_ms, "points": points}

    def void(self):
        if self.no_hold():
            return self.hold()
        name, _, at_ms = self.some_hold()
        return {"kind": "void", "id": self.name("void"), "hold": name, "at_ms": at_ms}

    def update(self):
        return {"kind": "update", "id": self.name("update"), "member": self.member(), **self.birthday(),
                "home_store": self.random.randint(0, 4), "tags": self.tags(), "erase": self.chance(0.1)}

    def link(self):
        return {"kind": "link", "id": self.name("link"), "member": self.member(),
                "card": f"card-{self.sequence}-x{self.random.randrange(50)}"}

    def unlink(self):
        member = self.ledger.members[self.random.choice(self.numbers)]
        return {"kind": "unlink", "id": self.name("unlink"),
                "card": self.random.choice(member.cards) if member.cards else "no-such-card"}

    def freeze(self):
        return {"kind": "freeze", "id": self.name("freeze"), "member": self.member(), "thaw": self.chance(0.8)}

    def newcomer(self, command):
        """Where members cease to be, others come."""
        number = self.sequence * 100 + len(self.numbers) + 1
        if number % 100 < 40 and self.chance(0.5):
            self.numbers.append(number)
            return self.enrol(number)
        return command if self.chance(0.2) else self.sale()

    def close(self):
        return self.newcomer({"kind": "close", "id": self.name("close"), "member": self.member()})

    def merge(self):
        return self.newcomer({"kind": "merge", "id": self.name("merge"), "from": self.member(), "into": self.member()})

    def adjust(self):
        member, at_ms = self.member(), self.time()
        points = self.random.choice((1, 50, 100, 101, 1000, -1, -50, -self.held(member, at_ms) or -1))
        return {"kind": "adjust", "id": self.name("adjust"), "member": member, "points": points, "reason": "goodwill",
                "operator": "op-1", "approver": self.random.choice(("", "op-1", "op-2", "op-2")),
                "entity": self.random.randint(1, 3), "at_ms": at_ms}

    def transfer(self):
        giver, at_ms = self.member(), self.time()
        held = self.held(giver, at_ms)
        return {"kind": "transfer", "id": self.name("transfer"), "from": giver, "to": self.member(),
                "points": self.random.choice((1, 10, max(1, held), max(1, held // 2), held + 1)), "operator": "op-1",
                "at_ms": at_ms}

    def set_tier(self):
        days = self.random.choice((None, 0, 0, 30, -1))
        until = None if days is None else self.ledger.today + datetime.timedelta(days=days)
        return {"kind": "set_tier", "id": self.name("set-tier"), "member": self.member(),
                "tier": self.random.choice(LEVELS), "until": until, "operator": "op-1"}

    def spoiled(self, command):
        """The same id with other content, or a field that is malformed, or both."""
        command = copy.deepcopy(command)
        receipt = command.get("receipt")
        changes = [("id", ""), ("id", "i" * 65), ("member", 0), ("store", 0), ("at_ms", 5), ("points", -1),
                   ("redeem_points", -1), ("redeem_points", 5), ("sale", ""), ("all", True), ("reward", "w" * 65),
                   ("points", 10 ** 15 + 1), ("member", 987654321), ("store", 98), ("at_ms", self.clock_ms + 1),
                   ("hold", ""), ("deadline_ms", 5), ("card", ""), ("operator", ""), ("entity", 256), ("to", 0),
                   ("birth_month", 13)]
        name, value = self.random.choice([change for change in changes if change[0] in command])
        if (name, value) == ("points", -1) and command["kind"] == "adjust":
            value = 0
        if receipt is None or self.chance(0.3):
            command[name] = value
            return command
        field, value = self.random.choice((("amount", -1), ("amount", 10 ** 12 + 1), ("amount", 77), ("quantity", -1),
                                           ("sku", ""), ("category", "c" * 65), ("sku", "tab\there")))
        if receipt["lines"]:
            self.random.choice(receipt["lines"])[field] = value
        if self.chance(0.3):
            receipt.update(self.random.choice(({"lines": []}, {"number": ""}, {"number": "n" * 33}, {"store": 0},
                                               {"at_ms": self.clock_ms + DAY_MS})))
        return command

    def command(self, past):
        draw = self.random.random()
        if past and draw < 0.08:
            return copy.deepcopy(self.random.choice(past))
        if past and draw < 0.12:
            return self.spoiled(self.random.choice(past))
        if self.sales and draw < 0.135:
            return self.receipt_again()
        if draw < 0.137:
            return self.publish()
        kind = self.random.choices(list(self.weights), list(self.weights.values()))[0]
        return self.draw_return() if kind == "return" else getattr(self, kind)()
