"""Makes the golden directory of this version: make.py PROGRAMS NAME writes NAME.tar.xz, NAME.json
and NAME.entries.

Once for each version of a format that is released, and never again under the same name: a golden directory that has to
be made anew to please the test is what the test is there to catch.
"""
import json
import pathlib
import shutil
import sys
import tempfile

import golden
from golden import HERE, jifend, ledger_pb2, number, programmes_pb2
from jifend import SOLD_AT_MS, WAIT, Client, Jifend, members_pb2, sale

DAY_MS = 86400000


def life(client):
    """Enrolments with and without cards, and what becomes of members."""
    members = client.members
    for member in golden.MEMBERS:
        client.enrol(member, *([f"card-{member}"] if member % 2 else []), birth_month=member, birth_day=29, tags=member)
    members.LinkCard(members_pb2.LinkCardRequest(transaction_id="link", member=number(2), card="card-2"), timeout=WAIT)
    members.LinkCard(members_pb2.LinkCardRequest(transaction_id="link-2", member=number(2), card="card-2b"),
                     timeout=WAIT)
    members.UnlinkCard(members_pb2.UnlinkCardRequest(transaction_id="unlink", card="card-2b"), timeout=WAIT)
    members.UpdateMember(members_pb2.UpdateMemberRequest(transaction_id="update", member=number(3), birth_month=2,
                                                         birth_day=29, home_store=2, tags=1 << 63), timeout=WAIT)
    members.Freeze(members_pb2.FreezeRequest(transaction_id="freeze", member=number(4)), timeout=WAIT)
    members.Freeze(members_pb2.FreezeRequest(transaction_id="thaw", member=number(4), thaw=True), timeout=WAIT)
    members.SetTier(members_pb2.SetTierRequest(transaction_id="tier", member=number(5), tier="gold", until=20991231,
                                               operator="anna"), timeout=WAIT)


def sales(client):
    for day in range(8):
        for member in golden.MEMBERS:
            request = sale(f"s-{day}-{member}", member, [jifend.line(1000 * member + day), jifend.line(9999)],
                           store=1 + day % 2, sold_at_ms=SOLD_AT_MS + 20 * day * DAY_MS)
            client.sell(request)
    client.sell(sale("pays", 8, [jifend.line(50000)], redeem_points=100, sold_at_ms=SOLD_AT_MS + 145 * DAY_MS))


def spending(client):
    at = SOLD_AT_MS + 150 * DAY_MS
    ledger = client.ledger
    ledger.PostReturn(ledger_pb2.PostReturnRequest(
        transaction_id="part", sale_transaction_id="s-0-1", store=1, terminal=1, returned_at_ms=at,
        lines=[ledger_pb2.ReturnLine(line_number=2, quantity_milli=1000)]), timeout=WAIT)
    ledger.PostReturn(ledger_pb2.PostReturnRequest(transaction_id="whole", sale_transaction_id="pays", store=2,
                                                   terminal=1, returned_at_ms=at, all=True), timeout=WAIT)
    ledger.Redeem(ledger_pb2.RedeemRequest(transaction_id="redeem", member=number(7), store=1, terminal=1,
                                           redeemed_at_ms=at, points=200, reward="mug"), timeout=WAIT)
    for name, member in (("kept", 6), ("given-up", 7)):
        ledger.Hold(ledger_pb2.HoldRequest(transaction_id=name, member=number(member), store=1, terminal=1,
                                           held_at_ms=at, points=300, deadline_ms=at + 20 * DAY_MS), timeout=WAIT)
    ledger.Capture(ledger_pb2.CaptureRequest(transaction_id="capture", hold_transaction_id="kept", captured_at_ms=at,
                                             points=200), timeout=WAIT)
    ledger.Void(ledger_pb2.VoidRequest(transaction_id="void", hold_transaction_id="given-up", voided_at_ms=at),
                timeout=WAIT)


def by_hand(client):
    at = SOLD_AT_MS + 151 * DAY_MS
    members = client.members
    for name, points in (("credit", 50), ("debit", -30)):
        members.Adjust(members_pb2.AdjustRequest(transaction_id=name, member=number(1), points=points,
                                                 reason_code="goodwill", operator="anna", approver="ben", entity=1,
                                                 adjusted_at_ms=at), timeout=WAIT)
    members.Transfer(members_pb2.TransferRequest(transaction_id="transfer", **{"from": number(8)}, to=number(2),
                                                 points=100, operator="anna", transferred_at_ms=at), timeout=WAIT)
    members.Merge(members_pb2.MergeRequest(transaction_id="merge", **{"from": number(3)}, into=number(5)), timeout=WAIT)
    members.Close(members_pb2.CloseRequest(transaction_id="close", member=number(4)), timeout=WAIT)


def jobs(client):
    for run, as_of in (("tiers-1", 20170901), ("tiers-2", 20190601)):
        request = programmes_pb2.RecalculateTiersRequest(run_id=run, as_of=as_of)
        list(client.programmes.RecalculateTiers(request, timeout=WAIT))
    list(client.programmes.Expire(programmes_pb2.ExpireRequest(run_id="expire-1", as_of=20180301), timeout=WAIT))


def second_version(client):
    text = jifend.PROGRAMME.read_text().replace("effective_from: 2017-01-01", "effective_from: 2017-01-20")
    client.programmes.Publish(programmes_pb2.PublishRequest(transaction_id="second", yaml=text, file_name="second.yaml"),
                              timeout=WAIT)


def main():
    name = sys.argv[2]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="golden-", dir=jifend.PROGRAMS))
    server = Jifend(folder, *golden.FLAGS)
    try:
        with server.channel() as channel:
            client = Client(channel)
            client.chain(stores=(1, 2))
            life(client)
            second_version(client)
            sales(client)
            spending(client)
            by_hand(client)
            jobs(client)
            told = golden.answers(client)
            entries = golden.entries_of(client)
        missing = set(golden.kind_names()) - set(told["kinds"])
        assert not missing, missing
        assert server.stop() == 0, server.log.read_text()
        (HERE / f"{name}.tar.xz").write_bytes(golden.pack(folder / "ledger"))
        (HERE / f"{name}.entries").write_bytes(entries)
        (HERE / f"{name}.json").write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
