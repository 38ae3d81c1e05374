"""Abuse on the wire against jifend, with a till beside it: its sales are all answered, memory stays within the bound that
each test states, and afterwards no connection and no socket of the attack is left.

Usage: abuse_test.py DIRECTORY_OF_PROGRAMS [unittest arguments]
How long the till waits meanwhile is measured by `jifen-bench abuse`, not here. In a sanitized build the server's exit
status says that nothing leaked.
"""
import subprocess

import jifend
from attack import (ENHANCE_YOUR_CALM, MIB, POST_BATCH, POST_SALE, SHUT, STREAM, WIDE_OPEN, AbuseCase, call, connect,
                    descriptors_raise, flood, greeted, handled, number32, push, reset, setting)
from jifend import PROGRAMS, WAIT, ledger_pb2, operations_pb2, sale
from wire import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, MESSAGE_MAX, PING, PRIORITY, RST,
                  WINDOW, frame, frames_read, goaway_code, greeting, literal, request_headers)


class Floods(AbuseCase):
    """Frames that ask for work and bring nothing: cut off after the same small amount of them."""

    def drowned(self, data, hello=greeting(), growth_max=48 * MIB, rounds=2):
        with self.attacked(growth_max) as till:
            for _ in range(rounds):
                code, sent = flood(self.server.port, hello, data)
                self.assertIn(code, (ENHANCE_YOUR_CALM, None), "RST may overtake GOAWAY")
                self.assertLess(sent, 256 * MIB, "the flood must end the connection")
            self.assertTrue(till.wait_for(5))

    def test_pings(self):
        self.drowned(frame(PING, 0, 0, b"12345678") * 1000)

    def test_acknowledged_pings_that_nobody_sent(self):
        self.drowned(frame(PING, ACK, 0, b"12345678") * 1000)

    def test_settings(self):
        self.drowned(setting((3, 100)) * 1000)

    def test_settings_that_change_the_windows_of_many_streams(self):
        hello = greeting() + b"".join(frame(HEADERS, END_HEADERS, n, request_headers(STREAM)) for n in range(1, 1001, 2))
        self.drowned((setting(*[(4, 1), (4, 65535)] * 8)) * 100, hello)

    def test_priorities(self):
        self.drowned(frame(PRIORITY, 0, 1, number32(0) + b"\x10") * 1000)

    def test_unknown_frames(self):
        self.drowned(frame(0x77, 0, 0, b"whatever") * 1000)

    def test_goaways(self):
        self.drowned(frame(GOAWAY, 0, 0, bytes(8)) * 1000)

    def test_empty_data(self):
        self.drowned(frame(DATA, 0, 1) * 1000, greeting() + frame(HEADERS, END_HEADERS, 1, request_headers(STREAM)))

    def test_data_a_byte_at_a_time(self):
        self.drowned(frame(DATA, 0, 1, b"\0") * 1000,
                     greeting() + frame(HEADERS, END_HEADERS, 1, request_headers(POST_SALE)))

    def test_data_of_a_closed_stream(self):
        hello = greeting() + frame(HEADERS, END_HEADERS, 1, request_headers(STREAM)) + frame(RST, 0, 1, number32(8))
        self.drowned(frame(DATA, 0, 1, bytes(16384)) * 16, hello)

    def test_window_updates(self):
        self.drowned(frame(WINDOW, 0, 0, number32(1)) * 1000)

    def test_windows_of_a_byte(self):
        """Each byte of credit makes the server send a byte."""
        writes = [ledger_pb2.Write(sale=sale(f"w{n}")) for n in range(500)]
        batch = call(1, POST_BATCH, ledger_pb2.PostBatchRequest(writes=writes))
        self.drowned(frame(WINDOW, 0, 1, number32(1)) * 1000, SHUT + batch)

    def ends_calls_that_go_on_with(self, follow, rounds):
        """Calls are begun, each followed at once by the frame that `follow` makes for its stream, until the connection ends."""
        with self.attacked(64 * MIB):
            for _ in range(rounds):
                with connect(self.server.port) as raw:
                    push(raw, greeting())
                    for n in range(1, 40001, 200):
                        if not push(raw, b"".join(
                                frame(HEADERS, END_HEADERS, stream, request_headers(STREAM)) + follow(stream)
                                for stream in range(n, n + 200, 2))) \
                                or not handled(raw):
                            break
                    self.assertLess(n, 39801, "the flood must end the connection")

    def test_rapid_reset(self):
        """CVE-2023-44487: calls that are begun and reset at once, again and again. None can be answered before it is reset:
        an answer that is taken would pay for ten."""
        self.ends_calls_that_go_on_with(lambda stream: frame(RST, 0, stream, number32(8)), 2)

    def test_resets_that_the_server_is_made_to_send(self):
        """CVE-2025-8671: each call breaks the protocol after it was taken."""
        self.ends_calls_that_go_on_with(lambda stream: frame(WINDOW, 0, stream, number32(0x7fffffff)), 3)

    def test_streams_beyond_the_bound(self):
        """Refused again and again, by a client that says it never saw the bound."""
        with self.attacked(64 * MIB):
            for _ in range(4):
                opens = (b"".join(frame(HEADERS, END_HEADERS, n, request_headers(STREAM)) for n in range(at, at + 200, 2))
                         for at in range(1, 40001, 200))
                with connect(self.server.port) as raw:
                    push(raw, greeting())
                    taken = sum(push(raw, data) and handled(raw) for data in opens)
                    self.assertLess(taken, 200)

    def test_continuations(self):
        """CVE-2024-27316: a header block that never ends."""
        self.drowned(frame(CONTINUATION, 0, 1, literal("x", "y" * 1000)) * 16,
                     greeting() + frame(HEADERS, 0, 1, request_headers()))
        self.drowned(frame(CONTINUATION, 0, 1) * 1000, greeting() + frame(HEADERS, 0, 1, request_headers()))

    def test_header_bombs(self):
        """A header of 4 KiB that is indexed once and then named by one byte, 16,000 times a frame."""
        entry = b"\x40" + literal("bomb", "b" * 3900)[1:]
        bomb = frame(HEADERS, END_HEADERS | END_STREAM, 1, request_headers(POST_SALE) + entry + b"\xbe" * 10000)
        with self.attacked(48 * MIB):
            for _ in range(50):
                with connect(self.server.port) as raw:
                    push(raw, greeting() + bomb)
                    self.assertEqual(goaway_code(frames_read(raw)), ENHANCE_YOUR_CALM)


