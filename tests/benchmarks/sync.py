"""1 M ad rows over HTTP to queryable, fsynced gold: ours, dlt (rows, Arrow), and DuckDB's floor."""

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.request import urlopen

from tactics.sandbox import BulkMeta
from tests.benchmarks.bench import ROWS_PER_PAGE, YEAR, Bench, Shape
from tests.benchmarks.measure import (
    Cost,
    Row,
    clean_environment,
    in_turn,
    median,
    peaks,
    peer_python,
    run,
    seconds,
)
from tests.lab import TODAY

PEER = Path(__file__).parent / "peers" / "dlt_peer.py"
FLOOR = Path(__file__).parent / "peers" / "floor.py"
CAMPAIGNS = 4000  # 2,000 pages are 250 days, well within the retention of silver
GOLD = "SELECT sum(spend) AS spend, count(*) AS rows FROM ad_daily"


@dataclass(frozen=True, slots=True)
class Server:
    """The bulk API in a process of its own, and what its rows add up to."""

    url: str
    world: BulkMeta

    def totals(self) -> tuple[int, Decimal]:
        """Return rows and spend."""
        with urlopen(f"{self.url}/_control/totals") as answer:
            found = json.load(answer)
        return found["rows"], Decimal(found["spend"])


def shape_of(pages: int) -> Shape:
    """Return a world of so many pages: more days first, then, from a year on, more campaigns."""
    return Shape(pages, max(CAMPAIGNS, Shape.of(pages * ROWS_PER_PAGE, YEAR).campaigns))


@contextmanager
def bulk_server(shape: Shape) -> Iterator[Server]:
    """Serve a world in a process of its own."""
    command = [sys.executable, "-m", "tactics.sandbox", "--today", TODAY.isoformat()]
    command += ["--bulk-pages", str(shape.pages), "--bulk-campaigns", str(shape.campaigns)]
    command += ["--max-seconds", "7200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield Server(url, shape.world())
        finally:
            process.terminate()


def tactics_sync(server: Server, home: Path) -> Cost:
    """Sync into `home` and return the cost of the whole process."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "tactics.toml").write_text(server.world.config_toml(server.url), encoding="utf-8")
    environment = clean_environment(
        TACTICS_HOME=str(home),
        TACTICS_CONFIG=str(home / "tactics.toml"),
        TACTICS_NOW=f"{TODAY}T09:00:00Z",
        PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring",
        **server.world.environment(server.url),
    )
    cost = run([sys.executable, "-m", "tactics", "sync", "--json"], environment)
    command = [sys.executable, "-m", "tactics", "sql", GOLD, "--json"]
    row = json.loads(run(command, environment).output)["rows"][0]
    compare("tactics", server, int(row["rows"]), Decimal(str(row["spend"])))
    return cost


def peer_sync(server: Server, mode: str, folder: Path) -> Cost:
    """Load the same pages with dlt into DuckDB, merged by primary key."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    account, token = _identity(server)
    command = [peer_python(), str(PEER), f"{server.url}/meta", account, token, mode, str(folder)]
    environment = clean_environment(
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="ERROR",  # it has a remark on each page
        DLT_DATA_DIR=str(folder),
        HOME=str(folder),
    )
    cost = run([*command, str(server.world.start), str(server.world.end)], environment)
    found = json.loads(cost.output.strip().splitlines()[-1])
    compare(f"dlt {mode}", server, found["rows"], Decimal(found["spend"]))
    return cost


def floor_parse(server: Server, folder: Path) -> Cost:
    """Parse and type the same JSON, already on disk, with DuckDB alone."""
    pages = folder / "pages"
    if not pages.exists():
        download(server, pages, server.world.start, server.world.end)
    cost = run([sys.executable, str(FLOOR), str(pages)], clean_environment())
    found = json.loads(cost.output)
    compare("floor", server, found["rows"], Decimal(found["spend"]))
    return cost


def download(server: Server, pages: Path, start: dt.date, end: dt.date) -> None:
    """Keep the pages of these days as files."""
    account, token = _identity(server)
    arguments = ["--download", f"{server.url}/meta", account, token, str(start), str(end)]
    run([sys.executable, str(FLOOR), str(pages), *arguments], clean_environment())


def _identity(server: Server) -> tuple[str, str]:
    found = re.search(r'accounts = \["(act_\d+)"\]', server.world.config_toml(server.url))
    assert found
    (token,) = server.world.environment(server.url).values()
    return found[1], token


def compare(who: str, server: Server, rows: int, spend: Decimal) -> None:
    """Stop the benchmark when the work was not the same: totals come before times."""
    wanted = server.totals()
    if (rows, spend) != wanted:
        sys.exit(f"benchmark: {who} has {rows} rows and {spend}, the server {wanted}")


def benchmark_sync(bench: Bench) -> list[Row]:
    """Return a row for each peer and for the floor."""
    folder = bench.folder / "sync"
    numbers = iter(range(1000))
    with bulk_server(shape_of(bench.pages)) as server:

        def ours() -> Cost:
            home = folder / f"home-{next(numbers)}"
            try:
                return tactics_sync(server, home)
            finally:
                shutil.rmtree(home)

        costs = in_turn(
            bench.rounds,
            ours,
            lambda: peer_sync(server, "arrow", folder / "arrow"),
            lambda: peer_sync(server, "rows", folder / "rows"),
            lambda: floor_parse(server, folder),
        )
        count = server.totals()[0]
    mine, arrow, rows, floor = map(median, costs)
    work = f"{count:,} rows to gold"
    return [
        _against(work, mine, ("dlt, rows, merge", rows), (12, 9)),
        _against(work, mine, ("dlt, Arrow", arrow), (5, 3)),
        _against(work, mine, ("DuckDB parse (floor)", floor), (0.25, 0)),
    ]


def _against(work: str, mine: Cost, peer: tuple[str, Cost], reach: tuple[float, float]) -> Row:
    name, other = peer
    wall, cpu = other.wall / mine.wall, other.cpu / mine.cpu
    promise = f"≥ {reach[0]}x wall" + (f", ≥ {reach[1]}x CPU" if reach[1] else "")
    return Row(
        work,
        seconds(mine),
        f"{name}: {seconds(other)}",
        f"{wall:.2f}x wall, {cpu:.2f}x CPU",
        peaks(mine, other),
        reach=promise,
        reached=wall >= reach[0] and cpu >= reach[1],
    )
