"""jifend as a process: what it says, how it ends, and what is there when it starts again."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import grpc

import jifend
from jifend import PROGRAMS, WAIT, Case, Client, Jifend, ledger_pb2, operations_pb2, sale


def status_of(client):
    return client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)


class Load:
    """Callers that post sales until their server goes; each remembers what it was answered."""

    def __init__(self, server, callers=8):
        self.acknowledged = {}
        self.failures = []
        self.threads = [threading.Thread(target=self.call, args=(server, which)) for which in range(callers)]
        for thread in self.threads:
            thread.start()

    def call(self, server, which):
        with server.channel() as channel:
            client = Client(channel)
            for i in range(1000000):
                name = f"{which}-{i}"
                try:
                    self.acknowledged[name] = client.sell(sale(name)).outcome.SerializeToString()
                except grpc.RpcError as error:
                    self.failures.append((name, error.code()))
                    return

    def wait_for(self, count):
        for _ in range(WAIT * 100):
            if len(self.acknowledged) >= count:
                return
            time.sleep(0.01)
        raise AssertionError(f"only {len(self.acknowledged)} sales were answered: {self.failures}")

    def join(self):
        for thread in self.threads:
            thread.join(WAIT)
            assert not thread.is_alive()


class Restart(Case):
    def assert_there_once(self, load):
        """Every acknowledged sale is there with its first answer; the others are there whole or not at all."""
        with self.server.channel() as channel:
            client = Client(channel)
            before = status_of(client).sales
            self.assertGreaterEqual(before, len(load.acknowledged))
            for name, outcome in load.acknowledged.items():
                again = client.sell(sale(name))
                self.assertTrue(again.replayed)
                self.assertEqual(again.outcome.SerializeToString(), outcome)
            self.assertEqual(status_of(client).sales, before)
            for name, _ in load.failures:
                client.sell(sale(name))
            self.assertEqual(status_of(client).sales, len(load.acknowledged) + len(load.failures))
            verdict = list(client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
            self.assertTrue(verdict.ties, verdict.difference)

    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1)

    def test_sigterm_during_load_answers_what_was_accepted_and_exits_0(self):
        load = Load(self.server)
        load.wait_for(500)
        self.assertEqual(self.server.stop(), 0)
        load.join()
        self.assertEqual({code for _, code in load.failures}, {grpc.StatusCode.UNAVAILABLE})
        log = self.server.log.read_text()
        self.assertIn("stopping: answering what was accepted", log)
        self.assertTrue(log.endswith("stopped\n"), log)
        self.server.start()
        self.assertIn("recovered 0 entries", self.server.log.read_text().splitlines()[-1])
        self.assert_there_once(load)

    def test_a_second_signal_does_not_lose_anything(self):
        load = Load(self.server)
        load.wait_for(200)
        for _ in range(5):
            if self.server.process.poll() is None:
                self.server.process.send_signal(signal.SIGINT)
        self.assertEqual(self.server.process.wait(WAIT), 0)
        load.join()
        self.server.start()
        self.assert_there_once(load)

    def test_a_stream_that_is_open_is_answered_and_ended_at_shutdown(self):
        release = threading.Event()

        def requests():
            for i in range(100):
                yield ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"s{i}")))
            release.wait(WAIT)
        call = self.client.ledger.Stream(requests(), timeout=WAIT)
        answers = [next(call) for _ in range(100)]
        self.assertEqual(self.server.stop(), 0)
        self.fails(lambda: next(call), grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
        release.set()
        self.server.start()
        with self.server.channel() as channel:
            self.assertEqual(Client(channel).sell(sale("s99")).outcome, answers[99].result.outcome)

    def test_after_kill_9_every_acknowledged_sale_is_there_exactly_once(self):
        for _ in range(3):
            load = Load(self.server)
            load.wait_for(300)
            self.server.kill()
            load.join()
            self.server.start()
            self.assert_there_once(load)
            self.tearDown_ledger()

    def tearDown_ledger(self):
        """A fresh ledger for the next round."""
        self.assertEqual(self.server.stop(), 0)
        shutil.rmtree(self.folder / "ledger")
        self.server.start()
        with self.server.channel() as channel:
            client = Client(channel)
            client.chain()
            client.enrol(1)

    def test_cards_receipts_and_programmes_are_there_after_kill_9(self):
        self.client.enrol(2, "card-2")
        first = self.client.sell(sale("s1", "card-2"))
        ledger_id = status_of(self.client).ledger_id
        self.server.kill()
        self.server.start()
        with self.server.channel() as channel:
            client = Client(channel)
            self.assertEqual(client.sell(sale("s1", "card-2")).outcome, first.outcome)
            taken = sale("s1", 1)
            taken.transaction_id = "other"
            self.refused(lambda: client.sell(taken), grpc.StatusCode.ALREADY_EXISTS, "RECEIPT_TAKEN")
            self.assertEqual(client.sell(sale("s2", 2)).outcome.points_granted, 10)
            status = status_of(client)
            self.assertEqual((status.ledger_id, status.programme_version, status.stores, status.members),
                             (ledger_id, 1, 1, 2))


class Start(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpc-", dir=PROGRAMS))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_jifend(self, *flags):
        done = subprocess.run([PROGRAMS / "jifend", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=WAIT)
        return done.returncode, done.stdout, done.stderr

    def assert_refused(self, code, words, *flags):
        got, out, error = self.run_jifend(*flags)
        self.assertEqual((got, out), (code, ""), error)
        for word in words:
            self.assertIn(word, error)

    def serve(self, *flags):
        server = Jifend(self.folder, *flags)
        self.addCleanup(server.stop)
        return server

    def test_help_names_every_exit_code_and_an_example(self):
        code, out, _ = self.run_jifend("--help")
        self.assertEqual(code, 0)
        for word in ("Example:", "Exit codes:", "--data", "--filter-mib", "--connections", "--streams",
                     "--insecure", "  6  cannot listen"):
            self.assertIn(word, out)
        self.assertEqual(self.run_jifend("--version"), (0, "jifend 0.1.0\n", ""))

    def test_wrong_flags_are_named(self):
        data = ("--data", str(self.folder / "ledger"))
        for words, flags in ((["--data DIR is needed"], ()), (["--wrong", "no such flag"], (*data, "--wrong")),
                             (["--listen", "a value is missing"], (*data, "--listen")),
                             (["extra", "not a flag"], (*data, "extra")),
                             (["--cache-mib", "8 to"], (*data, "--cache-mib", "7")),
                             (["--cache-mib abc"], (*data, "--cache-mib", "abc")),
                             (["--queue-length", "power of two"], (*data, "--queue-length", "100")),
                             (["--filter-mib", "power of two"], (*data, "--filter-mib", "48")),
                             (["--filter-mib 0", "1 to 65536"], (*data, "--filter-mib", "0")),
                             (["--filter-mib 131072", "1 to 65536"], (*data, "--filter-mib", "131072")),
                             (["--connections 0", "1 to 65536"], (*data, "--connections", "0")),
                             (["--connections 65537", "1 to 65536"], (*data, "--connections", "65537")),
                             (["--streams many", "1 to 65536"], (*data, "--streams", "many")),
                             (["--streams 65537", "1 to 65536"], (*data, "--streams", "65537")),
                             (["--tls-cert and --tls-key"], (*data, "--tls-cert", "x")),
                             (["--listen nowhere"], (*data, "--listen", "nowhere")),
                             (["--listen 1.2.3.4:99999"], (*data, "--listen", "1.2.3.4:99999")),
                             (["--listen ::1:7700"], (*data, "--listen", "::1:7700"))):
            with self.subTest(flags=flags):
                self.assert_refused(2, words, *flags)
        self.assertFalse((self.folder / "ledger").exists())

    def test_an_address_that_others_reach_needs_tls_or_insecure(self):
        data = ("--data", str(self.folder / "ledger"))
        for listen in ("0.0.0.0:0", "192.0.2.1:7700", "[::]:0"):
            self.assert_refused(2, [listen, "TLS", "--insecure"], *data, "--listen", listen)
        server = self.serve("--listen", "0.0.0.0:0", "--insecure")
        with server.channel() as channel:
            self.assertEqual(status_of(Client(channel)).members, 0)

    def test_a_configuration_file_is_read_and_flags_go_before_it(self):
        config = self.folder / "config.yaml"
        config.write_text(f"data: {self.folder / 'elsewhere'}\ncache_mib: 16\nlisten: 192.0.2.1:1\n")
        server = self.serve("--config", str(config))
        self.assertTrue((self.folder / "ledger").exists())
        self.assertEqual(server.stop(), 0)
        self.assert_refused(2, ["192.0.2.1:1"], "--config", str(config))

    def test_connections_and_streams_are_bounded_and_the_filter_may_change_its_size(self):
        config = self.folder / "config.yaml"
        config.write_text("connections: 2\nstreams: 2\nfilter_mib: 1\n")
        server = self.serve("--config", str(config))
        with server.channel() as channel:
            client = Client(channel)
            client.chain()
            client.enrol(1)
            outcome = client.sell(sale("s1")).outcome
            others = [socket.create_connection(("127.0.0.1", server.port), WAIT) for _ in range(2)]
            others[1].settimeout(WAIT)
            received = others[1].recv(1 << 16)
            self.assertEqual(received, b"")  # the third is closed at once
            others[0].sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5))
            others[0].settimeout(WAIT)
            settings = others[0].recv(1 << 16)
            self.assertIn(b"\0\3\0\0\0\2", settings)  # SETTINGS_MAX_CONCURRENT_STREAMS
            for other in others:
                other.close()
        self.assertEqual(server.stop(), 0)
        server = self.serve("--config", str(config), "--filter-mib", "2")
        with server.channel() as channel:
            again = Client(channel).sell(sale("s1"))
            self.assertTrue(again.replayed)
            self.assertEqual(again.outcome, outcome)

    def test_a_configuration_file_that_is_wrong_is_named_with_line_and_field(self):
        config = self.folder / "config.yaml"
        data = f"data: {self.folder / 'elsewhere'}\n"
        for text, words in (("cache_mib: lots\n", ["cache_mib"]), ("cash_mib: 1\n", ["cash_mib"]), (": [", [])):
            config.write_text(text)
            self.assert_refused(2, ["--config", str(config), *words], "--config", str(config))
        for text, words in (("filter_mib: 3\n", ["--filter-mib 3", "power of two"]),
                            ("connections: 65537\n", ["--connections 65537"]),
                            ("streams: 65537\n", ["--streams 65537"]), ("streams: -1\n", ["--streams", "1 to 65536"])):
            config.write_text(data + text)
            self.assert_refused(2, words, "--config", str(config))
        self.assert_refused(2, ["/no/such/file", "cannot be opened"], "--config", "/no/such/file")

    def test_a_second_jifend_on_the_same_directory_is_refused(self):
        server = self.serve()
        self.assert_refused(3, [str(self.folder / "ledger")], "--data", str(self.folder / "ledger"), "--listen",
                            "127.0.0.1:0")
        with server.channel() as channel:
            self.assertEqual(status_of(Client(channel)).members, 0)

    def test_a_directory_that_is_no_ledger_is_left_as_it_is(self):
        data = self.folder / "ledger"
        for name in ("journal/letter.txt", "state/letter.txt"):
            with self.subTest(name=name):
                path = data / name
                path.parent.mkdir(parents=True)
                path.write_text("dear")
                self.assert_refused(3, [str(data)], "--data", str(data), "--listen", "127.0.0.1:0")
                self.assertEqual(path.read_text(), "dear")
                shutil.rmtree(data)
        data.write_text("a file")
        self.assert_refused(3, [str(data), "is a file, not a directory: give a directory"], "--data",
                            str(data), "--listen", "127.0.0.1:0")

    def test_a_state_of_another_ledger_is_refused(self):
        self.serve().stop()
        other = pathlib.Path(tempfile.mkdtemp(prefix="rpc-", dir=PROGRAMS))
        self.addCleanup(shutil.rmtree, other, ignore_errors=True)
        Jifend(other).stop()
        shutil.rmtree(self.folder / "ledger" / "state")
        shutil.copytree(other / "ledger" / "state", self.folder / "ledger" / "state")
        self.assert_refused(3, ["another ledger"], "--data", str(self.folder / "ledger"), "--listen", "127.0.0.1:0")

    def test_an_address_in_use_is_said(self):
        """The port of another server: jf_net_create answers JF_ERROR_EXISTS."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.assert_refused(6, [str(port)], "--data", str(self.folder / "ledger"), "--listen",
                                f"127.0.0.1:{port}")

    def test_a_certificate_that_cannot_be_read_is_said(self):
        self.assert_refused(6, ["/no/cert.pem"], "--data", str(self.folder / "ledger"), "--listen", "127.0.0.1:0",
                            "--tls-cert", "/no/cert.pem", "--tls-key", "/no/key.pem")

    def test_a_damaged_journal_is_reported_and_not_touched(self):
        server = self.serve()
        with server.channel() as channel:
            client = Client(channel)
            client.chain()
            client.enrol(1)
            for i in range(50):
                client.sell(sale(f"s{i}"))
        server.kill()
        segment = sorted((self.folder / "ledger" / "journal").rglob("*"), key=os.path.getsize)[-1]
        content = bytearray(segment.read_bytes())
        at = content.find(b"s10") or content.find(b"enrol-1")
        self.assertGreater(at, 0)
        content[at] ^= 0xFF
        segment.write_bytes(content)
        self.assert_refused(4, [segment.name], "--data", str(self.folder / "ledger"), "--listen", "127.0.0.1:0")
        self.assertEqual(segment.read_bytes(), bytes(content))


jifend.main()
