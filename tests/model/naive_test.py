"""Random sequences of commands through the wire, every answer and every member equal to the naive model's.

    naive_test.py PROGRAMS [SEQUENCES [COMMANDS [SEED]]]

The sequences are spread over two workers a processor (JF_MODEL_WORKERS), each with a server of its own. A
failure prints the seed, the worker, the sequence and the command; the same arguments with that seed repeat it. Calls
are unary, batches and streams, mixed; some commands are sent again, also out of order, also after the server was killed
or stopped; some ids are used again with other content. Each sequence draws its own mix of rules and commands.
"""
import copy
import datetime
import multiprocessing
import os
import pathlib
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time

SEQUENCES, COMMANDS = 200, 2000
GIVEN = [int(argument) for argument in sys.argv[2:]]

import naive_wire as wire  # noqa: E402
from naive import Ledger, Refused  # noqa: E402
from naive_draws import TILL, Draws  # noqa: E402
from jifend import LARGE, PROGRAMS, WAIT, Client, Jifend, ledger_pb2  # noqa: E402

import grpc  # noqa: E402

# What the server has; the model has all of it.
BUILT = {"holds", "returns", "caps", "pending", "expiry", "statuses", "known", "expire", "life", "spending",
         "rewards", "unpayable", "members", "windows", "manual", "classes",
         "class_rules"}
# What a run of the full size must have met, or it has tested less than it claims.
REACHED = {"INVALID_FIELD", "TRANSACTION_CONFLICT", "UNKNOWN_CARD", "UNKNOWN_MEMBER", "UNKNOWN_STORE", "UNKNOWN_SALE",
           "UNKNOWN_LINE", "RECEIPT_TAKEN", "NO_PROGRAMME", "IN_FUTURE", "BEFORE_ENROLMENT", "BEFORE_SALE",
           "BELOW_MINIMUM", "NOT_A_STEP", "ABOVE_SHARE", "INSUFFICIENT_POINTS", "RETURN_EXCEEDS_KEPT", "replayed",
           "MEMBER_EXISTS", "CARD_TAKEN", "trace DEBT", "trace DEBT_PAID", "trace REDEEMED", "trace GIVEN_BACK",
           "trace OUTDONE", "trace TIER_UP", "tier down", "killed", "stopped",
           *(f"when {name}" for name in (
               "days_of_month", "weekdays", "nth_weekdays", "dates", "date_ranges", "times", "stores", "regions",
               "entities", "tiers", "tags", "birthday", "first_purchase", "basket_min", "tenders", "categories", "skus"))}
REACHED_BY = {"caps": {"trace CAP"}, "known": {"UNKNOWN_CATEGORY", "UNKNOWN_TENDER"}, "expire": {"expired"},
              "returns": {"trace DEDUCTED", "trace SHORTFALL", "trace TAKEN_FROM_OTHER", "trace EXPIRED"},
              "life": {"MEMBER_FROZEN"}, "classes": {"class changed"}, "class_rules": {"when activity_classes"},
              "spending": {"trace OFFLINE_DEBT", "OFFLINE_ABOVE_ALLOWANCE"},
              "rewards": {"UNKNOWN_REWARD", "REWARD_NOT_VALID", "REWARD_LIMIT", "REWARD_OUT_OF_STOCK"},
              "members": {"MEMBER_CLOSED", "MEMBER_MERGED", "APPROVAL_NEEDED", "BALANCE_LEFT", "trace ADJUSTED",
                          "trace TRANSFERRED", "trace MERGED", "trace FORFEITED"},
              "holds": {"HOLD_ENDED", "UNKNOWN_TRANSACTION", "trace HELD", "trace CAPTURED", "trace VOIDED"}}


