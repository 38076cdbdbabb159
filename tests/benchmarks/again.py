"""What comes after the first load: new days, restated days, and gold alone, on held rows.

Each is measured inside a process that is warm: what starting it takes is in the part `startup`.
"""

import datetime as dt
import json
import shutil
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from urllib.request import Request, urlopen

from tactics import duck
from tactics.model import Window
from tactics.pipeline import Scope, Workspace, query, sync
from tactics.pipeline.gold import build_gold, gold_stage
from tests.benchmarks.bench import Bench, Shape
from tests.benchmarks.measure import (
    Cost,
    Row,
    clean_environment,
    median,
    peaks,
    run,
    seconds,
    timed,
)
from tests.benchmarks.plant import open_home, tell
from tests.benchmarks.sync import FLOOR, GOLD, Server, bulk_server, compare, download

HELD_DAYS = 100  # one more day is one hundredth: 10,000 rows on top of a million
RESTATED_DAYS = 30
REFRESHED_DAYS = 3
AGGREGATE = """
    CREATE TABLE ad_daily AS
    SELECT org_id, source, account_id, campaign_id, date, sum(impressions), sum(clicks), sum(spend)
    FROM {table} GROUP BY ALL
"""
REACH = {"add": 2.0, "restate": 3.0, "refresh": 0.5}
Pairs = list[tuple[float, float]]


def benchmark_add(bench: Bench) -> list[Row]:
    """Return one row: a day of new rows on top of a hundred held days."""
    rows = bench.share(0.1)
    shape = Shape.of(rows, min(HELD_DAYS, bench.days))
    return [_served(bench, "add", shape, f"{shape.campaigns:,} new rows on top of {rows:,}")]


def benchmark_restatement(bench: Bench) -> list[Row]:
    """Return one row: the last 30 of 365 held days come again, all with other numbers."""
    rows = bench.share(0.36)
    shape = Shape.of(rows, bench.days)
    again = f"{RESTATED_DAYS} of {bench.days} days again ({RESTATED_DAYS * shape.campaigns:,} rows)"
    return [_served(bench, "restate", shape, f"{again}, {rows:,} held")]


def benchmark_refresh(bench: Bench) -> list[Row]:
    """Return one row: gold alone, for three days of the large silver."""
    size = asdict(bench.shape)
    found, peak = bench.call("again:refresh", home=bench.home, rounds=bench.rounds, **size)
    mine, floor = _median(found["ours"], peak), _median(found["floor"], 0)
    work = f"gold refresh of {REFRESHED_DAYS} days in {bench.rows:,} silver rows"
    return [_row(work, mine, ("the days' aggregate alone (floor)", floor), REACH["refresh"])]


def add(server: Server, workspace: Workspace) -> Window:
    """Let a day pass; return the days that are new."""
    _act(server, "advance", days=1)
    server.world.advance(1)
    workspace.clock.sleep(86_400)
    return Window(server.world.end, server.world.end)


def restate(server: Server, _: Workspace) -> Window:
    """Change the numbers of the last days; return them."""
    _act(server, "restate", days=RESTATED_DAYS)
    return Window(server.world.end - dt.timedelta(days=RESTATED_DAYS - 1), server.world.end)


ACTS = {"add": (add, 0), "restate": (restate, RESTATED_DAYS)}


def measure(
    act: str, home: str, url: str, *, pages: int, campaigns: int, rounds: int, floor: str
) -> dict[str, Pairs]:
    """Change, sync and parse the same pages with DuckDB alone, so many times; return the costs."""
    change, lookback = ACTS[act]
    server = Server(url, Shape(pages, campaigns).world())
    costs: dict[str, Pairs] = {"ours": [], "floor": [], "floor_peaks": []}
    with open_home(home, server.world, url, f"lookback_days = {lookback}\n") as workspace:
        change(server, workspace)
        _sync(workspace)  # not counted: what is imported and opened once
        for number in range(rounds):
            window = change(server, workspace)
            costs["ours"].append(timed(lambda: _sync(workspace)))
            folder = Path(floor) / str(number)
            download(server, folder, window.start, window.end)
            parsed = run([sys.executable, str(FLOOR), str(folder)], clean_environment())
            answer = json.loads(parsed.output)
            costs["floor"].append((answer["wall"], answer["cpu"]))
            costs["floor_peaks"].append((parsed.peak_bytes, 0))
        _, [(spend, rows)] = query(workspace, GOLD)
        compare("tactics", server, rows, Decimal(spend))
    return costs


def refresh(home: str, *, pages: int, campaigns: int, rounds: int) -> dict[str, Pairs]:
    """Tell gold of the last days and build it; do their aggregate alone; return the costs."""
    world = Shape(pages, campaigns).world()
    window = Window(world.end - dt.timedelta(days=REFRESHED_DAYS - 1), world.end)
    costs: dict[str, Pairs] = {"ours": [], "floor": []}
    with open_home(home, world) as workspace:
        for number in range(rounds + 1):
            tell(workspace, window)
            ours = timed(lambda: build_gold(gold_stage(workspace, frozenset()), frozenset()))
            floor = timed(lambda: _aggregate(workspace, window))
            if number:  # the first one imports and opens
                costs["ours"].append(ours)
                costs["floor"].append(floor)
    return costs


def _aggregate(workspace: Workspace, window: Window) -> None:
    held = {"start": window.start, "end": window.end}
    sql = AGGREGATE.format(table=workspace.lake.relation_sql("ad_performance", **held))
    folders = workspace.lake.folders()
    with duck.connect(None, workspace.lake_limits, folders=folders) as connection:
        connection.execute(sql)


def _served(bench: Bench, act: str, shape: Shape, work: str) -> Row:
    """Plant a home, serve its world, and measure in a child."""
    folder = bench.folder / act
    home = str(folder / "home")
    bench.plant(home, shape)
    size = {**asdict(shape), "rounds": bench.rounds}
    with bulk_server(shape) as server:
        floor = str(folder / "pages")
        found, peak = bench.call(
            "again:measure", act=act, home=home, url=server.url, floor=floor, **size
        )
    shutil.rmtree(folder)
    floor_peak = int(max(size for size, _ in found["floor_peaks"]))
    mine, other = _median(found["ours"], peak), _median(found["floor"], floor_peak)
    return _row(work, mine, ("DuckDB parse of the same pages (floor)", other), REACH[act])


def _row(work: str, mine: Cost, other: tuple[str, Cost], reach: float) -> Row:
    name, floor = other
    return Row(
        work,
        seconds(mine),
        f"{name}: {seconds(floor)}",
        f"{mine.wall / floor.wall:.1f}x its time",
        peaks(mine, floor),
        reach=f"≤ {reach:g} s",
        reached=mine.wall <= reach,
    )


def _median(pairs: Pairs, peak: int) -> Cost:
    return median([Cost(wall, cpu, peak) for wall, cpu in pairs])


def _sync(workspace: Workspace) -> None:
    result = sync(workspace, Scope())
    if result.exit_code:
        sys.exit(f"benchmark: the sync ended with {result.status}")


def _act(server: Server, action: str, **values: int) -> None:
    request = Request(f"{server.url}/_control/{action}", json.dumps(values).encode())
    with urlopen(request):
        pass
