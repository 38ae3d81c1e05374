"""The acceptance run: receipts through `jifen replay`, then redemptions, returns and tiers, against the naive model.

    receipts_check.py PROGRAMS FILE.csv[.gz]|generated

Every receipt, every member, every control account must equal the model's, to the point. Exit code 77 where the file
is absent. Lines of the file are read here with csv and Fraction, not by what `jifen replay` reads them with.
"""
import csv
import datetime
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import zoneinfo
from fractions import Fraction

import naive_wire as wire
from naive import Ledger, Refused
from jifend import LARGE, PROGRAMME, PROGRAMS, WAIT, Client, Jifend, ledger_pb2

import grpc

ZONE = zoneinfo.ZoneInfo("America/New_York")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
HOUR_MS = 3600000
SKIPPED = 77


def whole(text, scale):
    value = Fraction(text) * scale
    assert value.denominator == 1 and value >= 0, text
    return int(value)


def receipts_of(path):
    """The sale commands of a file, in its order, as `jifen replay` says it posts them: id STORE-YYYYMMDD-RECEIPT, terminal 1."""
    opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
    commands, last = [], None
    with opened as lines:
        for row in csv.DictReader(lines):
            if row["receipt_id"] != last:
                last = row["receipt_id"]
                moment = datetime.datetime.fromisoformat(row["sold_at"]).replace(tzinfo=ZONE)
                at_ms = (moment - EPOCH) // datetime.timedelta(milliseconds=1)
                commands.append({
                    "kind": "sale", "id": f"{row['store_id']}-{moment:%Y%m%d}-{last}", "member": int(row["member_id"]),
                    "redeem_points": 0, "offline": False, "on": moment.date(),
                    "receipt": {"store": int(row["store_id"]), "terminal": 1, "number": last, "at_ms": at_ms,
                                "lines": [], "tenders": []}})
            commands[-1]["receipt"]["lines"].append(
                {"sku": row["sku"], "category": row["category"], "quantity": whole(row["quantity"], 1000),
                 "amount": whole(row["amount"], 100)})
    return commands


def model_prepare(ledger, commands):
    """What `jifen replay` does before the sales: stores, and members enrolled on the first date of the file."""
    first_on = min(command.pop("on") for command in commands)
    ledger.post({"kind": "publish", "id": "programme", "yaml": PROGRAMME.read_text()})
    for store in sorted({command["receipt"]["store"] for command in commands}):
        ledger.post({"kind": "store", "id": f"store-{store}", "store": store, "entity": 1, "region": "",
                     "zone": ZONE.key, "day_start_minute": 0})
    for member in sorted({command["member"] for command in commands}):
        ledger.post({"kind": "enrol", "id": f"enrol-{member}", "number": member, "cards": [], "enrolled_on": first_on,
                     "birth_month": 0, "birth_day": 0, "home_store": 0, "tags": 0})


def model_post(ledger, command):
    """Returns the answer, or the Refused."""
    try:
        return ledger.post(command)
    except Refused as refused:
        return refused


def result_same(command, result, expected, reasons, replayed):
    what = f"{command['kind']} {command['id']}"
    if isinstance(expected, Refused):
        wire.same(f"{what}: refusal", result.refusal.code, expected.code)
        return
    wire.same(f"{what}: refusal", result.refusal.code, "")
    wire.same(f"{what}: replayed", result.replayed, replayed)
    wire.outcome_same(what, result.outcome, expected, reasons)


