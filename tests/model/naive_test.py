"""Random sequences of commands through the wire, every answer and every member equal to the naive model's.

    naive_test.py PROGRAMS [SEED [SEQUENCES [COMMANDS]]]

Without SEED two runs: a fixed one, and one of a fresh seed, which is printed. A failure prints the seed, the sequence
and the command; the same arguments repeat it. Calls are unary, batches and streams, mixed; some commands are sent
again, also out of order, also after the server was killed or stopped; some ids are used again with other content.
"""
import copy
import datetime
import pathlib
import random
import secrets
import shutil
import sys
import tempfile
import time

import naive_wire as wire
from naive import Ledger, Refused
from naive_programmes import CATEGORIES, REGIONS, SKUS, TENDERS, programme_text
from jifend import LARGE, PROGRAMME, PROGRAMS, WAIT, Client, Jifend, ledger_pb2

import grpc

FIXED_SEED = 20170118
SEQUENCES, COMMANDS = 80, 300
# What a run of the full size must have met, or it has tested less than it claims.
REACHED = {"INVALID_FIELD", "TRANSACTION_CONFLICT", "UNKNOWN_CARD", "UNKNOWN_MEMBER", "UNKNOWN_STORE", "UNKNOWN_SALE",
           "UNKNOWN_LINE", "RECEIPT_TAKEN", "NO_PROGRAMME", "IN_FUTURE", "BEFORE_ENROLMENT", "BEFORE_SALE",
           "BELOW_MINIMUM", "NOT_A_STEP", "ABOVE_SHARE", "INSUFFICIENT_POINTS", "RETURN_EXCEEDS_KEPT", "replayed",
           "MEMBER_EXISTS", "CARD_TAKEN", "debt made", "debt paid", "sale paid with points", "points given back",
           "tier down"}
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London", "Asia/Kathmandu", "Pacific/Auckland")
START_MS = 1483200000000  # 2016-12-31T16:00:00Z: midnight of 2017 in Shanghai
SPAN_MS = 1090 * 86400000
HOUR_MS = 3600000


