"""Tills that post without rest and remember every answer, for tests that take the ledger away under them.

A till holds its promises in three states: acknowledged (the answer is known), in doubt (sent, no answer came), and
nothing. After the ledger is back it first asks for everything in doubt: whole or not at all, and then posted once.
"""
import random
import threading
import time

import fault
from fault import WAIT
from jifend import SOLD_AT_MS, common_pb2, grpc, ledger_pb2, line, number, sale

AS_OF = 20170118
DEADLINE_MS = SOLD_AT_MS + 3600000
SHARED = 1  # the member that all tills sell to
MEMBER_ACCOUNTS = {common_pb2.ACCOUNT_AVAILABLE, common_pb2.ACCOUNT_PENDING, common_pb2.ACCOUNT_HELD,
                   common_pb2.ACCOUNT_DEBT}
LARGE = [line(sku=f"{index:032}", category="C" * 64) for index in range(60)]


class Wrong(AssertionError):
    """The ledger broke a promise."""


def write_of(kind, request):
    return ledger_pb2.Write(**{kind: request})


class Till:
    """One client's requests, over all lives of the server. Used by one thread at a time."""

    def __init__(self, index, seed):
        self.index = index
        self.random = random.Random(f"{seed}/{index}")
        self.members = [10 * (index + 1) + one for one in range(3)]
        self.acknowledged = {}  # transaction id → (kind, request, outcome)
        self.doubtful = {}      # transaction id → (kind, request)
        self.refused = 0
        self.sold = []  # ids of all acknowledged sales
        self.sales, self.holds = [], []  # ids: acknowledged, not yet returned or ended
        self.stamps = {}  # transaction id → what `stamp` said once the answer was there
        self.stamp = lambda: None
        self.wrong = None  # the exception that says which promise was broken

    # ---- What it asks

    def name(self, kind):
        return f"{kind}-{self.index}-{len(self.acknowledged) + len(self.doubtful) + self.refused}"

    def member(self):
        return number(self.random.choice([SHARED, *self.members]))

    def request(self):
        """Returns (kind, request): most are sales."""
        kinds = ["sale"] * 6 + ["redeem", "hold"] + ["sale_return"] * (len(self.sales) > 3) + \
                ["capture", "void_hold"] * (len(self.holds) > 0)
        kind = self.random.choice(kinds)
        name = self.name(kind)
        if kind == "sale":
            lines = LARGE if self.random.random() < 0.2 else \
                [line(amount=self.random.randint(100, 50000)) for _ in range(self.random.randint(1, 3))]
            return kind, sale(name, self.member().number, lines=lines)
        if kind == "redeem":
            return kind, ledger_pb2.RedeemRequest(transaction_id=name, member=self.member(), store=1,
                                                  redeemed_at_ms=SOLD_AT_MS, points=100)
        if kind == "hold":
            return kind, ledger_pb2.HoldRequest(transaction_id=name, member=self.member(), store=1,
                                                held_at_ms=SOLD_AT_MS, points=200, deadline_ms=DEADLINE_MS)
        if kind == "sale_return":
            sold = self.sales.pop(self.random.randrange(len(self.sales)))
            return kind, ledger_pb2.PostReturnRequest(transaction_id=name, sale_transaction_id=sold, store=1,
                                                      returned_at_ms=SOLD_AT_MS, all=True)
        held = self.holds.pop()
        if kind == "capture":
            return kind, ledger_pb2.CaptureRequest(transaction_id=name, hold_transaction_id=held,
                                                   captured_at_ms=SOLD_AT_MS, points=self.random.choice((0, 100)))
        return kind, ledger_pb2.VoidRequest(transaction_id=name, hold_transaction_id=held, voided_at_ms=SOLD_AT_MS)

    # ---- How it asks

    def call(self, stub, kind):
        return {"sale": stub.PostSale, "sale_return": stub.PostReturn, "redeem": stub.Redeem, "hold": stub.Hold,
                "capture": stub.Capture, "void_hold": stub.Void}[kind]

    def send(self, kind, request):
        self.doubtful[request.transaction_id] = (kind, request)

    def took(self, kind, request, outcome):
        """An answer came: the first, or the first again."""
        name = request.transaction_id
        self.doubtful.pop(name, None)
        known = self.acknowledged.setdefault(name, (kind, request, outcome))
        if known[2] != outcome:
            raise Wrong(f"{name} was answered in two ways:\n{known[2]}\n{outcome}")
        if known[2] is not outcome:
            return
        self.stamps[name] = self.stamp()
        if kind == "sale":
            self.sold.append(name)
            self.sales.append(name)
        elif kind == "hold":
            self.holds.append(name)

    def was_refused(self, request, refusal):
        if request.transaction_id in self.acknowledged:
            raise Wrong(f"{request.transaction_id} was acknowledged and is refused now: {refusal}")
        self.doubtful.pop(request.transaction_id, None)
        self.refused += 1

    def finish(self, kind, request, future):
        try:
            self.took(kind, request, future.result().outcome)
        except grpc.RpcError as error:
            if is_gone(error):
                raise
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise Wrong(f"{request.transaction_id}: {error.code()}: {error.details()}") from error
            self.was_refused(request, error.details())

    def post_one(self, stub):
        """One request; now and then sent twice at once, as a till that timed out does."""
        kind, request = self.request()
        self.send(kind, request)
        futures = [self.call(stub, kind).future(request, timeout=WAIT)
                   for _ in range(2 if self.random.random() < 0.2 else 1)]
        for future in futures:
            self.finish(kind, request, future)

    def results_take(self, requests, results):
        for (kind, request), result in zip(requests, results):
            if result.HasField("refusal") and result.refusal.code == "FAILED":
                continue  # in doubt: the ledger stopped before it could answer
            if result.HasField("refusal"):
                self.was_refused(request, result.refusal.code)
            else:
                self.took(kind, request, result.outcome)

    def requests(self, count):
        made = []
        for _ in range(count):
            kind, request = self.request()
            self.send(kind, request)
            made.append((kind, request))
        return made

    def post_batch(self, stub):
        requests = self.requests(self.random.randint(2, 40))
        writes = [write_of(*one) for one in requests]
        results = stub.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        self.results_take(requests, results)

    def post_stream(self, stub):
        requests = self.requests(self.random.randint(2, 20))
        answers = stub.Stream(iter([ledger_pb2.StreamRequest(write=write_of(*one)) for one in requests]), timeout=WAIT)
        for one, answer in zip(requests, answers):
            self.results_take([one], [answer.result])

    def post_other_content(self, stub):
        """A used id with other content is a conflict, also right after a crash."""
        if not self.sold:
            return
        request = ledger_pb2.PostSaleRequest()
        request.CopyFrom(self.acknowledged[self.random.choice(self.sold)][1])
        request.receipt.lines[0].amount += 1
        try:
            stub.PostSale(request, timeout=WAIT)
            raise Wrong(f"{request.transaction_id} was taken with other content")
        except grpc.RpcError as error:
            if is_gone(error):
                raise
            if error.code() != grpc.StatusCode.ALREADY_EXISTS:
                raise Wrong(f"{request.transaction_id} with other content: {error.details()}") from error

    # ---- After the ledger is back

    def doubts_settle(self, stub):
        """Whole or not at all; and then once, whichever it was."""
        for name, (kind, request) in list(self.doubtful.items()):
            found = entry_of(stub, name)
            try:
                response = self.call(stub, kind)(request, timeout=WAIT)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                    raise
                if found is not None:
                    raise Wrong(f"{name} is there and is refused: {error.details()}") from error
                self.was_refused(request, error.details())
                continue
            if response.replayed != (found is not None):
                raise Wrong(f"{name} was {'there' if found else 'not there'}, and yet replayed is {response.replayed}")
            if found is not None and found.outcome != response.outcome:
                raise Wrong(f"{name} is not what its retry answers:\n{found.outcome}\n{response.outcome}")
            self.took(kind, request, response.outcome)

    def live(self, client, must_stop):
        """Posts until the server is gone, or until told to stop."""
        ways = [self.post_one] * 6 + [self.post_batch] * 2 + [self.post_stream, self.post_other_content]
        try:
            self.doubts_settle(client.ledger)
            while not must_stop.is_set():
                self.random.choice(ways)(client.ledger)
        except Exception as error:  # a thread's failure is the test's: kept for Load.run
            self.wrong = None if is_gone(error) else error


