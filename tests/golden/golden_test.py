"""Data directories of earlier versions open with today's programs and answer what they must, byte for byte: as they are,
and with the state made again from the journal. They go on, too.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import golden
from golden import HERE, jifend
from jifend import PROGRAMS, WAIT, Client, Jifend, sale


class Golden(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="golden-", dir=PROGRAMS))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def answered(self, name):
        golden.unpack(name, self.folder)
        return json.loads((HERE / f"{name}.json").read_text())

    def check(self, wanted):
        """Serves the directory, compares, sells once more. Returns what the server said."""
        server = Jifend(self.folder, *golden.FLAGS)
        try:
            with server.channel() as channel:
                client = Client(channel)
                told = json.loads(json.dumps(golden.answers(client)))
                for key in wanted:
                    self.assertEqual(told[key], wanted[key], key)
                self.assertEqual(told.keys(), wanted.keys())
                answer = client.sell(sale("afterwards", 1))
                self.assertGreater(answer.outcome.position, wanted["position_last"])
        finally:
            code = server.stop()
        log = server.log.read_text()
        self.assertEqual(code, 0, log)
        return log

    def jifen(self, *arguments):
        run = subprocess.run([PROGRAMS / "jifen", *arguments], capture_output=True, text=True, timeout=WAIT,
                             check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def each(self, check):
        self.assertTrue(golden.names())
        for name in golden.names():
            with self.subTest(name):
                shutil.rmtree(self.folder / "ledger", ignore_errors=True)
                check(self.answered(name))

    def test_opens_as_it_is_and_has_nothing_to_replay(self):
        self.each(lambda wanted: self.assertIn("recovered 0 entries", self.check(wanted)))

    def test_state_made_again_from_the_journal_is_the_same(self):
        def check(wanted):
            shutil.rmtree(self.folder / "ledger" / "state")
            self.assertIn(f"recovered {wanted['position_last']} entries", self.check(wanted))
        self.each(check)

    def test_verification_offline_gives_the_same_digest(self):
        def check(wanted):
            told = self.jifen("verify", "--data", str(self.folder / "ledger"), "--json")
            self.assertEqual((told["ties"], told["digest"]), (True, wanted["digest"]))
        self.each(check)

    def test_every_kind_of_entry_is_in_the_newest(self):
        newest = json.loads((HERE / f"{golden.names()[-1]}.json").read_text())
        self.assertEqual(newest["kinds"], sorted(golden.kind_names()))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