class Draws:
    """Draws commands. What it draws follows from the seed and the model's state alone."""

    def __init__(self, seed, ledger):
        self.random = random.Random(seed)
        self.ledger = ledger
        self.sequence = 0
        self.serial = 0
        self.numbers = []
        self.sales = []
        self.clock_ms = START_MS

    def name(self, kind):
        self.serial += 1
        return f"{kind}-{self.sequence}-{self.serial}"

    def begin(self, sequence):
        """Whoever and whatever the sequence needs. Returns its first commands."""
        self.sequence, self.serial, self.sales = sequence, 0, []
        self.clock_ms = START_MS + self.random.randrange(SPAN_MS // 2)
        commands = [{"kind": "publish", "id": self.name("publish"),
                     "yaml": programme_text(self.random, f"programme-{sequence}")}]
        if sequence == 0:
            commands = [self.store(number) for number in range(1, 5)]
            commands.append({"kind": "publish", "id": "first", "yaml": PROGRAMME.read_text()})
        elif self.random.random() < 0.3:
            commands.append(self.store(self.random.randint(1, 4)))
        self.numbers = [sequence * 100 + index + 1 for index in range(self.random.randint(2, 6))]
        commands += [self.enrol(number) for number in self.numbers]
        # The same number again, and the same card for another number.
        taken = commands[-1]
        commands += [{**taken, "id": self.name("enrol")},
                     {**taken, "id": self.name("enrol"), "number": self.numbers[-1] + 50, "cards": taken["cards"][-1:]}]
        self.numbers += [self.numbers[-1] + 50] if not taken["cards"] else []
        return commands

    def store(self, number):
        return {"kind": "store", "id": self.name("store"), "store": number, "entity": self.random.randint(1, 3),
                "region": self.random.choice(REGIONS), "zone": self.random.choice(ZONES),
                "day_start_minute": self.random.choice((0, 0, 240, 719))}

    def enrol(self, number):
        month = self.random.choice((0, 2, self.random.randint(1, 12)))
        birth_day = 29 if month == 2 else self.random.randint(1, 30)
        days = self.random.choice((0, 0, 0, self.random.randint(0, 900)))
        return {"kind": "enrol", "id": self.name("enrol"), "number": number,
                "cards": [f"card-{number}-{index}" for index in range(self.random.choice((0, 1, 3)))],
                "enrolled_on": datetime.date(2016, 12, 31) + datetime.timedelta(days=days),
                "birth_month": month, "birth_day": birth_day if month else 0, "home_store": self.random.randint(0, 4),
                "tags": self.random.getrandbits(5) | self.random.choice((0, 1 << 63))}

    def time(self):
        """Mostly a little later than before; sometimes long late, sometimes before everything, sometimes to come."""
        draw = self.random.random()
        if draw < 0.005:
            return self.random.choice((START_MS - 30 * 86400000, 5000000000000, 0, 7258118400000))
        if draw < 0.1:
            return self.random.randint(START_MS, self.clock_ms)
        self.clock_ms += self.random.choice((0, 1, 60000, HOUR_MS, self.random.randrange(20 * 86400000)))
        self.clock_ms = min(self.clock_ms, START_MS + SPAN_MS)
        return self.clock_ms

    def member(self):
        """By number, or by card; sometimes nobody."""
        draw = self.random.random()
        number = self.random.choice(self.numbers)
        if draw < 0.01:
            return self.random.choice((987654321, "no-such-card", "", "c" * 65))
        cards = [card for card, owner in self.ledger.cards.items() if owner == number] if draw < 0.3 else []
        return self.random.choice(cards) if cards else number

    def shop(self):
        """Sequences differ in how often a member goes elsewhere: points and debts of several entities need both."""
        if self.random.random() < (0.2, 0.9)[self.sequence % 2]:
            return self.random.choice((1, 2, 3, 4)) if self.random.random() < 0.97 else 99
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
        if tenders and self.random.random() < 0.02:
            tenders[-1]["amount"] += basket + 1
        return tenders

    def points(self, member, at_ms):
        """What the member could redeem, or nearly."""
        terms = next((one.redemption for one in reversed(self.ledger.programmes) if one.effective_ms <= at_ms), None)
        number = self.ledger.cards.get(member, member)
        step = terms["step"] if terms else 5
        held = 0
        if number in self.ledger.members:
            date = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=max(0, at_ms))).date()
            held = self.ledger.members[number].balance(date)["available"]
        most = held // step
        steps = self.random.choice((most, most, self.random.randint(0, most), most + 1, 1))
        return max(steps, 1) * step + (self.random.random() < 0.05)

    def sale(self):
        member, at_ms = self.member(), self.time()
        lines = [self.line() for _ in range(self.random.choice((1, 1, 2, 3, 5, 9)))]
        redeem = self.points(member, at_ms) if self.random.random() < 0.3 else 0
        if redeem > 0 and self.random.random() < 0.7:
            lines[0]["amount"] = self.random.randint(1, 3) * redeem * 20
        number = f"r{self.random.randrange(10 ** 6)}" if self.random.random() < 0.97 else "same"
        command = {"kind": "sale", "id": self.name("sale"), "member": member, "redeem_points": redeem,
                   "receipt": {"store": self.shop(), "terminal": self.random.randint(0, 2), "number": number,
                               "at_ms": at_ms, "lines": lines,
                               "tenders": self.tenders(sum(line["amount"] for line in lines))}}
        self.sales.append(command["id"])
        return command

    def receipt_again(self):
        """A receipt that was sent before, under another id, perhaps for another member."""
        posted = [sale for name, sale in self.ledger.sales.items() if name in self.sales]
        command = self.sale()
        if posted:
            command["receipt"] = copy.deepcopy(self.random.choice(posted).receipt)
        return command

    def sale_return(self):
        posted = [name for name in self.sales if name in self.ledger.sales][-20:]
        name = self.random.choice(posted or ["none"])
        if self.random.random() < 0.02:
            name = self.random.choice(("no-such-sale", "x" * 65, self.sales[-1] if self.sales else "none"))
        sale = self.ledger.sales.get(name)
        command = {"kind": "return", "id": self.name("return"), "sale": name, "store": self.shop(),
                   "at_ms": self.time(), "lines": [], "all": self.random.random() < 0.2}
        if not command["all"]:
            command["lines"] = self.return_lines(sale)
        return command

    def return_lines(self, sale):
        count = len(sale.left) if sale else 2
        lines = []
        for number in self.random.sample(range(1, count + 1), self.random.randint(1, count)):
            left = (sale.left[number - 1] if sale else 1000) or 0
            whole = self.random.random() < 0.4
            quantity = self.random.choice((left, max(1, left // 2), self.random.randint(1, left + 1)))
            lines.append({"number": number, "quantity": 0 if whole else quantity, "whole": whole})
        if self.random.random() < 0.03:
            lines.append(copy.deepcopy(self.random.choice(lines)))
            lines[-1]["number"] += self.random.choice((0, 20))
        return lines

    def redeem(self):
        member, at_ms = self.member(), self.time()
        return {"kind": "redeem", "id": self.name("redeem"), "member": member, "store": self.shop(), "at_ms": at_ms,
                "points": self.points(member, at_ms), "reward": self.random.choice(("", "mug"))}

    def spoiled(self, command):
        """The same id with other content, or a field that is malformed, or both."""
        command = copy.deepcopy(command)
        receipt = command.get("receipt")
        changes = [("id", ""), ("id", "i" * 65), ("member", 0), ("store", 0), ("at_ms", 5), ("points", -1),
                   ("redeem_points", -1), ("redeem_points", 5), ("sale", ""), ("all", True), ("reward", "w" * 65),
                   ("points", 10 ** 15 + 1), ("member", 987654321), ("store", 98), ("at_ms", self.clock_ms + 1)]
        name, value = self.random.choice([change for change in changes if change[0] in command])
        if receipt is None or self.random.random() < 0.3:
            command[name] = value
            return command
        field, value = self.random.choice((("amount", -1), ("amount", 10 ** 12 + 1), ("amount", 77), ("quantity", -1),
                                           ("sku", ""), ("category", "c" * 65), ("sku", "tab\there")))
        if receipt["lines"]:
            self.random.choice(receipt["lines"])[field] = value
        if self.random.random() < 0.3:
            receipt.update(self.random.choice(({"lines": []}, {"number": ""}, {"number": "n" * 33}, {"store": 0},
                                               {"at_ms": self.clock_ms + 86400000})))
        return command

    def command(self, past):
        draw = self.random.random()
        if past and draw < 0.12:
            return copy.deepcopy(self.random.choice(past))
        if past and draw < 0.17:
            return self.spoiled(self.random.choice(past))
        if self.sales and draw < 0.19:
            return self.receipt_again()
        if draw < 0.62:
            return self.sale()
        return self.sale_return() if draw < 0.85 else self.redeem()


class Run:
    def __init__(self, folder, seed):
        self.seed = seed
        self.server = Jifend(folder, "--checkpoint-entries", "1000", "--segment-mib", "4", "--cache-mib", "8")
        self.ledger = Ledger(time.time_ns() // 1000000)
        self.draws = Draws(seed, self.ledger)
        self.chance = random.Random(f"{seed} how it is sent")
        self.positions = {}
        self.history = []  # commands of all sequences
        self.reached = {}  # what happened how often
        self.connect()

    def connect(self):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}", options=LARGE)
        self.client = Client(self.channel)
        self.reasons = None

    def expect(self, command):
        try:
            return copy.deepcopy(self.ledger.post(command))
        except Refused as refused:
            self.mark(refused.code)
            return refused

    def mark(self, what):
        self.reached[what] = self.reached.get(what, 0) + 1

    def marks(self, command, expected):
        """Notes what is rare, so that a run shows that it got there."""
        if expected["replayed"]:
            self.mark("replayed")
        elif command["kind"] in ("sale", "return"):
            for account, _, _, points, _ in expected["postings"]:
                if account == "DEBT":
                    self.mark("debt made" if points < 0 else "debt paid")
            if expected["redeemed"] != 0:
                self.mark("sale paid with points" if expected["redeemed"] > 0 else "points given back")

    def check(self, command, result, expected):
        what = f"{command}"
        refusal = result.refusal
        if isinstance(expected, Refused):
            wire.same(f"{what}: refusal", (refusal.code, refusal.field or expected.field),
                      (expected.code, expected.field or refusal.field))
            facts = {name: getattr(refusal, name)
                     for name in ("needed", "available", "limit") if name in expected.facts}
            facts.update({"sale": refusal.position} if "sale" in expected.facts else {})
            wire.same(f"{what}: facts", facts, {name: self.positions[id(value)] if name == "sale" else value
                                                for name, value in expected.facts.items()})
            return
        wire.same(f"{what}: refusal", refusal.code, "")
        wire.same(f"{what}: replayed", result.replayed, expected["replayed"])
        if not expected["replayed"] and command["kind"] == "sale":
            self.positions[id(self.ledger.sales[command["id"]])] = result.outcome.position
        self.marks(command, expected)
        if command["kind"] in ("sale", "return", "redeem"):
            wire.outcome_same(what, result.outcome, expected, self.reasons)

    def alone(self, command):
        expected = self.expect(command)
        answer, refusal = wire.unary(self.client, command)
        result = answer if refusal is None else ledger_pb2.WriteResult(refusal=refusal)
        if refusal is None:
            result = ledger_pb2.WriteResult(outcome=answer.outcome, replayed=answer.replayed)
        self.check(command, result, expected)
        if command["kind"] == "publish":
            self.reasons = wire.reasons_of(self.client)

    def together(self, pairs):
        """Sends commands in one of three ways."""
        if not pairs:
            return  # every command drawn was held back for a late retry
        writes = [wire.write_of(command) for command, _ in pairs]
        way = self.chance.choice(("unary", "batch", "stream"))
        if way == "batch":
            results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        elif way == "stream":
            requests = (ledger_pb2.StreamRequest(write=write) for write in writes)
            results = [answer.result for answer in self.client.ledger.Stream(requests, timeout=WAIT)]
        else:
            results = []
            for command, _ in pairs:
                answer, refusal = wire.unary(self.client, command)
                results.append(ledger_pb2.WriteResult(refusal=refusal) if answer is None else
                               ledger_pb2.WriteResult(outcome=answer.outcome, replayed=answer.replayed))
        for (command, expected), result in zip(pairs, results, strict=True):
            self.check(command, result, expected)

    def again(self, past, back):
        """Some of the last commands once more, in another order: retries that overtook each other, or came late.

        In: back: how far. Late ones also find stores with another zone and day start, and programmes replaced.
        """
        commands = past[-back:]
        commands = self.chance.sample(commands, min(len(commands), self.chance.randint(1, 30)))
        self.together([(copy.deepcopy(command), self.expect(command)) for command in commands])

    def sequence(self, number, count):
        for command in self.draws.begin(number):
            self.alone(command)
        if number == 0:
            return
        self.again(self.history, len(self.history))
        past, sent = [], 0
        while sent < count:
            pairs = []
            for _ in range(self.chance.choice((1, 1, 5, 20, 60))):
                command = self.draws.command(past)
                pairs.append((command, self.expect(command)))
                past.append(command)
            self.together(pairs)
            sent += len(pairs)
            if self.chance.random() < 0.1:
                self.again(past, 30)
        self.history += past
        self.settle(number)

    def settle(self, number):
        """What the sequence has left of its members, by reading; sometimes over a recalculation, a kill or a stop."""
        clock_ms = self.draws.clock_ms + self.chance.randint(0, 400) * 86400000
        as_of = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=clock_ms)).date()
        wire.members_same(self.client, self.ledger, self.draws.numbers, as_of)
        if number % 4 == 1:
            for _, before, after, _, _ in wire.recalculate_same(self.client, self.ledger, f"run-{number}", as_of):
                self.mark("tier up by recalculation" if after > before else "tier down")
        if number % 8 == 2:
            self.server.kill() if number % 16 == 2 else wire.same("exit code of jifend", self.server.stop(), 0)
            self.server.start()
            self.connect()
            wire.members_same(self.client, self.ledger, self.ledger.members, as_of)
            self.reasons = wire.reasons_of(self.client)

    def run(self, sequences, count):
        for number in range(sequences + 1):
            try:
                self.sequence(number, count)
            except wire.Difference as difference:
                print(f"seed {self.seed}, sequence {number}: {difference}\nrepeat with: naive_test.py PROGRAMS "
                      f"{self.seed} {sequences} {count}", file=sys.stderr)
                if number > 0:
                    print(f"programmes since the last sequence:\n{self.ledger.programmes[-1].yaml}", file=sys.stderr)
                return False
        wire.members_same(self.client, self.ledger, self.ledger.members, datetime.date(2019, 6, 1))
        wire.totals_same(self.client, self.ledger)
        print(f"seed {self.seed}: {sequences} sequences, {self.ledger.counts}, reached {self.reached}")
        missed = sorted(REACHED - self.reached.keys()) if sequences * count >= SEQUENCES * COMMANDS else []
        if missed:
            print(f"seed {self.seed} never reached {missed}: the draws are too poor", file=sys.stderr)
        return not missed


def run(seed, sequences, count):
    print(f"naive_test: seed {seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="model-", dir=PROGRAMS))
    try:
        one = Run(folder, seed)
        try:
            return one.run(sequences, count) and one.server.stop() == 0
        finally:
            if one.server.process.poll() is None:
                one.server.kill()
            log = one.server.log.read_text()
            if "assert" in log:
                print(log, file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    given = [int(argument) for argument in sys.argv[2:]]
    seeds = given[:1] or [FIXED_SEED, secrets.randbelow(2 ** 32)]
    sequences, count = (given[1:] + [SEQUENCES, COMMANDS][len(given[1:]):])[:2]
    return all([run(seed, sequences, count) for seed in seeds])


sys.exit(0 if main() else 1)
