"""gRPC over HTTP/2 as clients should not speak it, against jifend: paths, content types, te, time-outs, flags, lengths.

Usage: grpc_test.py DIRECTORY_OF_PROGRAMS [unittest arguments]
What is malformed writes nothing and leaves the connection usable. Statuses are those of the gRPC specification for
servers (PROTOCOL-HTTP2.md, statuscodes.md).
"""
import itertools
import threading

import grpc

import jifend
from attack import MIB, POST_BATCH, POST_SALE, STREAM, AbuseCase, greeted, handled, number32
from jifend import WAIT, ledger_pb2, sale
from wire import (DATA, END_HEADERS, END_STREAM, HEADERS, HpackDecoder, ended, frame, frames_read, literal, message,
                  request_headers)

CANCELLED, INVALID, DEADLINE, EXHAUSTED, UNIMPLEMENTED, INTERNAL = "1", "3", "4", "8", "12", "13"
PSEUDO = ((":method", "POST"), (":scheme", "http"), (":path", POST_SALE), (":authority", "test"))


def headers(*pairs):
    return b"".join(literal(name, value) for name, value in pairs)


class Connection:
    """A raw connection that makes one call after the other and decodes what is answered."""

    def __init__(self, port):
        self.raw = greeted(port)
        self.decoder = HpackDecoder()
        self.stream = -1

    def ask(self, block, *bodies):
        """In: bodies: of DATA frames; the last ends the request. None: the headers end it. Returns: headers and trailers."""
        self.stream += 2
        flags = END_HEADERS | (0 if bodies else END_STREAM)
        data = frame(HEADERS, flags, self.stream, block)
        for at, body in enumerate(bodies):
            data += frame(DATA, END_STREAM if at + 1 == len(bodies) else 0, self.stream, body)
        self.raw.sendall(data)
        found = {}
        for kind, _, stream, payload in frames_read(self.raw, ended(self.stream)):
            if kind == HEADERS:
                decoded = self.decoder.decode(payload)
                found.update(decoded if stream == self.stream else {})
        return found


