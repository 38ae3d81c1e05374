"""Runs the vectors of this folder through a real jifend, every case on one server unless it restarts it.

    vectors_run.py PROGRAMS [WORD...]      only cases whose name holds one of the words

README.md says what a case looks like. Values are compared as the text that stands in the file says them.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

import vectors_wire as wire
from jifend import LARGE, PROGRAMS, WAIT, Client, Jifend, common_pb2, ledger_pb2, operations_pb2, programmes_pb2
import jifend

import grpc

FOLDER = pathlib.Path(__file__).resolve().parent
MONEY = {"value", "deduct"}
TRACE_MONEY = ("eligible", "kept")
FACTS = ("field", "needed", "available", "limit")
# What only a server in trouble answers: tests/rpc, tests/fault and tests/unit bring these about.
ELSEWHERE = {"OVERLOADED", "DISK_FULL", "SHUTTING_DOWN", "FAILED", "ZONE_UNREADABLE"}
CASES_MIN = 120


class Wrong(Exception):
    """An answer is not what the vector says."""


def same(what, got, expected):
    if got != expected:
        raise Wrong(f"{what}: expected {expected}, got {got}")


def read():
    """All programmes that have a name, and (file name, case) of every case; values are texts, lists and maps."""
    programmes, cases = {}, []
    for path in sorted(FOLDER.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        yaml.safe_load(text)  # any stock loader must read the file; here each value is the text that stands there
        document = yaml.load(text, Loader=yaml.BaseLoader)
        programmes.update(document.get("programmes", {}))
        cases += [(path.name, case) for case in document.get("cases", ())]
    return programmes, cases


class Runner:
    def __init__(self, folder):
        self.server = Jifend(folder)
        self.published = None   # the text of the newest programme
        self.stores = {}        # store: its fields, as put last
        self.serial = 0
        self.codes = set()      # refusals met
        self.connect()

    def connect(self):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.server.port}", options=LARGE)
        self.client = Client(self.channel)
        self.calls = {
            "quote": (self.client.ledger.Quote, wire.sale), "sale": (self.client.ledger.PostSale, wire.sale),
            "return": (self.client.ledger.PostReturn, wire.sale_return),
            "redeem": (self.client.ledger.Redeem, wire.redeem), "hold": (self.client.ledger.Hold, wire.hold),
            "capture": (self.client.ledger.Capture, wire.capture), "void": (self.client.ledger.Void, wire.void),
            "enrol": (self.client.members.Enrol, wire.enrol), "update": (self.client.members.UpdateMember, wire.update),
            "link": (self.client.members.LinkCard, wire.link), "unlink": (self.client.members.UnlinkCard, wire.unlink),
            "freeze": (self.client.members.Freeze, wire.freeze), "thaw": (self.client.members.Freeze, wire.thaw),
            "close": (self.client.members.Close, wire.close), "merge": (self.client.members.Merge, wire.merge),
            "adjust": (self.client.members.Adjust, wire.adjust),
            "transfer": (self.client.members.Transfer, wire.transfer),
            "publish": (self.client.programmes.Publish, wire.publish),
            "store": (self.client.programmes.PutStore, wire.store)}
        if hasattr(self.client.members, "SetTier"):
            self.calls["set_tier"] = (self.client.members.SetTier, wire.set_tier)

    # What a case needs before its first step.

    def name(self):
        self.serial += 1
        return f"set-up/{self.serial}"

    def publish(self, text):
        if text != self.published:
            self.published = None
            self.client.programmes.Publish(programmes_pb2.PublishRequest(
                transaction_id=self.name(), yaml=text, file_name="vector.yaml"), timeout=WAIT)
            self.published = text
        self.reasons_read()

    def reasons_read(self):
        newest = self.client.programmes.Get(programmes_pb2.GetProgrammeRequest(), timeout=WAIT)
        self.reasons = {reason.number: reason.name for reason in newest.reasons}

    def prepare(self, case, number, programmes):
        stores = {"1": {}, **case.get("stores", {})}
        zones = {store: fields.get("zone", "Asia/Shanghai") for store, fields in stores.items()}
        self.case = wire.Case(number, zones)
        for store, fields in stores.items():
            if self.stores.get(store) != fields:
                self.client.programmes.PutStore(wire.store(self.case, {"id": self.name(), "store": store, **fields}),
                                                timeout=WAIT)
                self.stores[store] = fields
        named = case.get("programme", "plain")
        self.publish(programmes.get(named, named) + case.get("with", ""))
        for member, fields in case.get("members", {"1": {}}).items():
            self.client.members.Enrol(wire.enrol(self.case, {"id": self.name(), "member": member, **fields}),
                                      timeout=WAIT)
        self.sent = {}       # id: (command, step, answer)
        self.before = self.totals()

    def totals(self):
        status = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
        return {(total.account, total.entity, total.reason): total.points for total in status.totals}

    # Steps.

    def step(self, step):
        command = next(name for name in step if name != "expect")
        fields, expect = step[command], step.get("expect", {})
        special = getattr(self, f"do_{command}", None)
        if special is not None:
            special(fields, expect)
            return
        if command == "publish":
            self.published = None
        if command == "store":
            self.stores[fields["store"]] = None
        call, request = self.calls[command]
        self.answered(command, fields, expect, lambda: call(request(self.case, fields), timeout=WAIT))

    def answered(self, command, fields, expect, call):
        try:
            answer = call()
        except grpc.RpcError as error:
            if "grpc-status-details-bin" not in dict(error.trailing_metadata() or ()):
                raise Wrong(f"the call failed: {error.code()} {error.details()}") from error
            self.refused(jifend.refusal_of(error), expect)
            return None
        same("refused", "not refused", expect.get("refused", "not refused"))
        same("replayed", getattr(answer, "replayed", False), expect.get("replayed") == "true")
        same("sum of the postings", sum(posting.points for posting in answer.outcome.postings), 0)
        if command == "publish":
            self.reasons_read()
        if "id" in fields and command != "quote":
            self.sent[fields["id"]] = (command, fields, answer)
        self.compare(wire.outcome(self.case, answer.outcome, self.reasons), expect)
        return answer

    def refused(self, refusal, expect):
        self.codes.add(refusal.code)
        if refusal.code != expect.get("refused"):
            raise Wrong(f"expected {expect.get('refused', 'an answer')}, got {refusal.code} {refusal.field}: "
                        f"{refusal.message}")
        for name in FACTS:
            if name in expect:
                same(name, str(getattr(refusal, name)), expect[name])
        if "of" in expect:
            same("position", refusal.position, self.sent[expect["of"]][2].outcome.position)
        if refusal.code == "TRANSACTION_CONFLICT":
            same("two fingerprints that differ", refusal.fingerprint_first != refusal.fingerprint_second, True)
        unknown = set(expect) - {"refused", "of", *FACTS}
        same("words of this refusal", unknown, set())

    def compare(self, got, expect):
        for name, value in expect.items():
            if name in ("refused", "replayed"):
                continue
            if name == "trace":
                self.compare_trace(got["trace"], value)
                continue
            same(f"word {name}", name in got, True)
            same(name, self.plain(name, got[name]), sorted(value) if name in ("postings", "cards") else
                 str(self.case.money(value)) if name in MONEY else value)

    def compare_trace(self, got, expect):
        for name, value in expect.items():
            money = name.split(" ")[0] in TRACE_MONEY
            same(f"trace {name}", str(got.get(name, "none")),
                 str(self.case.money(value)) if money else value)

    @staticmethod
    def plain(name, value):
        if isinstance(value, list):
            return [str(one) for one in value]
        return str(value).lower() if isinstance(value, bool) else str(value)

    # Steps that are no single write.

    def do_retry(self, fields, expect):
        """The same request again: the first answer again, byte for byte."""
        command, first, answer = self.sent[fields]
        call, request = self.calls[command]
        again = self.answered(command, first, {"replayed": "true", **expect},
                              lambda: call(request(self.case, first), timeout=WAIT))
        if again is not None:
            same("the first answer again", again.outcome.SerializeToString(), answer.outcome.SerializeToString())

    def do_restart(self, fields, _):
        if fields == "kill":
            self.server.kill()
        else:
            same("exit code", self.server.stop(), 0)
        self.server.start()
        self.connect()

    def do_member(self, fields, expect):
        request = ledger_pb2.GetMemberRequest(member=self.case.member(fields.get("member", "1")),
                                              as_of=wire.date_number(fields.get("as_of", "none")))
        try:
            found = self.client.ledger.GetMember(request, timeout=WAIT).member
        except grpc.RpcError as error:
            self.refused(jifend.refusal_of(error), expect)
            return
        same("refused", "not refused", expect.get("refused", "not refused"))
        self.compare(wire.member(self.case, found), expect)

    def do_transaction(self, fields, expect):
        request = ledger_pb2.GetTransactionRequest(transaction_id=self.case.id(fields["id"]))
        try:
            entry = self.client.ledger.GetTransaction(request, timeout=WAIT).entry
        except grpc.RpcError as error:
            self.refused(jifend.refusal_of(error), expect)
            return
        got = wire.outcome(self.case, entry.outcome, self.reasons)
        got["kind"] = entry.kind
        self.compare(got, expect)

    def do_programme(self, fields, expect):
        """A read of a version."""
        try:
            self.client.programmes.Get(programmes_pb2.GetProgrammeRequest(version=int(fields["version"])), timeout=WAIT)
        except grpc.RpcError as error:
            self.refused(jifend.refusal_of(error), expect)
            return
        same("refused", "not refused", expect.get("refused", "not refused"))

    def do_totals(self, _, expect):
        """How the chain's accounts have moved since the case began."""
        now = self.totals()
        moved = []
        for key, points in now.items():
            account, entity, reason = key
            if points != self.before.get(key, 0):
                ground = f" {self.reasons[reason]}" if wire.ACCOUNTS[account] == "issued" else ""
                moved.append(f"{wire.ACCOUNTS[account]} {entity} {points - self.before.get(key, 0):+}{ground}")
        same("totals", sorted(moved), sorted(expect["moved"]))

    def do_tiers(self, fields, expect):
        """A recalculation. Its changes, of this case's members: `N from>to`."""
        request = programmes_pb2.RecalculateTiersRequest(
            run_id=f"{self.case.number}:{fields['run']}", as_of=wire.date_number(fields["as_of"]), list=True,
            preview=fields.get("preview") == "true")
        messages = list(self.client.programmes.RecalculateTiers(request, timeout=WAIT))
        changes = []
        for change in (change for message in messages for change in message.changes):
            if change.member // 1000 == self.case.number:
                changes.append(self.change_text(change))
        same("changes", sorted(changes), sorted(expect["changes"]))

    def change_text(self, change):
        text = f"{change.member - self.case.number * 1000} {getattr(change, 'from')}>{change.to}"
        if getattr(change, "class_from", 0) != getattr(change, "class_to", 0):
            text += f" class {change.class_from}>{change.class_to}"
        return text

    def do_expire(self, fields, expect):
        request = programmes_pb2.ExpireRequest(run_id=f"{self.case.number}:{fields['run']}",
                                               as_of=wire.date_number(fields["as_of"]))
        messages = list(self.client.programmes.Expire(request, timeout=WAIT))
        same("done", messages[-1].done, True)
        if "points" in expect:
            same("points", str(messages[-1].points_expired), expect["points"])

    def do_follow(self, fields, expect):
        """The entries of this case from a transaction's on: `kind id`."""
        request = operations_pb2.FollowRequest(from_position=self.sent[fields["from"]][2].outcome.position,
                                               kinds=fields.get("kinds", ()))
        call = self.client.operations.Follow(request, timeout=WAIT)
        got = []
        for answer in call:
            got.append(f"{answer.entry.kind} {answer.entry.transaction_id.removeprefix(f'{self.case.number}:')}")
            if len(got) == len(expect["entries"]):
                break
        call.cancel()
        same("entries", got, expect["entries"])

    def run(self, case, number, programmes):
        self.prepare(case, number, programmes)
        for index, step in enumerate(case["steps"]):
            try:
                self.step(step)
            except Wrong as wrong:
                raise Wrong(f"step {index + 1} {next(iter(step))}: {wrong}") from wrong


