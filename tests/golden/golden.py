"""What golden directories are made of and asked: shared by make.py, which makes one, and golden_test.py.

A golden directory is the data directory of a small ledger as one version left it, packed as NAME.tar.xz (segments are
zeros, mostly), with NAME.json beside it: what it must answer, for ever; and NAME.entries: its entries as they are stored,
which tests/unit/engine/golden_test.c decodes and encodes again.
"""
import hashlib
import io
import pathlib
import sys
import tarfile

from google.protobuf import json_format

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rpc"))
import jifend  # noqa: E402
from jifend import WAIT, ledger_pb2, number, operations_pb2, programmes_pb2  # noqa: E402
from jifen.v1 import entry_pb2  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FLAGS = ("--segment-mib", "4", "--filter-mib", "1", "--cache-mib", "8", "--digest-every", "16", "--scrub-days", "0")
MEMBERS = range(1, 9)
AS_OF = 20170901
# Left out of the archive: what RocksDB tells of itself and where it was. It opens without them.
LEFT_OUT = ("LOG", "OPTIONS-", "LOCK", "scrub")


def as_json(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def pack(data):
    """The directory as bytes of a tar.xz, without anything of this machine's."""
    def plain(info):
        name = pathlib.PurePath(info.name).name
        if info.isfile() and name.startswith(LEFT_OUT) and not name.endswith(".jfl"):
            return None
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=9) as archive:
        archive.add(data, arcname="ledger", filter=plain)
    return out.getvalue()


def unpack(name, folder):
    with tarfile.open(HERE / f"{name}.tar.xz") as archive:
        archive.extractall(folder)


def names():
    return sorted(path.name.removesuffix(".tar.xz") for path in HERE.glob("*.tar.xz"))


def kind_names():
    """Every kind of entry, as EntryView names it."""
    others = {"sale_return": "return", "void_hold": "void"}
    fields = entry_pb2.Entry.DESCRIPTOR.oneofs_by_name["body"].fields
    return [others.get(field.name, field.name) for field in fields]


def entries_of(client):
    """All entries as they are stored: the size of each in 4 bytes, little-endian, and its bytes, as in a block."""
    out = bytearray()
    call = client.operations.Follow(operations_pb2.FollowRequest(stored=True), timeout=WAIT)
    last = client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT).position_last
    for answer in call:
        out += len(answer.stored).to_bytes(4, "little") + answer.stored
        if answer.position == last:
            call.cancel()
            return bytes(out)
    raise AssertionError("the stream ended")


def answers(client):
    """What a ledger answers, nothing of which depends on the day on which it is asked."""
    status = client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)
    verified = list(client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
    assert verified.ties, verified.difference
    members, histories = {}, {}
    for member in MEMBERS:
        request = ledger_pb2.GetMemberRequest(member=number(member), as_of=AS_OF)
        members[member] = as_json(client.ledger.GetMember(request, timeout=WAIT))
        page = client.ledger.History(ledger_pb2.HistoryRequest(member=number(member), limit=1000), timeout=WAIT)
        histories[member] = [entry.position for entry in page.entries]
    entries, bodies = [], set()
    stored = hashlib.sha256()
    for position in range(1, status.position_last + 1):
        request = ledger_pb2.GetTransactionRequest(position=position, stored=True)
        answer = client.ledger.GetTransaction(request, timeout=WAIT)
        stored.update(answer.stored)
        entries.append(hashlib.sha256(answer.entry.SerializeToString(deterministic=True)).hexdigest()[:16])
        bodies.add(answer.entry.kind)
    programme = client.programmes.Get(programmes_pb2.GetProgrammeRequest(), timeout=WAIT)
    return {
        "ledger_id": status.ledger_id, "position_last": status.position_last, "members_count": status.members,
        "sales": status.sales, "returns": status.returns, "redemptions": status.redemptions, "lines": status.lines,
        "stores": status.stores, "programme_version": programme.version,
        "totals": [as_json(total) for total in status.totals], "tiers": [as_json(tier) for tier in status.tiers],
        "digest_position": status.digest_position, "digest_recorded": status.digest,
        "digest": verified.digest, "balance_sum": verified.balance_sum,
        "members": {str(key): value for key, value in members.items()},
        "histories": {str(key): value for key, value in histories.items()},
        "kinds": sorted(bodies), "entries_stored_sha256": stored.hexdigest(), "entry_views": entries,
    }
