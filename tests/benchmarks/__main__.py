"""`python3 run.py bench [part …]`: measure, print a table, write docs/benchmarks.md."""

import argparse
import sys
from collections.abc import Callable

from tactics.clock import SystemClock
from tests.benchmarks.again import benchmark_add, benchmark_refresh, benchmark_restatement
from tests.benchmarks.bench import Bench
from tests.benchmarks.bus import benchmark_bus
from tests.benchmarks.commits import benchmark_commits
from tests.benchmarks.formula import benchmark_formula
from tests.benchmarks.guard import benchmark_guard
from tests.benchmarks.measure import ROOT, Row
from tests.benchmarks.page import as_table, describe_run, write_page
from tests.benchmarks.reports import benchmark_reports
from tests.benchmarks.scale import benchmark_scale
from tests.benchmarks.startup import benchmark_startup
from tests.benchmarks.sync import benchmark_sync

PARTS: dict[str, Callable[[Bench], list[Row]]] = {
    "startup": benchmark_startup,
    "bus": benchmark_bus,
    "commits": benchmark_commits,
    "formula": benchmark_formula,
    "guard": benchmark_guard,
    "refresh": benchmark_refresh,
    "reports": benchmark_reports,
    "add": benchmark_add,
    "restatement": benchmark_restatement,
    "scale": benchmark_scale,
    "sync": benchmark_sync,
}


def main() -> None:
    """Run the chosen parts."""
    given = read_arguments()
    clock = SystemClock()
    sections = {}
    sizes = {"pages": given.pages, "scale": tuple(given.scale), "rows": given.rows}
    with Bench(rounds=given.rounds, **sizes) as bench:
        for name in [name for name in PARTS if name in (given.part or PARTS)]:
            started = clock.monotonic()
            rows = PARTS[name](bench)
            sys.stderr.write(f"benchmark: {name} took {clock.monotonic() - started:.0f} s\n")
            table = as_table(rows)
            sys.stdout.write(f"## {name}\n\n{table}\n")
            sys.stdout.flush()
            command = " ".join(("run.py bench", *sys.argv[1:]))
            run = describe_run(clock.now(), command=command, rounds=given.rounds)
            sections[name] = f"{run}\n{table}"
            if given.write:  # at once: a long run may be cut off
                write_page(ROOT / "docs" / "benchmarks.md", sections, tuple(PARTS))


def read_arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of: {' '.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=2000, help="of 500 rows, for sync")
    parser.add_argument(
        "--scale", type=int, nargs="+", default=[200, 2000, 20_000], help="the same, for scale"
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=10_000_000,
        help="of the large tables; backlog, commits, add and restatement are shares of it",
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    if unknown := set(given.part) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return given


if __name__ == "__main__":
    main()
