"""The wire of ledger/net alone: a stock gRPC client for what must work, raw sockets for what must not hurt.

Usage: echo_test.py DIRECTORY_OF_PROGRAMS [unittest arguments]
Every test starts its own server and ends it with SIGTERM: exit status 0 then says that the server drained
with no call left open, and (in a sanitized build) that nothing leaked and nothing was used after it was freed.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from random import Random

import grpc

from wire import (CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, MESSAGE_MAX, PING, PREFACE,
                  PROGRAMS, RST, SETTINGS, WAIT, WINDOW, Server, ended, frame, frames_read, goaway_code, greeting,
                  header_block, hpack_decode, literal, message, request_headers, whole_call)


class Case(unittest.TestCase):
    options = ()

    def setUp(self):
        self.server = Server(*self.options)
        self.addCleanup(self.server_check)
        self.channel_open = None

    def server_check(self):
        code, out, errors = self.server.stop()
        self.assertEqual((code, errors), (0, ""), out)

    def channel(self):
        channel = self.server.channel()
        self.addCleanup(channel.close)
        return channel

    def exchange(self, raw, data, stream=1):
        raw.sendall(data)
        return frames_read(raw, ended(stream))

    def assert_serves(self):
        with self.server.channel() as channel:
            self.assertEqual(channel.unary_unary("/test.Echo/Unary")(b"well", timeout=WAIT), b"well")

    def status_of(self, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        return caught.exception


class StockClient(Case):
    def test_unary_of_every_size_class_comes_back(self):
        call = self.channel().unary_unary("/test.Echo/Unary")
        for size in [0, 1, 5, 100, 4096, 16384, 16379, 65536, 1 << 20, MESSAGE_MAX]:
            body = os.urandom(size)
            self.assertEqual(call(body, timeout=WAIT), body, size)

    def test_message_of_one_byte_too_many_is_refused_with_the_bound(self):
        error = self.status_of(lambda: self.channel().unary_unary("/test.Echo/Unary")(
            b"x" * (MESSAGE_MAX + 1), timeout=WAIT))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("4194304", error.details())

    def test_unknown_method_is_unimplemented_and_named(self):
        error = self.status_of(lambda: self.channel().unary_unary("/test.Echo/Nothing")(b"", timeout=WAIT))
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("/test.Echo/Nothing", error.details())

    def test_status_message_details_and_pushback_arrive(self):
        error = self.status_of(lambda: self.channel().unary_unary("/test.Echo/Fail")(b"9", timeout=WAIT))
        self.assertEqual(error.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(error.details(), "会员 7 has 50% of 100\n")
        trailers = dict(error.trailing_metadata())
        self.assertEqual(trailers["grpc-status-details-bin"], b"\x08\x05\x00\xff")
        self.assertEqual(trailers["grpc-retry-pushback-ms"], "1500")

    def test_every_status_code_arrives(self):
        call = self.channel().unary_unary("/test.Echo/Fail")
        for code in range(1, 17):
            error = self.status_of(lambda: call(str(code).encode(), timeout=WAIT))
            self.assertEqual(error.code().value[0], code)

    def test_streams_keep_order_both_ways(self):
        bodies = [os.urandom(n * 37 % 5000) for n in range(300)] + [b"y" * 1000000]
        for path in ["/test.Echo/Stream", "/test.Echo/Paused"]:
            answers = self.channel().stream_stream(path)(iter(bodies), timeout=WAIT)
            self.assertEqual(list(answers), bodies, path)

    def test_client_stream_without_messages_is_answered(self):
        call = self.channel().stream_unary("/test.Echo/Count")
        self.assertEqual(call(iter([]), timeout=WAIT), b"0")
        self.assertEqual(call(iter([b"a"] * 2000), timeout=WAIT), b"2000")

    def test_server_stream_of_many_messages_arrives_whole(self):
        answers = list(self.channel().unary_stream("/test.Echo/Many")(b"20000", timeout=WAIT))
        self.assertEqual(len(answers), 20000)
        self.assertEqual(set(answers), {b"m" * 1000})

    def test_answer_of_16_mib_arrives_and_more_is_refused_where_memory_ends(self):
        answer = self.channel().unary_unary("/test.Echo/Big")(str(16 << 20).encode(), timeout=WAIT)
        self.assertEqual(len(answer), 16 << 20)
        self.assertEqual(answer[:600], bytes((i * 31 + (i >> 8)) & 255 for i in range(600)))

    def test_many_large_batches_at_a_time_flow(self):
        call = self.channel().unary_unary("/test.Echo/Unary")
        bodies = [os.urandom(3 << 20) for _ in range(6)]
        futures = [call.future(body, timeout=WAIT) for body in bodies]
        self.assertEqual([future.result() for future in futures], bodies)

    def test_a_thousand_calls_at_a_time_are_all_answered(self):
        call = self.channel().unary_unary("/test.Echo/Unary")
        futures = [call.future(str(n).encode(), timeout=WAIT) for n in range(1000)]
        self.assertEqual([f.result() for f in futures], [str(n).encode() for n in range(1000)])

    def test_calls_outlive_clients_that_left(self):
        channel = self.server.channel()
        later = channel.unary_unary("/test.Echo/Later")
        futures = [later.future(b"", timeout=WAIT) for _ in range(50)]
        cancelled = futures[:10]
        for future in cancelled:
            future.cancel()
        raw = self.server.connect()
        raw.sendall(greeting() + b"".join(whole_call(n, b"", "/test.Echo/Later") for n in range(1, 41, 2)))
        raw.sendall(frame(PING, 0, 0, b"12345678"))
        frames_read(raw, lambda frames: any(f[0] == PING for f in frames))
        raw.close()
        channel.close()
        for _ in range(3):
            self.assert_serves()
        with self.server.channel() as other:
            other.unary_unary("/test.Echo/Release")(b"", timeout=WAIT)
        code, out, errors = self.server.stop()
        self.assertEqual((code, errors), (0, ""))
        counters = json.loads(out.splitlines()[-1])
        self.assertGreaterEqual(counters["held_gone"], 20)
        self.assertEqual(counters["calls_open"], 0)

    def test_server_stops_with_calls_held_for_clients_that_left(self):
        raw = self.server.connect()
        self.exchange(raw, greeting() + whole_call(1, b"", "/test.Echo/Later") + whole_call(3), 3)
        raw.close()
        self.assert_serves()
        with self.server.channel() as other:
            other.unary_unary("/test.Echo/Release")(b"", timeout=WAIT)

    def test_drain_answers_open_calls_and_refuses_new_ones(self):
        raw = self.server.connect()
        self.exchange(raw, greeting() + whole_call(1, b"", "/test.Echo/Later") + whole_call(3), 3)
        self.server.process.send_signal(signal.SIGTERM)
        frames = frames_read(raw, lambda frames: goaway_code(frames) is not None)
        self.assertEqual(goaway_code(frames), 0)
        raw.sendall(whole_call(5))
        frames = frames_read(raw, ended(5))
        self.assertTrue(ended(5)(frames))
        with self.assertRaises(OSError):
            late = self.server.connect()
            late.sendall(greeting())
            if not late.recv(1):
                raise ConnectionError("closed at once")
        self.assertIsNone(self.server.process.poll(), "an open call keeps the server")
        raw.close()  # Later's client goes, its call is finished, the server ends

    def server_check(self):
        if self.server.process.returncode is None:
            super().server_check()


class Requests(Case):
    """Requests that a stock client never sends."""

    def answer(self, data, stream=1):
        with self.server.connect() as raw:
            return self.exchange(raw, greeting() + data, stream)

    def decoded(self, data, stream=1):
        frames = self.answer(data, stream)
        return hpack_decode(b"".join(f[3] for f in frames if f[0] == HEADERS and f[2] == stream))

    def test_foreign_content_type_is_answered_415(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS | END_STREAM, 1,
                                     request_headers(content_type="application/json")))
        self.assertEqual(headers[":status"], "415")

    def test_content_type_with_proto_suffix_is_accepted(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS, 1,
                                     request_headers(content_type="application/grpc+proto")) +
                               frame(DATA, END_STREAM, 1, message(b"x")))
        self.assertEqual((headers[":status"], headers["grpc-status"]), ("200", "0"))

    def test_get_is_answered_405(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS | END_STREAM, 1, request_headers(method="GET")))
        self.assertEqual(headers[":status"], "405")

    def test_compressed_message_is_unimplemented_and_identity_offered(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers()) +
                               frame(DATA, END_STREAM, 1, message(b"x", 1)))
        self.assertEqual((headers["grpc-status"], headers["grpc-accept-encoding"]), ("12", "identity"))

    def test_unary_without_message_is_refused(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS | END_STREAM, 1, request_headers()))
        self.assertEqual(headers["grpc-status"], "13")
        self.assertIn("none came", headers["grpc-message"])

    def test_unary_with_two_messages_is_refused(self):
        for body in [frame(DATA, END_STREAM, 1, message(b"x") + message(b"y")),
                     frame(DATA, 0, 1, message(b"x")) + frame(DATA, END_STREAM, 1, message(b"y"))]:
            headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers()) + body)
            self.assertEqual(headers["grpc-status"], "13")
            self.assertIn("more than one", headers["grpc-message"])

    def test_request_cut_in_mid_message_is_refused(self):
        for path in ["/test.Echo/Unary", "/test.Echo/Stream"]:
            headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers(path)) +
                                   frame(DATA, END_STREAM, 1, message(b"hello")[:-1]))
            self.assertEqual(headers["grpc-status"], "13")

    def test_malformed_flag_is_refused(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers()) +
                               frame(DATA, END_STREAM, 1, message(b"x", 7)))
        self.assertEqual(headers["grpc-status"], "13")

    def test_malformed_timeout_is_refused(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers(more=[("grpc-timeout", "1x")])) +
                               frame(DATA, END_STREAM, 1, message(b"x")))
        self.assertEqual(headers["grpc-status"], "3")

    def test_declared_size_above_the_bound_is_refused_before_it_comes(self):
        headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers()) +
                               frame(DATA, 0, 1, b"\0\xff\xff\xff\xff"))
        self.assertEqual(headers["grpc-status"], "8")

    def test_message_in_one_byte_frames_with_padding_arrives(self):
        body = message(b"hello")
        data = b"".join(frame(DATA, 8, 1, b"\x03" + body[i:i + 1] + b"\0\0\0") for i in range(len(body)))
        headers = self.decoded(frame(HEADERS, END_HEADERS, 1, request_headers()) + data +
                               frame(DATA, END_STREAM, 1))
        self.assertEqual(headers["grpc-status"], "0")

    def test_headers_above_16_kib_are_refused_and_above_64_kib_end_the_connection(self):
        more = [(f"x-{n}", "v" * 3000) for n in range(6)]
        block = request_headers(more=more)
        headers = self.decoded(frame(HEADERS, 0, 1, block[:16000]) +
                               frame(CONTINUATION, END_HEADERS, 1, block[16000:]) +
                               frame(DATA, END_STREAM, 1, message(b"x")))
        self.assertEqual(headers["grpc-status"], "8")
        block = request_headers(more=[(f"x-{n}", "v" * 3000) for n in range(24)])
        pieces = [block[i:i + 16000] for i in range(0, len(block), 16000)]
        data = frame(HEADERS, 0, 1, pieces[0])
        for piece in pieces[1:]:
            data += frame(CONTINUATION, END_HEADERS if piece is pieces[-1] else 0, 1, piece)
        with self.server.connect() as raw:
            raw.sendall(greeting() + data)
            self.assertIsNotNone(goaway_code(frames_read(raw)))
        self.assert_serves()


class Abuse(Case):
    def test_http1_request_is_told_what_this_port_is(self):
        with self.server.connect() as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while chunk := raw.recv(4096):
                answer += chunk
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        head, body = answer.split(b"\r\n\r\n")
        self.assertIn(f"Content-Length: {len(body)}".encode(), head)
        self.assertIn(b"gRPC", body)

    def test_junk_is_closed_without_an_answer(self):
        for junk in [b"\x16\x03\x01\x02\x00", b"\0" * 100, PREFACE[:10] + b"zzzz"]:
            with self.server.connect() as raw:
                raw.sendall(junk)
                try:
                    self.assertNotIn(b"\0\0", raw.recv(4096))
                except ConnectionResetError:
                    pass
        self.assert_serves()

    def test_connection_dropped_at_every_byte_of_a_call_hurts_nobody(self):
        data = greeting() + whole_call(1, b"hello") + whole_call(3, b"", "/test.Echo/Later")
        for size in range(len(data) + 1):
            raw = self.server.connect()
            raw.sendall(data[:size])
            if size % 2:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()
        self.assert_serves()
        with self.server.channel() as channel:
            channel.unary_unary("/test.Echo/Release")(b"", timeout=WAIT)

    def test_call_in_one_byte_pieces_is_answered(self):
        with self.server.connect() as raw:
            for byte in greeting() + whole_call(1):
                raw.sendall(bytes([byte]))
            frames = frames_read(raw, ended(1))
        self.assertIn(message(b"hello"), [f[3] for f in frames])

    def flood(self, data, repeat):
        with self.server.connect() as raw:
            closed = threading.Event()
            reader = threading.Thread(target=lambda: (frames.extend(frames_read(raw)), closed.set()))
            frames = []
            raw.sendall(greeting())
            reader.start()
            try:
                for _ in range(repeat):
                    raw.sendall(data)
                    if closed.is_set():
                        break
            except OSError:
                pass
            self.assertTrue(closed.wait(WAIT), "the flood must end the connection")
            reader.join()
        self.assert_serves()

    def test_rapid_reset_ends_the_connection(self):
        with self.server.connect() as raw:
            raw.sendall(greeting())
            try:
                for n in range(1, 20001, 2):
                    raw.sendall(frame(HEADERS, END_HEADERS, n, request_headers("/test.Echo/Stream")) +
                                frame(RST, 0, n, struct.pack(">I", 8)))
            except OSError:
                pass
            frames_read(raw)
        self.assert_serves()

    def test_ping_flood_ends_the_connection(self):
        self.flood(frame(PING, 0, 0, b"12345678") * 1000, 10000)

    def test_settings_flood_ends_the_connection(self):
        self.flood(frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100)) * 1000, 10000)

    def test_empty_data_flood_ends_the_connection(self):
        first = frame(HEADERS, END_HEADERS, 1, request_headers("/test.Echo/Stream"))
        with self.server.connect() as raw:
            raw.sendall(greeting() + first)
            try:
                for _ in range(10000):
                    raw.sendall(frame(DATA, 0, 1) * 1000)
            except OSError:
                pass
        self.assert_serves()

    def test_continuation_flood_ends_the_connection(self):
        with self.server.connect() as raw:
            try:
                raw.sendall(greeting() + frame(HEADERS, 0, 1, request_headers()))
                for _ in range(10000):
                    raw.sendall(frame(CONTINUATION, 0, 1, literal("x", "y")))
            except OSError:
                pass
            frames_read(raw)
        self.assert_serves()

    def test_window_overflow_ends_the_connection(self):
        with self.server.connect() as raw:
            raw.sendall(greeting() + frame(WINDOW, 0, 0, struct.pack(">I", 0x7fffffff)))
            self.assertEqual(goaway_code(frames_read(raw)), 3)
        self.assert_serves()

    def test_window_of_zero_holds_the_answer_until_it_opens(self):
        with self.server.connect() as raw:
            raw.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)) + whole_call(1) +
                        frame(PING, 0, 0, b"12345678"))
            frames = frames_read(raw, lambda frames: any(f[0] == PING for f in frames))
            self.assertEqual([f for f in frames if f[0] == DATA], [])
            for _ in range(10):
                raw.sendall(frame(WINDOW, 0, 1, struct.pack(">I", 1)))
            frames = frames_read(raw, ended(1))
        self.assertEqual(b"".join(f[3] for f in frames if f[0] == DATA), message(b"hello"))

    def test_answers_that_nobody_takes_are_bounded_and_others_served(self):
        before = self.server.resident_bytes()
        with self.server.connect() as raw:
            raw.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)))
            calls = b"".join(whole_call(n, b"4000000", "/test.Echo/Big") for n in range(1, 201, 2))
            raw.sendall(calls + frame(PING, 0, 0, b"12345678"))
            frames = frames_read(raw, lambda frames: any(f[0] == PING for f in frames))
            refused = [f for f in frames if f[0] == HEADERS and f[1] & END_STREAM]
            self.assertGreaterEqual(len(refused), 90)
            self.assertLess(self.server.resident_bytes() - before, 200 << 20)
            self.assert_serves()

    def test_client_that_never_reads_is_not_read_either(self):
        raw = self.server.connect()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(1)
        raw.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0x7fffffff)) +
                    frame(WINDOW, 0, 0, struct.pack(">I", 0x7fff0000 - 65535)))
        stream, sent = 1, 0
        try:
            while sent < (256 << 20):
                data = whole_call(stream, b"z" * 8000)
                raw.sendall(data)
                sent += len(data)
                stream += 2
        except (TimeoutError, OSError):
            pass
        self.assertLess(sent, 256 << 20)
        self.assert_serves()
        raw.close()

    def test_half_messages_on_many_streams_are_bounded(self):
        before = self.server.resident_bytes()
        raw = self.server.connect()
        half = b"\0" + struct.pack(">I", MESSAGE_MAX) + b"h" * 16000
        raw.sendall(greeting())
        reader = threading.Thread(target=frames_read, args=(raw,))
        reader.start()
        try:
            for n in range(1, 401, 2):
                raw.sendall(frame(HEADERS, END_HEADERS, n, request_headers()) + frame(DATA, 0, n, half))
                for _ in range(40):
                    raw.sendall(frame(DATA, 0, n, b"h" * 16000))
        except OSError:
            pass
        self.assertLess(self.server.resident_bytes() - before, 200 << 20)
        self.assert_serves()
        with contextlib.suppress(OSError):  # the server may have had enough of it
            raw.shutdown(socket.SHUT_RDWR)
        reader.join()
        raw.close()

    def test_mutated_calls_hurt_nobody(self):
        valid = greeting() + whole_call(1) + whole_call(3, b"x" * 300, "/test.Echo/Stream") + \
            frame(WINDOW, 0, 1, struct.pack(">I", 9)) + frame(PING, 0, 0, b"12345678") + \
            frame(HEADERS, 0, 5, request_headers()[:30]) + frame(CONTINUATION, END_HEADERS, 5, request_headers()[30:]) + \
            frame(DATA, END_STREAM, 5, message(b"y")) + frame(RST, 0, 3, struct.pack(">I", 8))
        for seed in range(400):
            random = Random(seed)
            data = bytearray(valid)
            for _ in range(random.randint(1, 6)):
                at = random.randrange(len(greeting()) if seed % 8 else 0, len(data))
                what = random.randrange(3)
                if what == 0:
                    data[at] = random.randrange(256)
                elif what == 1:
                    del data[at:at + random.randint(1, 20)]
                else:
                    data[at:at] = data[at:at + random.randint(1, 40)]
            with self.server.connect() as raw:
                try:
                    raw.sendall(bytes(data))
                    raw.shutdown(socket.SHUT_WR)
                    frames_read(raw)
                except OSError:
                    pass
            self.assertIsNone(self.server.process.poll(), f"seed {seed} ended the server")
        self.assert_serves()


class Start(unittest.TestCase):
    def refusal(self, *options):
        done = subprocess.run([os.path.join(PROGRAMS, "echo_server"), *options], capture_output=True, text=True,
                              timeout=WAIT)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_port_in_use_is_named(self):
        server = Server()
        self.addCleanup(server.stop)
        self.assertIn(f"port {server.port} is in use", self.refusal("--port", str(server.port)))

    def test_bad_and_foreign_addresses_are_named(self):
        self.assertIn("'localhost' is not a numeric", self.refusal("--address", "localhost"))
        self.assertIn("192.0.2.1 is not an address of this machine", self.refusal("--address", "192.0.2.1"))

    def test_ipv6_is_served(self):
        try:
            server = Server("--address", "::1")
        except RuntimeError as error:
            self.skipTest(str(error))
        self.addCleanup(server.stop)
        with grpc.insecure_channel(f"[::1]:{server.port}") as channel:
            self.assertEqual(channel.unary_unary("/test.Echo/Unary")(b"six", timeout=WAIT), b"six")


class Slow(Case):
    options = ("--handshake-ms", "300", "--idle-ms", "600", "--connections", "5")

    def test_silent_connection_is_closed(self):
        with self.server.connect() as raw:
            self.assertEqual(raw.recv(100), b"")

    def test_half_a_preface_is_closed(self):
        with self.server.connect() as raw:
            raw.sendall(PREFACE[:11])
            self.assertEqual(raw.recv(100), b"")

    def test_half_a_request_is_refused_and_the_connection_lives(self):
        with self.server.connect() as raw:
            frames = self.exchange(raw, greeting() + frame(HEADERS, END_HEADERS, 1, request_headers()))
            headers = hpack_decode(header_block(frames, 1))
            self.assertEqual(headers["grpc-status"], "4")
            self.assertIn(message(b"hello"), [f[3] for f in self.exchange(raw, whole_call(3), 3)])

    def test_half_a_header_block_ends_the_connection(self):
        with self.server.connect() as raw:
            raw.sendall(greeting() + frame(HEADERS, 0, 1, request_headers()[:20]))
            self.assertIsNotNone(goaway_code(frames_read(raw)))

    def test_idle_connection_is_told_goodbye(self):
        with self.server.connect() as raw:
            self.exchange(raw, greeting() + whole_call(1))
            self.assertEqual(goaway_code(frames_read(raw)), 0)

    def test_connections_above_the_bound_are_closed_at_once(self):
        raws = [self.server.connect() for _ in range(5)]
        for raw in raws:
            raw.sendall(greeting())
        for raw in raws:
            frames_read(raw, lambda frames: len(frames) > 0)
        with self.server.connect() as late:
            try:
                self.assertEqual(late.recv(1), b"")
            except ConnectionResetError:
                pass
        for raw in raws:
            raw.close()


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.key = os.path.join(cls.folder, "key.pem")
        cls.certificate = os.path.join(cls.folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=till", "-addext",
                        "subjectAltName=DNS:till.test,IP:127.0.0.1", "-keyout", cls.key, "-out",
                        cls.certificate], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.server = Server("--certificate", self.certificate, "--key", self.key)
        self.addCleanup(self.server_check)

    def server_check(self):
        code, out, errors = self.server.stop()
        self.assertEqual((code, errors), (0, ""), out)

    def assert_serves(self):
        with open(self.certificate, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        with grpc.secure_channel(f"127.0.0.1:{self.server.port}", credentials) as channel:
            for size in [0, 100, 1000000]:
                body = os.urandom(size)
                self.assertEqual(channel.unary_unary("/test.Echo/Unary")(body, timeout=WAIT), body)
            many = list(channel.unary_stream("/test.Echo/Many")(b"5000", timeout=WAIT))
            self.assertEqual(len(many), 5000)

    def test_stock_client_is_served(self):
        self.assert_serves()

    def test_client_without_h2_is_refused_in_the_handshake(self):
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["http/1.1"])
        with self.server.connect() as raw, self.assertRaises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(raw, server_hostname="till.test")
        self.assert_serves()

    def test_plain_text_on_a_tls_port_is_closed(self):
        with self.server.connect() as raw:
            raw.sendall(greeting() + whole_call(1))
            try:
                while raw.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        self.assert_serves()

    def test_handshake_dropped_at_every_64th_byte_hurts_nobody(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["h2"])
        client = context.wrap_bio(incoming, outgoing, server_hostname="till.test")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        for size in range(0, len(hello) + 1, 64):
            with self.server.connect() as raw:
                raw.sendall(hello[:size])
        self.assert_serves()

    def test_wrong_files_are_named(self):
        for options in [("--certificate", "/nowhere/c.pem", "--key", self.key),
                        ("--certificate", self.certificate, "--key", self.certificate),
                        ("--certificate", self.certificate)]:
            done = subprocess.run([os.path.join(PROGRAMS, "echo_server"), *options], capture_output=True,
                                  text=True, timeout=WAIT)
            self.assertEqual(done.returncode, 1)
            self.assertIn(options[1] if len(options) == 2 or "nowhere" in options[1] else options[3],
                          done.stderr)


class OwnClient(unittest.TestCase):
    """ledger/net/client.h against the echo server, plain and by TLS: tests/rpc/echo_client.c says what it claims."""

    def run_client(self, server, *options):
        done = subprocess.run([os.path.join(PROGRAMS, "echo_client"), str(server.port), *options],
                              capture_output=True, text=True, timeout=WAIT * 2)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        code, out, errors = server.stop()
        self.assertEqual((code, errors), (0, ""), out)

    def test_plain_text(self):
        self.run_client(Server())

    def test_tls(self):
        Tls.setUpClass()
        try:
            server = Server("--certificate", Tls.certificate, "--key", Tls.key)
            self.run_client(server, Tls.certificate)
        finally:
            Tls.tearDownClass()

    @unittest.skipUnless(shutil.which("h2load"), "h2load (package nghttp2-client) is not installed")
    def test_h2load_gets_every_request_answered(self):
        server = Server()
        with tempfile.NamedTemporaryFile() as body:
            body.write(message(b"x" * 150))
            body.flush()
            done = subprocess.run(["h2load", "-n", "20000", "-c", "8", "-m", "32", "-d", body.name,
                                   "-H", "content-type: application/grpc", "-H", "te: trailers",
                                   f"http://127.0.0.1:{server.port}/test.Echo/Unary"],
                                  capture_output=True, text=True, timeout=WAIT * 2)
        self.assertIn("20000 succeeded, 0 failed, 0 errored", done.stdout)
        code, out, errors = server.stop()
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(json.loads(out.splitlines()[-1])["calls"], 20000)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)
