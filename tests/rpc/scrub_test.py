"""The scrubber from outside: damage at rest is logged and told by Status, and the ledger sells on."""
import os
import subprocess
import time

import jifend
from jifend import PROGRAMS, WAIT, Case, ledger_pb2, line, operations_pb2, sale

SEGMENT = "segment-0000000000000001.jfl"


class Scrub(Case):
    flags = ("--scrub-days", "0")

    def status(self):
        return self.client.operations.Status(operations_pb2.StatusRequest(), timeout=WAIT)

    def restart(self, *flags):
        self.assertEqual(self.server.stop(), 0, self.server.log.read_text())
        self.server.flags = flags
        self.server.start()
        self.channel.close()
        self.channel = self.server.channel()
        self.client = jifend.Client(self.channel)

    def until(self, condition):
        deadline = time.monotonic() + WAIT
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.server.log.read_text())
            time.sleep(0.05)

    def segment_fill(self):
        """More than the 8 MiB of the first segment."""
        lines = [line(10, sku="s" * 32, category="c" * 50)] * 36
        for batch in range(4):
            writes = [ledger_pb2.Write(sale=sale(f"s{batch * 1000 + i}", lines=lines)) for i in range(1000)]
            answer = self.client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
            self.assertEqual({result.refusal.code for result in answer.results}, {""})

    def jifen(self, *arguments):
        run = subprocess.run([PROGRAMS / "jifen", *arguments], env={"JIFEN_ADDRESS": f"127.0.0.1:{self.server.port}"},
                             capture_output=True, text=True, timeout=WAIT, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_damage_in_an_old_segment_is_told_and_selling_goes_on(self):
        self.client.chain()
        self.client.enrol(1)
        self.segment_fill()
        self.assertEqual((self.status().scrubbed_us, self.status().damages), (0, 0))
        with open(self.folder / "ledger" / "journal" / SEGMENT, "r+b") as segment:
            segment.seek(300)
            byte = segment.read(1)
            segment.seek(300)
            segment.write(bytes([byte[0] ^ 0x10]))
            os.fsync(segment.fileno())
        self.restart("--scrub-days", "1")
        self.until(lambda: self.status().scrubbed_us > 0)
        status = self.status()
        self.assertEqual(status.damages, 1)
        for words in (SEGMENT, "offset 0", "backup"):
            self.assertIn(words, status.damage)
        self.assertIn(f"DAMAGED at rest: {status.damage}", self.server.log.read_text())
        self.assertIn("DAMAGED, in 1 place", self.jifen("status"))
        self.assertEqual(self.client.sell(sale("after")).outcome.position, self.status().position_last)
        # Known after a restart too, and read again only when it is due.
        self.restart("--scrub-days", "1")
        self.assertEqual((self.status().damage, self.status().scrubbed_us), (status.damage, status.scrubbed_us))

    def test_days_are_a_number_up_to_365(self):
        for days in ("366", "-1", "x", ""):
            run = subprocess.run([PROGRAMS / "jifend", "--data", self.folder / "other", "--scrub-days", days],
                                 capture_output=True, text=True, timeout=WAIT, check=False)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn("--scrub-days", run.stderr)


if __name__ == "__main__":
    jifend.main()
