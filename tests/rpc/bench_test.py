#!/usr/bin/python3
"""jifen-bench against a real jifend: every subcommand works for a moment, finds what is wrong, and leaves nothing.

Says nothing about speed. Argument: the directory of the programs.
"""
import contextlib
import csv
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import jifend

PROGRAMS = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ".").resolve()
BENCH = PROGRAMS / "jifen-bench"
TIMEOUT_S = 300
SMALL = ["--members", "50", "--stores", "3"]
PARTS = ["http2.empty_unary", "rpc.single", "rpc.unary", "rpc.connections_64", "rpc.hot_member", "rpc.stream",
         "rpc.batch"]


class BenchTest(unittest.TestCase):
    def setUp(self):
        # Not /tmp, which may be in memory: the ledger wants O_DIRECT.
        self.folder = tempfile.TemporaryDirectory(dir=PROGRAMS)
        self.addCleanup(self.folder.cleanup)
        self.directory = pathlib.Path(self.folder.name)
        self.json = self.directory / "figures.json"

    def bench(self, *arguments):
        return subprocess.run([BENCH, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=TIMEOUT_S)

    def measured(self, *arguments):
        """Runs it, and answers with the figures by name."""
        ended = self.bench(*arguments, "--dir", str(self.directory), "--json", str(self.json))
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertLeftNothing()
        document = json.loads(self.json.read_text())
        self.assertGreater(document["machine"]["cores"], 0)
        return {figure["name"]: figure for figure in document["figures"]}

    def assertLeftNothing(self):
        left = [path.name for path in self.directory.iterdir() if path != self.json]
        self.assertEqual(left, [])

    def test_wrong_usage_exits_with_2(self):
        for arguments in ([], ["bogus"], ["rpc"], ["rpc", "--spawn", "--address", "127.0.0.1:1"],
                          ["rpc", "--spawn", "--parts", "unary,bogus"], ["limits", "--seconds", "0"],
                          ["plan", "--rules", "5,,50"], ["plan", "--rules", "0"], ["plan", "--rules", "1001"],
                          ["engine", "--batch", "8193"], ["engine", "--sales", "0"],
                          ["engine", "--zipf", "1"], ["engine", "--zipf", "much"],
                          ["peers", "--parts", "oracle"], ["jobs", "--parts", "tiers,bogus"], ["jobs", "--parts", ""],
                          ["day", "--gets", "60", "--quotes", "60"], ["day", "--job", "verify"],
                          ["day", "--profile", "1,2,3"], ["day", "--member-day-hour", "24"],
                          ["compare", "a.json"], ["plots", "a.json"], ["all"], ["all", "--quick", "--full"],
                          ["restart", "--entries", "2000", "--tail", "2000"]):
            self.assertEqual(self.bench(*arguments).returncode, 2, arguments)

    def test_what_cannot_be_measured_exits_with_3_and_says_why(self):
        directory = ["--dir", str(self.directory)]
        for arguments, wanted in (
                (["limits", "--dir", "/nonexistent"], "/nonexistent"),
                (["rpc", "--address", "127.0.0.1:1"], "127.0.0.1:1"),
                (["rpc", "--spawn", "--jifend", "/nonexistent", *directory], "--jifend"),
                (["rpc", "--spawn", "--jifend-option=--bogus", *directory], "--bogus"),
                (["restart", "--entries", "1000000000", *directory], "--dir")):
            ended = self.bench(*arguments)
            self.assertEqual(ended.returncode, 3, ended.stderr)
            self.assertIn(wanted, ended.stderr)
            self.assertLeftNothing()

    def test_a_peer_that_is_not_installed_is_named_with_the_remedy(self):
        if pathlib.Path("/usr/lib/postgresql/15/bin/initdb").exists():
            self.skipTest("PostgreSQL is installed here")
        ended = self.bench("peers", "--parts", "postgres", "--dir", str(self.directory))
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertIn("tools/setup --bench", ended.stderr)
        self.assertLeftNothing()

    def test_ours_is_posted_to_as_its_peers_are(self):
        figures = self.measured("peers", "--parts", "jifen", "--members", "50", "--seconds", "1")
        for name in ("clients_1", "clients_16", "clients_64", "batch"):
            self.assertGreater(figures[f"peers.jifen.{name}.rate"]["value"], 0)
        self.assertEqual(figures["peers.jifen.rate"]["value"], figures["peers.jifen.clients_64.rate"]["value"])

    def test_compare_says_what_moved_and_may_fail(self):
        def write(name, rate, latency, more=()):
            path = self.directory / name
            path.write_text(json.dumps({"program": "jifen-bench", "command": name, "figures": [
                {"name": "a.rate", "value": rate, "unit": "/s"},
                {"name": "a.p50_us", "value": latency, "unit": "us", "least": latency - 1, "most": latency + 1},
                *more]}))
            return str(path)
        before, after = write("before.json", 1000, 10), write("after.json", 1500, 20)
        said = self.bench("compare", before, after)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"a\.rate +1000 +1500 +/s +\+50\.0 % better")
        self.assertRegex(said.stdout, r"a\.p50_us +10 +20 +us +\+100\.0 % worse")
        self.assertEqual(self.bench("compare", before, after, "--fail-above", "150").returncode, 0)
        self.assertEqual(self.bench("compare", before, after, "--fail-above", "50").returncode, 1)
        self.assertNotIn("a.rate", self.bench("compare", before, after, "--above", "60").stdout)
        noise = self.bench("compare", before, write("noise.json", 1000, 11, [{"name": "b", "value": 1, "unit": "s"}]))
        self.assertRegex(noise.stdout, r"a\.p50_us .*worse +~")
        self.assertIn("only in B: b", noise.stdout)
        for content in ("", "[]", "{}", '{"figures": [{"name": "x"}]}', '{"figures": {}}',
                        '{"figures": [], "series": [{"name": "x", "x": "a", "y": "b", "points": [[1]]}]}'):
            (self.directory / "bad.json").write_text(content)
            bad = self.bench("compare", before, str(self.directory / "bad.json"))
            self.assertEqual(bad.returncode, 3, content)
            self.assertIn("bad.json", bad.stderr)

    @unittest.skipUnless(pathlib.Path("/usr/bin/gnuplot").exists(), "gnuplot is not installed")
    def test_plots_make_a_page_that_stands_alone(self):
        self.measured("engine", "--members", "50", "--sales", "3000", "--window", "1000")
        ended = self.bench("plots", str(self.json), "--report", str(self.directory / "page"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual([path.name for path in (self.directory / "page").iterdir()], ["index.html"])
        page = (self.directory / "page" / "index.html").read_text()
        self.assertIn("<svg", page)
        self.assertIn("engine.steady.rate", page)
        self.assertNotIn("src=", page)

    @unittest.skipUnless(pathlib.Path("/usr/bin/gnuplot").exists(), "gnuplot is not installed")
    def test_a_page_holds_the_figures_of_a_full_run_and_a_plot_for_each_part(self):
        figures = [{"name": f"part.figure_{number}", "value": 1, "unit": "us"} for number in range(600)]
        series = [{"name": f"{part}.curve_{number}.latency", "x": "percentile", "y": "latency, us",
                   "points": [[50, 1 + number], [99, 7]]} for number in range(30) for part in ("rpc", "day", "jobs")]
        self.json.write_text(json.dumps({"figures": figures, "series": series}))
        ended = self.bench("plots", str(self.json), "--report", str(self.directory / "page"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        page = (self.directory / "page" / "index.html").read_text()
        self.assertIn("part.figure_599", page)
        for part in ("rpc", "day", "jobs"):
            self.assertEqual(page.count(f"<h2>Latency by percentile: {part}</h2>"), 1)
            self.assertIn(f"{part}.curve_29", page)
        self.assertEqual(page.count("<svg"), 3)

    def test_a_server_that_dies_fails_the_run(self):
        with subprocess.Popen([BENCH, "rpc", "--spawn", "--dir", str(self.directory), "--parts", "stream",
                               "--seconds", "60", *SMALL], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as running:
            self.assertIn("stream:", running.stderr.readline())
            os.kill(self.only_child_of(running.pid), signal.SIGKILL)
            said = running.communicate(timeout=TIMEOUT_S)[1]
        self.assertIn(running.returncode, (1, 3), said)
        self.assertLeftNothing()

    def test_ctrl_c_stops_the_server_and_removes_the_ledger(self):
        with subprocess.Popen([BENCH, "rpc", "--spawn", "--dir", str(self.directory), "--parts", "unary",
                               "--seconds", "60", *SMALL], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as running:
            self.assertIn("unary:", running.stderr.readline())
            server = self.only_child_of(running.pid)
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=TIMEOUT_S)
        self.assertEqual(running.returncode, 130)
        self.assertFalse(pathlib.Path(f"/proc/{server}").exists())
        self.assertLeftNothing()

    def only_child_of(self, pid):
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if children:
                self.assertEqual(len(children), 1)
                return int(children[0])
        self.fail("no child was started")

    def test_limits_has_every_size(self):
        figures = self.measured("limits", "--seconds", "0.02", "--repeat", "2")
        for size in ("4k", "16k", "64k", "256k", "1m"):
            self.assertGreater(figures[f"device.dsync_{size}.p50_us"]["value"], 0)
            self.assertEqual(figures[f"device.dsync_{size}.p50_us"]["samples"], 2)
        for name in ("device.dsync_4k_depth_8.rate", "device.sequential.mib_per_s", "rocksdb.put_ascending.rate",
                     "rocksdb.put_random.rate", "rocksdb.get_random.rate", "protobuf.decode_sale.rate",
                     "protobuf.encode_sale.rate", "http2.empty_unary.rate"):
            self.assertGreater(figures[name]["value"], 0, name)

    def test_a_day_is_played_and_everything_ties(self):
        figures = self.measured("day", "--members", "300", "--stores", "5", "--calls", "600", "--seconds", "2",
                                "--spike", "5", "--offline", "20", "--retries", "20", "--job", "tiers",
                                "--member-day", "200", "--profile", ",".join(["0"] * 8 + ["1"] * 16))
        self.assertEqual(figures["day.drain.sales"]["value"], 100)
        self.assertGreater(figures["day.drain.seconds"]["value"], 0)
        self.assertGreater(figures["day.job.seconds"]["value"], 0)
        for kind in ("sale", "quote", "get", "retry"):
            self.assertGreater(figures[f"day.{kind}.accepted"]["value"], 0, kind)
            self.assertGreater(figures[f"day.{kind}.p50_us"]["value"], 0, kind)
        refused = [figure["value"] for name, figure in figures.items() if name.startswith("day.refused.")]
        self.assertEqual(sum(refused), figures["day.refused"]["value"])
        series = {row["name"]: row for row in json.loads(self.json.read_text())["series"]}
        self.assertEqual(len(series["come.day_rate"]["points"]), 96)
        self.assertEqual([rate for hour, rate in series["come.day_rate"]["points"] if hour < 8], [0] * 32)
        for name in ("day.usual.sale.p999_us", "day.spike.quote.p99_us", "day.drain.sale.max_us"):
            self.assertGreater(figures[name]["value"], 0, name)
        self.assertEqual({hour for hour, _ in series["member day opens.day_wait"]["points"]}, {7})
        for mark in ("promotion.day_wait", "stores on line again.day_wait", "job begins.day_wait"):
            self.assertEqual(len(series[mark]["points"]), 2)

    def test_a_day_shows_how_long_it_still_takes(self):
        terminal, errors = pty.openpty()
        self.addCleanup(os.close, terminal)
        with subprocess.Popen([BENCH, "day", "--dir", str(self.directory), "--calls", "50", "--seconds", "3", *SMALL],
                              stdout=subprocess.DEVNULL, stderr=errors) as running:
            os.close(errors)
            shown = b""
            with contextlib.suppress(OSError):  # the last one who could write has gone
                while piece := os.read(terminal, 4096):
                    shown += piece
            self.assertEqual(running.wait(timeout=TIMEOUT_S), 0)
        self.assertRegex(shown.decode(), r"the day.* 0:0[0-3] left")

    def test_a_day_without_offline_stores_has_no_drain(self):
        figures = self.measured("day", "--calls", "200", "--seconds", "0.5", "--offline", "0", *SMALL)
        self.assertEqual([name for name in figures if name.startswith("day.drain.")], ["day.drain.queue_longest_s"])

    def test_a_past_day_of_a_ledger_is_posted_again_and_that_ledger_stays_as_it_was(self):
        past = self.directory / "past"
        past.mkdir()
        server = jifend.Jifend(past)
        self.addCleanup(server.kill)
        jifen = [str(PROGRAMS / "jifen")]
        address = ["--address", f"127.0.0.1:{server.port}"]
        receipts = self.directory / "receipts.csv"
        with open(receipts, "wb") as file:
            subprocess.run([*jifen, "generate", "--stores", "3", "--members", "40", "--days", "2", "--start", "2026-02-03"],
                           stdout=file, check=True)
        programme = pathlib.Path(__file__).parents[2] / "tools/samples/programme-pharmacy.yaml"
        subprocess.run([*jifen, "programme", "publish", *address, str(programme)], stdout=subprocess.DEVNULL, check=True)
        subprocess.run([*jifen, "replay", *address, str(receipts)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
        data = past / "ledger"
        running = self.bench("day", "--from-journal", str(data), "--rate", "100000x", "--dir", str(self.directory))
        self.assertEqual(running.returncode, 3)
        self.assertIn("is running", running.stderr)
        server.stop()
        before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        done = self.bench("day", "--from-journal", str(data), "--date", "2026-02-03", "--rate", "100000x",
                          "--dir", str(self.directory), "--json", str(self.json))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        figures = {figure["name"]: figure["value"] for figure in json.loads(self.json.read_text())["figures"]}
        with open(receipts, newline="", encoding="utf-8") as file:
            wanted = {row["receipt_id"] for row in csv.DictReader(file) if row["sold_at"].startswith("2026-02-03")}
        self.assertEqual(figures["day.sale.accepted"], len(wanted))
        self.assertEqual({path: path.read_bytes() for path in data.rglob("*") if path.is_file()}, before)
        for arguments, word in ((["--date", "2020-01-01"], "no sale of 2020-01-01"), (["--date", "soon"], "a date such as"),
                                (["--rate", "fast"], "a multiple such as")):
            ended = self.bench("day", "--from-journal", str(data), *arguments)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn(word, ended.stderr)
        ended = self.bench("day", "--from-journal", str(self.directory))
        self.assertIn("takes a ledger's directory", ended.stderr)

    def test_jobs_are_measured_and_what_they_cost_the_tills(self):
        figures = self.measured("jobs", "--members", "500", "--seconds", "0.2")
        for job, rate in (("preview", "members"), ("tiers", "members"), ("verify", "entries"), ("expiry", "members")):
            self.assertGreater(figures[f"jobs.{job}.{rate}_per_s"]["value"], 0)
        for job in ("preview", "tiers", "checkpoint", "verify", "expiry"):
            self.assertGreater(figures[f"jobs.{job}.seconds"]["value"], 0)
            self.assertEqual(figures[f"jobs.{job}.sale.p99_us"]["of"], "jobs.alone.sale.p99_us")

    def test_an_open_loop_tells_what_waited(self):
        figures = self.measured("rpc", "--spawn", "--parts", "open,saturation", "--rate", "500", "--seconds", "0.2",
                                "--warm-up", "0.05", "--p99-ms", "10000", "--verify", *SMALL)
        self.assertGreater(figures["rpc.open_500.p9999_us"]["value"], 0)
        self.assertGreaterEqual(figures["rpc.open_500.p9999_us"]["value"], figures["rpc.open_500.p99_us"]["value"])
        self.assertEqual(figures["rpc.open_500.unsent"]["value"], 0)
        self.assertGreater(figures["rpc.saturation.rate"]["value"], 0)
        self.assertEqual(figures["rpc.saturation.p99_bound_us"]["value"], 10000000)

    def test_a_till_is_measured_beside_every_attack(self):
        figures = self.measured("abuse", "--seconds", "0.2", *SMALL)
        self.assertEqual(figures["abuse.alone.sale.p99_us"]["samples"], 9)
        for attack in ("idle", "half_requests", "dropped", "pings", "settings", "windows", "resets", "continuations",
                       "header_bombs"):
            self.assertGreater(figures[f"abuse.{attack}.sale.p99_us"]["ratio"], 0)
            self.assertGreater(figures[f"abuse.{attack}.neighbour.sale.p99_us"]["ratio"], 0)
            self.assertAlmostEqual(figures[f"abuse.{attack}.p99_of_neighbour"]["value"],
                                   figures[f"abuse.{attack}.sale.p99_us"]["value"]
                                   / figures[f"abuse.{attack}.neighbour.sale.p99_us"]["value"], delta=0.01)
            self.assertGreater(figures[f"abuse.{attack}.rss_mib"]["value"], 0)

    def test_the_engine_alone_is_measured_by_windows(self):
        figures = self.measured("engine", "--members", "50", "--sales", "3000", "--window", "1000", "--batch", "100")
        self.assertGreater(figures["engine.steady.rate"]["value"], 0)
        self.assertLessEqual(figures["engine.steady.rate_least"]["value"], figures["engine.steady.rate"]["value"] * 1.5)
        self.assertGreater(figures["engine.steady.written_bytes"]["value"], 100)  # a sale is some hundred bytes
        self.assertGreater(figures["engine.journal.rate"]["value"], 0)
        self.assertEqual(figures["engine.steady.rate"]["of"], "engine.journal.rate")
        for kind in ("journal", "state"):  # blocks of few entries are padded
            self.assertGreater(figures[f"engine.rest.{kind}_bytes"]["value"], 50)
        self.assertGreater(figures["engine.write_amplification"]["value"], 1)

    def test_members_are_drawn_by_zipfs_law(self):
        figures = self.measured("engine", "--members", "500", "--sales", "3000", "--window", "1000", "--zipf", "0.99")
        self.assertGreater(figures["engine.steady.rate"]["value"], 0)

    def test_planning_has_a_figure_for_every_size(self):
        ended = self.bench("plan", "--rules", "1,64,300", "--seconds", "0.02", "--repeat", "2", "--json", self.json)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        figures = {figure["name"]: figure for figure in json.loads(self.json.read_text())["figures"]}
        for count in (1, 64, 300):
            self.assertGreater(figures[f"plan.rules_{count}.us"]["value"], 0)
            self.assertEqual(figures[f"plan.rules_{count}.us"]["samples"], 2)
        self.assertEqual(figures["plan.rules_300.us"]["of"], "plan.rules_1.us")
        self.assertGreater(figures["engine.plan.rate"]["value"], 0)

    def test_rpc_has_every_part_and_the_ledger_ties(self):
        figures = self.measured("rpc", "--spawn", "--seconds", "0.1", "--warm-up", "0.05", "--batch-size", "20",
                                "--verify", *SMALL)
        for part in PARTS:
            self.assertGreater(figures[f"{part}.rate"]["value"], 0)
            self.assertGreaterEqual(figures[f"{part}.max_us"]["value"], figures[f"{part}.p50_us"]["value"])
        self.assertEqual(figures["rpc.single.p50_us"]["of"], "device.dsync_4k.p50_us")
        self.assertGreater(figures["rpc.peak_mib"]["value"], 0)

    def test_memory_tells_each_step(self):
        figures = self.measured("memory", "--seconds", "0.1", "--cache-mib", "8", *SMALL)
        self.assertEqual(figures["memory.members"]["value"], 50)
        for step in ("empty", "enrolled", "sales", "checkpoint"):
            self.assertGreater(figures[f"memory.{step}.rss_mib"]["value"], 0)

    def test_restart_recovers_exactly_the_tail(self):
        figures = self.measured("restart", "--entries", "3000", "--tail", "1200", "--repeat", "2", *SMALL)
        self.assertEqual(figures["restart.entries"]["value"], 3000)
        self.assertEqual(figures["jobs.recovery.entries"]["value"], 1200)
        self.assertGreater(figures["restart.first_answer_s"]["value"], 0)
        self.assertGreater(figures["jobs.recovery.entries_per_s"]["value"], 0)
        self.assertGreater(figures["restart.cold.first_answer_s"]["value"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
