"""The clock is set back an hour and forward a year, under the running server and over a restart.

The ledger's time follows a clock that is set forward, and goes on from where it was when that is set back; business
dates and deadlines are the tills'. The server runs on shift_clock.c, whose effect is looked at first.
"""
import os
import struct
import time

import fault
from fault import PROGRAMS, WAIT, Client
from jifend import PROGRAMME, common_pb2, ledger_pb2, number, programmes_pb2, sale

HOUR, YEAR = 3600, 365 * 86400
SECOND_US = 1000000
FLAGS = ("--segment-mib", "4", "--checkpoint-seconds", "1", "--cache-mib", "8", "--filter-mib", "1")


def now_ms():
    """The tills' time, which is right throughout."""
    return time.time_ns() // 1000000


class Clock(fault.Case):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "shift"
        self.set(-HOUR)
        environment = {**os.environ, "JF_SHIFT_CLOCK": str(self.file), "LD_PRELOAD": str(PROGRAMS / "libshift_clock.so")}
        # The sanitizer's library would insist on being the first.
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.server = self.serve(self.folder / "data", *FLAGS, environment=environment)
        self.connect()
        self.answers = {}
        self.client.enrol(1)
        # This very process sees the shifted clock, and a clock that is set forward is followed at once.
        self.assertEqual(self.off_by(self.entry_of("enrol-1")), -HOUR)
        self.set(0)
        self.client.enrol(2)
        self.assertEqual(self.off_by(self.entry_of("enrol-2")), 0)
        self.stamp = self.entry_of("enrol-2").recorded_at_us

    def publish(self, skew_seconds):
        yaml = PROGRAMME.read_text()
        self.assertIn("clock_skew_seconds: 300", yaml)
        self.client.programmes.Publish(programmes_pb2.PublishRequest(
            transaction_id="programme", yaml=yaml.replace("seconds: 300", f"seconds: {skew_seconds}"),
            file_name=PROGRAMME.name), timeout=WAIT)
        self.client.programmes.PutStore(programmes_pb2.PutStoreRequest(
            transaction_id="store", store=1, entity=1, region="east", zone="America/New_York"), timeout=WAIT)

    def set(self, seconds):
        """Sets the server's clock so many seconds from the right time."""
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("<q", seconds))

    def connect(self):
        channel = self.server.channel()
        self.addCleanup(channel.close)
        self.client = Client(channel)

    def restart(self, seconds):
        self.assertEqual(self.server.stop(), 0)
        self.set(seconds)
        self.server.start()
        self.connect()

    def entry_of(self, name):
        return self.client.ledger.GetTransaction(ledger_pb2.GetTransactionRequest(transaction_id=name), timeout=WAIT).entry

    def sell(self):
        """A sale of this very moment. Returns its entry, whose stamp is above all before."""
        name = f"s{len(self.answers)}"
        self.answers[name] = self.client.sell(sale(name, sold_at_ms=now_ms())).outcome
        entry = self.entry_of(name)
        self.assertGreater(entry.recorded_at_us, self.stamp)
        self.stamp = entry.recorded_at_us
        return entry

    def off_by(self, entry):
        """How far the ledger's time was from the tills', in seconds."""
        return round(entry.recorded_at_us / SECOND_US - time.time())

    def assert_all_is_well(self):
        for name, outcome in self.answers.items():
            sold_at = self.entry_of(name)
            again = self.client.sell(sale(name, sold_at_ms=sold_at.receipt.sold_at_ms))
            self.assertEqual((again.replayed, again.outcome), (True, outcome))
        self.assertEqual(fault.status_of(self.client).sales, len(self.answers))
        self.assert_ties(self.client)

    def assert_nothing_hangs(self):
        """What goes by intervals goes on: the journal is sealed, the state flushed, uptime counts."""
        self.sell()
        position = fault.status_of(self.client).position_last
        fault.wait_until("the seal", lambda: fault.is_sealed(self.server.folder / "ledger"))
        fault.wait_until("a checkpoint", lambda: fault.status_of(self.client).position_flushed >= position)
        self.assertLess(fault.status_of(self.client).uptime_us, 600 * SECOND_US)

    def test_set_back_an_hour_under_the_running_server(self):
        self.publish(0)  # nothing is allowed for clocks that differ: time that stands still is seen
        self.sell()
        self.set(-HOUR)
        for _ in range(20):
            entry = self.sell()
            self.assertEqual(self.off_by(entry), 0)
            self.assertFalse(entry.outcome.late)
        self.assert_nothing_hangs()
        self.assert_all_is_well()
        self.assertEqual(self.server.stop(), 0)

    def test_set_back_an_hour_over_a_restart(self):
        self.publish(300)
        self.sell()
        for _ in range(3):
            self.restart(-HOUR)
            self.assertLess(abs(self.off_by(self.sell())), WAIT)  # behind by as long as the starts took
            self.assert_nothing_hangs()
        self.assert_all_is_well()
        self.assertEqual(self.server.stop(), 0)

    def test_set_forward_a_year_and_back_again(self):
        self.publish(300)
        before = self.sell()
        self.set(YEAR)
        for _ in range(5):
            entry = self.sell()
            self.assertEqual(self.off_by(entry), YEAR)
            self.assertEqual(entry.outcome.business_date, before.outcome.business_date)
            self.assertTrue(entry.outcome.late)
        self.assert_nothing_hangs()
        self.set(0)
        self.assertEqual(self.off_by(self.sell()), YEAR)  # stamps never fall
        self.assert_nothing_hangs()
        for shift in (0, YEAR, -HOUR):
            self.restart(shift)
            entry = self.sell()
            self.assertEqual(entry.outcome.business_date, before.outcome.business_date)
            self.assert_nothing_hangs()
        self.assert_all_is_well()
        self.assertEqual(self.server.stop(), 0)

    def hold(self, name, deadline_ms):
        at = now_ms()
        return self.client.ledger.Hold(ledger_pb2.HoldRequest(
            transaction_id=name, member=number(1), store=1, held_at_ms=at, points=100,
            deadline_ms=at + deadline_ms), timeout=WAIT)

    def capture(self, name):
        return self.client.ledger.Capture(ledger_pb2.CaptureRequest(
            transaction_id=f"capture-{name}", hold_transaction_id=name, captured_at_ms=now_ms()), timeout=WAIT)

    def test_deadlines_and_expiry_are_judged_by_the_tills_time(self):
        self.publish(0)
        name = "large"
        self.answers[name] = self.client.sell(sale(name, sold_at_ms=now_ms(), lines=[common_pb2.Line(
            sku="sku", category="GROCERY", quantity_milli=1000, amount=100000)])).outcome
        self.hold("before", 600000)
        for shift in (-HOUR, YEAR, 0):
            self.set(shift)
            # Points that the wrong clock would have expired are held, captured and spent.
            self.hold(f"hold{shift}", 600000)
            self.assertEqual(self.capture(f"hold{shift}").outcome.points_redeemed, 100)
            self.client.ledger.Redeem(ledger_pb2.RedeemRequest(
                transaction_id=f"redeem{shift}", member=number(1), store=1, redeemed_at_ms=now_ms(), points=100),
                timeout=WAIT)
        self.assertEqual(self.capture("before").outcome.points_redeemed, 100)
        self.assert_ties(self.client)
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    fault.main()
