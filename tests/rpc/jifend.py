"""What the tests of jifen.v1 share: jifend as a process, stock grpcio with code generated on the fly, and requests.

The generated modules (common_pb2, ledger_pb2 …) are importable once this module was imported.
"""
import atexit
import contextlib
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
WAIT = 180  # seconds: a bound on hanging, never a measure


def generate():
    folder = tempfile.mkdtemp(prefix="jifen-rpc-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    protos = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT / 'proto'}",
                    f"--python_out={folder}", f"--grpc_python_out={folder}", *protos], check=True)
    # The folder grpc/ of generated code would hide grpcio's package of that name: it moves into its path.
    sys.path.insert(0, folder)
    grpc.__path__.append(os.path.join(folder, "grpc"))


generate()

from google.protobuf import any_pb2  # noqa: E402
from jifen.v1 import (common_pb2, finance_pb2_grpc, ledger_pb2, ledger_pb2_grpc, members_pb2,  # noqa: E402,F401
                      members_pb2_grpc, operations_pb2, operations_pb2_grpc, programmes_pb2, programmes_pb2_grpc)

PROGRAMME = ROOT / "tools" / "samples" / "programme-us-drug.yaml"
SOLD_AT_MS = 1484672400000  # 2017-01-17 12:00 in New York, no member day
LARGE = [("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)]


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def fields_of(message):
    """The BYTES and varint fields of a message that there is no generated code for (google.rpc.Status)."""
    fields, at = [], 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = number()
        if tag & 7 == 0:
            fields.append((tag >> 3, number()))
        else:
            assert tag & 7 == 2, tag
            size = number()
            fields.append((tag >> 3, message[at:at + size]))
            at += size
    return fields


def details_of(error):
    """(code, message, {type: Any's value}) of grpc-status-details-bin."""
    trailers = dict(error.trailing_metadata())
    fields = fields_of(trailers["grpc-status-details-bin"])
    code = next(value for number, value in fields if number == 1)
    text = next(value for number, value in fields if number == 2).decode()
    packed = [any_pb2.Any.FromString(value) for number, value in fields if number == 3]
    return code, text, {one.type_url.rsplit("/", 1)[1]: one.value for one in packed}


def refusal_of(error):
    return common_pb2.Refusal.FromString(details_of(error)[2]["jifen.v1.Refusal"])


class Jifend:
    """A running server. Its directory outlives it, so that it can be started again."""

    wrapper = ()  # words before the command's: a program that executes it

    def __init__(self, folder, *flags, environment=None):
        self.folder = pathlib.Path(folder)
        self.flags = flags
        self.environment = environment
        self.process = None
        self.port = 0
        self.log = self.folder / "log"
        self.start()

    def start(self):
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, PROGRAMS / "jifend", "--data", self.folder / "ledger", "--listen", "127.0.0.1:0",
                 "--port-file", port_file, "--segment-mib", "8", *self.flags], stderr=log, stdout=log,
                env=self.environment)
        deadline = time.monotonic() + WAIT
        while not port_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"jifend did not start: {self.log.read_text()}")
            time.sleep(0.01)
        self.port = int(port_file.read_text())

    def channel(self, *options):
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=[*LARGE, *options])

    def stop(self):
        """Returns the exit code after SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT)


class Client:
    def __init__(self, channel):
        self.ledger = ledger_pb2_grpc.LedgerStub(channel)
        self.members = members_pb2_grpc.MembersStub(channel)
        self.programmes = programmes_pb2_grpc.ProgrammesStub(channel)
        self.operations = operations_pb2_grpc.OperationsStub(channel)
        self.finance = finance_pb2_grpc.FinanceStub(channel)

    def chain(self, stores=(1,)):
        """The sample programme and some stores of entity 1."""
        request = programmes_pb2.PublishRequest(transaction_id="programme", yaml=PROGRAMME.read_text(),
                                                file_name=PROGRAMME.name)
        answer = self.programmes.Publish(request, timeout=WAIT)
        for store in stores:
            self.programmes.PutStore(programmes_pb2.PutStoreRequest(
                transaction_id=f"store-{store}", store=store, entity=1, region="east", zone="America/New_York",
                day_start_minute=240), timeout=WAIT)
        return answer

    def enrol(self, number, *cards, **fields):
        request = members_pb2.EnrolRequest(transaction_id=f"enrol-{number}", number=number, cards=cards,
                                           enrolled_on=20170101, **fields)
        return self.members.Enrol(request, timeout=WAIT)

    def sell(self, request):
        return self.ledger.PostSale(request, timeout=WAIT)


def line(amount=1000, quantity=1000, sku="sku", category="GROCERY"):
    return common_pb2.Line(sku=sku, category=category, quantity_milli=quantity, amount=amount)


def sale(name, member=1, lines=None, **fields):
    """A sale whose transaction and receipt are called `name`. In: member a number or a card."""
    by = {"card": member} if isinstance(member, str) else {"number": member}
    receipt = common_pb2.Receipt(store=fields.pop("store", 1), terminal=1, number=name,
                                 sold_at_ms=fields.pop("sold_at_ms", SOLD_AT_MS), lines=lines or [line()])
    return ledger_pb2.PostSaleRequest(transaction_id=name, member=common_pb2.MemberRef(**by), receipt=receipt,
                                      **fields)


def number(value):
    return common_pb2.MemberRef(number=value)


class Case(unittest.TestCase):
    """A server of its own for each test, stopped in order at its end: exit code 0, and no complaint."""
    flags = ()
    server_type = Jifend

    def setUp(self):
        # Beside the programs: the system's temporary folder may be a file system without O_DIRECT.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rpc-", dir=PROGRAMS))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = self.server_type(self.folder, *self.flags)
        self.addCleanup(self.server_check)
        self.channel = self.server.channel()
        self.addCleanup(self.channel.close)
        self.client = Client(self.channel)

    def server_check(self):
        code = self.server.stop()
        self.assertEqual(code, 0, self.server.log.read_text())

    def refused(self, call, status, code):
        """Asserts that a call is refused, in all the places where that is said. Returns the Refusal."""
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        error = caught.exception
        self.assertEqual(error.code(), status, error.details())
        self.assertTrue(error.details().startswith(f"{code}: "), error.details())
        number, text, details = details_of(error)
        self.assertEqual((number, text), (status.value[0], error.details()))
        refusal = common_pb2.Refusal.FromString(details["jifen.v1.Refusal"])
        self.assertEqual((refusal.code, refusal.status), (code, status.value[0]))
        self.assertTrue(refusal.message)
        return refusal

    def fails(self, call, status, words=""):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), status, caught.exception.details())
        self.assertIn(words, caught.exception.details())
        return caught.exception


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
