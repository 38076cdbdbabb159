"""What a commit to one Iceberg table costs after thousands of them."""

import datetime as dt
import statistics
import time

from tactics.config import LakeSettings
from tactics.duck import DuckLimits
from tactics.home import Home
from tactics.lake import Lake
from tactics.model import RawPage, StreamKey, Window
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Row
from tests.lab import NOW, TODAY

COMMITS = 2000  # beside 10 M rows
EARLY = 20
WIDTH = 20  # commits around the early one, and the last ones
REACH = 1.5


def benchmark_commits(bench: Bench) -> list[Row]:
    """Return one row: the median of the last commits over that of the commits around the 20th.

    One run of thousands of commits is its own repetition.
    """
    commits = max(bench.share(COMMITS / 10_000_000), EARLY + WIDTH)
    home = Home(bench.folder / "commits").create()
    with Lake.open(home, LakeSettings(), DuckLimits(home.scratch)) as lake:
        seconds = [time_commit(lake, number) for number in range(1, commits + 1)]
    early = statistics.median(seconds[EARLY - WIDTH // 2 : EARLY + WIDTH // 2])
    late = statistics.median(seconds[-WIDTH:])
    return [
        Row(
            f"Iceberg commit, the {commits:,}th (once)",
            f"{late * 1000:.0f} ms",
            f"the {EARLY}th: {early * 1000:.0f} ms",
            f"{late / early:.2f}x",
            reach=f"≤ {REACH}x",
            reached=late / early <= REACH,
        )
    ]


def time_commit(lake: Lake, number: int) -> float:
    """Return the seconds of one commit; now and then the daemon's maintenance follows it."""
    started = time.perf_counter()
    lake.append_pages([page(number)], f"load-{number}")
    seconds = time.perf_counter() - started
    if number % 200 == 0:
        lake.maintain(NOW + dt.timedelta(minutes=number))
    return seconds


def page(number: int) -> RawPage:
    """Return a small page of its own request."""
    return RawPage(
        log_seq=number,
        key=StreamKey("acme", "meta", "act_1", "campaign_insights"),
        request_id=f"{number:032x}",
        window=Window(TODAY, TODAY),
        page=0,
        fetched_at=NOW,
        api_version="v26.0",
        request="{}",
        payload=b'{"data":[]}',
    )
