"""A till's day through the wire: what is posted is answered, kept, told again, and read back."""
import threading

import grpc

import jifend
from jifend import WAIT, Case, Client, common_pb2, ledger_pb2, line, number, operations_pb2, programmes_pb2, sale


def sale_return(name, of, **fields):
    return ledger_pb2.PostReturnRequest(transaction_id=name, sale_transaction_id=of, store=1, terminal=1,
                                        returned_at_ms=jifend.SOLD_AT_MS + 3600000, **fields)


def redeem(name, points, member=1):
    return ledger_pb2.RedeemRequest(transaction_id=name, member=number(member), store=1, terminal=1,
                                    redeemed_at_ms=jifend.SOLD_AT_MS + 7200000, points=points, reward="mug")


HELD_AT_MS = jifend.SOLD_AT_MS + 7200000


def hold(name, points, member=1, deadline_ms=HELD_AT_MS + 60000):
    return ledger_pb2.HoldRequest(transaction_id=name, member=number(member), store=1, terminal=2,
                                  held_at_ms=HELD_AT_MS, points=points, deadline_ms=deadline_ms, reward="mug")


def capture(name, of, points=0, after_ms=1000):
    return ledger_pb2.CaptureRequest(transaction_id=name, hold_transaction_id=of, points=points,
                                     captured_at_ms=HELD_AT_MS + after_ms)


def void(name, of, after_ms=1000):
    return ledger_pb2.VoidRequest(transaction_id=name, hold_transaction_id=of, voided_at_ms=HELD_AT_MS + after_ms)