class Holders(AbuseCase):
    """Clients that take what there is and keep it."""

    def test_thousands_of_idle_connections(self):
        count = min(3000, descriptors_raise())
        raws = []
        with self.attacked(count * 20480) as till:
            try:
                for _ in range(count):
                    raws.append(connect(self.server.port))
                    raws[-1].sendall(greeting())
                for raw in raws:
                    frames_read(raw, lambda frames: len(frames) > 0)
                self.assertGreaterEqual(self.status().connections, count)
                self.assertTrue(till.wait_for(20))
                for raw in raws[::100]:
                    self.assertTrue(handled(raw))
            finally:
                for raw in raws:
                    raw.close()

    def test_thousands_of_connections_that_are_dropped(self):
        with self.attacked(48 * MIB):
            for n in range(3000):
                raw = connect(self.server.port)
                if n % 3:
                    push(raw, greeting())
                reset(raw) if n % 2 else raw.close()

    def batch(self, name, count=2000):
        writes = [ledger_pb2.Write(sale=sale(f"{name}-{n}")) for n in range(count)]
        return ledger_pb2.PostBatchRequest(writes=writes)

    def test_clients_that_never_read(self):
        """60 connections ask for 2.5 MiB of answers each and take nothing; their sockets stay full."""
        self.client.ledger.PostBatch(self.batch("again"), timeout=WAIT)
        asked = b"".join(call(n, POST_BATCH, self.batch("again")) for n in range(1, 21, 2))
        raws = []
        with self.attacked(320 * MIB) as till:
            try:
                for _ in range(60):
                    raw = greeted(self.server.port, WIDE_OPEN, receive_bytes=4096)
                    raw.settimeout(0.1)
                    push(raw, asked)
                    raws.append(raw)
                self.assertTrue(till.wait_for(50))
            finally:
                for raw in raws:
                    raw.close()

    def test_clients_whose_windows_stay_shut(self):
        """60 connections ask for 2 MiB of answers each and give no window for them."""
        self.client.ledger.PostBatch(self.batch("again"), timeout=WAIT)
        asked = b"".join(call(n, POST_BATCH, self.batch("again")) for n in range(1, 17, 2))
        raws = []
        with self.attacked(320 * MIB) as till:
            try:
                for _ in range(60):
                    raw = greeted(self.server.port, SHUT)
                    push(raw, asked)
                    self.assertTrue(handled(raw))
                    raws.append(raw)
                self.assertTrue(till.wait_for(50))
            finally:
                for raw in raws:
                    raw.close()

    def test_half_messages(self):
        """Each of 10 connections leaves 15 messages of a MiB unfinished: together they hold what is stated, no more."""
        data = b"\0" + number32(MESSAGE_MAX) + bytes(16379)
        raws = []
        with self.attacked(320 * MIB) as till:
            try:
                for _ in range(10):
                    raw = greeted(self.server.port)
                    for n in range(1, 31, 2):
                        push(raw, frame(HEADERS, END_HEADERS, n, request_headers(POST_BATCH)) + frame(DATA, 0, n, data) +
                             frame(DATA, 0, n, bytes(16384)) * 60)
                    self.assertTrue(handled(raw))
                    raws.append(raw)
                self.assertTrue(till.wait_for(50))
            finally:
                for raw in raws:
                    raw.close()

    def test_messages_that_claim_gigabytes(self):
        with self.attacked(32 * MIB):
            for size in (MESSAGE_MAX + 1, 1 << 30, 0xffffffff):
                with connect(self.server.port) as raw:
                    push(raw, greeting() + b"".join(
                        frame(HEADERS, END_HEADERS, n, request_headers(POST_SALE)) +
                        frame(DATA, 0, n, b"\0" + number32(size) + bytes(100)) for n in range(1, 201, 2)))
                    frames = frames_read(raw, lambda frames: sum(f[0] == RST for f in frames) == 100)
                    self.assertEqual(sum(f[0] == HEADERS and f[1] & END_STREAM for f in frames), 100)

    def test_half_sent_headers_and_requests(self):
        """Slow loris: a thousand requests that go on by a byte now and then, and are never whole."""
        raws = []
        with self.attacked(64 * MIB) as till:
            try:
                for n in range(1000):
                    raw = connect(self.server.port)
                    whole = greeting() + call(1, POST_SALE, sale("loris"))
                    push(raw, whole[:len(greeting()) + n % (len(whole) - len(greeting()))])
                    raws.append((raw, whole[len(greeting()) + n % (len(whole) - len(greeting())):]))
                for at in range(3):
                    for raw, rest in raws:
                        push(raw, rest[at:at + 1] if len(rest) > 4 else b"")
                    self.assertTrue(till.wait_for(10))
            finally:
                for raw, _ in raws:
                    raw.close()

    def test_calls_that_are_begun_and_left(self):
        """64 connections open as many streams as they may: together as many calls as there can be. The till's
        connection has its part all the same."""
        raws = []
        opens = b"".join(frame(HEADERS, END_HEADERS, n, request_headers(STREAM)) for n in range(1, 2049, 2))
        with self.attacked(512 * MIB) as till:
            try:
                for _ in range(64):
                    raw = greeted(self.server.port)
                    push(raw, opens)
                    self.assertTrue(handled(raw))
                    raws.append(raw)
                self.assertTrue(till.wait_for(20))
            finally:
                for raw in raws:
                    raw.close()

    def test_half_closed_streams_are_answered(self):
        """Both ways: the client's last byte has gone, and the server's last answer comes when there is a window."""
        with self.attacked(32 * MIB):
            raws = [connect(self.server.port) for _ in range(50)]
            for raw in raws:
                push(raw, SHUT + b"".join(call(n, POST_SALE, sale(f"half-{n}")) for n in range(1, 41, 2)))
                self.assertTrue(handled(raw))
            for raw in raws:
                push(raw, setting((4, 65535)))
                frames = frames_read(raw, lambda frames: sum(f[0] == HEADERS and f[1] & END_STREAM for f in frames) == 20)
                self.assertEqual(sum(f[0] == DATA for f in frames), 20)
                raw.close()


