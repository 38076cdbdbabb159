"""Reports on a large gold, against one plain aggregate over its largest table.

Each is asked in a process of its own, as a person asks: open the published file, read, close. What
starting that process takes is in the part `startup`.
"""

from pathlib import Path

from tactics.duck import DuckLimits
from tactics.gold import Gold
from tactics.home import Home
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Cost, Row, in_turn, median, peaks, seconds, timed
from tests.lab import NOW

REPORTS = ("pacing", "margin", "channels")
FLOOR = "SELECT count(*), sum(impressions), sum(clicks), sum(spend) FROM ad_daily"


def benchmark_reports(bench: Bench) -> list[Row]:
    """Return a row for each report."""
    works = [lambda name=name: _cost(bench, "reports:read", name=name) for name in REPORTS]
    costs = in_turn(bench.rounds, *works, lambda: _cost(bench, "reports:aggregate"))
    *mine, floor = map(median, costs)
    return [
        Row(
            f"report {name} on {bench.rows:,} gold rows",
            seconds(cost),
            f"one aggregate over all of them (floor): {seconds(floor)}",
            f"{cost.wall / floor.wall:.2f}x its time",
            peaks(cost, floor),
        )
        for name, cost in zip(REPORTS, mine, strict=True)
    ]


def read(home: str, name: str) -> tuple[float, float]:
    """Read a report; return wall and CPU seconds.

    Raises:
        SystemExit: it is empty.
    """
    gold = _open(home)
    found = []
    cost = timed(lambda: found.extend(gold.report(name, now=NOW).rows))
    if not found:
        raise SystemExit(f"benchmark: report {name} is empty")
    return cost


def aggregate(home: str) -> tuple[float, float]:
    """Add up all rows of ad_daily; return wall and CPU seconds."""
    gold = _open(home)
    return timed(lambda: gold.query(FLOOR))


def _open(home: str) -> Gold:
    place = Home(Path(home))
    return Gold(place, DuckLimits(place.scratch))


def _cost(bench: Bench, function: str, **arguments: str) -> Cost:
    (wall, cpu), peak = bench.call(function, home=bench.home, **arguments)
    return Cost(wall, cpu, peak)