class Ledger(Case):
    def setUp(self):
        super().setUp()
        self.client.chain()
        self.client.enrol(1, "card-1")

    def status(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def test_a_retry_gets_the_first_answer_byte_for_byte(self):
        first = self.client.sell(sale("s1"))
        again = self.client.sell(sale("s1"))
        self.assertEqual((first.replayed, again.replayed), (False, True))
        self.assertEqual(first.outcome.SerializeToString(), again.outcome.SerializeToString())
        self.assertEqual(first.outcome.points_granted, 10)
        self.assertEqual(sum(posting.points for posting in first.outcome.postings), 0)
        self.assertEqual((self.status().sales, self.status().replayed_answers), (1, 1))

    def test_a_retry_of_every_kind_of_write_is_told_so(self):
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        calls = [lambda: self.client.enrol(1, "card-1"), lambda: self.client.chain(),
                 lambda: self.client.ledger.PostReturn(sale_return("r1", "s1", all=True), timeout=WAIT)]
        calls[2]()
        for call in calls:
            self.assertTrue(call().replayed)

    def test_publishing_tells_the_version_also_on_a_retry(self):
        request = programmes_pb2.PublishRequest(transaction_id="second", yaml=jifend.PROGRAMME.read_text())
        for is_replayed in (False, True):
            answer = self.client.programmes.Publish(request, timeout=WAIT)
            self.assertEqual((answer.version, answer.replayed), (2, is_replayed))
        for version, expected in ((0, 2), (1, 1)):
            got = self.client.programmes.Get(programmes_pb2.GetProgrammeRequest(version=version), timeout=WAIT)
            self.assertEqual((got.version, got.versions, got.yaml), (expected, 2, request.yaml))
            self.assertEqual(list(got.tier_names), ["member", "silver", "gold"])
            self.assertEqual((got.reasons[0].number, got.reasons[0].name), (0, "base"))
            self.assertIn("member-day", [reason.name for reason in got.reasons])

    def test_a_sale_by_card_and_one_by_number_are_the_same_member(self):
        self.assertEqual(self.client.sell(sale("s1", "card-1")).outcome.member, 1)
        answer = self.client.sell(sale("s2", 1))
        self.assertEqual((answer.outcome.member, answer.outcome.balance.available), (1, 20))

    def test_a_quote_writes_nothing_and_equals_the_sale(self):
        before = self.status()
        quoted = self.client.ledger.Quote(sale("s1"), timeout=WAIT)
        self.assertEqual((quoted.outcome.position, quoted.replayed), (0, False))
        self.assertEqual(self.status().position_last, before.position_last)
        request = sale("s1")
        request.transaction_id = ""
        self.assertEqual(self.client.ledger.Quote(request, timeout=WAIT).outcome, quoted.outcome)
        sold = self.client.sell(sale("s1")).outcome
        self.assertEqual(sold.position, before.position_last + 1)
        sold.position = 0
        self.assertEqual(sold, quoted.outcome)

    def test_returns_and_redemptions_move_the_balance(self):
        self.client.sell(sale("s1", lines=[line(amount=30000), line(amount=20000, quantity=2000)]))
        answer = self.client.ledger.Redeem(redeem("q1", 100), timeout=WAIT)
        self.assertEqual(answer.outcome.points_redeemed, 100)
        left = answer.outcome.balance.available
        part = ledger_pb2.ReturnLine(line_number=2, quantity_milli=1000)
        answer = self.client.ledger.PostReturn(sale_return("r1", "s1", lines=[part]), timeout=WAIT)
        self.assertLess(answer.outcome.points_granted, 0)
        self.assertEqual(answer.outcome.balance.available, left + answer.outcome.points_granted)
        answer = self.client.ledger.PostReturn(sale_return("r2", "s1", all=True), timeout=WAIT)
        self.assertEqual((answer.outcome.balance.available, answer.outcome.balance.debt), (0, 100))
        totals = {}
        for total in self.status().totals:
            totals[total.account] = totals.get(total.account, 0) + total.points
        self.assertEqual(totals[common_pb2.ACCOUNT_DEBT], -100)
        self.assertEqual(sum(totals.values()), 0)

    def test_a_member_is_read_back_whole(self):
        self.client.enrol(2, "a", "b", birth_month=2, birth_day=29, home_store=1, tags=5)
        sold = self.client.sell(sale("s1", "b", lines=[line(amount=12345)]))
        got = self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(
            member=common_pb2.MemberRef(card="a"), as_of=20170118), timeout=WAIT).member
        self.assertEqual((got.number, got.status, got.enrolled_on), (2, common_pb2.MEMBER_STATUS_ACTIVE, 20170101))
        self.assertEqual((got.birth_month, got.birth_day, got.home_store, got.tags), (2, 29, 1, 5))
        self.assertEqual((got.balance, got.last_position), (sold.outcome.balance, sold.outcome.position))
        self.assertEqual([(lot.expires_on, lot.remaining, lot.entity) for lot in got.lots], [(20180131, 123, 1)])
        self.assertEqual([(month.month, month.spend, month.visits) for month in got.months], [(201701, 12345, 1)])
        self.assertEqual((got.visits, got.tier_name), (1, "silver"))
        late = self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=number(2), as_of=20180201),
                                            timeout=WAIT).member
        self.assertEqual(late.balance.available, 0)

    def test_history_goes_back_page_by_page_to_the_enrolment(self):
        names = [f"s{i}" for i in range(7)]
        for name in names:
            self.client.sell(sale(name))
        self.client.ledger.PostReturn(sale_return("r", "s0", all=True), timeout=WAIT)
        seen, before = [], 0
        for _ in range(10):
            page = self.client.ledger.History(ledger_pb2.HistoryRequest(
                member=number(1), before_position=before, limit=4), timeout=WAIT)
            seen += page.entries
            before = page.next_before_position
            if before == 0:
                break
        self.assertEqual([entry.transaction_id for entry in seen], ["r", *reversed(names), "enrol-1"])
        self.assertEqual([entry.kind for entry in seen], ["return", *["sale"] * 7, "enrolment"])
        self.assertEqual(seen[0].sale_transaction_id, "s0")
        self.assertEqual(seen[1].receipt, sale("s6").receipt)
        self.assertEqual([entry.position for entry in seen], [entry.outcome.position for entry in seen])

    def test_a_page_of_large_receipts_stays_below_what_clients_take(self):
        lines = [line(sku=f"{i:032}", category="C" * 64) for i in range(500)]
        for i in range(60):
            self.client.sell(sale(f"s{i}", lines=lines))
        with self.server.channel() as channel:
            client = Client(channel)
            seen, before = [], 0
            for _ in range(61):
                page = client.ledger.History(ledger_pb2.HistoryRequest(
                    member=number(1), before_position=before, limit=1000), timeout=WAIT)
                self.assertLessEqual(page.ByteSize(), 4 << 20)
                seen += [entry.transaction_id for entry in page.entries]
                before = page.next_before_position
                if before == 0:
                    break
        self.assertEqual(seen, [*[f"s{i}" for i in range(59, -1, -1)], "enrol-1"])

    def test_a_transaction_is_found_by_id_and_by_position(self):
        sold = self.client.sell(sale("s1"))
        by_id = self.client.ledger.GetTransaction(ledger_pb2.GetTransactionRequest(transaction_id="s1"), timeout=WAIT)
        by_position = self.client.ledger.GetTransaction(
            ledger_pb2.GetTransactionRequest(position=sold.outcome.position), timeout=WAIT)
        self.assertEqual(by_id, by_position)
        self.assertEqual((by_id.entry.kind, by_id.entry.outcome), ("sale", sold.outcome))

    def member(self, value=1):
        return self.client.ledger.GetMember(ledger_pb2.GetMemberRequest(member=number(value), as_of=20170118),
                                            timeout=WAIT).member

    def test_a_hold_is_captured_or_voided_once_and_read_back(self):
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        held = self.client.ledger.Hold(hold("h1", 300), timeout=WAIT).outcome
        self.assertEqual((held.balance.available, held.balance.held, held.points_redeemed), (200, 300, 0))
        self.assertTrue(self.client.ledger.Hold(hold("h1", 300), timeout=WAIT).replayed)
        taken = self.client.ledger.Capture(capture("c1", "h1", 100), timeout=WAIT)
        self.assertEqual((taken.outcome.points_redeemed, taken.outcome.redeemed_value), (100, 100))
        self.assertEqual((taken.outcome.balance.available, taken.outcome.balance.held), (400, 0))
        again = self.client.ledger.Capture(capture("c1", "h1", 100), timeout=WAIT)
        self.assertTrue(again.replayed)
        self.assertEqual(again.outcome, taken.outcome)
        self.client.ledger.Hold(hold("h2", 200), timeout=WAIT)
        voided = self.client.ledger.Void(void("v2", "h2"), timeout=WAIT).outcome
        self.assertEqual((voided.balance.available, voided.balance.held), (400, 0))
        got = self.client.ledger.History(ledger_pb2.HistoryRequest(member=number(1), limit=4), timeout=WAIT).entries
        self.assertEqual([entry.kind for entry in got], ["void", "hold", "capture", "hold"])
        self.assertEqual((got[0].hold_transaction_id, got[0].hold_position), ("h2", got[1].position))
        self.assertEqual((got[2].hold_transaction_id, got[2].hold_position), ("h1", held.position))
        self.assertEqual((got[3].reward, got[3].deadline_ms), ("mug", HELD_AT_MS + 60000))
        self.assertEqual(len(self.member().holds), 0)

    def test_holds_judged_by_the_clock_count_as_void_behind_their_deadline(self):
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        first = self.client.ledger.Hold(hold("h1", 300), timeout=WAIT).outcome
        got = self.member()  # years later by the clock: nothing is held, but no entry has said so
        self.assertEqual((got.balance.available, got.balance.held), (500, 0))
        self.assertEqual([(one.position, one.deadline_ms, [part.points for part in one.parts]) for one in got.holds],
                         [(first.position, HELD_AT_MS + 60000, [300])])
        late = redeem("q1", 500)
        late.redeemed_at_ms = HELD_AT_MS + 60001
        spent = self.client.ledger.Redeem(late, timeout=WAIT).outcome
        self.assertEqual((spent.points_redeemed, spent.balance.available), (500, 0))
        entry = self.client.ledger.GetTransaction(ledger_pb2.GetTransactionRequest(transaction_id="q1"),
                                                  timeout=WAIT).entry
        self.assertEqual(list(entry.voided_holds), [first.position])
        self.assertEqual(len(self.member().holds), 0)
        totals = {}
        for total in self.status().totals:
            totals[total.account] = totals.get(total.account, 0) + total.points
        self.assertEqual(totals[common_pb2.ACCOUNT_HELD], 0)
        self.assertEqual(sum(totals.values()), 0)

    def test_concurrent_captures_spend_a_hold_once_and_concurrent_holds_stay_within_the_balance(self):
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        self.client.ledger.Hold(hold("h1", 300), timeout=WAIT)
        channels = [self.server.channel(("grpc.use_local_subchannel_pool", 1)) for _ in range(4)]
        stubs = [Client(channel).ledger for channel in channels]
        calls = [stubs[i % 4].Capture.future(capture(f"c{i % 5}", "h1", 100), timeout=WAIT) for i in range(20)]
        answers = [call.result() for call in calls if call.exception() is None]
        self.assertEqual(len(answers), 4)  # one id, sent four times
        self.assertEqual([answer.replayed for answer in answers].count(False), 1)
        self.assertEqual(self.member().balance.available, 400)
        holds = [stubs[i % 4].Hold.future(hold(f"g{i}", 100), timeout=WAIT) for i in range(16)]
        self.assertEqual([call.exception() for call in holds].count(None), 4)  # 400 points
        self.assertEqual(len(self.member().holds), 4)
        for channel in channels:
            channel.close()

    def test_a_batch_and_a_stream_hold_capture_and_void(self):
        self.client.sell(sale("s1", lines=[line(amount=50000)]))
        writes = [ledger_pb2.Write(hold=hold("h1", 300)), ledger_pb2.Write(capture=capture("c1", "h1", 100)),
                  ledger_pb2.Write(hold=hold("h2", 300)), ledger_pb2.Write(void_hold=void("v2", "h2")),
                  ledger_pb2.Write(capture=capture("c3", "h2"))]
        batch = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        self.assertEqual([result.refusal.code for result in batch], ["", "", "", "", "HOLD_ENDED"])
        self.assertEqual(batch[4].refusal.position, batch[3].outcome.position)
        requests = [ledger_pb2.StreamRequest(write=write) for write in writes]
        stream = [answer.result for answer in self.client.ledger.Stream(iter(requests), timeout=WAIT)]
        self.assertEqual([result.replayed for result in stream], [True, True, True, True, False])
        self.assertEqual(stream[4].refusal, batch[4].refusal)

    def test_a_batch_answers_each_write_by_itself_and_in_order(self):
        writes = [ledger_pb2.Write(sale=sale("s1")),
                  ledger_pb2.Write(sale=sale("s2", 99)),
                  ledger_pb2.Write(),
                  ledger_pb2.Write(hold=hold("h", 100)),
                  ledger_pb2.Write(sale=sale("s3", lines=[line(), line(amount=-1)])),
                  ledger_pb2.Write(sale=sale("s1")),
                  ledger_pb2.Write(sale_return=sale_return("r1", "s1", all=True)),
                  ledger_pb2.Write(redeem=redeem("q1", 100))]
        results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        self.assertEqual([result.refusal.code for result in results],
                         ["", "UNKNOWN_MEMBER", "INVALID_FIELD", "INSUFFICIENT_POINTS", "INVALID_FIELD", "", "",
                          "INSUFFICIENT_POINTS"])
        self.assertEqual([result.refusal.status for result in results], [0, 5, 3, 9, 3, 0, 0, 9])
        self.assertEqual(results[2].refusal.field, "write")
        self.assertEqual(results[4].refusal.field, "receipt.lines[1].amount")
        self.assertTrue(results[5].replayed)
        self.assertEqual(results[5].outcome, results[0].outcome)
        self.assertEqual(results[6].outcome.balance.available, 0)
        for result in results:
            self.assertNotEqual(result.HasField("outcome"), result.HasField("refusal"))

    def test_the_largest_batch_is_answered_and_one_more_is_refused(self):
        writes = [ledger_pb2.Write(sale=sale(f"s{i}")) for i in range(8192)]
        results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        self.assertEqual([result.outcome.points_granted for result in results].count(0), 0)
        positions = [result.outcome.position for result in results]
        self.assertEqual(positions, list(range(positions[0], positions[0] + 8192)))
        writes.append(ledger_pb2.Write(sale=sale("one-more")))
        for batch in (writes, []):
            refusal = self.refused(lambda: self.client.ledger.PostBatch(
                ledger_pb2.PostBatchRequest(writes=batch), timeout=WAIT),
                grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
            self.assertEqual((refusal.field, refusal.limit), ("writes", 8192))

    def test_a_stream_answers_every_request_in_order(self):
        count = 5000

        def requests():
            for i in range(count):
                if i % 100 == 7:
                    yield ledger_pb2.StreamRequest(write=ledger_pb2.Write())
                else:
                    yield ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"s{i}")))
        results = [answer.result for answer in self.client.ledger.Stream(requests(), timeout=WAIT)]
        self.assertEqual(len(results), count)
        for i, result in enumerate(results):
            self.assertEqual(result.refusal.field, "write" if i % 100 == 7 else "")
        positions = [result.outcome.position for result in results if result.HasField("outcome")]
        self.assertEqual(positions, list(range(positions[0], positions[0] + count - count // 100)))

    def test_an_empty_stream_ends_well(self):
        self.assertEqual(list(self.client.ledger.Stream(iter(()), timeout=WAIT)), [])

    def test_a_stream_that_nobody_reads_is_held_back_and_others_go_on(self):
        sent = 0
        go_on = threading.Event()

        def requests():
            nonlocal sent
            for i in range(20000):
                sent = i
                yield ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"s{i}")))
            go_on.wait(WAIT)
        with self.server.channel() as channel:
            call = Client(channel).ledger.Stream(requests(), timeout=WAIT)
            next(call)
            self.client.sell(sale("beside"))
            results = 1 + sum(1 for _ in zip(range(19999), call))
            self.assertEqual(results, 20000)
            go_on.set()

    def test_a_stream_whose_client_goes_leaves_what_it_posted(self):
        for round_number in range(20):
            with self.server.channel() as channel:
                call = Client(channel).ledger.Stream(
                    (ledger_pb2.StreamRequest(write=ledger_pb2.Write(sale=sale(f"{round_number}-{i}")))
                     for i in range(1000)), timeout=WAIT)
                first = next(call).result.outcome
                call.cancel()
            again = self.client.sell(sale(f"{round_number}-0"))
            self.assertTrue(again.replayed)
            self.assertEqual(again.outcome, first)

    def test_many_callers_at_once_are_each_answered_with_their_own(self):
        def caller(which):
            with self.server.channel() as channel:
                client = Client(channel)
                for i in range(200):
                    name = f"{which}-{i}"
                    answer = client.sell(sale(name, lines=[line(amount=100 * (which + 1))]))
                    if answer.outcome.trace[0].amount != 100 * (which + 1):
                        wrong.append(name)
        wrong = []
        threads = [threading.Thread(target=caller, args=(which,)) for which in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        self.assertEqual((wrong, self.status().sales), ([], 1600))

    def test_a_checkpoint_makes_what_was_posted_survive_without_replay(self):
        position = self.client.sell(sale("s1")).outcome.position
        answer = self.client.operations.Checkpoint(operations_pb2.CheckpointRequest(), timeout=WAIT)
        self.assertGreaterEqual(answer.position_flushed, position)
        status = self.status()
        self.assertGreaterEqual(status.position_flushed, position)
        self.assertEqual(len(status.ledger_id), 32)


jifend.main()
