"""A member's life over the wire and at the command line: after a restart, in a batch, and in what reads show."""
import json
import subprocess
import time

import grpc

import jifend
from jifend import PROGRAMS, WAIT, Case, common_pb2, ledger_pb2, line, members_pb2, number, operations_pb2, sale

MISSING = grpc.StatusCode.NOT_FOUND
EXISTS = grpc.StatusCode.ALREADY_EXISTS
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
ACTIVE, FROZEN, CLOSED = (common_pb2.MEMBER_STATUS_ACTIVE, common_pb2.MEMBER_STATUS_FROZEN,
                          common_pb2.MEMBER_STATUS_CLOSED)


def card(text):
    return common_pb2.MemberRef(card=text)


class Members(Case):
    def setUp(self):
        super().setUp()
        self.client.chain(stores=(1, 2))
        self.client.enrol(1, "card-1")
        self.client.enrol(2)
        self.count = 0

    def write(self, method, request_type, **fields):
        self.count += 1
        request = request_type(**{"transaction_id": f"w-{self.count}", **fields})
        return getattr(self.client.members, method)(request, timeout=WAIT)

    def update(self, **fields):
        return self.write("UpdateMember", members_pb2.UpdateMemberRequest, **fields)

    def link(self, text, member, **fields):
        return self.write("LinkCard", members_pb2.LinkCardRequest, card=text, member=member, **fields)

    def unlink(self, text, **fields):
        return self.write("UnlinkCard", members_pb2.UnlinkCardRequest, card=text, **fields)

    def freeze(self, member, **fields):
        return self.write("Freeze", members_pb2.FreezeRequest, member=member, **fields)

    def close(self, member, **fields):
        return self.write("Close", members_pb2.CloseRequest, member=member, **fields)

    def member(self, ref):
        return self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=ref), timeout=WAIT).member

    def history(self, ref):
        return self.client.ledger.History(ledger_pb2.HistoryRequest(member=ref), timeout=WAIT).entries

    def restart(self, is_kill=False):
        if is_kill:
            self.server.kill()
        else:
            self.assertEqual(self.server.stop(), 0)
        self.channel.close()
        self.server.start()
        self.channel = self.server.channel()
        self.client = jifend.Client(self.channel)

    def verify(self):
        *_, last = self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT)
        self.assertTrue(last.ties, last.difference)


