"""What comes after the first load: new days, restated days, and gold alone, on held rows."""

import json
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from urllib.request import Request, urlopen

from tactics.clock import Clock
from tactics.config import load_settings
from tactics.home import Home
from tactics.pipeline import PipelineResult, Scope, Workspace, sync
from tests.benchmarks.measure import Row
from tests.benchmarks.sync import CAMPAIGNS, ROWS_PER_PAGE, Server, bulk_server, compare
from tests.lab import NOW
from tests.support import FakeClock

NEW_DAYS = 3
RESTATED_DAYS = 30


def benchmark_again(pages: int) -> list[Row]:
    """Return a row for some new days and one for restated ones, on top of `pages` pages."""
    with tempfile.TemporaryDirectory() as name, bulk_server(pages) as server:
        home, clock = Home(Path(name) / "home").create(), FakeClock(NOW)
        first = timed_sync(server, home, clock)
        held = pages * ROWS_PER_PAGE
        _act(server, "advance", days=NEW_DAYS)
        clock.advance(NEW_DAYS * 86_400)
        again = timed_sync(server, home, clock, lookback_days=1)
        _act(server, "restate", days=RESTATED_DAYS)
        restated = timed_sync(server, home, clock, lookback_days=RESTATED_DAYS)
        check_totals(server, home)
    return [
        _row(f"{NEW_DAYS * CAMPAIGNS:,} new rows on top of {held:,}", again, first, "2 s"),
        _row(f"{RESTATED_DAYS} restated days of {held:,} rows", restated, first, "3 s"),
    ]


def timed_sync(
    server: Server, home: Home, clock: Clock, lookback_days: int | None = None
) -> tuple[float, float]:
    """Sync in this warm process; return wall and CPU seconds."""
    config = home.root / "tactics.toml"
    more = "" if lookback_days is None else f"lookback_days = {lookback_days}\n"
    config.write_text(server.world.config_toml(server.url) + more, encoding="utf-8")
    environment = server.world.environment(server.url)
    with Workspace.open(load_settings(config, {}), home, clock, environment=environment) as one:
        wall, cpu = time.perf_counter(), time.process_time()
        result: PipelineResult = sync(one, Scope())
        cost = time.perf_counter() - wall, time.process_time() - cpu
    if result.exit_code:
        sys.exit(f"benchmark: the sync ended with {result.status}")
    return cost


def check_totals(server: Server, home: Home) -> None:
    """Stop the benchmark when gold is not what the server says."""
    query = "SELECT sum(spend) AS spend, count(*) AS rows FROM ad_daily"
    command = [sys.executable, "-m", "tactics", "--home", str(home.root), "sql", query, "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    row = json.loads(done.stdout)["rows"][0]
    compare("tactics", server, int(row["rows"]), Decimal(str(row["spend"])))


def _act(server: Server, action: str, **values: int) -> None:
    request = Request(f"{server.url}/_control/{action}", json.dumps(values).encode())
    with urlopen(request):
        pass


def _row(work: str, cost: tuple[float, float], first: tuple[float, float], reach: str) -> Row:
    return Row(
        work,
        f"{cost[0]:.1f} s, {cost[1]:.1f} s CPU",
        f"the first load: {first[0]:.1f} s, {first[1]:.1f} s CPU",
        f"{cost[1] / first[1]:.2f} of its CPU (reach {reach} of work)",
    )