class Run:
    def __init__(self, folder, path):
        self.path = path
        self.server = Jifend(folder, "--checkpoint-entries", "10000")
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}", options=LARGE)
        self.client = Client(self.channel)
        self.ledger = Ledger(time.time_ns() // 1000000, False)
        self.commands = receipts_of(path)
        self.last_ms = max(command["receipt"]["at_ms"] for command in self.commands)

    def jifen(self, *arguments):
        done = subprocess.run([PROGRAMS / "jifen", *arguments, "--address", f"127.0.0.1:{self.server.port}"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600)
        wire.same(f"exit code of jifen {arguments[0]} ({done.stderr.strip()})", done.returncode, 0)
        return done.stdout

    def replay(self):
        self.jifen("programme", "publish", str(PROGRAMME))
        replayed = json.loads(self.jifen("replay", str(self.path), "--json").splitlines()[-1])
        model_prepare(self.ledger, self.commands)
        self.expected = [model_post(self.ledger, command) for command in self.commands]
        posted = self.ledger.counts["sale"]
        lines = sum(len(command["receipt"]["lines"]) for command in self.commands)
        granted = sum(answer["granted"] for answer in self.expected if not isinstance(answer, Refused))
        for name, expected in (("receipts", len(self.commands)), ("lines", lines), ("bad_lines", 0),
                               ("receipts_left_out", 0), ("posted", posted), ("replayed", 0),
                               ("members", len(self.ledger.members)), ("enrolled", len(self.ledger.members)),
                               ("refused", len(self.commands) - posted), ("points_granted", granted)):
            wire.same(f"jifen replay: {name}", replayed[name], expected)
        self.reasons = wire.reasons_of(self.client)
        self.resend()

    def resend(self):
        """Every receipt once more: each must be answered with what it was answered first, and that must be right."""
        self.send(list(zip(self.commands, self.expected)), True)

    def send(self, pairs, replayed):
        for at in range(0, len(pairs), 1000):
            part = pairs[at:at + 1000]
            results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(
                writes=[wire.write_of(command) for command, _ in part]), timeout=WAIT).results
            for (command, expected), result in zip(part, results, strict=True):
                result_same(command, result, expected, self.reasons, replayed)

    def post(self, commands):
        self.send([(command, model_post(self.ledger, command)) for command in commands], False)

    def later(self, hours):
        return self.last_ms + hours * HOUR_MS

    def redeem(self):
        """What every other member has in hundreds, half of it on receipts, and some that must be refused."""
        store = self.commands[-1]["receipt"]["store"]
        on, _ = self.ledger.local(store, self.later(1))
        commands = []
        for index, (number, member) in enumerate(sorted(self.ledger.members.items())):
            points = member.balance(on, self.later(1))["available"] // 100 * 100
            if index % 4 == 0 and points > 0:
                commands.append({"kind": "redeem", "id": f"redeem-{number}", "member": number, "store": store,
                                 "at_ms": self.later(1), "points": points, "reward": "voucher"})
            elif index % 4 == 1 and points > 0:
                line = {"sku": "1", "category": "GROCERY", "quantity": 3000, "amount": 2 * points + 99}
                commands.append({"kind": "sale", "id": f"paid-{number}", "member": number, "redeem_points": points,
                                 "offline": False,
                                 "receipt": {"store": store, "terminal": 2, "number": f"paid-{number}",
                                             "at_ms": self.later(1), "lines": [line, {**line, "category": "FUEL"}],
                                             "tenders": [{"type": "gift_card", "amount": points}]}})
            elif index % 70 == 2:
                commands.append({"kind": "redeem", "id": f"redeem-{number}", "member": number, "store": store,
                                 "at_ms": self.later(1), "points": 10 ** 9 + index % 140 // 70, "reward": ""})
        self.post(commands)
        return len(commands)

    def give_back(self):
        """A line of every 50th receipt, half a line of others, every 300th whole; then what that was paid with points."""
        commands = []
        for index, sale in enumerate(self.commands):
            lines = sale["receipt"]["lines"]
            back = {"kind": "return", "id": f"return-{sale['id']}", "sale": sale["id"],
                    "store": sale["receipt"]["store"], "at_ms": self.later(2), "lines": [], "all": index % 300 == 299}
            line = index // 50 % len(lines)
            if index % 50 == 49 and not back["all"]:
                back["lines"] = [{"number": line + 1, "quantity": 0, "whole": True}]
            elif index % 50 == 24 and lines[line]["quantity"] > 1:
                back["lines"] = [{"number": line + 1, "quantity": lines[line]["quantity"] // 2, "whole": False}]
            if back["lines"] or back["all"]:
                commands.append(back)
        paid = [(name, sale) for name, sale in self.ledger.sales.items() if sale.redeem_points > 0]
        for part in (1, 2):
            for index, (name, sale) in enumerate(paid):
                line = {"number": part, "quantity": 1000 + index % 3 * 500, "whole": False}
                commands.append({"kind": "return", "id": f"return-{part}-{name}", "sale": name,
                                 "store": sale.receipt["store"], "at_ms": self.later(2 + part), "lines": [line],
                                 "all": False})
        self.post(commands)
        return len(commands)

    def compare(self, as_of):
        wire.members_same(self.client, self.ledger, self.ledger.members, as_of)
        wire.totals_same(self.client, self.ledger)

    def summary(self, redeemed, returned):
        """For people: what was compared."""
        issued = {reason: -points for (account, _, reason), points in sorted(self.ledger.totals.items())
                  if account == "ISSUED"}
        print(f"{len(self.commands)} receipts, {self.ledger.counts['sale']} sales of {self.ledger.counts['lines']} "
              f"lines, {len(self.ledger.members)} members, {redeemed} redemptions and {returned} returns asked\n"
              f"issued {issued}, balance {self.ledger.balance_sum()}: all equal to the point, and Verify ties")

    def run(self):
        self.replay()
        self.compare(self.ledger.local(self.commands[-1]["receipt"]["store"], self.later(0))[0])
        redeemed, returned = self.redeem(), self.give_back()
        last_on, _ = self.ledger.local(self.commands[-1]["receipt"]["store"], self.later(4))
        wire.recalculate_same(self.client, self.ledger, "first", last_on)
        self.compare(last_on)
        # Half a year later the window has moved on, and some points have expired.
        later_on = last_on + datetime.timedelta(days=214)
        wire.recalculate_same(self.client, self.ledger, "later", later_on)
        self.compare(later_on)
        self.server.kill()
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}", options=LARGE)
        self.client = Client(self.channel)
        self.resend()
        self.compare(last_on)
        self.summary(redeemed, returned)


def file_of(name, folder):
    if name != "generated":
        return pathlib.Path(name)
    path = folder / "receipts.csv"
    with open(path, "wb") as out:
        subprocess.run([PROGRAMS / "jifen", "generate", "--stores", "20", "--members", "2000", "--days", "12",
                        "--start", "2017-02-24", "--seed", "5"], stdout=out, check=True, timeout=WAIT)
    return path


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="model-", dir=PROGRAMS))
    try:
        path = file_of(sys.argv[2], folder)
        if not path.exists():
            print(f"skipped: {path} is absent; the file of real receipts lies beside the checkout, or name it with "
                  "-DJF_RECEIPTS=FILE")
            return SKIPPED
        run = Run(folder, path)
        try:
            run.run()
            wire.same("exit code of jifend", run.server.stop(), 0)
        except wire.Difference as difference:
            print(f"{path}: {difference}", file=sys.stderr)
            return 1
        finally:
            if run.server.process.poll() is None:
                run.server.kill()
        return 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
