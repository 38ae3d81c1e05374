"""The command line against a running jifend: exit codes, messages, JSON, replay and its restart, the demo."""
import datetime
import gzip
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else "."  # the directory of the programs
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WAIT = 180  # seconds: a bound on hanging, never a measure
HEAD = "receipt_id,store_id,member_id,sold_at,sku,category,quantity,amount,discount\n"
HEADLESS = ("name: t\neffective_from: 2018-01-01T00:00:00Z\nearn: {points: 1, per_amount: 1.00}\n"
            "expiry: {policy: never}\n")
NOBODY = "127.0.0.1:1"


class Ledger:
    def __init__(self, directory):
        self.data = os.path.join(directory, "data")
        self.port_file = os.path.join(directory, "port")
        self.process = None

    def start(self):
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.process = subprocess.Popen(
            [os.path.join(PROGRAMS, "jifend"), "--data", self.data, "--listen", "127.0.0.1:0",
             "--port-file", self.port_file], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + WAIT
        while not (os.path.exists(self.port_file) and os.path.getsize(self.port_file)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("jifend did not start: " + self.stop()[1])
            time.sleep(0.02)
        with open(self.port_file) as file:
            self.address = f"127.0.0.1:{int(file.read())}"

    def stop(self):
        self.process.terminate()
        try:
            _, errors = self.process.communicate(timeout=WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, errors

    def kill(self):
        self.process.kill()
        self.process.communicate()


def jifen(*arguments, address=None):
    environment = {**os.environ, "JIFEN_ADDRESS": address or NOBODY}
    done = subprocess.run([os.path.join(PROGRAMS, "jifen"), *map(str, arguments)], env=environment,
                          capture_output=True, text=True, timeout=WAIT)
    return done.returncode, done.stdout, done.stderr


class Case(unittest.TestCase):
    def setUp(self):
        # Not /tmp, which may be in memory: the ledger wants O_DIRECT.
        self.directory = tempfile.TemporaryDirectory(dir=PROGRAMS)
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with (gzip.open if name.endswith(".gz") else open)(self.path(name), "wt") as file:
            file.write(text)
        return self.path(name)


class WithoutLedger(Case):
    def test_no_ledger_is_exit_3_and_says_where_and_what_to_do(self):
        code, out, errors = jifen("status")
        self.assertEqual(code, 3)
        self.assertEqual(out, "")
        self.assertIn("no ledger answers at 127.0.0.1:1", errors)
        self.assertIn("jifen serve", errors)

    def test_no_ledger_is_json_for_programs(self):
        code, out, _ = jifen("status", "--json")
        self.assertEqual(code, 3)
        self.assertEqual(json.loads(out)["error"]["status"], 14)

    def test_replay_without_a_ledger_is_exit_3(self):
        file = self.write("one.csv", HEAD + "1,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n")
        self.assertEqual(jifen("replay", file)[0], 3)

    def test_wrong_usage_is_exit_2_and_names_what_is_wrong(self):
        rows = [
            ((), ""),
            (("dance",), '"dance"'),
            (("member",), "number"),
            (("member", "x"), "number"),
            (("member", "7", "--card", "C"), "not both"),
            (("member", "7", "--as-of", "2017-02-30"), "2017-02-30"),
            (("member", "7", "8"), '"8"'),
            (("member", "7", "--dance"), "--dance"),
            (("member", "7", "--as-of"), "--as-of needs a value"),
            (("status", "--json=yes"), "takes no value"),
            (("enrol", "7"), "--enrolled-on"),
            (("enrol", "7", "--enrolled-on", "2017-01-01", "--birthday", "02-30"), "02-30"),
            (("sale", "--member", "7"), "--line"),
            (("sale", "--member", "7", "--store", "1", "--number", "1", "--at",
              "2017-01-01T10:00:00Z", "--line", "s:c:1:1.005"), "s:c:1:1.005"),
            (("redeem", "--member", "7", "--store", "1", "--at", "yesterday", "--points", "1"),
             "yesterday"),
            (("redeem", "--member", "7", "--points", "-1"), '"-1"'),
            (("return", "--sale", "1", "--store", "1", "--at", "2017-01-01T10:00:00Z"), "--all"),
            (("tiers", "--as-of", "2017-01-01"), "--preview"),
            (("expire",), "--as-of"),
            (("store", "put", "1", "--entity", "1", "--zone", "UTC", "--day-start", "13:00"), "13:00"),
            (("journal", "burn", "."), "print | verify"),
            (("follow", "--kinds", "sale,"), "KIND,KIND"),
            (("explain",), "not both"),
            (("programme", "simulate", "x.yaml", "--from", "2017-01-02"), "--from DATE and --to"),
            (("programme", "simulate", "x.yaml", "--from", "2017-01-02", "--to", "2017-01-01"), "this order"),
            (("explain", "S1", "--position", "4"), "not both"),
            (("replay", "x", "--batch", "0"), "--batch"),
            (("status", "--address", "nowhere"), "HOST:PORT"),
            (("status", "--address", "127.0.0.1:65536"), "HOST:PORT"),
        ]
        for arguments, wanted in rows:
            with self.subTest(arguments):
                code, _, errors = jifen(*arguments)
                self.assertEqual(code, 2, errors)
                self.assertIn(wanted, errors)

    def test_a_file_that_cannot_be_read_is_exit_4_and_named(self):
        for arguments in (("replay", self.path("none.csv")),
                          ("programme", "publish", self.path("none.yaml")),
                          ("journal", "print", self.path("none"))):
            with self.subTest(arguments):
                code, _, errors = jifen(*arguments)
                self.assertEqual(code, 4, errors)
                self.assertIn("none", errors)

    def test_an_empty_programme_is_exit_4_and_named_before_it_is_sent(self):
        for text in ("", " \n\t\n"):
            code, _, errors = jifen("programme", "publish", self.write("nothing.yaml", text))
            self.assertEqual(code, 4, errors)
            self.assertIn("nothing.yaml is empty", errors)

    def test_help_says_the_truth_about_running_ledgers_and_amounts(self):
        out = jifen("help")[1]
        self.assertIn("also of a running one", out)
        self.assertNotIn("journal of a stopped ledger", out)
        self.assertIn("minor units / 100", out)
        self.assertIn("also beside a running ledger", jifen("journal", "--help")[1])

    def test_every_subcommand_has_help_with_an_example(self):
        out = jifen("help")[1]
        names = [line.split()[0] for line in out.split("Subcommands:\n")[1].split("\n\n")[0].splitlines()]
        self.assertGreater(len(names), 15)
        for name in set(names) - {"help", "version"}:
            with self.subTest(name):
                code, text, _ = jifen(name, "--help")
                self.assertEqual(code, 0)
                self.assertIn("Example", text)
                self.assertEqual(jifen("help", name)[1], text)

    def test_programme_check_tells_what_can_never_take_effect_without_a_ledger(self):
        samples = os.path.join(ROOT, "tools", "samples")
        for name in ("us-drug", "pharmacy", "supermarket"):
            path = os.path.join(samples, f"programme-{name}.yaml")
            self.assertEqual(jifen("programme", "check", path), (0, f"{path}: 0 errors, 0 warnings, 0 notes\n", ""))
        path = os.path.join(samples, "programme-contradictions.yaml")
        code, out, errors = jifen("programme", "check", path)
        self.assertEqual((code, errors), (4, ""))
        with open(path) as sample:
            lines = sample.read().splitlines()
        for finding in out.splitlines()[:-1]:
            self.assertRegex(finding, r"^.*\.yaml:\d+: [a-z_.\[\]0-9]+: (error|warning|note): .+$")
            number, field = finding[len(path) + 1:].split(": ")[:2]
            word = field.split(".")[-1].split("[")[0]
            self.assertTrue(word in lines[int(number) - 1] or "name:" in lines[int(number) - 1], finding)
        self.assertIn('rule "member-day-old" never counts', out)
        self.assertRegex(out, r':57: rules\[20\]\.group: warning: rule "campaign-days" of group "campaign" \(x3\) and rule '
                         r'"member-day" of group "occasion" \(x4, line 28: rules\[2\]\.group\) .* make x6 together')
        self.assertRegex(out, r':58: rules\[21\]: note: rule "mondays" without a group')
        self.assertNotIn("last-saturday", out)
        with open(os.path.join(ROOT, "ledger", "PROGRAMME.md")) as document:
            shown = [line.strip()[1:] for line in document if line.startswith("    …contradictions.yaml:")]
        self.assertEqual(len(shown), 3)
        for line in shown:
            self.assertIn(line, out)
        self.assertEqual(out.splitlines()[-1], f"{path}: 14 errors, 10 warnings, 7 notes")
        code, out, _ = jifen("programme", "check", path, "--json")
        told = json.loads(out)
        self.assertEqual((code, told["errors"], told["warnings"], told["notes"], len(told["findings"])),
                         (4, 14, 10, 7, 31))
        self.assertEqual(told["findings"][0], {
            "line": 31, "field": "rules[4].when", "severity": "error", "message":
            "never comes: while the programme is in force, no day fulfils all of days_of_month, date_ranges"})
        doubtful = self.write("doubtful.yaml", HEADLESS + "rules:\n"
                              "  - {name: r, kind: bonus, points: 1, when: {dates: [2019-01-01]}}\n")
        code, out, _ = jifen("programme", "check", doubtful)
        self.assertEqual((code, "its last day was 2019-01-01" in out), (6, True))
        broken = self.write("broken.yaml", HEADLESS + "rules: [{name: r, kind: bonus}]\n")
        code, out, errors = jifen("programme", "check", broken)
        self.assertEqual((code, out), (4, ""))
        self.assertIn("broken.yaml:5: rules[0].points: missing", errors)
        self.assertEqual(jifen("programme", "check", self.path("absent.yaml"))[0], 4)

    def test_generate_gives_the_same_file_for_the_same_options(self):
        options = ("generate", "--stores", 3, "--members", 50, "--days", 2)
        first = jifen(*options)[1]
        self.assertEqual(first, jifen(*options)[1])
        self.assertNotEqual(first, jifen(*options, "--seed", 2)[1])
        rows = [line.split(",") for line in first.splitlines()[1:]]
        self.assertEqual(len({row[0] for row in rows}), 20)
        self.assertEqual([row[3] for row in rows], sorted(row[3] for row in rows))

    def test_generate_makes_every_member_come_within_a_week_with_a_member_day(self):
        rows = [line.split(",") for line in jifen("generate", "--members", 500)[1].splitlines()[1:]]
        self.assertEqual(len({row[2] for row in rows}), 500)


class WithLedger(Case):
    def setUp(self):
        super().setUp()
        self.ledger = Ledger(self.directory.name)
        self.ledger.start()
        self.addCleanup(lambda: self.ledger.process.poll() is None and self.ledger.stop())

    def run_json(self, *arguments, code=0):
        got, out, errors = jifen(*arguments, "--json", address=self.ledger.address)
        self.assertEqual(got, code, errors)
        return json.loads(out.splitlines()[-1]) if out else None

    def publish(self):
        sample = os.path.join(ROOT, "tools", "samples", "programme-us-drug.yaml")
        return self.run_json("programme", "publish", sample)

    def sale(self, *more, code=0):
        return self.run_json("sale", "--store", 1, "--number", "R1", "--at", "2017-01-18T15:00:00Z",
                             "--line", "100:GROCERY:1:12.34", *more, code=code)

    def test_the_same_number_on_the_next_business_day_is_another_sale(self):
        """10:00 and 05:00 of the next morning are two business days in Shanghai, and one date by UTC."""
        self.publish()
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "Asia/Shanghai", "--day-start", "04:00")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        dates = []
        for at in ("2017-01-18T10:00:00+08:00", "2017-01-19T05:00:00+08:00", "2017-01-18T21:00:00Z"):
            answer = self.run_json("sale", "--member", 7, "--store", 1, "--number", "0001", "--at", at,
                                   "--line", "100:GROCERY:1:12.34")
            dates.append((answer["outcome"]["business_date"], answer["replayed"]))
        self.assertEqual(dates, [(20170118, False), (20170119, False), (20170119, True)])

    def test_a_default_id_that_is_too_long_is_told_and_a_quote_needs_none(self):
        self.publish()
        self.run_json("store", "put", 2**32 - 1, "--entity", 1, "--zone", "Asia/Shanghai")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        receipt = ("--member", 7, "--store", 2**32 - 1, "--terminal", 2**32 - 1, "--number", "n" * 32, "--at",
                   "2017-01-18T10:00:00Z", "--line", "100:GROCERY:1:1.00")
        code, _, errors = jifen("sale", *receipt, address=self.ledger.address)
        self.assertNotEqual(code, 0)
        self.assertIn("give --id", errors)
        self.assertEqual(self.run_json("quote", *receipt)["outcome"]["position"], 0)
        self.assertEqual(self.run_json("sale", *receipt, "--quote")["outcome"]["position"], 0)
        self.assertNotEqual(self.run_json("sale", *receipt, "--id", "own")["outcome"]["position"], 0)

    def test_a_hold_from_its_begin_to_its_end(self):
        self.publish()
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "America/New_York")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        self.run_json("sale", "--member", 7, "--store", 1, "--number", "R1", "--at", "2017-01-18T15:00:00Z",
                      "--line", "100:GROCERY:1:500.00")
        hold = ("hold", "--member", 7, "--store", 1, "--at", "2017-01-19T15:00:00Z", "--points", 300,
                "--until", "2017-01-19T15:10:00Z", "--reward", "mug", "--id")
        self.assertEqual(self.run_json(*hold, "h1")["outcome"]["balance"]["held"], 300)
        table = jifen("member", 7, "--as-of", "2017-01-19", address=self.ledger.address)[1]
        self.assertIn("2017-01-19 15:10:00Z", table)
        taken = self.run_json("capture", "h1", "--at", "2017-01-19T15:01:00Z", "--points", 100)["outcome"]
        self.assertEqual((taken["points_redeemed"], taken["balance"]["available"]), (100, 900))
        refused = self.run_json("void", "h1", "--at", "2017-01-19T15:01:00Z", code=1)
        self.assertEqual(refused["error"]["refusal"]["code"], "HOLD_ENDED")
        self.run_json(*hold, "h2")
        voided = self.run_json("void", "h2", "--at", "2017-01-19T15:01:00Z", "--id", "v2")["outcome"]
        self.assertEqual(voided["balance"]["available"], 900)
        for arguments in (("capture", "h1"), ("void",), ("hold", "--member", 7, "--points", 100)):
            self.assertEqual(jifen(*arguments, address=self.ledger.address)[0], 2)
        self.assertTrue(self.run_json("verify")["ties"])

    def test_a_reward_is_had_held_and_given_back_also_after_a_kill(self):
        sample = os.path.join(ROOT, "tools", "samples", "programme-us-drug.yaml")
        with open(sample) as file:
            text = file.read() + "\nrewards:\n  - {code: mug, points: 30, stock: 3}\n  - {code: pen, points: 50}\n"
        self.run_json("programme", "publish", self.write("rewards.yaml", text))
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "America/New_York")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        self.run_json("sale", "--member", 7, "--store", 1, "--number", "R1", "--at", "2017-01-18T15:00:00Z",
                      "--line", "100:GROCERY:1:500.00")
        spend = ("--member", 7, "--store", 1, "--reward", "mug")
        self.run_json("hold", *spend, "--at", "2017-01-19T15:00:00Z", "--points", 60, "--until",
                      "2017-01-19T15:10:00Z", "--id", "h1")
        self.run_json("redeem", *spend, "--at", "2017-01-19T15:00:00Z", "--points", 30)
        refused = self.run_json("redeem", *spend, "--at", "2017-01-19T15:10:00Z", "--points", 30, code=1)
        self.assertEqual(refused["error"]["refusal"]["code"], "REWARD_OUT_OF_STOCK")
        self.ledger.kill()
        self.ledger.start()
        self.run_json("redeem", *spend, "--at", "2017-01-19T15:10:01Z", "--points", 60, "--id", "r2")
        told = " ".join(jifen("explain", "r2", address=self.ledger.address)[1].split())
        self.assertIn("for 2 of \"mug\"", told)
        self.assertIn("60 points that were set aside by entry", told)
        refused = self.run_json("redeem", *spend, "--at", "2017-01-19T15:11:00Z", "--points", 30, code=1)
        self.assertEqual(refused["error"]["refusal"]["limit"], 3)
        self.run_json("enrol", 8, "--enrolled-on", "2017-01-01")
        day = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        now = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.run_json("sale", "--member", 7, "--store", 1, "--number", "R2", "--at", now, "--line",
                      "100:GROCERY:1:500.00")
        self.run_json("hold", "--member", 7, "--store", 1, "--at", now, "--points", 100, "--until", day, "--id", "h3",
                      "--reward", "pen")
        self.run_json("merge", 7, 8)
        self.ledger.kill()
        self.ledger.start()
        taken = self.run_json("capture", "h3", "--at", now, "--points", 50)["outcome"]
        self.assertEqual((taken["member"], taken["points_redeemed"], taken["redeemed_value"]), (8, 50, 0))
        self.assertTrue(self.run_json("verify")["ties"])

    def test_one_sale_from_store_to_return(self):
        self.publish()
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "America/New_York")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01", "--card", "C7")
        refused = self.sale("--member", 8, code=1)
        self.assertEqual(refused["error"]["refusal"]["code"], "UNKNOWN_MEMBER")
        quote = self.run_json("quote", "--card", "C7", "--store", 1, "--number", "R1", "--at",
                              "2017-01-18T15:00:00Z", "--line", "100:GROCERY:1:12.34")
        self.assertEqual(quote["outcome"]["position"], 0)
        self.assertEqual(quote["outcome"]["points_granted"], 24)  # the 18th is a member day
        self.assertEqual(self.sale("--card", "C7", "--quote")["outcome"], quote["outcome"])
        sale = self.sale("--card", "C7")
        self.assertEqual(sale["outcome"]["points_granted"], 24)
        self.assertFalse(sale["replayed"])
        again = self.sale("--card", "C7")
        self.assertTrue(again["replayed"])
        self.assertEqual(again["outcome"], sale["outcome"])
        self.assertEqual(self.sale("--card", "C7", "--terminal", 0, "--offline", code=1)
                         ["error"]["refusal"]["code"], "TRANSACTION_CONFLICT")
        refused = self.run_json("redeem", "--member", 7, "--store", 1, "--at", "2017-01-19T15:00:00Z",
                                "--points", 100, code=1)
        self.assertEqual(refused["error"]["refusal"]["available"], 24)
        history = self.run_json("history", "--card", "C7")
        self.assertEqual([entry["kind"] for entry in history["entries"]][0], "sale")
        identity = history["entries"][0]["transaction_id"]
        back = self.run_json("return", "--sale", identity, "--store", 1, "--at",
                             "2017-01-20T15:00:00Z", "--line", 1)
        self.assertEqual(back["outcome"]["points_granted"], -24)
        member = self.run_json("member", 7, "--as-of", "2017-01-31")["member"]
        self.assertEqual(member["balance"]["available"], 0)
        self.assertTrue(self.run_json("verify")["ties"])
        for arguments in (("member", 7), ("history", 7), ("status",), ("programme", "show"),
                          ("checkpoint",), ("tiers", "--preview", "--as-of", "2017-01-31", "--list"),
                          ("expire", "--as-of", "2017-01-31")):
            with self.subTest(arguments):
                code, out, errors = jifen(*arguments, address=self.ledger.address)
                self.assertEqual((code, errors), (0, ""))
                self.assertTrue(out)

    def test_follow_brings_entries_as_they_come_until_ctrl_c_and_says_where_to_go_on(self):
        self.publish()
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "America/New_York")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        code, out, errors = jifen("follow", "--once", "--kinds", "store,enrolment", address=self.ledger.address)
        self.assertEqual((code, errors), (0, "jifen: go on with --from 4\n"))
        self.assertEqual([line.split()[0] for line in out.splitlines()], ["POSITION", "2", "3"])
        code, out, errors = jifen("follow", "--once", "--from", 9, address=self.ledger.address)
        self.assertEqual((code, len(out.splitlines()), errors), (0, 1, "jifen: go on with --from 9\n"))
        following = subprocess.Popen([os.path.join(PROGRAMS, "jifen"), "follow", "--from", "3", "--json"],
                                     env={**os.environ, "JIFEN_ADDRESS": self.ledger.address},
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: following.poll() is None and following.kill())
        self.assertEqual(json.loads(following.stdout.readline())["entry"]["kind"], "enrolment")
        self.sale("--member", 7)
        self.assertEqual(json.loads(following.stdout.readline())["position"], 4)
        following.send_signal(signal.SIGINT)
        _, errors = following.communicate(timeout=WAIT)
        self.assertEqual((following.returncode, errors), (0, "jifen: go on with --from 5\n"))
        self.assertEqual(jifen("follow", "--kinds", "sale,dance", address=self.ledger.address)[0], 1)

    def test_explain_says_why_a_sale_and_its_return_are_what_they_are(self):
        sample = os.path.join(ROOT, "tools", "samples", "programme-pharmacy.yaml")
        self.run_json("programme", "publish", sample)
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "Asia/Shanghai", "--day-start", "04:00")
        self.run_json("enrol", 7, "--enrolled-on", "2026-01-01", "--birthday", "05-18")
        self.run_json("sale", "--member", 7, "--store", 1, "--number", "R1", "--at", "2026-05-18T19:00:00Z",
                      "--line", "11:health_food:1:100.00", "--line", "12:tobacco:1:50.00", "--line",
                      "13::2:1833.34", "--tender", "medical_insurance:400", "--tender", "cash:1583.34",
                      "--id", "S1")
        code, text, errors = jifen("explain", "S1", address=self.ledger.address)
        self.assertEqual((code, errors), (0, ""))
        text = " ".join(text.split())
        for sentence in (
                "It granted 4,670 points.", "at 03:00:00 local time on 2026-05-19.",
                "so the sale belongs to 2026-05-18.", "it was the first purchase; it was on the birthday.",
                "1,543.42 of the 1,983.34 earns points; 439.92 does not.",
                'Line 2 (12, 50.00) earns nothing, because the programme excludes its category "tobacco".',
                '400.00 was paid with "medical_insurance", which earns nothing',
                "10.08 of this falls on lines that earn nothing anyway.",
                "The base, 1 point for each 1.00, makes 1,543.42 points.",
                'Rule "birthday" (3 times the points, on the birthday) adds 3,086.84 points.',
                'would have added 1,543.42 points, but of the group "occasion" only the best rule counts, and that '
                'is "birthday".',
                "Together 4,670.175 points, rounded down, once for the receipt: 4,670 points.",
                'In whole points that is 1,543 points for the base, 3,087 points for "birthday", 40 points for '
                '"health-products".',
                'The member rises from level "standard" to "silver".',
                "went into the lot of entity 1 that can be spent until 2027-05-31.",
                'The member has 4,670 points to spend and stands on level "silver".'):
            self.assertIn(sentence, text)
        self.run_json("redeem", "--member", 7, "--store", 1, "--at", "2026-05-20T12:00:00Z", "--points", 4000)
        self.run_json("return", "--sale", "S1", "--store", 1, "--at", "2026-05-21T10:00:00Z", "--all", "--id", "T1")
        told = self.run_json("explain", "T1")
        self.assertEqual(told["entry"]["kind"], "return")
        sentences = {section["title"]: section["sentences"] for section in told["sections"]}
        self.assertEqual(sentences["How the points came about"][1:], [
            "670 points of the sale's points are taken back from the lot they went to.",
            "4,000 points had been spent already: the member owes them, and the next points earned pay them "
            "first."])
        self.assertEqual(self.run_json("explain", "--position", 6)["entry"]["transaction_id"], "T1")
        self.assertEqual(self.run_json("explain", "nothing", code=1)["error"]["refusal"]["code"],
                         "UNKNOWN_TRANSACTION")

    def test_a_level_by_hand_and_a_preview_with_reasons_as_csv(self):
        self.publish()
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "America/New_York")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        self.run_json("enrol", 8, "--enrolled-on", "2017-01-01")
        self.sale("--member", 8, "--line", "200:GROCERY:1:900.00")
        given = self.run_json("tiers", "set", 7, "--tier", "gold", "--operator", "anna")
        self.assertEqual(given["outcome"]["balance"]["tier"], 2)
        self.assertTrue(self.run_json("member", 7)["member"]["tier_by_hand"])
        file = self.path("changes.csv")
        done = self.run_json("tiers", "--preview", "--as-of", "2019-01-31", "--csv", file)["done"]
        self.assertEqual(sorted(done), ["counts", "members"])  # nobody has a class
        with open(file) as rows:
            rows = list(csv.DictReader(rows))
        self.assertEqual([(row["member"], row["from"], row["to"], row["reason"]) for row in rows],
                         [("8", "gold", "member", "the window reaches a lower level only")])
        listed = jifen("tiers", "--preview", "--as-of", "2019-01-31", "--list", address=self.ledger.address)[1]
        self.assertIn("member 8: level gold to member: the window reaches a lower level only (spend 0.00, 0 visits",
                      listed)
        self.assertEqual(jifen("tiers", "set", "7", "--tier", "gold", address=self.ledger.address)[0], 2)

    def test_a_class_is_shown_by_name_and_counted_in_json_as_in_text(self):
        self.run_json("programme", "publish", os.path.join(ROOT, "tools", "samples", "programme-pharmacy.yaml"))
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "Asia/Shanghai")
        for member in (7, 8):
            self.run_json("enrol", member, "--enrolled-on", "2026-01-01")
        self.run_json("sale", "--member", 7, "--store", 1, "--number", "R1", "--at", "2026-01-18T03:00:00Z",
                      "--line", "100:drug:1:12.34")
        member = ("member", 7, "--as-of", "2026-02-01")
        before = jifen(*member, address=self.ledger.address)[1]
        self.assertIn("; 1 visit.\n", before)
        self.assertNotIn("class", before)
        file = self.path("classes.csv")
        done = self.run_json("tiers", "--run", "r1", "--as-of", "2026-01-31", "--csv", file)["done"]
        self.assertEqual(done["class_counts"], [{"from": 0, "to": 3, "members": 1}, {"from": 0, "to": 4, "members": 1}])
        text = jifen("tiers", "--preview", "--as-of", "2026-01-31", address=self.ledger.address)[1]
        self.assertRegex(text, r"FROM CLASS +TO CLASS +MEMBERS\n(-.*\n)? *3 +3 +1\n *4 +4 +1\n")
        with open(file) as rows:
            self.assertEqual({(row["member"], row["to_class"], row["reason"]) for row in csv.DictReader(rows)},
                             {("7", "C", "activity class only"), ("8", "D", "activity class only")})
        self.assertIn("\nActivity class: C.\n", jifen(*member, address=self.ledger.address)[1])
        self.run_json("programme", "publish", self.write("plain.yaml", HEADLESS))
        self.assertIn("\nActivity class: number 3, which the programme in force does not have.\n",
                      jifen(*member, address=self.ledger.address)[1])

    def test_expire_posts_what_has_expired_and_says_how_much(self):
        self.publish()
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "America/New_York")
        self.run_json("enrol", 7, "--enrolled-on", "2017-01-01")
        self.sale("--member", 7)
        self.assertEqual(self.run_json("expire", "--as-of", "2018-01-31")["done"],
                         {"run": "2018-01-31", "members": 0, "points_expired": 0})
        self.assertEqual(self.run_json("expire", "--as-of", "2018-02-01", "--run", "february")["done"],
                         {"run": "february", "members": 1, "points_expired": 24})
        self.assertEqual(self.run_json("history", 7)["entries"][0]["kind"], "expiry")
        code, out, _ = jifen("expire", "--as-of", "2018-02-01", address=self.ledger.address)
        self.assertEqual((code, out), (0, "0 points posted as expired; 0 members looked at (run 2018-02-01).\n"))

    def test_simulate_sets_new_rules_against_what_was_granted(self):
        head = ("effective_from: 2017-01-01T00:00:00Z\nexpiry: {policy: never}\n"
                "redemption: {points: 100, amount: 1.00}\n")
        old = self.write("old.yaml", "name: old\nearn: {points: 1, per_amount: 1.00}\n" + head +
                         "rules:\n  - {name: tea, kind: multiplier, factor: 2, when: {categories: [tea]}}\n")
        new = self.write("new.yaml", "name: new\nearn: {points: 1, per_amount: 1.00}\n" +
                         head.replace("points: 100", "points: 50") +
                         "exclusions: {categories: [tobacco]}\ncaps: [{name: d, per: member_day, points: 120}]\n"
                         "rules:\n  - {name: tea, kind: multiplier, factor: 3, when: {categories: [tea]}}\n"
                         "  - {name: first, kind: bonus, points: 7, budget: 10, when: {first_purchase: true}}\n")
        self.run_json("programme", "publish", old)
        self.run_json("store", "put", 1, "--entity", 1, "--zone", "UTC")
        for member in (7, 8, 9):
            self.run_json("enrol", member, "--enrolled-on", "2017-01-01")
        sales = [(7, "A", "2017-01-18T10:00:00Z", ["1:tea:2:20.00", "2:tobacco:1:5.00"]),
                 (7, "B", "2017-01-18T11:00:00Z", ["1:tea:1:30.00"]),
                 (8, "C", "2017-01-19T10:00:00Z", ["3::1:10.00"]),
                 (9, "D", "2017-01-25T10:00:00Z", ["3::1:10.00"])]
        for member, name, at, lines in sales:
            self.run_json("sale", "--member", member, "--store", 1, "--number", name, "--at", at, "--id", name,
                          *[word for line in lines for word in ("--line", line)])
        self.run_json("return", "--sale", "A", "--store", 1, "--at", "2017-01-20T10:00:00Z", "--line", "1:1")
        self.run_json("return", "--sale", "D", "--store", 1, "--at", "2017-02-20T10:00:00Z", "--all")
        days = ("--from", "2017-01-18", "--to", "2017-01-24")
        same = self.run_json("programme", "simulate", old, *days)
        for part in same["days"] + same["rules"] + [same["total"]]:
            self.assertEqual(part["points_granted"], part["points_simulated"])
            self.assertEqual(part["worth_granted"], part["worth_simulated"])
        told = self.run_json("programme", "simulate", new, *days)
        # A: base 20, tea 40, first 7 = 67. B: 30 + 60, of which the day's cap leaves 53: base 30, tea 23.
        # C: base 10, and of the bonus what the budget has left: 3. A's return keeps 10: base 10, tea 20, first 7.
        self.assertEqual([(day["date"], day["sales"], day["returns"], day["points_granted"], day["points_simulated"])
                          for day in told["days"]],
                         [("2017-01-18", 2, 0, 45 + 60, 67 + 53), ("2017-01-19", 1, 0, 10, 13),
                          ("2017-01-20", 0, 1, -20, -30)])
        self.assertEqual({rule["rule"]: (rule["points_granted"], rule["points_simulated"], rule["worth_granted"],
                                         rule["worth_simulated"]) for rule in told["rules"]},
                         {"base": (55, 50, 55, 100), "tea": (40, 43, 40, 86), "first": (0, 10, 0, 20)})
        self.assertEqual((told["total"]["sales"], told["total"]["refused"]), (3, 0))
        code, text, errors = jifen("programme", "simulate", new, *days, address=self.ledger.address)
        self.assertEqual((code, errors), (0, ""))
        self.assertRegex(text, r"total +3 +1 +95 +103 +\+8 +\+8.4% +0.95 +2.06 +\+1.11\n")
        code, text, _ = jifen("programme", "simulate", new, *days, "--csv", address=self.ledger.address)
        self.assertEqual(text.splitlines()[:3], [
            "date,rule,points_granted,points_simulated,worth_granted,worth_simulated",
            '2017-01-18,"base",55,50,0.55,1.00', '2017-01-18,"tea",50,63,0.50,1.26'])
        with open(new) as file:
            new_text = file.read()
        strict = self.write("strict.yaml", new_text + "unknown: {categories: refuse}\n"
                            "known: {categories: [biscuit]}\n")
        self.assertEqual(self.run_json("programme", "simulate", strict, *days)["total"]["refused"], 0)
        strict = self.write("strict.yaml", "name: strict\nearn: {points: 1, per_amount: 1.00}\n" + head +
                            "unknown: {categories: refuse}\nknown: {categories: [tea]}\n")
        told = self.run_json("programme", "simulate", strict, *days)["total"]
        self.assertEqual((told["refused"], told["points_simulated"]), (2, 30 + 10))  # A, and its return
        text = jifen("programme", "simulate", strict, *days, address=self.ledger.address)[1]
        self.assertIn("\n2 receipts would be refused under the new rules; they earn nothing here.\n", text)
        text = jifen("programme", "simulate", strict, "--from", "2017-01-18", "--to", "2017-01-18",
                     address=self.ledger.address)[1]
        self.assertIn("\n1 receipt would be refused under the new rules; it earns nothing here.\n", text)
        self.assertEqual(self.run_json("status")["position_last"], 11)
        self.assertIn("days", jifen("programme", "simulate", new, "--from", "2001-01-01", "--to", "2017-01-01")[2])

    def test_a_bad_programme_names_file_and_line(self):
        file = self.write("bad.yaml", "name: x\nearn:\n  points: many\n")
        code, _, errors = jifen("programme", "publish", file, address=self.ledger.address)
        self.assertEqual(code, 1)
        self.assertIn("bad.yaml", errors)

    def test_replay_tells_bad_lines_posts_the_rest_and_is_restartable(self):
        self.publish()
        file = self.write("some.csv.gz", HEAD +
                          "1,1,7,2017-01-02T10:00:00,s,GROCERY,1,10.00,0\n"
                          "2,1,7,2017-01-02T11:00:00,s,GROCERY,1,ten,0\n"
                          "3,2,8,2017-01-02T12:00:00,s,GROCERY,1,5.00,0\n"
                          "3,2,8,2017-01-02T12:00:00,t,GROCERY,0,0.00,0\n")
        first = self.run_json("replay", file, code=4)
        self.assertEqual((first["receipts"], first["lines"], first["bad_lines"]), (2, 3, 1))
        self.assertEqual((first["posted"], first["replayed"], first["refused"]), (2, 0, 0))
        self.assertEqual(first["points_granted"], 15)
        second = self.run_json("replay", file, code=4)
        self.assertEqual((second["posted"], second["replayed"], second["enrolled"]), (0, 2, 0))
        self.assertEqual(second["points_granted"], 15)
        errors = jifen("replay", file, address=self.ledger.address)[2]
        self.assertIn("some.csv.gz:3: amount \"ten\"", errors)

    def test_replay_of_a_cut_gzip_file_posts_all_but_the_last_receipt(self):
        self.publish()
        rows = [f"{n},1,{1 + n * 7919 % 97},2017-01-02T10:{n % 60:02}:00,s{n * 31},GROCERY,1,{n % 50}.00,0\n"
                for n in range(1, 2001)]
        file = self.write("cut.csv.gz", HEAD + "".join(rows))
        os.truncate(file, os.path.getsize(file) // 2)
        got, out, errors = jifen("replay", file, "--json", address=self.ledger.address)
        self.assertEqual(got, 4, errors)
        summary = json.loads(out)
        self.assertGreater(summary["posted"], 100)
        self.assertEqual((summary["posted"], summary["bad_lines"], summary["receipts_left_out"]),
                         (summary["receipts"], 1, 1))
        line = summary["receipts"] + 3  # behind the first line, the receipts posted and the one left out
        self.assertIn(f"cut.csv.gz:{line}: ", errors)
        self.assertIn("may be incomplete and is left out", errors)
        self.assertIn(f"cut.csv.gz ends early, at line {line}", errors)
        self.assertEqual(self.run_json("status")["sales"], summary["posted"])
        whole = self.write("whole.csv.gz", HEAD + "".join(rows))
        again = self.run_json("replay", whole, "--batch", 100)
        self.assertEqual((again["posted"], again["replayed"]), (2000 - summary["posted"], summary["posted"]))
        self.assertIn("Replayed ", jifen("replay", file, address=self.ledger.address)[1])

    def test_replay_leaves_out_a_cut_last_line_and_lines_that_stand_apart(self):
        self.publish()
        file = self.write("some.csv", HEAD +
                          "1,1,7,2017-01-02T10:00:00,s,GROCERY,1,10.00,0\n"
                          "2,1,7,2017-01-02T11:00:00,s,GROCERY,1,10.00,0\n"
                          "1,1,7,2017-01-02T10:00:00,t,GROCERY,1,10.00,0\n"
                          "3,1,7,2017-01-02T12:00:00,s,GROCERY,1,10.00,0\n"
                          "3,1,7,2017-01-02T12:00:00,t,GROCERY,1,1")
        summary = self.run_json("replay", file, code=4)
        self.assertEqual((summary["posted"], summary["bad_lines"], summary["receipts_left_out"]), (2, 2, 2))
        errors = jifen("replay", file, address=self.ledger.address)[2]
        self.assertIn("some.csv:4: receipt 1 of store 1 was there before", errors)
        self.assertIn("some.csv:6: 8 fields where the first line has 9; the file ends in this line", errors)

    def test_the_journal_is_read_beside_a_running_ledger(self):
        self.publish()
        for arguments in (("verify",), ("print", "--limit", 1)):
            code, out, errors = jifen("journal", arguments[0], self.ledger.data, *arguments[1:])
            self.assertEqual((code, errors), (0, ""))
            self.assertTrue(out)

    def test_replay_lists_what_the_ledger_refuses_and_goes_on(self):
        self.publish()
        file = self.write("some.csv", HEAD +
                          "1,1,7,2016-06-01T10:00:00,s,GROCERY,1,10.00,0\n"  # before the programme
                          "2,1,7,2017-01-02T11:00:00,s,GROCERY,1,10.00,0\n")
        summary = self.run_json("replay", file, code=1)
        self.assertEqual((summary["posted"], summary["refused"]), (1, 1))
        errors = jifen("replay", file, address=self.ledger.address)[2]
        self.assertIn("some.csv:2: receipt 1 was refused: NO_PROGRAMME", errors)

    def test_unary_and_batch_replays_end_in_the_same_balances(self):
        rows = []
        for number in range(600):
            rows.append(f"{number},{1 + number % 3},{1 + number % 7},2017-02-{1 + number // 30:02}T10:00:00,"
                        f"s,GROCERY,1,{number % 40}.{number % 100:02},0\n")
        file = self.write("many.csv", HEAD + "".join(rows))
        self.publish()
        unary = self.run_json("replay", file)
        other = Ledger(self.path("other"))
        os.mkdir(self.path("other"))
        other.start()
        self.addCleanup(lambda: other.process.poll() is None and other.stop())
        unary_members = [self.run_json("member", n, "--as-of", "2017-03-01")["member"] for n in range(1, 8)]
        self.ledger, first = other, self.ledger
        self.addCleanup(first.stop)
        self.publish()
        batch = self.run_json("replay", file, "--batch", 50, "--concurrency", 3)
        batch_members = [self.run_json("member", n, "--as-of", "2017-03-01")["member"] for n in range(1, 8)]
        self.assertEqual(unary["posted"], 600)
        self.assertEqual(batch["posted"], 600)
        self.assertEqual(unary["points_granted"], batch["points_granted"])
        for one, two in zip(unary_members, batch_members):
            for key in ("tier", "tier_since", "balance", "lots", "months", "visits"):
                self.assertEqual(one[key], two[key])

    def test_a_replay_broken_off_by_a_kill_is_finished_by_the_next(self):
        self.publish()
        file = self.path("week.csv")
        with open(file, "w") as out:
            out.write(jifen("generate", "--members", 3000)[1])
        running = subprocess.Popen([os.path.join(PROGRAMS, "jifen"), "replay", file, "--address",
                                    self.ledger.address], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + WAIT
        while self.run_json("status")["sales"] < 100 and time.monotonic() < deadline:
            pass
        self.ledger.kill()
        _, errors = running.communicate(timeout=WAIT)
        if running.returncode == 0:
            self.skipTest("the replay was over before the kill")
        self.assertEqual(running.returncode, 3, errors)
        self.ledger.start()
        summary = self.run_json("replay", file)
        self.assertEqual(summary["posted"] + summary["replayed"], summary["receipts"])
        self.assertGreaterEqual(summary["replayed"], 100)
        self.assertTrue(self.run_json("verify")["ties"])

    def test_the_demo_ties_live_and_offline(self):
        self.publish()
        file = self.path("week.csv")
        with open(file, "w") as out:
            out.write(jifen("generate", "--members", 1000)[1])
        demo = self.run_json("demo", file)
        self.assertTrue(demo["verify"]["ties"])
        self.assertEqual(demo["replay"]["posted"], demo["replay"]["receipts"])
        self.assertGreater(demo["returns"], 2)
        self.assertGreater(demo["points_clawed_back"], 0)
        self.assertEqual(len(demo["members"]), 5)
        issued = -sum(row["points"] for row in demo["status"]["totals"]
                      if row["account"] == "ACCOUNT_ISSUED")
        self.assertEqual(issued, demo["replay"]["points_granted"] - demo["points_clawed_back"])
        self.assertEqual(self.ledger.stop()[0], 0)
        code, out, errors = jifen("verify", "--data", self.ledger.data, "--json")
        self.assertEqual(code, 0, errors)
        self.assertEqual(json.loads(out)["digest"], demo["verify"]["digest"])
        code, out, errors = jifen("journal", "verify", self.ledger.data, "--json")
        self.assertEqual(code, 0, errors)
        entries = json.loads(out)["entries"]
        lines = jifen("journal", "print", self.ledger.data, "--json")[1].splitlines()
        self.assertEqual(len(lines), entries)
        self.assertEqual([json.loads(line)["position"] for line in lines], list(range(1, entries + 1)))
        self.assertEqual(len(jifen("journal", "print", self.ledger.data, "--from", 5, "--limit", 3)[1]
                             .splitlines()), 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