class Run:
    def __init__(self, server, seed, worker):
        self.seed, self.worker = seed, worker
        self.server = server
        self.ledger = Ledger(time.time_ns() // 1000000, "windows" in BUILT)
        self.draws = Draws(f"{seed} {worker}", self.ledger, BUILT)
        self.chance = random.Random(f"{seed} {worker} how it is sent")
        self.positions = {}
        self.history = []  # commands of earlier sequences, some
        self.reached = {}  # what happened how often
        self.sent = 0
        self.connect()

    def connect(self):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}", options=LARGE)
        self.client = Client(self.channel)
        self.reasons = None

    def expect(self, command):
        try:
            return copy.copy(self.ledger.post(copy.deepcopy(command)))
        except Refused as refused:
            self.mark(refused.code)
            return refused

    def mark(self, what):
        self.reached[what] = self.reached.get(what, 0) + 1

    def marks(self, expected):
        """Notes what happened, so that a run shows that it got there."""
        if expected["replayed"]:
            self.mark("replayed")
            return
        when = {}
        if expected.get("version") and expected.get("line_points"):
            when = {rule["name"]: rule.get("when", {}) for rule in self.ledger.programmes[expected["version"] - 1].rules}
        for kind, ground in expected.get("trace", ()):
            self.mark(f"trace {kind}")
            for name in when.get(ground, ()) if kind in ("MULTIPLIER", "BONUS") else ():
                self.mark(f"when {name}")

    def check(self, command, result, expected):
        self.sent += 1
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
        self.marks(expected)
        if command["kind"] not in ("publish", "store"):
            wire.outcome_same(what, result.outcome, expected, self.reasons)

    def alone(self, command):
        """Sends first, then asks the model: what has no instant of its own has the day of the answer."""
        answer, refusal = wire.unary(self.client, command)
        result = ledger_pb2.WriteResult(refusal=refusal)
        if refusal is None:
            result = ledger_pb2.WriteResult(outcome=answer.outcome, replayed=answer.replayed)
            if not answer.replayed and "at_ms" not in command and answer.outcome.business_date > 20200000:
                self.ledger.today = wire.date_of(answer.outcome.business_date)
        expected = self.expect(command)
        self.check(command, result, expected)
        if command["kind"] == "publish":
            self.reasons = wire.reasons_of(self.client)

    def together(self, pairs):
        """Sends commands of tills in one of three ways."""
        if not pairs:
            return
        writes = [wire.write_of(command) for command, _ in pairs]
        way = self.chance.choice(("unary", "batch", "batch", "batch", "stream")) if len(pairs) < 20 else "batch"
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

    def send(self, commands):
        """In: an iterable; what it yields next may depend on what the model has done so far."""
        pairs = []
        for command in commands:
            if command["kind"] in TILL:
                pairs.append((command, self.expect(command)))
                continue
            self.together(pairs)
            pairs = []
            self.alone(command)
        self.together(pairs)

    def again(self, past, back):
        """Some of the last commands once more, in another order: retries that overtook each other, or came late.

        In: back: how far. Late ones also find stores with another zone and day start, and programmes replaced.
        """
        commands = past[-back:]
        commands = self.chance.sample(commands, min(len(commands), self.chance.randint(1, 30)))
        self.send([copy.deepcopy(command) for command in commands if command["kind"] != "publish"])

    def drawn(self, past, count):
        for _ in range(count):
            command = self.draws.command(past)
            past.append(command)
            yield command

    def sequence(self, number, count):
        self.send(self.draws.begin(number))
        if number == 0:
            return
        self.again(self.history, len(self.history))
        past, sent = [], 0
        while sent < count:
            size = self.chance.choice((1, 5, 20, 60, 200))
            self.send(self.drawn(past, min(size, count - sent)))
            sent += size
            if self.chance.random() < 0.1:
                self.again(past, 30)
        self.history = (self.history + past[-100:])[-2000:]
        self.settle(number)

    def settle(self, number):
        """What the sequence has left of its members, by reading; sometimes over jobs, a kill or a stop."""
        clock_ms = self.draws.clock_ms + self.chance.randint(0, 400) * 86400000
        as_of = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=clock_ms)).date()
        numbers = [one for one in self.draws.numbers if one in self.ledger.members]
        wire.members_same(self.client, self.ledger, numbers, as_of)
        if number % 4 == 1:
            # A level given by hand lasts until today at least, so that its end is seen tomorrow only.
            as_of_ = self.ledger.today + datetime.timedelta(days=1) if number % 8 == 5 and "manual" in BUILT else as_of
            for _, before, after, *_, was, becomes in wire.recalculate_same(self.client, self.ledger, f"run-{number}", as_of_):
                self.mark("tier up by recalculation" if after > before else "tier down" if after < before else "same tier")
                if was != becomes:
                    self.mark("class changed")
        if number % 4 == 3 and "expire" in BUILT:
            if wire.expire_same(self.client, self.ledger, f"run-{number}", as_of) > 0:
                self.mark("expired")
        if number % 8 == 2:
            self.mark("killed" if number % 16 == 2 else "stopped")
            self.server.kill() if number % 16 == 2 else wire.same("exit code of jifend", self.server.stop(), 0)
            self.server.start()
            self.connect()
            self.reasons = wire.reasons_of(self.client)
        wire.members_same(self.client, self.ledger, numbers, as_of)
        wire.totals_same(self.client, self.ledger)

    def sequences(self, count, commands):
        for number in range(count + 1):
            try:
                self.sequence(number, commands)
            except (wire.Difference, AssertionError, KeyError, IndexError, ArithmeticError) as wrong:
                newest = self.ledger.programmes[-1].text if number > 0 else ""
                raise wire.Difference(f"seed {self.seed}, worker {self.worker}, sequence {number}: {wrong!r}: {wrong}\n"
                                      f"{newest}") from wrong
        wire.members_same(self.client, self.ledger, self.ledger.members, datetime.date(2019, 6, 1))
        wire.totals_same(self.client, self.ledger)

    def verify(self):
        """What the server leaves: a replay of its journal gives the same digest."""
        wire.same("exit code of jifend", self.server.stop(), 0)
        done = subprocess.run([PROGRAMS / "jifen", "verify", "--data", self.server.folder / "ledger"],
                              capture_output=True, text=True, check=False)
        wire.same("jifen verify", (done.returncode, done.stderr), (0, ""))