class Life(Members):
    def test_cards_lead_to_their_member_until_unlinked_also_after_a_kill(self):
        self.link("card-2", number(1))
        self.link("card-3", card("card-2"))
        self.assertEqual(list(self.member(card("card-3")).cards), ["card-1", "card-2", "card-3"])
        self.refused(lambda: self.link("card-3", number(2)), EXISTS, "CARD_TAKEN")
        self.refused(lambda: self.link("card-3", number(1)), EXISTS, "CARD_TAKEN")
        self.assertEqual(self.unlink("card-1").outcome.member, 1)
        self.refused(lambda: self.unlink("card-1"), MISSING, "UNKNOWN_CARD")
        self.link("card-1", number(2))
        for is_kill in (True, False):
            self.assertEqual(self.member(card("card-1")).number, 2)
            self.assertEqual(list(self.member(number(1)).cards), ["card-2", "card-3"])
            self.restart(is_kill)
        self.assertEqual(self.member(card("card-1")).number, 2)
        self.verify()

    def test_a_card_that_moves_within_a_batch_leads_to_where_it_is_by_then(self):
        # Sent together, so that they can share one batch; whatever the batches, the order is the order of sending.
        calls = []
        for round_ in range(50):
            calls.append(self.client.members.UnlinkCard.future(members_pb2.UnlinkCardRequest(
                transaction_id=f"u-{round_}", card="card-1"), timeout=WAIT))
            calls.append(self.client.members.LinkCard.future(members_pb2.LinkCardRequest(
                transaction_id=f"l-{round_}", card="card-1", member=number(1 + round_ % 2)), timeout=WAIT))
        for call in calls:
            call.exception(timeout=WAIT)
        holders = [self.member(number(each)) for each in (1, 2)]
        cards = [text for holder in holders for text in holder.cards]
        self.assertLessEqual(len(cards), 1)
        for holder in holders:
            for text in holder.cards:
                self.assertEqual(self.member(card(text)).number, holder.number)
        self.verify()

    def test_what_is_known_is_replaced_and_erased(self):
        self.update(member=number(1), birth_month=2, birth_day=29, home_store=7, tags=9)
        known = self.member(number(1))
        self.assertEqual((known.birth_month, known.birth_day, known.home_store, known.tags), (2, 29, 7, 9))
        self.client.sell(sale("s1", "card-1"))
        self.update(member=number(1), tags=9, erase=True)
        known = self.member(number(1))
        self.assertEqual((known.birth_month, known.birth_day, list(known.cards), known.tags), (0, 0, [], 9))
        self.assertEqual(sum(lot.remaining for lot in known.lots), 10)
        self.refused(lambda: self.member(card("card-1")), MISSING, "UNKNOWN_CARD")
        self.close(number(1))
        self.refused(lambda: self.update(member=number(1)), PRECONDITION, "MEMBER_CLOSED")
        self.update(member=number(1), erase=True)
        self.verify()

    def test_a_frozen_member_earns_and_cannot_redeem_until_thawed(self):
        self.assertEqual(self.freeze(number(1)).outcome.member, 1)
        self.assertEqual(self.member(number(1)).status, FROZEN)
        self.client.sell(sale("s1", lines=[line(amount=25000)]))
        request = ledger_pb2.RedeemRequest(transaction_id="q", member=number(1), store=1, points=100,
                                           redeemed_at_ms=jifend.SOLD_AT_MS + 1000)
        self.refused(lambda: self.client.ledger.Redeem(request, timeout=WAIT), PRECONDITION, "MEMBER_FROZEN")
        self.freeze(number(1), thaw=True)
        self.assertEqual(self.member(number(1)).status, ACTIVE)
        self.client.ledger.Redeem(request, timeout=WAIT)

    def test_a_closed_member_neither_earns_nor_changes_and_may_still_return(self):
        self.client.sell(sale("s1", lines=[line(amount=25000)]))
        self.close(number(1))
        self.assertEqual(self.member(number(1)).status, CLOSED)
        for call in (lambda: self.client.sell(sale("s2")), lambda: self.link("c", number(1)),
                     lambda: self.freeze(number(1)), lambda: self.close(number(1))):
            self.refused(call, PRECONDITION, "MEMBER_CLOSED")
        request = ledger_pb2.PostReturnRequest(transaction_id="r", sale_transaction_id="s1", store=1, all=True,
                                               returned_at_ms=jifend.SOLD_AT_MS + 1000)
        self.client.ledger.PostReturn(request, timeout=WAIT)
        self.verify()

    def test_closing_writes_off_what_could_still_be_spent(self):
        self.client.sell(sale("s1", lines=[line(amount=25000)], sold_at_ms=int(time.time() * 1000) - 1000))
        outcome = self.close(number(1)).outcome
        self.assertEqual([(posting.account, posting.points) for posting in outcome.postings],
                         [(common_pb2.ACCOUNT_AVAILABLE, -250), (common_pb2.ACCOUNT_WRITTEN_OFF, 250)])
        self.assertEqual([(step.kind, step.points) for step in outcome.trace],
                         [(common_pb2.TraceStep.KIND_FORFEITED, 250)])
        self.assertEqual(outcome.balance.available, 0)
        self.verify()

    def test_history_tells_what_happened(self):
        self.link("card-9", number(1))
        self.freeze(number(1))
        self.unlink("card-9")
        self.update(member=number(1))
        entries = self.history(number(1))
        self.assertEqual([entry.kind for entry in entries],
                         ["member_update", "card_unlink", "member_status", "card_link", "enrolment"])
        self.assertEqual([entry.card for entry in entries], ["", "card-9", "", "card-9", ""])
        self.assertEqual(entries[2].member_status, FROZEN)

    def test_a_retry_gets_the_first_answer_and_other_content_is_a_conflict(self):
        first = self.freeze(number(1), transaction_id="f")
        self.restart()
        again = self.freeze(number(1), transaction_id="f")
        self.assertEqual((again.outcome, again.replayed), (first.outcome, True))
        self.refused(lambda: self.freeze(number(1), thaw=True, transaction_id="f"), EXISTS, "TRANSACTION_CONFLICT")


class CommandLine(Members):
    def jifen(self, *arguments, code=0):
        done = subprocess.run([PROGRAMS / "jifen", *map(str, arguments), "--address",
                               f"127.0.0.1:{self.server.port}"], capture_output=True, text=True, timeout=WAIT)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def json(self, *arguments, code=0):
        return json.loads(self.jifen(*arguments, "--json", code=code))

    def test_a_members_life_at_the_command_line(self):
        self.jifen("update", 1, "--birthday", "02-29", "--store", 7, "--tags", "0,63")
        self.jifen("update", 1, "--store", 8)  # the rest stays
        self.json("card", "link", "C2", 1)
        member = self.json("member", 1)["member"]
        self.assertEqual((member["birth_month"], member["birth_day"], member["home_store"], member["cards"]),
                         (2, 29, 8, ["card-1", "C2"]))
        self.assertEqual(int(member["tags"], 16), 1 << 63 | 1)
        self.assertIn("Cards: card-1, C2.", self.jifen("member", 1))
        self.jifen("card", "unlink", "C2")
        self.jifen("freeze", "--card", "card-1")
        self.assertIn("frozen", self.jifen("member", 1))
        self.jifen("thaw", 1)
        self.jifen("update", 1, "--erase")
        self.assertIn("Posted at position", self.jifen("close", 1))
        self.assertIn("closed", self.jifen("member", 1))
        refused = self.json("close", 1, code=1)
        self.assertEqual(refused["error"]["refusal"]["code"], "MEMBER_CLOSED")
        kinds = [entry["kind"] for entry in self.json("history", 1)["entries"]]
        self.assertEqual(kinds[0], "member_status")

    def test_wrong_usage_is_named(self):
        for arguments in (("update",), ("update", 1, "--birthday", "02-30"), ("update", 1, "--tags", "64"),
                          ("card", "burn", "C"), ("card", "link", "C"), ("freeze", "x"), ("thaw",),
                          ("close", 1, "--card", "C")):
            with self.subTest(arguments):
                self.jifen(*arguments, code=2)


jifend.main()
