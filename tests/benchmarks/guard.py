"""DataGuard over all silver rows, new to it and known to it, against one plain pass over the files."""

import shutil
from dataclasses import asdict
from typing import Any

from tactics import duck
from tactics.pipeline.check import check_silver
from tests.benchmarks.bench import Bench, Shape
from tests.benchmarks.measure import Cost, Row, in_turn, median, peaks, seconds, timed
from tests.benchmarks.plant import open_home

FLOOR = """
    SELECT
        account_id, date, count(*), sum(impressions), sum(clicks), sum(spend), sum(conversions),
        sum(conversion_value), sum(video_views), count(DISTINCT campaign_id), max(campaign_name)
    FROM {table} GROUP BY account_id, date
"""


def benchmark_guard(bench: Bench) -> list[Row]:
    """Return a row for rows that it sees for the first time, and one for the same rows again."""
    costs = in_turn(
        bench.rounds,
        lambda: _cost(bench, "guard:check", is_new=True),
        lambda: _cost(bench, "guard:check", is_new=False),
        lambda: _cost(bench, "guard:scan"),
    )
    *mine, floor = map(median, costs)
    return [
        Row(
            f"DataGuard over {bench.rows:,} silver rows, {words}",
            seconds(cost),
            f"one aggregate over the same files (floor): {seconds(floor)}",
            f"{cost.wall / floor.wall:.2f}x its time",
            peaks(cost, floor),
        )
        for words, cost in zip(("all new", "nothing new"), mine, strict=True)
    ]


def check(home: str, pages: int, campaigns: int, *, is_new: bool) -> tuple[float, float]:
    """Run all checks once; return wall and CPU seconds.

    What it may remember of the last time lies in the scratch folder.
    """
    with open_home(home, Shape(pages, campaigns).world()) as workspace:
        if is_new:
            shutil.rmtree(workspace.home.scratch)
            workspace.home.create()
        return timed(lambda: check_silver(workspace))


def scan(home: str, pages: int, campaigns: int) -> tuple[float, float]:
    """Read every metric of every row once; return wall and CPU seconds."""
    with open_home(home, Shape(pages, campaigns).world()) as workspace:
        sql = FLOOR.format(table=workspace.lake.relation_sql("ad_performance"))
        folders = workspace.lake.folders()

        def aggregate() -> Any:
            with duck.connect(None, workspace.lake_limits, folders=folders) as connection:
                return connection.execute(sql).fetchall()

        return timed(aggregate)


def _cost(bench: Bench, function: str, **arguments: bool) -> Cost:
    size = asdict(bench.shape)
    (wall, cpu), peak = bench.call(function, home=bench.home, **size, **arguments)
    return Cost(wall, cpu, peak)