class Crowd(AbuseCase):
    flags = ("--connections", "64")

    def test_connections_above_the_bound_are_closed_and_idle_ones_make_room(self):
        """Where less than an eighth is free, a connection that only waits is told goodbye after ten seconds."""
        raws = []
        for _ in range(58):
            raws.append(connect(self.server.port))
            push(raws[-1], greeting())
        for raw in raws:
            self.assertTrue(handled(raw))
        self.assertEqual(goaway_code(frames_read(raws[0])), 0)
        self.until(lambda: self.status().connections < 60, "the idle must go")
        late = connect(self.server.port)
        push(late, greeting())
        self.assertTrue(handled(late))
        for raw in [*raws, late]:
            raw.close()


class FewDescriptors(AbuseCase):
    """A limit that leaves 60 connections: more are closed at once, and what the ledger needs is never taken."""

    flags = ()
    server_type = type("LimitedServer", (jifend.Jifend,), {"wrapper": ("prlimit", "--nofile=700:700")})

    def test_the_ledger_goes_on_and_recovers(self):
        self.assertIn("60 connections are taken", self.server.log.read_text())
        with self.attacked(256 * MIB) as till:  # a verification is among it
            raws = [connect(self.server.port) for _ in range(300)]
            alive = [raw for raw in raws if push(raw, greeting()) and handled(raw)]
            self.assertLess(len(alive), 60)
            self.assertGreater(len(alive), 40)
            # Segments, tables and a second state are opened meanwhile.
            writes = [ledger_pb2.Write(sale=sale(f"many-{n}")) for n in range(8000)]
            for _ in range(2):
                self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
            self.client.operations.Checkpoint(operations_pb2.CheckpointRequest(), timeout=WAIT)
            self.ties()
            self.assertTrue(till.wait_for(5))
            for raw in raws:
                raw.close()
        late = connect(self.server.port)
        self.assertTrue(push(late, greeting()) and handled(late))
        late.close()

    def test_too_few_are_told_at_start(self):
        done = subprocess.run(["prlimit", "--nofile=655:655", PROGRAMS / "jifend", "--data", self.folder / "other"],
                              capture_output=True, text=True, timeout=WAIT)
        self.assertEqual(done.returncode, 5)
        self.assertIn("no more than 655 files may be open here: at least 656 are needed", done.stderr)


if __name__ == "__main__":
    jifend.main()
