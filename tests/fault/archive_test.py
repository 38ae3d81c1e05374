"""Archives: segments that a start does not need any more are compressed, compared, and only then dropped.

Journal and archive read as one; a killed archiver loses nothing; what lies in an archive is never overwritten.
"""
import os
import random
import shutil
import subprocess
import time

import backup_test
import fault
from fault import PROGRAMS, WAIT, Client
from jifend import ledger_pb2, operations_pb2

BAD_INPUT, BROKEN, UNAVAILABLE = 4, 5, 3  # exit codes of jifen
CORRUPT = 4  # exit code of jifend
LINES = 450  # a sale of some 20 KiB: 4 MiB are full after 250


class Archives(backup_test.Backups):
    """Ledgers of several segments, and their archive."""

    def setUp(self):
        super().setUp()
        self.archive = self.folder / "archive"

    def filled(self, count=550):
        """A stopped ledger of several segments."""
        server = self.begin()
        self.post_fast(server, count)
        self.assertEqual(server.stop(), 0)
        return server

    def post_fast(self, server, count):
        """As post, in batches."""
        begin = len(self.answers)
        with server.channel() as channel:
            client = Client(channel)
            for first in range(begin, begin + count, 50):
                names = [f"s{at}" for at in range(first, min(first + 50, begin + count))]
                writes = [ledger_pb2.Write(sale=self.sale(name, first + at, LINES)) for at, name in enumerate(names)]
                answer = client.ledger.PostBatch(ledger_pb2.PostBatchRequest(writes=writes), timeout=WAIT)
                for name, result in zip(names, answer.results):
                    self.answers[name] = (result.outcome.position,
                                          result.outcome.SerializeToString(deterministic=True))

    def segments(self, data=None):
        return sorted(path.name for path in ((data or self.data) / "journal").glob("*.jfl"))

    def archived(self):
        return sorted(path.name.removesuffix(".zst") for path in self.archive.glob("*.zst"))

    def archive_now(self, **expected):
        return self.run_jifen("archive", "--data", self.data, "--to", self.archive, "--json", **expected)

    def entries_of(self, data):
        return self.run_jifen("journal", "verify", data, "--json")["entries"]


