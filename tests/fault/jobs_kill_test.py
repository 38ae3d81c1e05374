"""kill -9 in the middle of a recalculation and of an expiry: the same run sent again changes nobody twice.

jobs_kill_test.py PROGRAMS [unittest arguments]
"""
import grpc

import fault
from fault import WAIT, Client
from jifend import common_pb2, ledger_pb2, line, members_pb2, number, programmes_pb2, sale

MEMBERS = 12000
BATCH = 2000


class JobsKill(fault.Case):
    def setUp(self):
        super().setUp()
        self.server = self.serve(self.folder / "data", "--segment-mib", "8")
        with self.server.channel() as channel:
            client = Client(channel)
            client.chain()
            for first in range(1, MEMBERS + 1, BATCH):
                members = range(first, first + BATCH)
                enrolled = [client.members.Enrol.future(members_pb2.EnrolRequest(
                    transaction_id=f"e{one}", number=one, enrolled_on=20170101)) for one in members]
                for call in enrolled:
                    call.result(timeout=WAIT)
                # Everybody is gold, with 200 points, for January 2017.
                writes = [ledger_pb2.Write(sale=sale(f"s{one}", one, lines=[line(amount=20000)])) for one in members]
                client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)

    def killed_amid(self, call_of, part):
        """Begins a job, and kills the server when a part of its entries is there. Then the same again until it is done."""
        with self.server.channel() as channel:
            client = Client(channel)
            begin = fault.status_of(client).position_last
            job = call_of(client)
            fault.wait_until("a part of the job", lambda: fault.status_of(client).position_last > begin + MEMBERS // part)
            self.server.kill()
            with self.assertRaises(grpc.RpcError):
                for _ in job:
                    pass
        self.server.start()
        with self.server.channel() as channel:
            client = Client(channel)
            middle = fault.status_of(client).position_last
            self.assertLess(middle, begin + 1 + MEMBERS, "killed too late")
            self.assertTrue(list(call_of(client))[-1].done)
            self.assertEqual(fault.status_of(client).position_last, begin + 1 + MEMBERS)  # the begin, and each once
            self.assert_ties(client)

    def history_of(self, member):
        with self.server.channel() as channel:
            request = ledger_pb2.HistoryRequest(member=number(member), limit=10)
            entries = Client(channel).ledger.History(request, timeout=WAIT).entries
            return [(entry.kind, entry.transaction_id) for entry in entries]

    def test_a_recalculation_that_was_killed_goes_on(self):
        request = programmes_pb2.RecalculateTiersRequest(run_id="r", as_of=20190101)
        self.killed_amid(lambda client: client.programmes.RecalculateTiers(request, timeout=WAIT), 5)
        for member in (1, MEMBERS // 2, MEMBERS):
            self.assertEqual(self.history_of(member)[0], ("tier_change", f"tiers/r/{member}"))
            self.assertEqual(len(self.history_of(member)), 3)

    def test_an_expiry_that_was_killed_goes_on(self):
        request = programmes_pb2.ExpireRequest(run_id="r", as_of=20190101)
        self.killed_amid(lambda client: client.programmes.Expire(request, timeout=WAIT), 5)
        for member in (1, MEMBERS // 2, MEMBERS):
            self.assertEqual(self.history_of(member)[0], ("expiry", f"expire/r/{member}"))
            self.assertEqual(len(self.history_of(member)), 3)
        with self.server.channel() as channel:
            totals = {row.account: row.points for row in fault.status_of(Client(channel)).totals}
            self.assertEqual(totals[common_pb2.ACCOUNT_EXPIRED], 200 * MEMBERS)


fault.main()
