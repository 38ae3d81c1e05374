"""Abuse of TLS against jifend, with a till beside it over TLS: handshakes that are left half-way, cut after every byte,
garbage, renegotiation, a key update, early closes. (Floods of key updates: tests/unit/net/tls_test.c.)

Usage: tls_test.py DIRECTORY_OF_PROGRAMS [unittest arguments]
"""
import os
import pathlib
import random
import shutil
import ssl
import subprocess
import tempfile

import grpc

import jifend
from attack import MIB, POST_SALE, AbuseCase, call, connect, push, reset
from jifend import WAIT, sale
from wire import frames_read, greeting, ended

FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="jifen-tls-"))
KEY, CERTIFICATE = FOLDER / "key.pem", FOLDER / "certificate.pem"


def setUpModule():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=till", "-addext", "subjectAltName=DNS:till.test,IP:127.0.0.1", "-keyout", KEY, "-out",
                    CERTIFICATE], check=True, capture_output=True)


def tearDownModule():
    shutil.rmtree(FOLDER)


class SecureServer(jifend.Jifend):
    def channel(self, *options):
        return grpc.secure_channel(f"127.0.0.1:{self.port}", grpc.ssl_channel_credentials(CERTIFICATE.read_bytes()),
                                   options=[*jifend.LARGE, *options])


class Tls(AbuseCase):
    flags = ("--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY))
    server_type = SecureServer

    def client_context(self):
        context = ssl.create_default_context(cafile=CERTIFICATE)
        context.set_alpn_protocols(["h2"])
        return context

    def hello(self):
        """A client's first flight."""
        outgoing = ssl.MemoryBIO()
        client = self.client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="till.test")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def secured(self):
        return self.client_context().wrap_socket(connect(self.server.port), server_hostname="till.test")

    def s_client(self, keys, *options):
        """openssl's client with lines typed into it, each when the one before was taken."""
        with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port}", "-alpn", "h2", *options],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            try:
                out, _ = client.communicate(keys, timeout=WAIT)
            finally:
                client.kill()
        return out.decode("latin1")

    def test_handshakes_that_are_left_half_way(self):
        hello, raws = self.hello(), []
        with self.attacked(96 * MIB) as till:
            try:
                for n in range(500):
                    raw = connect(self.server.port)
                    push(raw, hello[:n % len(hello)])
                    raws.append(raw)
                self.assertTrue(till.wait_for(20))
            finally:
                for raw in raws:
                    raw.close()

    def test_handshakes_that_are_cut_after_every_byte(self):
        hello = self.hello()
        with self.attacked(48 * MIB):
            for size in range(0, len(hello) + 1):
                raw = connect(self.server.port)
                push(raw, hello[:size])
                reset(raw) if size % 2 else raw.close()

    def test_whole_handshakes_whose_clients_leave(self):
        with self.attacked(48 * MIB):
            for n in range(100):
                secured = self.secured()
                if n % 3 == 1:
                    secured.sendall(greeting())
                if n % 3 == 2:
                    secured.sendall(greeting() + call(1, POST_SALE, sale(f"tls-{n}"))[:50])
                reset(secured) if n % 2 else secured.close()

    def test_garbage(self):
        chance = random.Random(4)
        with self.attacked(48 * MIB):
            for n in range(200):
                with connect(self.server.port) as raw:
                    hello = bytearray(self.hello() if n % 2 else chance.randbytes(400))
                    for _ in range(n % 7):
                        hello[chance.randrange(len(hello))] = chance.randrange(256)
                    push(raw, bytes(hello) + chance.randbytes(n))

    def test_records_after_the_handshake_that_are_garbage_end_the_connection(self):
        with self.attacked(48 * MIB):
            for _ in range(20):
                with self.secured() as secured:
                    secured.sendall(greeting())
                    frames_read(secured, lambda frames: len(frames) > 0)
                    os.write(secured.fileno(), b"\x17\x03\x03\x00\x40" + bytes(64))
                    with self.assertRaises((ssl.SSLError, ConnectionError)):
                        while secured.recv(4096):
                            pass

    def test_a_call_cut_after_every_record_is_posted_only_when_whole(self):
        with self.attacked(48 * MIB):
            data = call(1, POST_SALE, sale("record-00"))
            for n in range(0, 11):
                secured = self.secured()
                secured.sendall(greeting())
                data = call(1, POST_SALE, sale(f"record-{n:02}"))
                for at in range(0, len(data) * n // 10, 16):
                    secured.sendall(data[at:min(at + 16, len(data) * n // 10)])
                if n == 10:
                    self.assertTrue(ended(1)(frames_read(secured, ended(1))))
                secured.close()
        replayed = [self.client.sell(sale(f"record-{n:02}")).replayed for n in range(11)]
        self.assertEqual(replayed, [False] * 10 + [True])

    def test_renegotiation_is_not_done(self):
        with self.attacked(48 * MIB):
            for _ in range(3):
                said = self.s_client(b"R\n", "-tls1_2")
                self.assertIn("RENEGOTIATING", said)
                self.assertRegex(said, "no renegotiation|error|closed")

    def test_a_key_update_is_taken(self):
        with self.attacked(48 * MIB):
            self.assertIn("KEYUPDATE", self.s_client(b"K\n", "-tls1_3"))


if __name__ == "__main__":
    jifend.main()
