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


class Two(Members):
    """Entries about two members."""

    def sell(self, name, member, amount=25000, at_ms=None):
        return self.client.sell(sale(name, member, lines=[line(amount=amount)],
                                     sold_at_ms=at_ms or int(time.time() * 1000) - 1000))

    def adjust(self, points, **fields):
        return self.write("Adjust", members_pb2.AdjustRequest, **{
            "member": number(1), "points": points, "reason_code": "goodwill", "operator": "ann", "entity": 1,
            "adjusted_at_ms": int(time.time() * 1000) - 1000, **fields})

    def transfer(self, points, from_=None, to=None, **fields):
        return self.write("Transfer", members_pb2.TransferRequest, **{
            "from": from_ or number(1), "to": to or number(2), "points": points, "operator": "ann",
            "transferred_at_ms": int(time.time() * 1000) - 1000, **fields})

    def merge(self, from_, into, **fields):
        return self.write("Merge", members_pb2.MergeRequest, **{"from": from_, "into": into, **fields})

    def publish(self, extra):
        self.client.programmes.Publish(jifend.programmes_pb2.PublishRequest(
            transaction_id="second", yaml=jifend.PROGRAMME.read_text() + extra), timeout=WAIT)

    def test_an_adjustment_says_who_and_why_and_a_second_person_approves_it(self):
        self.publish("adjustments: {limit: 100}\n")
        refusal = self.refused(lambda: self.adjust(101), PRECONDITION, "APPROVAL_NEEDED")
        self.assertEqual((refusal.needed, refusal.limit), (101, 100))
        self.refused(lambda: self.adjust(101, approver="ann"), PRECONDITION, "APPROVAL_NEEDED")
        self.assertEqual(self.adjust(101, approver="bob").outcome.balance.available, 101)
        self.assertEqual(self.adjust(-100).outcome.balance.available, 1)
        refusal = self.refused(lambda: self.adjust(-2), PRECONDITION, "INSUFFICIENT_POINTS")
        self.assertEqual((refusal.needed, refusal.available), (2, 1))
        entry = self.history(number(1))[1]
        self.assertEqual((entry.kind, entry.adjusted_points, entry.reason_code, entry.operator, entry.approver),
                         ("adjustment", 101, "goodwill", "ann", "bob"))
        self.restart()
        self.verify()

    def test_malformed_fields_are_named(self):
        for call, field in ((lambda: self.adjust(0), "points"), (lambda: self.adjust(1, reason_code=""), "reason_code"),
                            (lambda: self.adjust(1, operator="x" * 65), "operator"),
                            (lambda: self.adjust(1, entity=256), "entity"),
                            (lambda: self.adjust(1, adjusted_at_ms=0), "adjusted_at_ms"),
                            (lambda: self.transfer(0), "points"), (lambda: self.transfer(1, from_=number(0)), "from"),
                            (lambda: self.transfer(1, to=card("c" * 65)), "to.card"),
                            (lambda: self.merge(number(1), number(0)), "into"),
                            (lambda: self.merge(number(1), number(1)), "into"),
                            (lambda: self.transfer(1, to=card("card-1")), "to")):
            refusal = self.refused(call, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
            self.assertEqual(refusal.field, field)

    def test_a_transfer_is_in_both_histories(self):
        self.sell("s1", 1)
        outcome = self.transfer(100).outcome
        self.assertEqual((outcome.member, outcome.balance.available), (1, 150))
        self.assertEqual([posting.member for posting in outcome.postings], [0, 2])
        self.sell("s2", 2, 1000)
        for is_kill in (True, False):
            self.assertEqual([entry.kind for entry in self.history(number(2))], ["sale", "transfer", "enrolment"])
            self.assertEqual([entry.kind for entry in self.history(number(1))], ["transfer", "sale", "enrolment"])
            self.assertEqual(self.history(number(2))[1].other_member, 2)
            pages = self.client.ledger.History(ledger_pb2.HistoryRequest(
                member=number(2), limit=1, before_position=outcome.position + 1), timeout=WAIT)
            self.assertEqual([entry.position for entry in pages.entries], [outcome.position])
            self.restart(is_kill)
        self.verify()

    def test_two_members_become_one_and_their_pasts_stay(self):
        self.sell("s1", "card-1")
        self.sell("s2", 2, 1000)
        outcome = self.merge(card("card-1"), number(2)).outcome
        self.assertEqual((outcome.member, outcome.balance.available), (2, 260))
        for is_kill in (True, False):
            gone, into = self.member(number(1)), self.member(card("card-1"))
            self.assertEqual((gone.status, gone.merged_into, len(gone.lots), list(gone.cards)),
                             (common_pb2.MEMBER_STATUS_MERGED, 2, 0, []))
            self.assertEqual((into.number, into.visits, list(into.cards)), (2, 2, ["card-1"]))
            self.assertEqual([entry.kind for entry in self.history(number(1))], ["merge", "sale", "enrolment"])
            self.assertEqual([entry.kind for entry in self.history(number(2))], ["merge", "sale", "enrolment"])
            refusal = self.refused(lambda: self.client.sell(sale("s3", 1)), PRECONDITION, "MEMBER_MERGED")
            self.assertEqual(refusal.position, outcome.position)
            self.assertIn("member 2", refusal.message)
            self.restart(is_kill)
        self.verify()

    def test_a_sale_is_returned_after_one_merge_and_another(self):
        self.sell("s1", 1)
        self.client.enrol(3)
        self.client.enrol(4)
        self.merge(number(1), number(2))
        self.merge(number(2), number(3))
        self.restart()
        self.merge(number(3), number(4))
        request = ledger_pb2.PostReturnRequest(transaction_id="r", sale_transaction_id="s1", store=1, all=True,
                                               returned_at_ms=int(time.time() * 1000))
        outcome = self.client.ledger.PostReturn(request, timeout=WAIT).outcome
        self.assertEqual((outcome.member, outcome.balance.available, outcome.balance.debt), (4, 0, 0))
        self.assertEqual(self.member(number(4)).visits, 0)
        self.verify()

    def test_commands_sent_together_with_a_merge_see_it_in_their_order(self):
        self.sell("s1", 1)
        now_ms = int(time.time() * 1000)
        calls = [self.client.members.Merge.future(members_pb2.MergeRequest(
            transaction_id="m", **{"from": number(1)}, into=number(2)), timeout=WAIT)]
        calls += [self.client.ledger.PostReturn.future(ledger_pb2.PostReturnRequest(
            transaction_id="r", sale_transaction_id="s1", store=1, all=True, returned_at_ms=now_ms), timeout=WAIT)]
        calls += [self.client.ledger.PostSale.future(sale(f"b-{n}", "card-1", sold_at_ms=now_ms - 1000), timeout=WAIT)
                  for n in range(20)]
        for call in calls:
            call.result(timeout=WAIT)
        self.assertEqual(self.member(number(1)).status, common_pb2.MEMBER_STATUS_MERGED)
        self.assertEqual(self.member(number(2)).visits, 20)
        self.verify()


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

    def test_points_are_adjusted_transferred_and_merged_at_the_command_line(self):
        at = ("--operator", "ann", "--at", "2017-06-30T18:00:00Z")
        self.assertIn("adjusted", self.jifen("adjust", 1, "--credit", 200, "--reason", "goodwill", "--entity", 1, *at))
        self.jifen("adjust", "--card", "card-1", "--debit", 50, "--reason", "mistake", "--entity", 1, *at)
        self.assertIn("transferred", self.jifen("transfer", 1, 2, "--points", 100, *at))
        [row] = [row for row in self.jifen("history", 2).splitlines() if " transfer " in row]
        self.assertTrue(row.rstrip().endswith("-    -"), row)  # the balance answered is the giver's
        refused = self.json("transfer", 1, 1, "--points", 100, *at, code=1)
        self.assertEqual(refused["error"]["refusal"]["field"], "to")
        merged = self.json("merge", 1, 2)
        self.assertEqual(merged["outcome"]["member"], 2)
        self.assertIn("It is member 2 now", self.jifen("member", 1))
        self.assertEqual(sum(lot["remaining"] for lot in self.json("member", 2)["member"]["lots"]), 150)

    def test_wrong_usage_is_named(self):
        for arguments in (("update",), ("update", 1, "--birthday", "02-30"), ("update", 1, "--tags", "64"),
                          ("card", "burn", "C"), ("card", "link", "C"), ("freeze", "x"), ("thaw",),
                          ("close", 1, "--card", "C"), ("adjust", 1, "--credit", 5), ("transfer", 1),
                          ("adjust", 1, "--credit", 5, "--debit", 5), ("transfer", 1, 2), ("merge", 1, "x")):
            with self.subTest(arguments):
                self.jifen(*arguments, code=2)


jifend.main()