class Archive(Archives):
    def test_an_archived_ledger_starts_verifies_follows_and_is_rebuilt(self):
        server = self.filled()
        before = self.segments()
        entries = self.entries_of(self.data)
        digest = self.digest_of(self.data)
        told = self.archive_now()
        self.assertGreaterEqual(told["segments"], 2)
        self.assertEqual(self.archived() + self.segments(), before)
        self.assertLess(told["bytes_after"], told["bytes_before"])
        self.assertEqual(self.archive_now()["segments"], 0)
        self.assertEqual(self.entries_of(self.data), entries)
        self.assertEqual(self.digest_of(self.data), digest)
        server = self.assert_holds("home", entries, lines=LINES)
        with server.channel() as channel:
            client = Client(channel)
            feed = client.operations.Follow(operations_pb2.FollowRequest(from_position=1), timeout=WAIT)
            self.assertEqual([next(feed).entry.position for _ in range(entries)], list(range(1, entries + 1)))
            feed.cancel()
        self.assertEqual(server.stop(), 0)
        # Without its state the journal alone is not enough, and that is said; with the archive it is rebuilt.
        shutil.rmtree(self.data / "state")
        self.assert_ends(CORRUPT, ["begins at position"], self.data, *backup_test.FLAGS)
        self.run_jifen("rebuild", "--data", self.data)
        self.assertEqual(self.digest_of(self.data), digest)
        self.archive.rename(self.folder / "elsewhere")
        shutil.rmtree(self.data / "state")
        self.run_jifen("rebuild", "--data", self.data, code=BROKEN, words=["begins at"])

    def test_a_running_ledger_archives_by_itself_and_a_kill_at_any_moment_loses_nothing(self):
        seed = int(os.environ.get("JF_SEED", 5))
        print(f"{self.id()}: JF_SEED={seed}", flush=True)
        chance = random.Random(seed)
        server = self.begin()
        self.assertEqual(server.stop(), 0)
        server.flags = (*server.flags, "--archive", self.archive, "--checkpoint-seconds", "1")
        server.start()
        for _ in range(4):
            self.post_fast(server, 300)
            time.sleep(chance.random() * 1.5)
            server.kill()
            server.start()
        fault.wait_until("an archived segment", lambda: len(self.archived()) >= 3)
        self.assertEqual(server.stop(), 0)
        self.assertEqual(sorted({*self.archived(), *self.segments()}),
                         [f"segment-{at + 1:016x}.jfl" for at in range(len({*self.archived(), *self.segments()}))])
        until = max(position for position, _ in self.answers.values())
        self.assertEqual(self.entries_of(self.data), until)
        server = self.assert_holds("home", until, lines=LINES)
        self.assertEqual(server.stop(), 0)

    def test_an_archiver_that_is_killed_anywhere_is_gone_on_with(self):
        self.filled(800)
        entries = self.entries_of(self.data)
        chance = random.Random(6)
        for _ in range(6):
            process = subprocess.Popen([PROGRAMS / "jifen", "archive", "--data", self.data, "--to", self.archive],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() / 5)
            process.kill()
            process.wait(WAIT)
            self.assertEqual(self.entries_of(self.data), entries)
        self.archive_now()
        self.assertEqual(self.entries_of(self.data), entries)
        server = self.assert_holds("home", entries, lines=LINES)
        self.assertEqual(server.stop(), 0)

    def test_a_backup_holds_the_archive_and_restores_to_a_position_within_it(self):
        self.filled()
        digests = {}
        for position in (7, 300):
            shutil.copytree(self.data, self.folder / "plain", symlinks=True)
            self.run_jifen("backup", self.folder / "plain-backup", "--data", self.folder / "plain")
            digests[position] = self.restore(f"plain{position}", "--to", position,
                                             backup=self.folder / "plain-backup")["digest"]
            shutil.rmtree(self.folder / "plain")
        self.archive_now()
        taken = self.take()
        self.assertEqual(taken["first_position"], 1)
        self.assertEqual(self.take()["files_copied"], 0)
        for position, digest in digests.items():
            told = self.restore(f"to{position}", "--to", position)
            self.assertEqual((told["last_position"], told["digest"]), (position, digest))
        told = self.restore("all")
        self.assertEqual(told["last_position"], taken["last_position"])
        data = self.folder / "all" / "ledger"
        self.assertEqual(self.entries_of(data), taken["last_position"])
        server = self.assert_holds("all", taken["last_position"], lines=LINES)
        self.assertEqual(server.stop(), 0)

    def test_a_backup_without_the_archive_does_not_replace_one_that_has_it(self):
        self.filled()
        self.archive_now()
        self.assertEqual(self.take()["first_position"], 1)
        self.archive.rename(self.folder / "unmounted")
        self.take(code=BAD_INPUT, words=["from segment 1 on", "is its archive (journal/archive) in its place",
                                         "Nothing was changed"])
        (self.folder / "unmounted").rename(self.archive)
        self.assertEqual(self.restore("kept")["digest"], self.digest_of(self.data), "all is still there")
        self.assertEqual(self.take()["files_copied"], 0)

    def test_an_archive_lies_outside_the_journals_files_or_in_its_own_folder(self):
        self.filled()
        inside = self.data / "state" / "old"
        (self.folder / "link").symlink_to(self.data / "journal")
        for place in (self.data / "journal", inside, self.data / "journal" / "archive" / "more", self.folder / "link"):
            place.parent.mkdir(exist_ok=True)
            self.run_jifen("archive", "--data", self.data, "--to", place, code=BAD_INPUT,
                           words=["lies inside the ledger's own folder"])
        own = self.data / "journal" / "archive"
        shutil.rmtree(own)
        told = self.run_jifen("archive", "--data", self.data, "--to", own, "--json")
        self.assertGreaterEqual(told["segments"], 2)
        self.assertTrue(own.is_dir() and not own.is_symlink())

    def test_a_good_copy_beside_a_damaged_archived_one_is_not_removed(self):
        self.filled()
        name = self.segments()[0]
        good = (self.data / "journal" / name).read_bytes()
        self.archive_now()
        damaged = self.archive / f"{name}.zst"
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
        copy = self.data / "journal" / name
        copy.write_bytes(good)
        self.archive_now()
        self.assertEqual(copy.read_bytes(), good, "the last good copy stays")
        damaged.write_bytes(whole)
        self.archive_now()
        self.assertFalse(copy.exists(), "it goes once the archive has it whole")

    def test_the_archive_of_before_a_restore_is_not_taken_for_the_restored_ledgers(self):
        """The only copy of a segment is not destroyed because an archive has one of that name."""
        self.filled()
        self.take()
        self.archive_now()
        held = fault.tree_of(self.archive)
        self.restore("again", "--to", 100)
        home = self.folder / "again"
        server = self.serve(home, *backup_test.FLAGS)
        self.answers = {key: answer for key, answer in self.answers.items() if answer[0] <= 100}
        self.post_fast(server, 550)
        self.assertEqual(server.stop(), 0)
        before = self.segments(home / "ledger")
        self.data = home / "ledger"
        self.archive_now(code=BAD_INPUT, words=["another segment 1", "generation 1"])
        self.assertEqual(self.segments(home / "ledger"), before)
        self.assertEqual(fault.tree_of(self.archive), held)
        self.archive = self.folder / "own"
        self.assertGreaterEqual(self.archive_now()["segments"], 2)

    def test_what_cannot_be_archived_is_said_with_by_what_it_is_needed(self):
        server = self.begin()
        self.assertEqual(server.stop(), 0)
        self.assertIn("Nothing can be archived: segment 1 is the newest", self.run_jifen("archive", "--data", self.data))
        shutil.copytree(self.data / "state", self.folder / "early")
        entries = self.entries_of(self.data)
        server.start()
        self.post_fast(server, 550)
        self.assertEqual(server.stop(), 0)
        shutil.move(self.data / "state", self.folder / "late")
        shutil.copytree(self.folder / "early", self.data / "state")
        told = self.archive_now()
        self.assertEqual(told["segments"], 0)
        self.assertIn(f"segment 1 is needed by the next start: the state holds entries up to {entries} only", told["kept"])
        shutil.rmtree(self.data / "state")
        shutil.move(self.folder / "late", self.data / "state")
        told = self.archive_now()
        self.assertGreaterEqual(told["segments"], 2)
        self.assertIn(f"segment {told['oldest_segment']} is the newest", told["kept"])

    def test_a_damaged_archived_segment_stops_a_rebuild_until_a_good_copy_is_back(self):
        self.filled()
        digest = self.digest_of(self.data)
        self.archive_now()
        archived = self.archive / f"{self.archived()[0]}.zst"
        shutil.copy2(archived, self.folder / archived.name)
        backup_test.flip(archived, archived.stat().st_size // 2)
        shutil.rmtree(self.data / "state")
        self.run_jifen("rebuild", "--data", self.data, code=BROKEN, words=[archived.name, "offset"])
        self.assertFalse((self.data / "state").exists())
        self.assertIn(archived.name.removesuffix(".zst"), self.archived())
        shutil.copy2(self.folder / archived.name, archived)
        self.run_jifen("rebuild", "--data", self.data)
        self.assertEqual(self.digest_of(self.data), digest)

    def test_damage_and_lack_are_said_and_nothing_is_dropped(self):
        server = self.filled()
        segment = self.data / "journal" / self.segments()[0]
        backup_test.flip(segment, 200_000)
        before = self.segments()
        self.archive_now(code=BROKEN, words=[segment.name, "not archived"])
        self.assertEqual((self.segments(), self.archived()), (before, []))
        backup_test.flip(segment, 200_000)
        server.start()
        self.archive_now(code=UNAVAILABLE, words=["in use"])
        self.assertEqual(server.stop(), 0)
        self.archive_now()
        archived = self.archive / f"{segment.name}.zst"
        backup_test.flip(archived, archived.stat().st_size // 2)
        self.run_jifen("journal", "verify", self.data, code=BROKEN, words=[archived.name])
        self.run_jifen("backup", self.backup, "--data", self.data, code=BROKEN, words=[archived.name])
        self.assertFalse((self.backup / "MANIFEST").exists())
        archived.unlink()
        self.assertEqual(self.run_jifen("journal", "verify", self.data, "--json")["first_position"] > 1, True)


if __name__ == "__main__":
    fault.main()
