"""Operations.Follow through the wire: in order, resumable, filtered; clients that do not read or go away harm nobody."""
import time

import grpc

import jifend
from jifend import PROGRAMS, WAIT, Case, ledger_pb2, line, operations_pb2, sale
from jifen.v1 import entry_pb2

FOLLOWERS_MAX = 16
# The sanitizer keeps what was freed, so that memory says nothing there.
SANITIZED = b"__asan_init" in (PROGRAMS / "jifend").read_bytes()


class Follow(Case):
    def setUp(self):
        super().setUp()
        self.client.chain()  # positions 1 and 2
        self.client.enrol(1)  # 3

    def follow(self, client=None, **fields):
        return (client or self.client).operations.Follow(operations_pb2.FollowRequest(**fields), timeout=WAIT)

    def sell(self, first, count, lines=None):
        writes = [ledger_pb2.Write(sale=sale(f"s{i}", lines=lines)) for i in range(first, first + count)]
        results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        self.assertEqual([result.refusal.code for result in results], [""] * count)

    def take(self, call, count):
        return [next(call) for _ in range(count)]

    def test_entries_come_in_order_and_then_as_they_happen(self):
        call = self.follow()
        first = self.take(call, 3)
        self.assertEqual([answer.entry.kind for answer in first], ["publication", "store", "enrolment"])
        self.sell(0, 200)
        later = self.take(call, 200)
        self.assertEqual([answer.entry.position for answer in first + later], list(range(1, 204)))
        self.assertEqual([answer.position for answer in later], [answer.entry.position for answer in later])
        self.assertEqual(later[0].entry.receipt, sale("s0").receipt)
        self.assertEqual(later[7].entry.outcome, self.client.sell(sale("s7")).outcome)
        self.assertEqual(later[0].stored, b"")
        call.cancel()

    def test_only_wanted_kinds_come_and_a_heartbeat_says_how_far_it_is(self):
        self.sell(0, 50)
        call = self.follow(kinds=["enrolment", "return"], heartbeat=True)
        self.assertEqual(next(call).entry.kind, "enrolment")
        beat = next(call)
        self.assertFalse(beat.HasField("entry"))
        self.assertEqual(beat.position, 53)
        self.client.enrol(2)
        answer = next(call)
        while not answer.HasField("entry"):
            answer = next(call)
        self.assertEqual((answer.entry.kind, answer.position), ("enrolment", 54))
        call.cancel()

    def test_stored_bytes_are_the_entry(self):
        self.sell(0, 1)
        answer = next(self.follow(from_position=4, stored=True))
        entry = entry_pb2.Entry.FromString(answer.stored)
        self.assertEqual(entry.outcome, answer.entry.outcome)
        self.assertEqual(entry.sale.receipt, answer.entry.receipt)
        self.assertEqual(entry.SerializeToString(), answer.stored)

    def test_a_kind_that_there_is_not_is_refused(self):
        for kind in ("sales", "", "unknown", "Sale"):
            refusal = self.refused(lambda kind=kind: next(self.follow(kinds=["sale", kind])),
                                   grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
            self.assertEqual(refusal.field, "kinds")

    def test_it_resumes_behind_the_last_position_also_after_a_restart(self):
        self.sell(0, 10)
        call = self.follow(from_position=5)
        self.assertEqual([answer.position for answer in self.take(call, 9)], list(range(5, 14)))
        self.assertEqual(self.server.stop(), 0)
        error = self.fails(lambda: next(call), grpc.StatusCode.UNAVAILABLE)
        self.assertIn("SHUTTING_DOWN", error.details())
        self.server.start()
        with self.server.channel() as channel:
            self.client = jifend.Client(channel)
            call = self.follow(from_position=14)
            self.sell(10, 3)
            self.assertEqual([answer.position for answer in self.take(call, 3)], [14, 15, 16])
            call.cancel()

    def test_a_client_that_does_not_read_harms_nobody(self):
        with self.server.channel(("grpc.use_local_subchannel_pool", 1)) as channel:
            stuck = [self.follow(jifend.Client(channel)) for _ in range(12)]
            reading = self.follow(from_position=4)
            before = self.resident_bytes()
            for batch in range(10):
                self.sell(batch * 1000, 1000, [line(10, sku="s" * 32, category="c" * 50)] * 36)
            for position in range(4, 10004):
                answer = next(reading)
                self.assertEqual(answer.position, position)
            self.assertGreater(answer.ByteSize(), 3 << 10)
            # What waits for them is bounded, however much there is: all of it would be 12 times 10,000 entries of
            # 3 KiB.
            if not SANITIZED:
                self.assertLess(self.resident_bytes() - before, 256 << 20)
            status = self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
            self.assertEqual(status.position_durable, 10003)
            # And they have lost nothing.
            for position in range(1, 10004):
                self.assertEqual(next(stuck[0]).position, position)
            for call in stuck + [reading]:
                call.cancel()

    def resident_bytes(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))

    def test_followers_are_bounded_and_one_that_goes_away_makes_room(self):
        calls = [self.follow() for _ in range(FOLLOWERS_MAX)]
        for call in calls:
            next(call)
        self.fails(lambda: next(self.follow()), grpc.StatusCode.RESOURCE_EXHAUSTED, "follow already")
        for call in calls:
            call.cancel()
        deadline = time.monotonic() + WAIT
        while True:
            again = self.follow()
            try:
                self.assertEqual(next(again).position, 1)
                break
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)  # the cancelled ones are still ending
        again.cancel()


jifend.main()
