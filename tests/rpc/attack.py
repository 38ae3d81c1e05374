"""What the tests of abuse share: a till that goes on beside an attack, what the server holds, and raw connections.

Used with jifend.py: a Case's server is attacked while a Bystander posts sales through a stock client.
"""
import contextlib
import os
import resource
import socket
import struct
import threading
import time

import jifend
import wire
from jifend import PROGRAMS, WAIT, operations_pb2, sale
from wire import (ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, SETTINGS, WINDOW, frame, frames_read,
                  greeting, message, request_headers)

MIB = 1 << 20
ENHANCE_YOUR_CALM = 11
POST_SALE, POST_BATCH, STREAM = (f"/jifen.v1.Ledger/{name}" for name in ("PostSale", "PostBatch", "Stream"))
# AddressSanitizer keeps freed memory: there, leaks are found at exit, and sizes prove nothing.
IS_SANITIZED = b"__asan_init" in (PROGRAMS / "jifend").read_bytes()


def descriptors_raise():
    """Returns: how many connections this process may open, with some to spare."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - 100


def number32(value):
    return struct.pack(">I", value)


def setting(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


# Both windows as large as they may be: only the socket holds answers back.
WIDE_OPEN = PREFACE + setting((4, 0x7fffffff)) + frame(WINDOW, 0, 0, number32(0x7fff0000 - 65535))
SHUT = PREFACE + setting((4, 0))


def call(stream, path, request, end=END_STREAM):
    body = message(request.SerializeToString())
    head = frame(HEADERS, END_HEADERS, stream, request_headers(path))
    pieces = [body[at:at + 16384] for at in range(0, len(body), 16384)]
    return head + b"".join(frame(DATA, end if piece is pieces[-1] else 0, stream, piece) for piece in pieces)


def connect(port, receive_bytes=None):
    raw = socket.socket()
    if receive_bytes:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    raw.settimeout(WAIT)
    raw.connect(("127.0.0.1", port))
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


def push(raw, data):
    """Sends all that the server takes. Returns: False when the connection is gone."""
    try:
        raw.sendall(data)
        return True
    except (OSError, TimeoutError):
        return False


def greeted(port, hello=None, **options):
    """A connection whose client knows the server's settings: its streams' windows are as large as the server lets them."""
    raw = connect(port, **options)
    if push(raw, hello or greeting()):
        frames_read(raw, lambda frames: any(f[0] == SETTINGS and not f[1] & ACK for f in frames))
        push(raw, frame(SETTINGS, ACK))
    return raw


def reset(raw):
    """Closes with RST, as a process that dies with unread input does."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def handled(raw):
    """Waits until the server has handled what was sent: a PING has come back. Returns: False at the connection's end."""
    answer = (PING, ACK, 0, b"handled?")
    return push(raw, frame(PING, 0, 0, answer[3])) and answer in frames_read(raw, lambda frames: answer in frames)


def flood(port, hello, data, bytes_max=256 * MIB):
    """Sends `data` again and again until the connection ends. Returns: (GOAWAY's code or None, bytes that it took)."""
    with connect(port) as raw:
        frames = []
        reader = threading.Thread(target=lambda: frames.extend(frames_read(raw)))
        sent = 0
        if push(raw, hello):
            reader.start()
            while sent < bytes_max and push(raw, data):
                sent += len(data)
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
            reader.join(WAIT)
        return wire.goaway_code(frames), sent


class Held:
    """What a process holds: sockets and resident memory."""

    def __init__(self, pid):
        self.pid = pid

    def sockets(self):
        count = 0
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                count += os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:")
        return count

    def resident(self):
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Bystander:
    """A till with a connection of its own that posts one sale after the other. In: channel: a grpc channel; it stays
    the caller's."""

    runs = 0

    def __init__(self, channel):
        self.client = jifend.Client(channel)
        self.answered = 0
        self.failures = []
        self.is_stopping = False
        self.changed = threading.Condition()
        Bystander.runs += 1
        self.name = f"bystander-{Bystander.runs}"
        self.thread = threading.Thread(target=self.run)

    def run(self):
        number = 0
        while not self.is_stopping:
            try:
                self.client.sell(sale(f"{self.name}-{number}"))
            except jifend.grpc.RpcError as error:
                self.failures.append(f"{error.code()} {error.details()}")
            number += 1
            with self.changed:
                self.answered = number - len(self.failures)
                self.changed.notify_all()

    def wait_for(self, more):
        """Waits until so many more sales were answered."""
        with self.changed:
            wanted = self.answered + more
            return self.changed.wait_for(lambda: self.answered >= wanted, WAIT)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.is_stopping = True
        self.thread.join(WAIT)


class AbuseCase(jifend.Case):
    """Each attack runs within `attacked`, which demands what must hold for all of them."""

    flags = ("--connections", "6000")

    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1)
        self.held = Held(self.server.process.pid)

    def until(self, check, what):
        deadline = time.monotonic() + WAIT
        while not check():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def peak_watch(self, peaks, stop):
        while not stop.wait(0.02):
            peaks.append(self.held.resident())

    @contextlib.contextmanager
    def attacked(self, growth_max, connections=None):
        """Within it, the till's sales are all answered, and some after the attack is under way; afterwards its
        connections are gone, and memory never grew by more than growth_max."""
        before = self.held.resident(), self.held.sockets(), self.status().connections
        peaks, stop = [before[0]], threading.Event()
        watch = threading.Thread(target=self.peak_watch, args=(peaks, stop))
        watch.start()
        try:
            with self.server.channel(("grpc.use_local_subchannel_pool", 1)) as channel, Bystander(channel) as till:
                self.assertTrue(till.wait_for(20))
                yield till
                self.assertTrue(till.wait_for(20), "the till must go on")
        finally:
            stop.set()
            watch.join()
        self.assertEqual(till.failures, [])
        self.until(lambda: self.status().connections <= before[2], "connections must be closed again")
        self.until(lambda: self.held.sockets() <= before[1], "sockets must be closed again")
        grown = (max(peaks) - before[0]) / MIB
        print(f"{self.id().split('.', 1)[1]}: {till.answered} sales beside it, memory grew by {grown:.0f} MiB", flush=True)
        if not IS_SANITIZED:
            self.assertLess(grown, growth_max / MIB)

    def status(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def ties(self):
        last = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
        self.assertTrue(last.ties, last.difference)
