"""1 M ad rows over HTTP to queryable, fsynced gold: ours, dlt (rows, Arrow), and DuckDB's floor."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.request import urlopen

from tactics.sandbox import BulkMeta
from tests.benchmarks.measure import (
    Cost,
    Row,
    clean_environment,
    in_turn,
    median,
    megabytes,
    peer_python,
    run,
)
from tests.lab import TODAY

PEER = Path(__file__).parent / "peers" / "dlt_peer.py"
FLOOR = Path(__file__).parent / "peers" / "floor.py"
ROWS_PER_PAGE = 500
CAMPAIGNS = 4000  # 2,000 pages are 250 days, well within the retention of silver


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


@contextmanager
def bulk_server(pages: int) -> Iterator[Server]:
    """Serve `pages` pages of 500 rows."""
    command = [sys.executable, "-m", "tactics.sandbox", "--today", TODAY.isoformat()]
    command += ["--bulk-pages", str(pages), "--bulk-campaigns", str(CAMPAIGNS)]
    command += ["--max-seconds", "7200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            url = json.loads(process.stdout.readline())["url"]
            yield Server(url, BulkMeta(pages=pages, campaigns=CAMPAIGNS, today=TODAY))
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
    query = "SELECT sum(spend) AS spend, count(*) AS rows FROM ad_daily"
    command = [sys.executable, "-m", "tactics", "sql", query, "--json"]
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
        RUNTIME__DLTHUB_TELEMETRY="false", DLT_DATA_DIR=str(folder), HOME=str(folder)
    )
    cost = run([*command, str(server.world.start), str(server.world.end)], environment)
    found = json.loads(cost.output.strip().splitlines()[-1])
    compare(f"dlt {mode}", server, found["rows"], Decimal(found["spend"]))
    return cost


def floor_parse(server: Server, folder: Path) -> Cost:
    """Parse and type the same JSON, already on disk, with DuckDB alone."""
    pages = folder / "pages"
    if not pages.exists():
        account, token = _identity(server)
        arguments = ["--download", f"{server.url}/meta", account, token]
        days = [str(server.world.start), str(server.world.end)]
        run([sys.executable, str(FLOOR), str(pages), *arguments, *days], clean_environment())
    cost = run([sys.executable, str(FLOOR), str(pages)], clean_environment())
    found = json.loads(cost.output)
    compare("floor", server, found["rows"], Decimal(found["spend"]))
    return cost


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


def benchmark_sync(rounds: int, pages: int) -> list[Row]:
    """Return the rows of the report for `pages` pages."""
    with tempfile.TemporaryDirectory() as name, bulk_server(pages) as server:
        folder = Path(name)
        numbers = iter(range(1000))

        def ours() -> Cost:
            home = folder / f"home-{next(numbers)}"
            try:
                return tactics_sync(server, home)
            finally:
                shutil.rmtree(home)

        costs = in_turn(
            rounds,
            ours,
            lambda: peer_sync(server, "arrow", folder / "arrow"),
            lambda: peer_sync(server, "rows", folder / "rows"),
            lambda: floor_parse(server, folder),
        )
    mine, arrow, rows, floor = map(median, costs)
    work = f"{pages * ROWS_PER_PAGE:,} rows to gold"
    return [
        _against(work, mine, "dlt, rows, merge", rows),
        _against(work, mine, "dlt, Arrow", arrow),
        _against(work, mine, "DuckDB parse (floor)", floor),
    ]


def _against(work: str, mine: Cost, name: str, other: Cost) -> Row:
    return Row(
        work,
        f"{mine.wall:.1f} s, {mine.cpu:.1f} s CPU",
        f"{name}: {other.wall:.1f} s, {other.cpu:.1f} s CPU",
        f"{other.wall / mine.wall:.2f}x wall, {other.cpu / mine.cpu:.2f}x CPU",
        f"{megabytes(mine.peak_bytes)} / {megabytes(other.peak_bytes)}",
    )
