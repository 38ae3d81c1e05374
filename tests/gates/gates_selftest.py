#!/usr/bin/python3
"""The gates' own tests: every gate lets a good tree pass and refuses each bad sample, naming file and fault.

The clang gates are left out, loudly, where clang is not installed (tools/setup --gates installs it).
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GATES = REPOSITORY / "tools" / "gates"
ERRORS = '// Errors.\n#define JF_ERRORS(X) \\\n    X(JF_OK, "fine") \\\n    X(JF_ERROR_IO, "bad")\n'
REFUSALS = '// Refusals.\n#define JF_REFUSALS(X) \\\n    X(CARD_TAKEN, NOT_FOUND, "Taken.")\n'


class GateCase(unittest.TestCase):
    gate = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="jifen-gate-")
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run_gate(self, *arguments):
        return subprocess.run([str(GATES / self.gate), "--root", str(self.root), *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)

    def passes(self, *arguments):
        done = self.run_gate(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout)

    def refuses(self, *needles, arguments=(), code=1):
        done = self.run_gate(*arguments)
        self.assertEqual(done.returncode, code, done.stdout)
        for needle in needles:
            self.assertIn(needle, done.stdout)


class Includes(GateCase):
    gate = "includes"

    def include(self, path, line):
        self.write(path, f"// A file.\n{line}\n")

    def test_downward_and_system_includes_pass(self):
        self.include("ledger/rules/plan.c", '#include "base/date.h"')
        self.include("ledger/engine/loop.c", '#include "journal/journal.h"')
        self.include("ledger/state/rocks.c", "#include <rocksdb/c.h>")
        self.include("ledger/service/sale.c", '#include "jifen/v1/ledger.pb-c.h"')
        self.include("tools/jifen/main.c", '#include "service/client.h"')
        self.passes()

    def test_upward_include_is_refused(self):
        self.include("ledger/io/ring.c", '#include "engine/loop.h"')
        self.refuses("ledger/io/ring.c:2:", "engine/ lies above it")

    def test_siblings_do_not_know_each_other(self):
        self.include("ledger/state/cache.c", '#include "journal/journal.h"')
        self.refuses("ledger/state/cache.c:2:", "do not know each other")

    def test_rules_include_only_base(self):
        self.include("ledger/rules/plan.c", '#include "io/ring.h"')
        self.refuses("rules/ includes io/ring.h")

    def test_an_include_must_name_its_room(self):
        self.include("ledger/io/ring.c", '#include "ring.h"')
        self.refuses("names no room")

    def test_ledger_does_not_include_tools_or_tests(self):
        self.include("ledger/io/ring.c", '#include "tests/fault/disk.h"')
        self.refuses("includes point downward only")

    def test_a_second_file_with_rocksdb_is_refused(self):
        self.include("ledger/state/rocks.c", "#include <rocksdb/c.h>")
        self.include("ledger/state/scan.c", "#include <rocksdb/c.h>")
        self.refuses("ledger/state/scan.c:1:", "second file includes RocksDB")

    def test_libraries_stay_in_their_rooms(self):
        for path, line in (("ledger/engine/a.c", "#include <rocksdb/c.h>"),
                           ("ledger/service/b.c", "#include <nghttp2/nghttp2.h>"),
                           ("ledger/net/c.c", "#include <liburing.h>"),
                           ("ledger/rules/d.c", "#include <pthread.h>"),
                           ("ledger/journal/e.c", '#include "jifen/v1/entry.pb-c.h"'),
                           ("ledger/rules/f.c", "#include <time.h>")):
            self.include(path, line)
        self.refuses(*(f"ledger/{name}:2:" for name in
                       ("engine/a.c", "service/b.c", "net/c.c", "rules/d.c", "journal/e.c", "rules/f.c")))


class Calls(GateCase):
    gate = "calls"

    def body(self, path, statement):
        self.write(path, f"// A file.\nvoid jf_x(void)\n{{\n    {statement}\n}}\n")

    def test_words_in_comments_strings_and_members_pass(self):
        self.body("ledger/rules/plan.c", '// no rand() or double here\n    x = at->time(1) + "float";')
        self.body("ledger/engine/clock.c", "clock_gettime(CLOCK_REALTIME, &now);")
        self.body("tools/jifen/main.c", 'printf("%d", getenv("HOME") != NULL);')
        self.body("ledger/io/ring.c", "jf_ring_time(1);")
        self.passes()

    def test_each_forbidden_word_is_refused(self):
        bad = ["now = time(NULL);", "x = rand();", 'x = getenv("TZ");', 'setlocale(LC_ALL, "");',
               "double rate = 0;", "float rate;", "x = strtod(text, NULL);", "clock_gettime(0, &now);",
               "gettimeofday(&now, NULL);", 'printf("x");', "exit(1);", 'fopen(name, "r");',
               "strcpy(a, b);", "pthread_mutex_lock(&lock);"]
        for index, statement in enumerate(bad):
            self.body(f"ledger/rules/bad{index}.c", statement)
        self.refuses(*(f"ledger/rules/bad{index}.c:4:" for index in range(len(bad))))

    def test_layers_below_the_engine_neither_log_nor_exit(self):
        self.body("ledger/net/a.c", 'fprintf(stderr, "x");')
        self.body("ledger/journal/b.c", "abort();")
        self.refuses("ledger/net/a.c:4:", "ledger/journal/b.c:4:")

    def test_clocks_are_read_only_where_listed(self):
        self.body("ledger/engine/loop.c", "clock_gettime(CLOCK_REALTIME, &now);")
        self.refuses("ledger/engine/loop.c:4: clock_gettime")


class Lengths(GateCase):
    gate = "lengths"

    def function(self, lines, signature="static int jf_x(int a)"):
        return f"// A file.\n{signature}\n{{\n" + "    a += 1;\n" * (lines - 1) + "}\n"

    def test_the_longest_function_and_file_pass(self):
        self.write("ledger/base/a.c", self.function(70))
        self.write("ledger/base/b.h", "// A file.\n" + "int x;\n" * 799)
        self.write("ledger/net/c.c", self.function(2, "static int read(nghttp2_session *h2, int a, int b, int c,\n"
                                                      "                int d, int e, int f)"))
        self.passes()

    def test_one_line_more_is_refused(self):
        self.write("ledger/base/a.c", self.function(71))
        self.write("ledger/base/b.h", "// A file.\n" + "int x;\n" * 800)
        self.refuses("ledger/base/a.c:3: jf_x has 71 lines", "ledger/base/b.h:801:")

    def test_seven_parameters_are_refused(self):
        self.write("ledger/base/a.c", self.function(2, "int jf_x(int a, int b, int c, int d,\n"
                                                       "         int (*e)(int, int), int f, int g)"))
        self.refuses("jf_x has 7 parameters")

    def test_six_parameters_with_a_callback_pass(self):
        self.write("ledger/base/a.c", self.function(2, "int jf_x(int a, int b, int c, int d,\n"
                                                       "         int (*e)(int, int), int f)"))
        self.passes()

    def test_a_file_without_opening_comment_is_refused(self):
        self.write("tests/unit/base/a.c", "#include <stdio.h>\n")
        self.refuses("tests/unit/base/a.c:1: the file does not open with a comment")


class Todos(GateCase):
    gate = "todos"

    def test_notes_with_an_issue_pass(self):
        self.write("ledger/base/a.c", "// TODO(#12): do it.\n")
        self.passes()

    def test_notes_without_an_issue_are_refused(self):
        self.write("ledger/base/a.c", "// A file.\n// TODO: do it.\n")
        self.write("docs.md", "FIXME later\n")
        self.refuses("ledger/base/a.c:2:", "docs.md:1:")


class Limits(GateCase):
    gate = "limits"
    HEADER = ("#define JF_BASE_LIMITS_H\n#define JF_ROWS_MAX 4096u // why\n#define JF_TEXT_BYTES_MAX (2u << 20)\n"
              "#define JF_SUM_MAX \\\n    (JF_ROWS_MAX + 4u) // both\n")
    ROWS = ("# A ledger\n\n## Limits\n\n| what | limit | beyond it | line |\n|---|---|---|---|\n"
            "| rows, text | 4,096, 2 MiB | refused | `ROWS_MAX`, `TEXT_BYTES_MAX` |\n"
            "| both | 4,100 | refused | `SUM_MAX` |\n| queue (`--queue-length`) | 64 | refused | |\n\n## Read on\n")
    OPTIONS = '    {"queue-length", offsetof(struct jf_server_settings, queue_length), 64, 65536, true},\n'

    def tree(self, header=HEADER, rows=ROWS, options=OPTIONS):
        self.write("ledger/base/limits.h", header)
        self.write("README.md", rows)
        self.write("ledger/server/options.c", options)

    def test_a_table_that_says_all_passes(self):
        self.tree()
        self.passes()

    def test_limits_that_the_table_does_not_know_are_refused(self):
        self.tree(header=self.HEADER + "#define JF_NEW_MAX 7u\n")
        self.refuses("README.md:3:", "JF_NEW_MAX")

    def test_other_values_are_refused(self):
        self.tree(rows=self.ROWS.replace("4,096", "4,097"))
        self.refuses("README.md:7:", "JF_ROWS_MAX is 4,096")

    def test_lines_without_their_limit_are_refused(self):
        self.tree(rows=self.ROWS.replace("| `SUM_MAX`", "| `SUM_MAX`, `GONE_MAX`"))
        self.refuses("README.md:8:", "JF_GONE_MAX")

    def test_flags_that_the_table_does_not_know_are_refused(self):
        self.tree(options=self.OPTIONS + self.OPTIONS.replace("queue-length", "new-flag"))
        self.refuses("--new-flag")


class Errors(GateCase):
    gate = "errors"

    def setUp(self):
        super().setUp()
        self.write("ledger/base/error.h", ERRORS)
        self.write("ledger/rules/refusal.h", REFUSALS)

    def test_mentioned_codes_pass(self):
        self.write("tests/unit/a.c", "x = JF_ERROR_IO;")
        self.write("tests/vectors/a.yaml", "refusal: CARD_TAKEN")
        self.passes()

    def test_codes_without_a_test_are_refused(self):
        self.write("tests/unit/a.c", "x = JF_ERROR_IOTA; // CARD_TAKEN")
        self.refuses("ledger/base/error.h:4: JF_ERROR_IO is", "ledger/rules/refusal.h:3: JF_REFUSAL_CARD_TAKEN is")

    def test_a_list_that_moved_is_not_overlooked(self):
        (self.root / "ledger/rules/refusal.h").unlink()
        self.refuses("cannot look", code=2)


class Paths(GateCase):
    gate = "paths"

    def test_ordinary_files_pass(self):
        self.write("README.md", "run tools/test, see /usr/share/zoneinfo and ../homework/x\n")
        self.passes()

    def test_paths_of_one_machine_are_refused(self):
        self.write("a.md", "cd /ho" "me/someone/jifen\n")
        self.write("b.c", "// /wo" "rk/main\n")
        self.refuses("a.md:1:", "b.c:1:")

    def test_big_files_are_refused(self):
        self.write("big.bin", "x" * ((1 << 20) + 1))
        self.refuses("big.bin:1:")


class Names(GateCase):
    gate = "names"

    def library(self, source):
        folder = self.root / "build/release/ledger/base"
        folder.mkdir(parents=True)
        self.write("x.c", source)
        subprocess.run(["gcc", "-c", "-o", self.root / "x.o", self.root / "x.c"], check=True)
        subprocess.run(["ar", "rcs", folder / "libjf_base.a", self.root / "x.o"], check=True)

    def test_prefixed_and_static_names_pass(self):
        self.library("int jf_x(void) { return 1; }\nstatic int y;\nint *jf_y(void) { return &y; }\n")
        self.passes()

    def test_other_external_names_are_refused(self):
        self.library("int helper(void) { return 1; }\nint table[2];\n")
        self.refuses("external name helper", "external name table")

    def test_no_build_is_not_overlooked(self):
        self.refuses("cannot look", code=2)


@unittest.skipUnless(shutil.which("clang-format"), "SKIPPED: clang-format is not installed (tools/setup --gates)")
class Format(GateCase):
    gate = "format"

    def test_formatted_code_passes(self):
        self.write("ledger/base/a.c", "// A file.\nint jf_x(void)\n{\n    return 1;\n}\n")
        self.passes()

    def test_unformatted_code_is_refused(self):
        self.write("ledger/base/a.c", "int jf_x(void) {\n  return 1;\n}\n")
        self.refuses("ledger/base/a.c:1:")


@unittest.skipUnless(shutil.which("clang-tidy"), "SKIPPED: clang-tidy is not installed (tools/setup --gates)")
class Tidy(GateCase):
    gate = "tidy"

    def source(self, text):
        path = self.write("ledger/base/a.c", text)
        row = {"directory": str(self.root), "file": str(path), "command": f"cc -std=c17 -c {path}"}
        self.write("build/release/compile_commands.json", json.dumps([row]))

    def test_clean_code_passes(self):
        self.source("int jf_x(int a);\nint jf_x(int a)\n{\n    return a + 1;\n}\n")
        self.passes()

    def test_recursion_is_refused(self):
        self.source("int jf_x(int a);\nint jf_x(int a)\n{\n    return a == 0 ? 0 : jf_x(a - 1);\n}\n")
        self.refuses("ledger/base/a.c:", "misc-no-recursion")

    def test_deep_nesting_is_refused(self):
        opened = "".join("if (a > %d) {\n" % level for level in range(6))
        self.source(f"int jf_x(int a);\nint jf_x(int a)\n{{\n{opened}a++;\n{'}' * 6}\nreturn a;\n}}\n")
        self.refuses("readability-function-size")

    def test_missing_braces_are_refused(self):
        self.source("int jf_x(int a);\nint jf_x(int a)\n{\n    if (a)\n        a++;\n    return a;\n}\n")
        self.refuses("readability-braces-around-statements")

    def test_no_build_is_not_overlooked(self):
        self.refuses("cannot look", code=2)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