def is_gone(error):
    """Whether a call failed because the ledger was gone, or stopped before it could answer."""
    return isinstance(error, grpc.RpcError) and (
        error.code() == grpc.StatusCode.UNAVAILABLE or error.details().startswith("FAILED: "))


def entry_of(stub, name):
    try:
        return stub.GetTransaction(ledger_pb2.GetTransactionRequest(transaction_id=name), timeout=WAIT).entry
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return None


class Load:
    """All tills together."""

    def __init__(self, case, count, seed):
        self.case = case
        self.tills = [Till(index, seed) for index in range(count)]

    def begin(self, client):
        """The chain and all members of a new ledger."""
        client.chain()
        for one in [SHARED, *(member for till in self.tills for member in till.members)]:
            client.enrol(one)

    def run(self, client, disturb):
        """Lets the tills post while `disturb` runs, until they have noticed that the server is gone."""
        must_stop = threading.Event()
        threads = [threading.Thread(target=till.live, args=(client, must_stop)) for till in self.tills]
        for thread in threads:
            thread.start()
        try:
            disturb()
        finally:
            must_stop.set()
            for thread in threads:
                thread.join(2 * WAIT)
        for till in self.tills:
            if till.wrong is not None:
                raise till.wrong

    def doubts_settle(self, client):
        for till in self.tills:
            till.doubts_settle(client.ledger)

    def count(self, kind):
        return sum(one[0] == kind for till in self.tills for one in till.acknowledged.values())

    def assert_replayed(self, client, known):
        """In: (kind, request, outcome) each. Each outcome comes again, byte for byte."""
        for at in range(0, len(known), 500):
            part = known[at:at + 500]
            writes = [write_of(kind, request) for kind, request, _ in part]
            results = client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
            for (_, request, outcome), result in zip(part, results):
                self.case.assertTrue(result.replayed, request.transaction_id)
                self.case.assertEqual(result.outcome.SerializeToString(), outcome.SerializeToString())

    def assert_all_there(self, client):
        """Every acknowledged answer again; and nothing else was posted."""
        points = {}
        for till in self.tills:
            self.assert_replayed(client, list(till.acknowledged.values()))
            for _, _, outcome in till.acknowledged.values():
                points[outcome.member] = points.get(outcome.member, 0) + member_points(outcome)
        self.assert_balances(client, points)
        status = fault.status_of(client)
        counted = {"sale": status.sales, "sale_return": status.returns}
        self.case.assertEqual(counted, {kind: self.count(kind) for kind in counted})

    def assert_balances(self, client, points):
        """What members have is what their acknowledged answers add up to."""
        for member, wanted in points.items():
            got = client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=number(member), as_of=AS_OF),
                                          timeout=WAIT).member.balance
            self.case.assertEqual(got.available + got.pending + got.held - got.debt, wanted, f"member {member}")


def member_points(outcome):
    """What an answer moved into, or out of, its member's accounts."""
    return sum(posting.points for posting in outcome.postings if posting.account in MEMBER_ACCOUNTS)


def pause(generator, most):
    time.sleep(generator.random() * most)