def check_all(runner, words):
    """Returns how many cases ran, and the failures."""
    count, failures, names = 0, [], set()
    programmes, cases = read()
    for number, (file, case) in enumerate(cases, 1):
        label = f"{file}: {case['case']}"
        assert case["case"] not in names, f"{label}: two cases of one name"
        names.add(case["case"])
        if words and not any(word in label for word in words):
            continue
        count += 1
        try:
            runner.run(case, number, programmes)
        except Exception as wrong:  # every case is tried, whatever one of them ends with
            failures.append(f"{label}: {type(wrong).__name__}: {wrong}")
            if runner.server.process.poll() is not None:
                runner.server.start()
                runner.connect()
    return count, failures


def verify(runner):
    """All ties, on the running server and in the journal that it leaves."""
    verdict = list(runner.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=600))[-1]
    same("Verify", (verdict.ties, verdict.difference), (True, ""))
    same("exit code of jifend", runner.server.stop(), 0)
    done = subprocess.run([PROGRAMS / "jifen", "verify", "--data", runner.server.folder / "ledger"],
                          capture_output=True, text=True, check=False)
    same("jifen verify", (done.returncode, done.stderr), (0, ""))


def refusals_without_vector(runner):
    header = (jifend.ROOT / "ledger" / "rules" / "refusal.h").read_text()
    listed = set(jifend.re.findall(r"^\s+X\((\w+), [A-Z_]+,", header, jifend.re.MULTILINE))
    return sorted(listed - runner.codes - ELSEWHERE)


def main():
    words = sys.argv[2:]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vectors-", dir=PROGRAMS))
    runner = Runner(folder)
    try:
        count, failures = check_all(runner, words)
        verify(runner)
    finally:
        if runner.server.process.poll() is None:
            runner.server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    if not words:
        failures += [f"no vector ends with {code}" for code in refusals_without_vector(runner)]
        failures += [f"{count} cases are fewer than {CASES_MIN}"] if count < CASES_MIN else []
    print("\n".join(failures), file=sys.stderr)
    print(f"vectors: {count} cases, {len(failures)} wrong")
    return 1 if failures else 0


sys.exit(main())
