"""Digests of the state as entries, from outside: told by Status, followed, explained, verified, given again after a kill."""
import json
import subprocess

import jifend
from jifend import PROGRAMS, WAIT, Case, ledger_pb2, operations_pb2, sale
from jifen.v1 import entry_pb2

EVERY = 16


class Digest(Case):
    flags = ("--digest-every", str(EVERY))

    def setUp(self):
        super().setUp()
        self.client.chain()  # positions 1 and 2
        self.client.enrol(1)  # 3

    def sell(self, first, count):
        writes = [ledger_pb2.Write(sale=sale(f"s{i}")) for i in range(first, first + count)]
        results = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT).results
        return [result.outcome.position for result in results]

    def status(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def verify(self):
        last = list(self.client.operations.Verify(operations_pb2.VerifyRequest(), timeout=WAIT))[-1]
        self.assertTrue(last.ties, last.difference)
        self.assertEqual(last.digest, last.replay_digest)
        return last

    def restart(self):
        self.server.start()
        self.channel.close()
        self.channel = self.server.channel()
        self.client = jifend.Client(self.channel)

    def jifen(self, *arguments):
        run = subprocess.run([PROGRAMS / "jifen", *arguments], env={"JIFEN_ADDRESS": f"127.0.0.1:{self.server.port}"},
                             capture_output=True, text=True, timeout=WAIT, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_they_stand_at_each_nth_position_and_sales_go_round_them(self):
        self.assertEqual((self.status().digest_position, self.status().digest), (0, ""))
        positions = self.sell(0, 100)
        self.assertEqual(positions, [at for at in range(4, positions[-1] + 1) if at % EVERY != 0])
        status = self.status()
        self.assertEqual(status.digest_position, positions[-1] // EVERY * EVERY)
        call = self.client.operations.Follow(operations_pb2.FollowRequest(kinds=["digest"], stored=True), timeout=WAIT)
        for at in range(EVERY, status.digest_position + 1, EVERY):
            answer = next(call)
            self.assertEqual((answer.position, answer.entry.kind, answer.entry.transaction_id), (at, "digest", ""))
            body = entry_pb2.Entry.FromString(answer.stored).digest
            self.assertEqual([len(part) for part in (body.digest, body.members, body.reference, body.totals)], [16] * 4)
        self.assertEqual(body.digest.hex(), status.digest)
        call.cancel()
        # The member's own history knows nothing of them.
        request = ledger_pb2.HistoryRequest(member=jifend.number(1), limit=1000)
        history = self.client.ledger.History(request, timeout=WAIT)
        self.assertEqual([entry.position for entry in history.entries], [*reversed(positions), 3])
        self.verify()

    def test_a_kill_and_a_state_made_again_give_the_same(self):
        self.sell(0, 100)
        before = self.status()
        self.server.kill()
        self.restart()
        self.assertEqual(self.status().digest, before.digest)
        self.sell(100, 100)
        before = (self.status().digest_position, self.status().digest)
        verified = self.verify()
        self.assertEqual(self.server.stop(), 0)
        subprocess.run(["rm", "-r", self.folder / "ledger" / "state"], check=True)
        self.restart()
        self.assertEqual((self.status().digest_position, self.status().digest), before)
        self.assertEqual(self.verify().digest, verified.digest)

    def test_tools_tell_of_them(self):
        self.sell(0, 20)
        digest = self.status().digest
        self.assertIn(digest, self.jifen("explain", "--position", str(EVERY)))
        lines = self.jifen("journal", "print", str(self.folder / "ledger"), "--json").splitlines()
        self.assertIn("digest", json.loads(lines[EVERY - 1])["entry"])
        self.assertIn("newest digest", self.jifen("status"))

    def test_another_interval_begins_wherever_it_is_given(self):
        self.sell(0, 20)
        self.assertEqual(self.server.stop(), 0)
        self.server.flags = ("--digest-every", "20")
        self.restart()
        self.assertEqual(self.sell(20, 20)[-1], 45)  # one at 16, and at 32 none
        self.assertEqual(self.status().digest_position, 40)
        self.verify()


if __name__ == "__main__":
    jifend.main()
