"""`python3 run.py bench [part …]`: measure, print a table, write docs/benchmarks.md."""

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable

from tests.benchmarks.again import benchmark_again
from tests.benchmarks.bus import benchmark_bus
from tests.benchmarks.commits import benchmark_commits
from tests.benchmarks.formula import benchmark_formula
from tests.benchmarks.measure import ROOT, Row
from tests.benchmarks.startup import benchmark_startup
from tests.benchmarks.sync import benchmark_sync

PAGES = 2000
HEADER = ("work", "ours", "peer or floor", "ratio", "peak memory, ours / other")
Part = Callable[[int], list[Row]]


def main() -> None:
    """Run the chosen parts."""
    parts: dict[str, Part] = {
        "startup": benchmark_startup,
        "bus": benchmark_bus,
        "commits": benchmark_commits,
        "formula": benchmark_formula,
    }
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    names = " ".join((*parts, "again", "sync"))
    parser.add_argument("part", nargs="*", help=f"of: {names} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=PAGES, help="of 500 rows, for sync")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    parts["again"] = lambda _: benchmark_again(given.pages)
    parts["sync"] = lambda rounds: benchmark_sync(rounds, given.pages)
    if unknown := set(given.part) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    rows = []
    for name in given.part or parts:
        sys.stderr.write(f"benchmark: {name}\n")
        rows += parts[name](given.rounds)
    table = as_table(rows)
    sys.stdout.write(table)
    if given.write:
        text = f"# Benchmarks\n\n{describe_run(given.rounds)}\n\n{table}"
        (ROOT / "docs" / "benchmarks.md").write_text(text, encoding="utf-8")


def as_table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [HEADER, ("---",) * len(HEADER)]
    lines += [(row.work, row.ours, row.other, row.ratio, row.peak) for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def describe_run(rounds: int) -> str:
    """Return what was measured on what, with which versions."""
    names = ("duckdb", "pyiceberg", "pyarrow", "httpx")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return (
        f"`python3 run.py bench --write`, median of {rounds} rounds taken in turn on"
        f" {os.cpu_count()} cores of {platform.machine()}, Python {platform.python_version()},"
        f" {versions}. Ratios are what to read: both sides ran in the same minutes."
    )


if __name__ == "__main__":
    main()
