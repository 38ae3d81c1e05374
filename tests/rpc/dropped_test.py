"""Connections that are dropped after every byte of a call, in order (FIN) and not (RST): each sale is there whole or not
at all, a retry tells which and makes it whole exactly once, and the server holds nothing of it afterwards.

Usage: dropped_test.py DIRECTORY_OF_PROGRAMS [unittest arguments]
"""
import jifend
from attack import POST_BATCH, POST_SALE, STREAM, AbuseCase, connect, push, reset
from jifend import WAIT, ledger_pb2, sale
from wire import DATA, END_HEADERS, END_STREAM, HEADERS, frame, greeting, message, request_headers

SALES_PER_BATCH = 3
MESSAGES_PER_STREAM = 3


def write(name):
    return ledger_pb2.Write(sale=sale(name))


class Dropped(AbuseCase):
    def dropped_after_every_byte(self, kind, sales_of, bytes_of):
        """In: sales_of(name): the sales' names of a call; bytes_of(names): its bytes, of one length for all calls."""
        size = len(bytes_of(sales_of(f"{kind}-0000-x")))
        names = []
        with self.attacked(48 << 20) as till:
            for at in range(size + 1):
                if at % 50 == 0:
                    self.assertTrue(till.wait_for(2), "what was dropped before is through, and its streams are free")
                for how in ("f", "r"):
                    sales = sales_of(f"{kind}-{at:04}-{how}")
                    data = greeting() + bytes_of(sales)
                    self.assertEqual(len(data), size + len(greeting()))
                    raw = connect(self.server.port)
                    push(raw, data[:len(greeting()) + at])
                    raw.close() if how == "f" else reset(raw)
                    names += sales
        whole = sales_of(f"{kind}-{size:04}-f")
        replayed = self.retried(names)
        self.assertLessEqual(set(whole), replayed, "what came whole was posted, though nobody heard the answer")
        self.assertNotIn(sales_of(f"{kind}-0000-f")[0], replayed)

    def retried(self, names):
        """Every sale is sent again, whole: those that were there are answered as replays, the others are posted.
        Returns: the names of those that were there."""
        before = self.status()
        writes = [write(name) for name in names]
        answers = []
        for at in range(0, len(writes), 1000):
            request = ledger_pb2.PostBatchRequest(writes=writes[at:at + 1000])
            answers += self.client.ledger.PostBatch(request, timeout=WAIT).results
        self.assertTrue(all(answer.HasField("outcome") for answer in answers))
        replayed = {name for name, answer in zip(names, answers) if answer.replayed}
        self.assertEqual(self.status().sales - before.sales, len(names) - len(replayed))
        positions = [answer.outcome.position for answer in answers]
        self.assertEqual(len(set(positions)), len(writes), "each sale has an entry of its own")
        again = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes[:1000]), timeout=WAIT).results
        self.assertEqual([answer.outcome for answer in again], [answer.outcome for answer in answers[:1000]])
        self.ties()
        return replayed

    def test_unary_call(self):
        self.dropped_after_every_byte("unary", lambda name: [name], lambda names: (
            frame(HEADERS, END_HEADERS, 1, request_headers(POST_SALE)) +
            frame(DATA, END_STREAM, 1, message(sale(names[0]).SerializeToString()))))

    def test_batch(self):
        self.dropped_after_every_byte(
            "batch", lambda name: [f"{name}-{n}" for n in range(SALES_PER_BATCH)], lambda names: (
                frame(HEADERS, END_HEADERS, 1, request_headers(POST_BATCH)) +
                frame(DATA, END_STREAM, 1, message(ledger_pb2.PostBatchRequest(
                    writes=[write(name) for name in names]).SerializeToString()))))

    def test_stream(self):
        def call(names):
            messages = [message(ledger_pb2.StreamRequest(write=write(name)).SerializeToString()) for name in names]
            return frame(HEADERS, END_HEADERS, 1, request_headers(STREAM)) + b"".join(
                frame(DATA, 0 if body is not messages[-1] else END_STREAM, 1, body) for body in messages)
        self.dropped_after_every_byte(
            "stream", lambda name: [f"{name}-{n}" for n in range(MESSAGES_PER_STREAM)], call)


if __name__ == "__main__":
    jifend.main()