class Grpc(AbuseCase):
    flags = ()

    def setUp(self):
        super().setUp()
        self.connection = Connection(self.server.port)
        self.addCleanup(lambda: self.connection.raw.close())
        self.names = (f"sale-{n}" for n in itertools.count())

    def sold(self, **fields):
        return message(sale(next(self.names), **fields).SerializeToString())

    def expect(self, status, block, *bodies, words=""):
        """The call ends with the status, posts nothing, and the next call on the connection is answered."""
        before = self.status().position_last
        found = self.connection.ask(block, *bodies)
        self.assertEqual(found.get("grpc-status"), status, found)
        self.assertIn(words, found.get("grpc-message", ""))
        self.assertEqual(self.status().position_last, before)
        self.well(request_headers(POST_SALE))
        return found

    def well(self, block):
        found = self.connection.ask(block, self.sold())
        self.assertEqual((found[":status"], found["grpc-status"]), ("200", "0"), found)

    def test_paths_that_are_no_method(self):
        for path in ("/", "/jifen.v1.Ledger", "/jifen.v1.Ledger/", "/jifen.v1.Ledger/postsale", POST_SALE + "/",
                     POST_SALE + "?x=1", "//jifen.v1.Ledger/PostSale", "/jifen.v1.Nothing/PostSale", "/" + "p" * 5000,
                     "/jifen.v1.Ledger/%50ostSale"):
            with self.subTest(path=path[:60]):
                self.expect(UNIMPLEMENTED, request_headers(path), self.sold(), words="unknown method")

    def test_content_types(self):
        for good in ("application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"):
            self.well(request_headers(POST_SALE, content_type=good))
        for bad in ("", "application/json", "application/grpc+json", "application/grpc-web", "application/grpcx",
                    "APPLICATION/JSON"):
            with self.subTest(content_type=bad):
                found = self.connection.ask(request_headers(POST_SALE, content_type=bad), self.sold())
                self.assertEqual(found[":status"], "415")
        found = self.connection.ask(headers(*PSEUDO, ("te", "trailers")), self.sold())
        self.assertEqual(found[":status"], "415", "none at all")

    def test_te_may_be_missing(self):
        """It tells servers of proxies that would drop trailers; ours are sent in any case."""
        self.well(headers(*PSEUDO, ("content-type", "application/grpc")))

    def test_time_outs(self):
        for good in ("99999999H", "1M", "60S", "60000m", "99999999u", "99999999n"):
            self.well(request_headers(POST_SALE, more=[("grpc-timeout", good)]))
        for bad in ("", "1", "S", "1s", "-1S", "+1S", "1.5S", "123456789S", "1SS", "0x1S", "1\u00b5"):
            with self.subTest(timeout=bad):
                block = headers(*PSEUDO, ("content-type", "application/grpc")) + literal("grpc-timeout", bad)
                self.expect(INVALID, block, self.sold(), words="grpc-timeout is malformed")

    def test_time_out_of_nothing_has_passed(self):
        for none in ("0n", "0H"):
            self.expect(DEADLINE, request_headers(POST_SALE, more=[("grpc-timeout", none)]), self.sold(), words="deadline")

    def test_half_a_request_ends_at_its_deadline(self):
        block = request_headers(POST_SALE, more=[("grpc-timeout", "200m")])
        self.connection.stream += 2
        self.connection.raw.sendall(frame(HEADERS, END_HEADERS, self.connection.stream, block) +
                                    frame(DATA, 0, self.connection.stream, self.sold()[:20]))
        frames = frames_read(self.connection.raw, ended(self.connection.stream))
        found = self.connection.decoder.decode(next(f[3] for f in frames if f[0] == HEADERS))
        self.assertEqual(found["grpc-status"], DEADLINE)
        self.well(request_headers(POST_SALE))

    def test_stream_ends_at_its_deadline(self):
        is_over = threading.Event()

        def requests():
            yield ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale("streamed")))
            is_over.wait(WAIT)
        answers = self.client.ledger.Stream(requests(), timeout=2)
        self.assertEqual(next(answers).result.refusal.code, "")
        with self.assertRaises(grpc.RpcError) as caught:
            next(answers)
        is_over.set()
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(self.client.sell(sale("streamed")).replayed)

    def test_deadline_while_it_waits_in_the_queue_leaves_a_retry_that_tells(self):
        writes = [ledger_pb2.Write(sale=sale(f"ahead-{n}")) for n in range(8000)]
        ahead = self.client.ledger.PostBatch.future(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
        # A channel of its own: this client resets streams that it never opened, which ends a connection.
        with self.server.channel(("grpc.use_local_subchannel_pool", 1)) as channel:
            sell = jifend.Client(channel).ledger.PostSale.future
            late = [sell(sale(f"late-{n}"), timeout=0.001 + n / 1000) for n in range(50)]
            codes = {call.code() for call in late if call.exception() is not None}
        self.assertLessEqual(codes, {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE})
        self.assertEqual(len(ahead.result().results), 8000)
        first = [self.client.sell(sale(f"late-{n}")) for n in range(50)]
        again = [self.client.sell(sale(f"late-{n}")) for n in range(50)]
        self.assertEqual([answer.outcome for answer in again], [answer.outcome for answer in first])
        self.assertEqual(self.status().sales, 8000 + 50)

    def test_compressed_and_malformed_flags(self):
        for path in (POST_SALE, POST_BATCH, STREAM):
            body = self.sold()
            found = self.expect(UNIMPLEMENTED, request_headers(path), b"\1" + body[1:], words="compressed")
            self.assertEqual(found["grpc-accept-encoding"], "identity")
            self.expect(INTERNAL, request_headers(path), b"\2" + body[1:])
            self.expect(INTERNAL, request_headers(path), b"\xff" + body[1:])
        self.well(request_headers(POST_SALE, more=[("grpc-encoding", "gzip")]))

    def test_lengths(self):
        body = self.sold()
        for path in (POST_SALE, STREAM):
            self.expect(EXHAUSTED, request_headers(path), b"\0" + number32((4 << 20) + 1) + body[5:], words="4194304")
            self.expect(INTERNAL, request_headers(path), body[:-1], words="in the middle")
            self.expect(INTERNAL, request_headers(path), body[:3], words="in the middle")
        self.expect(INTERNAL, request_headers(POST_SALE), b"\0" + number32(len(body) - 6) + body[5:], words="more than one")

    def test_a_unary_call_takes_one_message(self):
        self.expect(INTERNAL, request_headers(POST_SALE), words="none came")
        self.expect(INTERNAL, request_headers(POST_SALE), b"", words="none came")
        body = self.sold()
        self.expect(INTERNAL, request_headers(POST_SALE), body + body, words="more than one")
        self.expect(INTERNAL, request_headers(POST_SALE), body, self.sold(), words="more than one")
        self.expect(INTERNAL, request_headers(POST_SALE), body + b"\0", words="more than one")

    def test_messages_of_no_bytes_are_messages(self):
        self.expect(INVALID, request_headers(POST_SALE), b"\0\0\0\0\0", words="INVALID_FIELD")
        found = self.connection.ask(request_headers("/jifen.v1.Operations/Status"), b"\0\0\0\0\0")
        self.assertEqual(found["grpc-status"], "0")

    def test_empty_frames_and_padding_between_the_bytes_do_no_harm(self):
        body = self.sold()
        found = self.connection.ask(request_headers(POST_SALE), b"", body[:1], b"", body[1:7], b"", body[7:], b"")
        self.assertEqual(found["grpc-status"], "0", found)

    def test_headers_beyond_the_bound(self):
        for count, status in ((5, "0"), (6, EXHAUSTED)):
            block = request_headers(POST_SALE, more=[(f"x-{n}", "v" * 2700) for n in range(count)])
            found = self.connection.ask(block[:16384], self.sold()) if len(block) <= 16384 else None
            if found is not None:
                self.assertEqual(found["grpc-status"], status)

    def test_calls_that_are_cancelled_leave_nothing(self):
        with self.attacked(32 * MIB):
            for n in range(200):
                future = self.client.ledger.PostSale.future(sale(f"cancelled-{n}"), timeout=WAIT)
                future.cancel()
        self.assertTrue(handled(self.connection.raw))
        self.ties()


if __name__ == "__main__":
    jifend.main()
