"""What the tests of the wire share: the server as a process, HTTP/2 frames by hand, a small HPACK decoder."""
import os
import signal
import socket
import struct
import subprocess
import sys

import grpc

PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else "."  # the directory of the programs
WAIT = 180  # seconds: a bound on hanging, never a measure
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
MESSAGE_MAX = 4 << 20


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header that is never indexed, of any length."""
    def text(value):
        size = len(value)
        if size < 127:
            return bytes([size]) + value
        out = bytearray([127])
        size -= 127
        while size >= 128:
            out.append(size % 128 + 128)
            size //= 128
        out.append(size)
        return bytes(out) + value
    return b"\x10" + text(name.encode()) + text(value.encode())


def request_headers(path="/test.Echo/Unary", method="POST", content_type="application/grpc", more=()):
    headers = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test"),
               ("te", "trailers"), ("content-type", content_type), *more]
    return b"".join(literal(name, value) for name, value in headers)


def message(body, flag=0):
    return bytes([flag]) + struct.pack(">I", len(body)) + body


def greeting():
    return PREFACE + frame(SETTINGS)


def whole_call(stream, body=b"hello", path="/test.Echo/Unary"):
    return (frame(HEADERS, END_HEADERS, stream, request_headers(path)) +
            frame(DATA, END_STREAM, stream, message(body)))


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([os.path.join(PROGRAMS, "echo_server"), *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            raise RuntimeError(self.process.stderr.read())
        self.port = int(line.split()[1])

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return raw

    def channel(self):
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[
            ("grpc.max_receive_message_length", 32 << 20), ("grpc.max_send_message_length", 32 << 20),
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)])

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            out, errors = self.process.communicate(timeout=WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, out, errors


def frames_read(raw, until=lambda frames: False):
    """Reads frames until the peer closes or `until` is satisfied."""
    frames, buffer = [], b""
    while not until(frames):
        try:
            chunk = raw.recv(65536)
        except ConnectionError:
            break
        if not chunk:
            break
        buffer += chunk
        while len(buffer) >= 9:
            size = int.from_bytes(buffer[:3], "big")
            if len(buffer) < 9 + size:
                break
            frames.append((buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big"), buffer[9:9 + size]))
            buffer = buffer[9 + size:]
    return frames


def ended(stream):
    def check(frames):
        return any(f[2] == stream and (f[0] == RST or f[0] == HEADERS and f[1] & END_STREAM) for f in frames)
    return check


def goaway_code(frames):
    for kind, _, _, payload in frames:
        if kind == GOAWAY:
            return int.from_bytes(payload[4:8], "big")
    return None


def header_block(frames, stream):
    return b"".join(f[3] for f in frames if f[2] == stream and f[0] == HEADERS)


def hpack_decode(block):
    return HpackDecoder().decode(block)


class HpackDecoder:
    """The first header block of a connection: RFC 7541 without evictions."""

    STATIC = {8: (":status", "200"), 9: (":status", "204"), 13: (":status", "404"), 14: (":status", "500"),
              31: ("content-type", ""), 16: ("accept-encoding", "gzip, deflate")}

    def __init__(self):
        self.dynamic = []

    def integer(self, data, at, bits):
        mask = (1 << bits) - 1
        value = data[at] & mask
        at += 1
        if value < mask:
            return value, at
        shift = 0
        while True:
            byte = data[at]
            at += 1
            value += (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value, at

    def text(self, data, at):
        huffman = data[at] & 128
        size, at = self.integer(data, at, 7)
        raw = data[at:at + size]
        return (huffman_decode(raw) if huffman else raw.decode("latin1")), at + size

    def entry(self, index):
        if index <= 61:
            return self.STATIC.get(index, (f"static-{index}", "")) if index not in range(8, 15) else (
                ":status", {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}[index])
        return self.dynamic[index - 62]

    def decode(self, data):
        at, headers = 0, {}
        while at < len(data):
            byte = data[at]
            if byte & 0x80:
                index, at = self.integer(data, at, 7)
                name, value = self.entry(index)
            elif byte & 0xe0 == 0x20:
                _, at = self.integer(data, at, 5)
                continue
            else:
                bits = 6 if byte & 0x40 else 4
                index, at = self.integer(data, at, bits)
                if index:
                    name = self.entry(index)[0]
                else:
                    name, at = self.text(data, at)
                value, at = self.text(data, at)
                if byte & 0x40:
                    self.dynamic.insert(0, (name, value))
            headers[name] = value
        return headers


def huffman_decode(raw):
    bits = "".join(f"{byte:08b}" for byte in raw)
    out, code = [], ""
    for bit in bits:
        code += bit
        if code in HUFFMAN:
            out.append(HUFFMAN[code])
            code = ""
    return "".join(out)


# RFC 7541, appendix B, the printable part: code lengths by symbol; codes are canonical.
HUFFMAN_LENGTHS = dict(zip(range(32, 127), [
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13]))
HUFFMAN_EXTRA = {0: 13}  # the other symbols of 13 bits and less, which shift the canonical codes


def huffman_table():
    lengths = dict(HUFFMAN_LENGTHS)
    lengths.update(HUFFMAN_EXTRA)
    code, size, table = 0, 0, {}
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items() if length <= 13):
        code <<= length - size
        size = length
        table[f"{code:0{length}b}"] = chr(symbol)
        code += 1
    return table


HUFFMAN = huffman_table()
