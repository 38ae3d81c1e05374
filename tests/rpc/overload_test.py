"""Too much at once, and a full disk: refused with a hint, at once, and nothing that was accepted is lost."""
import threading

import grpc

import jifend
from jifend import WAIT, Case, Client, common_pb2, details_of, ledger_pb2, line, number, operations_pb2, sale


class Overload(Case):
    flags = ("--queue-length", "64")

    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1)

    def status(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def test_unary_calls_beyond_the_queue_are_refused_with_a_retry_hint(self):
        overloaded, posted = [], 0
        for round_number in range(20):
            writes = [ledger_pb2.Write(sale=sale(f"{round_number}-{i}")) for i in range(4000)]
            ahead = self.client.ledger.PostBatch.future(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
            calls = [self.client.ledger.PostSale.future(sale(f"{round_number}-u{i}"), timeout=WAIT)
                     for i in range(400)]
            for call in calls:
                if call.exception() is None:
                    posted += 1
                else:
                    overloaded.append(call.exception())
            if ahead.exception() is None:
                posted += 4000
            if overloaded:
                break
        self.assertTrue(overloaded, "the queue was never full")
        for error in overloaded:
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error.details())
            self.assertTrue(error.details().startswith("OVERLOADED: "), error.details())
        details = details_of(overloaded[0])[2]
        self.assertEqual(common_pb2.Refusal.FromString(details["jifen.v1.Refusal"]).code, "OVERLOADED")
        # RetryInfo {1: Duration {2: nanos}}
        self.assertEqual(jifend.fields_of(dict(jifend.fields_of(details["google.rpc.RetryInfo"]))[1]),
                         [(1, 0), (2, 50000000)])
        self.assertEqual(dict(overloaded[0].trailing_metadata())["grpc-retry-pushback-ms"], "50")
        status = self.status()
        self.assertEqual((status.sales, status.overloads), (posted, len(overloaded)))

    def test_streams_wait_instead_of_failing(self):
        def run(which):
            with self.server.channel() as channel:
                requests = [ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"{which}-{i}")))
                            for i in range(500)]
                answers = list(Client(channel).ledger.Stream(iter(requests), timeout=WAIT))
                got = [self.transaction(answer.result) for answer in answers]
                results[which] = got
        results = {}
        threads = [threading.Thread(target=run, args=(which,)) for which in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        self.assertEqual([len(results.get(which, [])) for which in range(6)], [500] * 6)
        for positions in results.values():
            self.assertEqual(positions, sorted(positions))
        self.assertEqual(self.status().sales, 3000)

    def transaction(self, result):
        self.assertEqual(result.refusal.code, "")
        return result.outcome.position

    def test_too_many_streams_are_refused_and_the_others_go_on(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def requests(which):
            yield ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"s{which}")))
            release.wait(WAIT)
        calls = [self.client.ledger.Stream(requests(which), timeout=WAIT) for which in range(256)]
        for call in calls:
            self.assertEqual(next(call).result.refusal.code, "")
        error = self.fails(lambda: next(self.client.ledger.Stream(requests(256), timeout=WAIT)),
                           grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
        self.assertIn("grpc-retry-pushback-ms", dict(error.trailing_metadata()))
        release.set()
        for call in calls:
            self.assertEqual(list(call), [])
        self.assertEqual(self.status().sales, 256)


class DiskFull(Case):
    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1)
        self.sold = self.client.sell(sale("s1")).outcome
        self.assertEqual(self.server.stop(), 0)
        # More than the disk has: the reserve is touched from the start.
        self.server.flags = ("--reserve-mib", "1048576")
        self.server.start()
        self.full = self.server.channel()
        self.addCleanup(self.full.close)
        self.client = Client(self.full)

    def test_writes_are_refused_until_there_is_room_and_nothing_is_lost(self):
        # What was preallocated may still be filled; then every write is refused.
        posted, error = 0, None
        lines = [line(sku=f"{i:032}", category="C" * 64) for i in range(500)]
        for batch in range(200):
            writes = [ledger_pb2.Write(sale=sale(f"{batch}-{i}", lines=lines)) for i in range(50)]
            results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
            posted += sum(result.HasField("outcome") for result in results)
            refused = [result.refusal for result in results if result.HasField("refusal")]
            if refused:
                break
        self.assertEqual({refusal.code for refusal in refused}, {"DISK_FULL"})
        error = self.fails(lambda: self.client.sell(sale("s2")), grpc.StatusCode.RESOURCE_EXHAUSTED, "DISK_FULL: ")
        self.assertIn("google.rpc.RetryInfo", details_of(error)[2])
        self.assertIn("grpc-retry-pushback-ms", dict(error.trailing_metadata()))
        status = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
        self.assertTrue(status.read_only)
        self.assertTrue(status.read_only_reason)
        self.assertEqual(status.sales, 1 + posted)
        read = ledger_pb2.GetMemberRequest(member=number(1))
        self.assertEqual(self.client.ledger.GetMember(read, timeout=WAIT).member.visits, 1 + posted)
        self.assertEqual(self.client.sell(sale("s1")).outcome, self.sold)

        self.assertEqual(self.server.stop(), 0)
        self.server.flags = ()
        self.server.start()
        with self.server.channel() as channel:
            client = Client(channel)
            self.assertFalse(client.sell(sale("s2")).replayed)
            verdict = list(client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
            self.assertTrue(verdict.ties, verdict.difference)


jifend.main()
