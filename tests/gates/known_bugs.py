#!/usr/bin/python3
"""Every test that the table of known bugs in tests/README.md names is there, in the file that it names."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "tests" / "README.md"
HEADING = "## Bugs that ledgers of this shape had"


def rows():
    """(bug, what notices it) of the table."""
    table = PAGE.read_text().split(HEADING, 1)[1].split("\n## ", 1)[0]
    cells = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    return [(bug.strip(), noticed.strip()) for bug, noticed in cells[1:]]


def is_there(path, name):
    text = path.read_text() if path.is_file() else ""
    pattern = rf"def {name}\(" if path.suffix == ".py" else rf"Test\(\w+,\s+{name}\b"
    return re.search(pattern, text) is not None


def main():
    wrong, count = [], 0
    for bug, noticed in rows():
        named = [(path, name) for path, names in re.findall(r"`([\w./-]+)`: ((?:`\w+`(?:, )?)+)", noticed)
                 for name in re.findall(r"`(\w+)`", names)]
        if not named:
            wrong.append(f"{bug}: no test is named")
        for path, name in named:
            count += 1
            if not is_there(ROOT / path, name):
                wrong.append(f"{bug}: {path} has no test {name}")
    if len(rows()) < 14:
        wrong.append(f"{len(rows())} bugs are listed, there were 14")
    for line in wrong:
        print(f"{PAGE.relative_to(ROOT)}: {line}")
    print(f"known bugs: {len(rows())} bugs, {count} tests, {len(wrong)} violations")
    sys.exit(1 if wrong else 0)


main()
