"""What the gates share: the files of the tree, C without comments, and one way to report.

A gate is a script that prints every violation as `path:line: what, and what to do`, and exits with 1 when
there is one, 0 when there is none, 2 when it could not look.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SKIPPED_FOLDERS = {".git", "build", "data", "__pycache__"}


def arguments(purpose, with_build=False):
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--root", type=pathlib.Path, default=REPOSITORY, help="tree to look at")
    if with_build:
        parser.add_argument("--build", type=pathlib.Path, help="build tree (default: build/release)")
    given = parser.parse_args()
    given.root = given.root.resolve()
    if with_build and given.build is None:
        given.build = given.root / "build" / "release"
    return given


def files(root, *suffixes, under=None):
    """Every file git knows or would add, or without git every file outside build output; sorted."""
    known = _files_of_git(root)
    paths = sorted(_files_of_walk(root) if known is None else known)
    if suffixes:
        paths = [path for path in paths if path.suffix in suffixes]
    if under:
        paths = [path for path in paths if path.relative_to(root).parts[0] in under]
    return paths


def _files_of_git(root):
    if not (root / ".git").exists():
        return None
    try:
        listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    names = {name for name in listed.decode().split("\0") if name}
    return [root / name for name in names if (root / name).is_file()]


def _files_of_walk(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in names:
            yield pathlib.Path(folder) / name


_PIECE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def code_of(text):
    """C source with comments and the insides of literals blanked; lines keep their numbers."""
    def blank(match):
        piece = match.group(0)
        if piece[0] in "\"'":
            return piece[0] * 2
        return "\n" * piece.count("\n") or " "
    return _PIECE.sub(blank, text)


def lines_of(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


class Report:
    def __init__(self, root, gate):
        self.root, self.gate, self.count = root, gate, 0

    def add(self, path, line, what):
        self.count += 1
        place = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        print(f"{place}:{line}: {what}")

    def finish(self, looked_at):
        """Never silently content with nothing to look at: the number is part of the answer."""
        print(f"gate {self.gate}: {looked_at} looked at, {self.count} violations")
        sys.exit(1 if self.count else 0)


def cannot_look(gate, why):
    print(f"gate {gate}: cannot look: {why}", file=sys.stderr)
    sys.exit(2)
