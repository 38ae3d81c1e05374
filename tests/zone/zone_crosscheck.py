#!/usr/bin/python3
"""Compares ledger/base/zone.c with python3's zoneinfo.

Every zone of the system is asked about random instants and wall-clock times of 1970..2199, and about
the seconds around each change of its clock; the seed is printed and can be given as second argument.
Usage: zone_crosscheck.py ZONE_DUMP [SEED]. Exit 0 when all agree, 1 when not, 77 without tzdata.
"""
import datetime
import pathlib
import random
import subprocess
import sys
import zoneinfo

ROOT = pathlib.Path("/usr/share/zoneinfo")
EPOCH = datetime.datetime(1970, 1, 1)
LAST = int((datetime.datetime(2199, 12, 31, 23, 59, 59) - EPOCH).total_seconds())
# Well-known zones are asked more; the others, aliases left out, a little.
FAVOURITES = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC",
              "Europe/Dublin", "Asia/Urumqi", "Asia/Hong_Kong", "America/Sao_Paulo", "Asia/Tehran",
              "Antarctica/Troll", "Pacific/Apia", "America/Nuuk", "Asia/Gaza", "Africa/Monrovia"]


def zone_names():
    names = set()
    for line in (ROOT / "tzdata.zi").read_text().splitlines():
        if line.startswith("Z "):
            names.add(line.split()[1])
    return sorted(name for name in names if (ROOT / name).is_file() and name != "Factory")


def utc_offset(zone, seconds):
    instant = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).astimezone(zone)
    return int(instant.utcoffset().total_seconds())


def changes(zone):
    """Instants where the offset changes, found by bisection between samples eight days apart."""
    step = 8 * 86400
    before = utc_offset(zone, 0)
    for start in range(0, LAST - step, step):
        after = utc_offset(zone, start + step)
        if after == before:
            continue
        low, high = start, start + step
        while high - low > 1:
            middle = (low + high) // 2
            if utc_offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        yield high
        before = after


def questions_of(zone, rng, count, edges):
    for seconds in edges:
        for shift in (-86400, -7200, -3601, -1800, -1, 0, 1, 1799, 3599, 7200):
            yield "L", seconds + shift
            local = seconds + shift + utc_offset(zone, seconds - 1)
            yield "I", local
    for _ in range(count):
        yield "L", rng.randrange(0, LAST)
        yield "I", rng.randrange(0, LAST)


def expected(zone, kind, value):
    if kind == "L":
        offset = utc_offset(zone, value)
        local = value + offset
        return f"{local // 86400} {local % 86400} {offset}"
    naive = EPOCH + datetime.timedelta(seconds=value)
    offset = naive.replace(tzinfo=zone).utcoffset()  # fold 0: earlier in an overlap, before a gap
    return str(value - int(offset.total_seconds()))


def line_of(kind, value):
    return f"L {value}" if kind == "L" else f"I {value // 86400} {value % 86400}"


def run(dump, seed):
    rng = random.Random(seed)
    names, lines, wanted, labels = zone_names(), [], [], []
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        is_favourite = name in FAVOURITES
        edges = list(changes(zone)) if is_favourite else []
        lines.append(f"Z {name}")
        for kind, value in questions_of(zone, rng, 500 if is_favourite else 60, edges):
            if not 86400 * 2 <= value <= LAST - 86400 * 2:
                continue
            lines.append(line_of(kind, value))
            wanted.append(expected(zone, kind, value))
            labels.append(f"{name}: {lines[-1]}")
    answer = subprocess.run([dump], input="\n".join(lines) + "\n", stdout=subprocess.PIPE,
                            text=True, check=True, timeout=120).stdout.splitlines()
    if len(answer) != len(wanted):
        sys.exit(f"zone_crosscheck: {len(wanted)} questions, {len(answer)} answers")
    wrong = [(l, w, a) for l, w, a in zip(labels, wanted, answer) if w != a]
    for label, want, got in wrong[:20]:
        print(f"{label}: zoneinfo says {want}, ours {got}")
    print(f"zone_crosscheck: seed {seed}: {len(names)} zones, {len(wanted)} questions, {len(wrong)} wrong")
    return 1 if wrong else 0


def main():
    if not (ROOT / "tzdata.zi").is_file():
        print(f"zone_crosscheck: SKIPPED: {ROOT}/tzdata.zi is absent: install tzdata", file=sys.stderr)
        return 77
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20180118
    return run(sys.argv[1], seed)


if __name__ == "__main__":
    sys.exit(main())
