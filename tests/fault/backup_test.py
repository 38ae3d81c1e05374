"""Backups: taken whole, then only what is new; restored to any position; damage and strangers refused.

The truth is what the clients were answered: after a restore a retry of each of them must get its first answer.
"""
import json
import os
import random
import shutil
import subprocess
import threading
import time

import fault
from fault import PROGRAMS, WAIT, Client
from jifend import grpc, operations_pb2, sale

FLAGS = ("--segment-mib", "4", "--checkpoint-entries", "1000", "--cache-mib", "8", "--filter-mib", "1",
         "--reserve-mib", "16")
BAD_INPUT, BROKEN, UNAVAILABLE = 4, 5, 3  # exit codes of jifen
LOST = 3  # exit code of jifend: not a data directory


def bury(folder):
    """Folders in folders, below a path too long for any call."""
    above = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=above)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=above)
        os.close(above)
        above = below
    os.close(above)


class Backups(fault.Case):
    """A ledger whose sales and answers are remembered."""

    def setUp(self):
        super().setUp()
        self.answers = {}  # name: (position, outcome)
        self.home = self.folder / "home"
        self.data = self.home / "ledger"
        self.backup = self.folder / "backup"

    def begin(self, members=3):
        server = self.serve(self.home, *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            client.chain()
            for member in range(1, members + 1):
                client.enrol(member)
        return server

    def post(self, server, count, prefix="s", lines=1):
        """Posts sales, and remembers what was answered."""
        with server.channel() as channel:
            client = Client(channel)
            begin = len(self.answers)
            for at in range(begin, begin + count):
                name = f"{prefix}{at}"
                got = client.sell(self.sale(name, at, lines))
                self.answers[name] = (got.outcome.position, got.outcome.SerializeToString(deterministic=True))

    @staticmethod
    def sale(name, at, lines=1):
        amount = 100 + at % 1000
        return sale(name, member=1 + at % 3, lines=[fault.common_pb2.Line(
            sku=f"{index:032}", category="GROCERY", quantity_milli=1000, amount=amount) for index in range(lines)])

    def run_jifen(self, *arguments, code=0, words=()):
        done = subprocess.run([PROGRAMS / "jifen", *map(str, arguments)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=600)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        told = [json.loads(line) for line in done.stdout.splitlines()] if "--json" in arguments else [done.stdout]
        return told if arguments[:2] == ("journal", "print") or code != 0 else told[0]

    def take(self, *arguments, backup=None, **expected):
        return self.run_jifen("backup", backup or self.backup, "--data", self.data, "--json", *arguments, **expected)

    def restore(self, name, *arguments, backup=None, **expected):
        """Restores to a folder of that name, as a server's home. Returns what was told."""
        (self.folder / name).mkdir(exist_ok=True)
        return self.run_jifen("restore", backup or self.backup, "--data", self.folder / name / "ledger", "--json",
                              *arguments, **expected)

    def assert_holds(self, name, until, lines=1):
        """The ledger restored to `name` holds exactly the answers up to a position: a retry gets them again."""
        server = self.serve(self.folder / name, *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            self.assertEqual(fault.status_of(client).position_last, until)
            kept = {key: answer for key, answer in self.answers.items() if answer[0] <= until}
            self.assertEqual(fault.status_of(client).sales, len(kept))
            for at, key in enumerate(self.answers):
                if key in kept:
                    got = client.sell(self.sale(key, at, lines))
                    self.assertTrue(got.replayed)
                    self.assertEqual((got.outcome.position, got.outcome.SerializeToString(deterministic=True)), kept[key])
            self.assert_ties(client)
        return server

    def digest_of(self, data):
        return self.run_jifen("verify", "--data", data, "--json")["digest"]


class Take(Backups):
    def test_a_backup_of_a_stopped_ledger_is_restored_with_every_answer(self):
        server = self.begin()
        self.post(server, 200)
        self.assertEqual(server.stop(), 0)
        before = fault.tree_of(self.data)
        taken = self.take()
        self.assertEqual(taken["last_position"], self.last_position())
        self.assertEqual(taken["files_copied"], taken["files"])
        self.assertEqual(fault.tree_of(self.data), before)
        self.run_jifen("backup", self.backup, "--check")
        told = self.restore("again")
        self.assertEqual((told["last_position"], told["generation"], told["compared"]),
                         (taken["last_position"], 2, True))
        self.assertEqual(told["digest"], self.digest_of(self.data))
        self.assertFalse((self.folder / "again" / "ledger.restoring").exists())
        server = self.assert_holds("again", taken["last_position"])
        # It goes on: the next position is given anew, in the new generation.
        self.post(server, 1, prefix="new")
        self.assertEqual(self.answers["new200"][0], taken["last_position"] + 1)
        self.assertEqual(server.stop(), 0)
        self.run_jifen("verify", "--data", self.folder / "again" / "ledger")

    def last_position(self):
        return max(position for position, _ in self.answers.values())

    def test_a_second_backup_copies_what_is_new_and_loses_no_answer(self):
        server = self.begin()
        self.post(server, 150, lines=100)
        self.assertEqual(server.stop(), 0)
        first = self.take()
        again = self.take()
        self.assertEqual((again["files_copied"], again["bytes"]), (0, first["bytes"]))
        server.start()
        self.post(server, 100, lines=100)
        self.assertEqual(server.stop(), 0)
        second = self.take()
        self.assertEqual(second["last_position"], self.last_position())
        self.assertLess(second["files_copied"], second["files"])
        objects = [path for path in self.backup.rglob("*") if path.is_file()]
        self.assertEqual(len(objects), second["files"] + 2)  # and MANIFEST, LOCK: what is old is gone
        self.restore("again")
        server = self.assert_holds("again", second["last_position"], lines=100)
        self.assertEqual(server.stop(), 0)

    def test_a_backup_goes_nowhere_else(self):
        server = self.begin()
        self.post(server, 5)
        self.take(code=UNAVAILABLE, words=["is running"])
        self.assertEqual(server.stop(), 0)
        strange = self.folder / "strange"
        strange.mkdir()
        (strange / "letter").write_text("dear")
        self.take(backup=strange, code=BAD_INPUT, words=["letter", "is no backup"])
        self.take(backup=self.data, code=BAD_INPUT, words=["is a ledger"])
        self.assertEqual(list(strange.iterdir()), [strange / "letter"])
        self.take()
        # Another ledger's backup is not overwritten, and a backup of later entries neither.
        shutil.copytree(self.data, self.folder / "older")
        other = self.serve(self.folder / "other", *FLAGS)
        self.assertEqual(other.stop(), 0)
        held = fault.tree_of(self.backup)
        self.run_jifen("backup", self.backup, "--data", self.folder / "other" / "ledger", code=BAD_INPUT,
                       words=["another ledger"])
        self.assertEqual(fault.tree_of(self.backup), held)
        server.start()
        self.post(server, 5)
        self.assertEqual(server.stop(), 0)
        self.take()
        held = fault.tree_of(self.backup)
        self.run_jifen("backup", self.backup, "--data", self.folder / "older", code=BAD_INPUT,
                       words=["newer than this ledger"])
        self.assertEqual(fault.tree_of(self.backup), held)

    def test_a_damaged_source_does_not_replace_a_good_copy(self):
        server = self.begin()
        self.post(server, 300, lines=450)
        self.assertEqual(server.stop(), 0)
        self.assertGreater(self.take()["bytes"], 8 << 20, "several segments")
        held = fault.tree_of(self.backup)
        segment = self.data / "journal" / "segment-0000000000000001.jfl"
        table = max((self.data / "state").glob("*.sst"), key=lambda path: path.stat().st_size)
        for path, offset in ((segment, 100_000), (segment, segment.stat().st_size - 5), (table, 50)):
            with self.subTest(path=path.name, offset=offset):
                flip(path, offset)
                self.take(code=BROKEN, words=[path.name])
                flip(path, offset)
                self.assertEqual(fault.tree_of(self.backup), held)
        self.assertEqual(self.take()["files_copied"], 0)


class Live(Backups):
    """Backups of a ledger that goes on posting."""

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("JF_SEED", 4))
        print(f"{self.id()}: JF_SEED={seed}", flush=True)
        self.random = random.Random(seed)
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.threads = []
        self.addCleanup(self.load_end)

    def load_begin(self, server, clients=3):
        self.is_over.clear()
        self.threads = [threading.Thread(target=self.load, args=(server, f"{len(self.answers)}-{at}-"))
                        for at in range(clients)]
        for thread in self.threads:
            thread.start()

    def load(self, server, prefix):
        with server.channel() as channel:
            client = Client(channel)
            for at in range(10 ** 9):
                if self.is_over.is_set():
                    return
                request = self.sale(f"{prefix}{at}", at, lines=20)
                try:
                    got = client.sell(request)
                except grpc.RpcError:
                    return  # the server was killed; whether this one counts, a retry tells
                with self.lock:
                    answer = (got.outcome.position, got.outcome.SerializeToString(deterministic=True))
                    self.answers[request.transaction_id] = (answer, request)

    def load_end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(WAIT)

    def acknowledged(self):
        with self.lock:
            return max((position for (position, _), _ in self.answers.values()), default=0)

    def live(self, server, *arguments, **expected):
        return self.run_jifen("backup", self.backup, "--json", "--address", f"127.0.0.1:{server.port}", *arguments,
                              **expected)

    def live_begin(self, server):
        return subprocess.Popen([PROGRAMS / "jifen", "backup", self.backup, "--address", f"127.0.0.1:{server.port}"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def assert_restored(self, name, until):
        """Restored to `name` are all answers up to a position, and none behind it."""
        server = self.serve(self.folder / name, *FLAGS)
        with server.channel() as channel:
            client = Client(channel)
            self.assertEqual(fault.status_of(client).position_last, until)
            kept = {key: value for key, value in self.answers.items() if value[0][0] <= until}
            for answer, request in kept.values():
                got = client.sell(request)
                self.assertTrue(got.replayed)
                self.assertEqual((got.outcome.position, got.outcome.SerializeToString(deterministic=True)), answer)
            self.assertEqual(fault.status_of(client).position_last, until)
            behind = [value for value in self.answers.values() if value[0][0] > until]
            if behind:
                self.assertFalse(client.sell(behind[0][1]).replayed)
            self.assert_ties(client)
        self.assertEqual(server.stop(), 0)

    def test_backups_taken_under_load_hold_whatever_was_acknowledged_before(self):
        server = self.begin()
        self.load_begin(server)
        copied = []
        for round_number in range(3):
            fault.wait_until("more sales", lambda: len(self.answers) > 150 * (round_number + 1))
            before = self.acknowledged()
            taken = self.live(server)
            self.assertGreaterEqual(taken["last_position"], before)
            self.assertGreaterEqual(taken["last_position"], taken["state_position"])
            self.assertFalse((self.data / "snapshot").exists())  # so that the next one can be taken at once
            copied.append(taken["files_copied"] / taken["files"])
        self.load_end()
        self.assertLess(min(copied[1:]), 1, "later ones copy only what is new")
        with server.channel() as channel:
            self.assert_ties(Client(channel))
        self.assertEqual(server.stop(), 0)
        self.restore("again")
        self.assert_restored("again", taken["last_position"])

    def test_a_backup_that_is_cut_off_anywhere_leaves_the_one_before_and_is_gone_on_with(self):
        server = self.begin()
        self.load_begin(server)
        fault.wait_until("some sales", lambda: len(self.answers) > 50)
        first = self.live(server)
        for round_number in range(6):
            fault.wait_until("more sales", lambda: len(self.answers) > 50 + 40 * round_number)
            client = self.live_begin(server)
            time.sleep(self.random.random() / 10)
            (client if round_number % 2 else server.process).kill()
            client.wait(WAIT)
            told = self.run_jifen("backup", self.backup, "--check", "--json")
            self.assertGreaterEqual(told["last_position"], first["last_position"])
            if round_number % 2:
                fault.wait_until("the snapshot's end", lambda: not (self.data / "snapshot").exists())
            else:
                self.load_end()
                server.process.wait(WAIT)
                server.start()
                self.assertFalse((self.data / "snapshot").exists())
                self.load_begin(server)
        self.restore("before")
        self.assert_restored("before", told["last_position"])
        before = self.acknowledged()
        taken = self.live(server)
        self.assertGreaterEqual(taken["last_position"], before)
        self.load_end()
        self.assertEqual([path for path in self.backup.rglob("*") if path.suffix == ".partial"], [])
        self.assertEqual(server.stop(), 0)
        self.restore("after")
        self.assert_restored("after", taken["last_position"])

    def test_a_restore_that_is_killed_anywhere_is_gone_on_with(self):
        server = self.begin()
        self.post(server, 200, lines=50)
        self.assertEqual(server.stop(), 0)
        taken = self.take()
        data = self.folder / "again" / "ledger"
        data.parent.mkdir()
        broken_off = 0
        for round_number in range(12):
            process = subprocess.Popen([PROGRAMS / "jifen", "restore", self.backup, "--data", data],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(self.random.random() / 10 * (1 + round_number / 4))
            process.kill()
            if process.wait(WAIT) == 0:
                break
            broken_off += 1
            if data.exists():
                break
            place = data.parent / "ledger.restoring"
            if place.exists():
                self.assert_ends(LOST, [str(place)], place)
        self.assertGreater(broken_off, 0)
        if not data.exists():
            self.restore("again")
        self.assert_holds("again", taken["last_position"], lines=50)

    def test_one_snapshot_at_a_time_and_it_ends_with_the_call(self):
        server = self.begin()
        self.post(server, 10)
        with server.channel() as channel:
            client = Client(channel)
            call = client.operations.Backup(operations_pb2.BackupRequest(), timeout=WAIT)
            told = next(message for message in call if message.directory)
            self.assertEqual(told.directory, str(self.data.resolve() / "snapshot"))
            self.assertEqual(told.position, fault.status_of(client).position_last)
            self.assertTrue((self.data / "snapshot" / "state" / "CURRENT").exists())
            self.live(server, code=UNAVAILABLE, words=["is running"])
            call.cancel()
            fault.wait_until("the snapshot's end", lambda: not (self.data / "snapshot").exists())
            fault.wait_until("the job's end", lambda: self.tried(client))
        self.assertEqual(server.stop(), 0)

    @staticmethod
    def tried(client):
        call = client.operations.Backup(operations_pb2.BackupRequest(), timeout=WAIT)
        try:
            return any(message.directory for message in call if message.directory)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
            return False
        finally:
            call.cancel()


class Restore(Backups):
    def test_every_position_of_a_ledger_is_restored_as_a_replay_to_it_has_it(self):
        """With the state of the backup where it is old enough, and from the journal alone where it is not."""
        server = self.begin()
        self.post(server, 3)
        self.assertEqual(server.stop(), 0)  # the state is on disk up to here
        server.start()
        self.post(server, 4)
        server.kill()
        taken = self.take()
        self.assertLess(taken["state_position"], taken["last_position"])
        digests = {}
        for position in range(1, taken["last_position"] + 1):
            told = self.restore(f"to{position}", "--to", position)
            self.assertEqual((told["last_position"], told["compared"]), (position, True))
            digests[position] = told["digest"]
            if position % 4 == 0:
                self.assertEqual(self.replayed_digest(position), told["digest"])
        self.assertEqual(len(set(digests.values())), len(digests))
        server = self.assert_holds("to7", 7)
        self.post(server, 1, prefix="new")
        self.assertEqual(self.answers["new7"][0], 8)
        self.assertEqual(server.stop(), 0)

    def replayed_digest(self, position):
        """Of the restored ledger whose state is taken away and made again from its journal, by a backup without it."""
        data, backup, again = (self.folder / f"{what}{position}" for what in ("copy", "backup", "again"))
        shutil.copytree(self.folder / f"to{position}" / "ledger", data)
        shutil.rmtree(data / "state")
        self.assertEqual(self.run_jifen("backup", backup, "--data", data, "--json")["state_position"], 0)
        self.run_jifen("restore", backup, "--data", again)
        return self.digest_of(again)

    def test_an_instant_means_the_last_entry_recorded_by_then(self):
        server = self.begin()
        self.post(server, 10)
        self.assertEqual(server.stop(), 0)
        self.take()
        entries = self.run_jifen("journal", "print", self.data, "--json")
        stamps = {entry["position"]: int(entry["entry"]["recorded_at_us"]) for entry in entries}
        for position in (5, 9, max(stamps)):
            until = stamps[position] // 1000 + 1  # milliseconds: the first instant that is not before it
            expected = max(at for at, stamp in stamps.items() if stamp <= until * 1000)
            text = subprocess.run(["date", "-u", "-d", f"@{until / 1000:.3f}", "+%Y-%m-%dT%H:%M:%S.%3NZ"],
                                  stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
            told = self.restore(f"at{position}", "--to", text, "--quick")
            self.assertEqual((told["last_position"], told["compared"]), (expected, False))
        first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(min(stamps.values()) // 1000000))
        self.restore("before", "--to", "2001-01-01T00:00:00Z", code=BAD_INPUT,
                     words=["at 2001-01-01T00:00:00Z nothing of this backup", f"are from {first} on", "taken at 20",
                            "ledger.restoring: the same command goes on with it"])
        self.restore("beyond", "--to", max(stamps) + 1, code=BAD_INPUT, words=["a position between"])
        self.restore("late", "--to", "2101-01-01T00:00:00Z", code=BAD_INPUT,
                     words=["was taken at 20", "until 2101-01-01T00:00:00Z", f"up to position {max(stamps)}"])
        self.restore("zero", "--to", 0, code=BAD_INPUT, words=["a position between"])
        for name in ("beyond", "zero", "late"):  # refused before anything is copied
            self.assertFalse((self.folder / name / "ledger.restoring").exists())
        self.restore("word", "--to", "yesterday", code=2, words=["neither a position nor an instant"])

    def test_a_restore_whose_removal_was_cut_off_is_not_gone_on_with(self):
        """To another position: what is there goes first. If that ends halfway, the rest is nobody's."""
        server = self.begin()
        self.post(server, 20)
        self.assertEqual(server.stop(), 0)
        self.take()
        place = self.folder / "half" / "ledger.restoring"
        table = next((self.backup / "state").glob("CURRENT.*"))
        kept = table.read_bytes()
        table.unlink()
        self.restore("half", code=BROKEN, words=["CURRENT"])
        table.write_bytes(kept)
        self.assertTrue((place / "TARGET").exists())
        bury(place / "parts")
        self.restore("half", "--to", 10, code=BAD_INPUT, words=["cannot be removed"])
        self.assertFalse((place / "TARGET").exists())
        shutil.rmtree(place / "parts")
        self.assertEqual(self.restore("half")["last_position"], max(at for at, _ in self.answers.values()))

    def test_each_kind_of_file_that_is_damaged_in_a_backup_is_named_and_nothing_is_made(self):
        server = self.begin()
        self.post(server, 20)
        self.assertEqual(server.stop(), 0)
        self.take()
        kinds = {}
        for path in sorted(self.backup.rglob("*")):
            if path.is_file() and path.name != "LOCK" and path.stat().st_size > 0:
                kinds.setdefault(path.name.split(".")[0].split("-")[0].rstrip("0123456789") + path.suffix[:4], path)
        self.assertGreaterEqual(len(kinds), 7, kinds)
        for path in kinds.values():
            for damage in (flip, shorten, pathlib_remove):
                with self.subTest(path=path.name, damage=damage.__name__):
                    kept = path.read_bytes()
                    damage(path, len(kept) // 2)
                    is_gone = path.name == "MANIFEST" and not path.exists()
                    code = BAD_INPUT if is_gone else BROKEN
                    self.run_jifen("backup", self.backup, "--check", code=code, words=[path.name])
                    self.restore("damaged", code=code, words=[path.name])
                    path.write_bytes(kept)
                    self.assertFalse((self.folder / "damaged" / "ledger").exists())
                    self.assert_not_startable(self.folder / "damaged" / "ledger.restoring")
        self.restore("damaged")  # goes on with what is there
        server = self.assert_holds("damaged", max(position for position, _ in self.answers.values()))
        self.assertEqual(server.stop(), 0)

    def assert_not_startable(self, place):
        if place.exists():
            self.assert_ends(LOST, [str(place)], place)

    def test_a_ledger_is_restored_to_a_new_place_only(self):
        server = self.begin()
        self.post(server, 5)
        self.assertEqual(server.stop(), 0)
        self.take()
        before = fault.tree_of(self.data)
        self.restore("home", code=BAD_INPUT, words=["is not empty"])
        self.assertEqual(fault.tree_of(self.data), before)
        self.restore("nothing", backup=self.folder / "nowhere", code=BAD_INPUT, words=["nowhere"])
        (self.folder / "empty" / "ledger").mkdir(parents=True)
        self.restore("empty")
        self.run_jifen("restore", self.backup, code=2, words=["--data"])

    def test_no_directory_inside_a_ledger_or_a_backup_is_written_to(self):
        server = self.begin()
        self.post(server, 5)
        self.run_jifen("backup", self.data / "within", "--address", f"127.0.0.1:{server.port}", code=BAD_INPUT,
                       words=["lies inside the ledger", "give a directory outside"])
        self.assertEqual(server.stop(), 0)
        self.take()
        (self.folder / "link").symlink_to(self.data / "journal")
        before = fault.tree_of(self.folder)
        for place in (self.data / "within", self.data / "journal" / "within", self.folder / "link",
                      self.folder / "link" / "within", self.data / "state" / ".." / "within"):
            self.take(backup=place, code=BAD_INPUT, words=[f"{place} lies inside the ledger {self.data}"])
            self.run_jifen("restore", self.backup, "--data", place, code=BAD_INPUT, words=["lies inside the ledger"])
        for place in (self.backup / "within", self.backup / "state" / "within"):
            self.take(backup=place, code=BAD_INPUT, words=[f"lies inside the backup {self.backup}"])
            self.run_jifen("restore", self.backup, "--data", place, code=BAD_INPUT, words=["lies inside the backup"])
        missing = self.folder / "missing" / "within"
        self.take(backup=missing, code=BAD_INPUT, words=[f"the directory {missing.parent} is not there"])
        self.run_jifen("restore", self.backup, "--data", missing, code=BAD_INPUT,
                       words=[f"the directory {missing.parent} is not there"])
        self.assertEqual(fault.tree_of(self.folder), before)

    def test_what_is_not_there_is_named(self):
        nowhere = self.folder / "nowhere"
        for arguments in (("restore", nowhere, "--data", self.folder / "new"), ("backup", nowhere, "--check")):
            self.run_jifen(*arguments, code=BAD_INPUT, words=[f"there is no backup in {nowhere}"])
        for arguments in (("verify", "--data", nowhere), ("rebuild", "--data", nowhere), ("archive", "--data", nowhere)):
            self.run_jifen(*arguments, code=BAD_INPUT, words=["there is no", str(nowhere), "check the directory's name"])

    def test_a_restored_ledger_can_be_backed_up_and_restored_again(self):
        server = self.begin()
        self.post(server, 30)
        self.assertEqual(server.stop(), 0)
        self.take()
        self.restore("first", "--to", 20)
        server = self.assert_holds("first", 20)
        self.assert_followers_are_told(server)
        self.answers = {key: answer for key, answer in self.answers.items() if answer[0] <= 20}
        self.post(server, 10, prefix="other")
        self.assertEqual(server.stop(), 0)
        # Not into the directory of the first generation: what was cut off is only there.
        first = self.folder / "first" / "ledger"
        before = fault.tree_of(self.backup)
        self.run_jifen("backup", self.backup, "--data", first, code=BAD_INPUT, words=["another directory", "cut off"])
        self.assertEqual(fault.tree_of(self.backup), before)
        taken = self.run_jifen("backup", self.folder / "other", "--data", first, "--json")
        told = self.restore("second", backup=self.folder / "other")
        self.assertEqual((told["last_position"], told["generation"]), (taken["last_position"], 3))
        server = self.assert_holds("second", 30)
        self.assertEqual(server.stop(), 0)

    def test_a_restored_ledger_that_has_all_of_a_backup_goes_on_with_it(self):
        server = self.begin()
        self.post(server, 30)
        self.assertEqual(server.stop(), 0)
        self.take()
        self.restore("first")
        server = self.serve(self.folder / "first", *FLAGS)
        self.post(server, 10)
        self.assertEqual(server.stop(), 0)
        taken = self.run_jifen("backup", self.backup, "--data", self.folder / "first" / "ledger", "--json")
        told = self.restore("second")
        self.assertEqual((told["last_position"], told["generation"]), (taken["last_position"], 3))
        # And the older generation does not take it back.
        self.take(code=BAD_INPUT, words=["generation"])

    def assert_followers_are_told(self, server):
        """Whoever followed the first generation beyond the cut learns that positions mean other entries now."""
        with server.channel() as channel:
            client = Client(channel)
            self.assertEqual(fault.status_of(client).generation, 2)
            for generation in (0, 2):
                call = client.operations.Follow(operations_pb2.FollowRequest(from_position=1, generation=generation),
                                                timeout=WAIT)
                self.assertEqual(next(call).entry.position, 1)
                call.cancel()
            with self.assertRaises(grpc.RpcError) as caught:
                next(client.operations.Follow(operations_pb2.FollowRequest(from_position=25, generation=1),
                                              timeout=WAIT))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
            self.assertIn("generation 2", caught.exception.details())


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def shorten(path, size):
    os.truncate(path, size)


def pathlib_remove(path, _size):
    path.unlink()


if __name__ == "__main__":
    fault.main()