def work(seed, worker, sequences, commands):
    """Returns (what was reached, commands sent, a difference or "")."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="model-", dir=PROGRAMS))
    run = Run(Jifend(folder, "--checkpoint-entries", "1000", "--segment-mib", "4", "--cache-mib", "8"), seed, worker)
    try:
        run.sequences(sequences, commands)
        run.verify()
        return run.reached, run.sent, ""
    except Exception as wrong:  # told to the parent, which prints it
        log = run.server.log.read_text()
        return run.reached, run.sent, f"{wrong}\n{log[-2000:] if 'assert' in log else ''}"
    finally:
        if run.server.process.poll() is None:
            run.server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    sequences, commands, seed = (GIVEN + [SEQUENCES, COMMANDS, secrets.randbelow(2 ** 32)][len(GIVEN):])[:3]
    workers = int(os.environ.get("JF_MODEL_WORKERS", 2 * (os.cpu_count() or 1)))
    shares = [(sequences + index) // workers for index in range(workers)]
    print(f"naive_test: seed {seed}, {workers} workers, {sequences} sequences of {commands} commands", flush=True)
    with multiprocessing.Pool(workers) as pool:
        calls = [pool.apply_async(work, (seed, index, share, commands)) for index, share in enumerate(shares)]
        answers = [call.get() for call in calls]
    reached = {}
    for marks, _, _ in answers:
        for name, count in marks.items():
            reached[name] = reached.get(name, 0) + count
    print(f"{sum(sent for _, sent, _ in answers)} commands; reached {dict(sorted(reached.items()))}")
    differences = [difference for _, _, difference in answers if difference]
    print("\n".join(differences), file=sys.stderr)
    wanted = REACHED.union(*(names for feature, names in REACHED_BY.items() if feature in BUILT))
    missed = sorted(wanted - reached.keys()) if sequences * commands >= SEQUENCES * COMMANDS // 10 else []
    if missed and not differences:
        print(f"seed {seed} never reached {missed}: the draws are too poor", file=sys.stderr)
    return not differences and not missed


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
