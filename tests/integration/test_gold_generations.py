"""Generations for real: incremental equals full, readers never wait, and every accident heals."""

import datetime as dt
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tactics import duck
from tactics.errors import ConfigError, IntegrityError, SinkUnavailable, StoreCorrupt
from tactics.gold import TABLES
from tactics.home import Home
from tests.unit.gold.silver import ACME, NOW, Silver, day, render_metrics, span

FIRST, LAST = day("09-20"), day("11-20")
DAYS = st.integers(0, (LAST - FIRST).days).map(lambda offset: FIRST + dt.timedelta(days=offset))


@pytest.fixture
def silver(home: Home) -> Silver:
    """Return a silver with two campaigns, one booked, and Stripe."""
    return plant(Silver(home))


def plant(silver: Silver) -> Silver:
    """Plant two months."""
    silver.cover(FIRST, LAST)
    silver.deliver("c1", start=FIRST, end=LAST)
    silver.deliver("c2", start=FIRST, end=LAST, currency="GBP")
    silver.book(flight_start=day("10-10"), flight_end=day("11-30"), booked_impressions=52_000)
    for d in span(day("11-01"), day("11-05")):
        silver.transact("charge", 1000, 30, date=d)
    return silver


def contents(silver: Silver) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in an order of its own."""
    return silver.tables(*TABLES, "booked_days", "booked_campaigns", "orgs")


def restate(
    silver: Silver, campaign_id: str, start: dt.date, end: dt.date, *, impressions: int
) -> None:
    """Replace some days of a campaign as the lake does: overwrite the window; 0 means rows vanish."""
    rows = silver.rows["ad_performance"]
    silver.rows["ad_performance"] = [
        row for row in rows if row["campaign_id"] != campaign_id or not start <= row["date"] <= end
    ]
    if impressions:
        silver.deliver(
            campaign_id, start=start, end=end, impressions=impressions, campaign_name="Renamed"
        )


RESTATEMENTS = st.lists(
    st.tuples(st.sampled_from(["c1", "c2", "c3"]), DAYS, st.integers(0, 40), st.integers(0, 5000)),
    min_size=1,
    max_size=3,
)
REBOOKINGS = st.sampled_from(["none", "add", "drop", "move"])


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(restatements=RESTATEMENTS, rebooking=REBOOKINGS, cutback=st.integers(0, 30))
def test_incremental_equals_full(
    tmp_path_factory: pytest.TempPathFactory,
    restatements: list[tuple[str, dt.date, int, int]],
    rebooking: str,
    cutback: int,
) -> None:
    """After any restatement, rebooking and loss of coverage the parts equal a full rebuild."""
    silver = plant(Silver(Home(tmp_path_factory.mktemp("home"))))
    silver.build()
    changes = []
    for campaign_id, start, days, impressions in restatements:
        end = min(start + dt.timedelta(days=days), LAST)
        restate(silver, campaign_id, start, end, impressions=impressions)
        changes.append(silver.change("ad_performance", start, end))
    match rebooking:
        case "add":
            silver.book("BK-2", campaign_id="c3", flight_start=day("10-01"))
        case "drop":
            silver.rows["bookings"].clear()
        case "move":
            silver.rows["bookings"][0] |= {"campaign_id": "c2", "flight_end": day("12-24")}
        case _:
            pass
    for lost in span(LAST - dt.timedelta(days=cutback), LAST):
        silver.coverage.pop(("acme", "meta", "act_1", "insights", lost), None)
    assert silver.build(changes=changes).full == ""
    incremental = contents(silver)
    assert silver.build().full == "a full build was asked for"
    assert contents(silver) == incremental


def test_the_same_build_twice_is_the_same(silver: Silver) -> None:
    """A load that is replayed after a crash leaves gold as it was."""
    silver.build()
    before = contents(silver)
    change = silver.change("ad_performance", day("11-01"), day("11-05"))
    for _ in range(2):
        silver.build(changes=[change, silver.change("transactions", day("11-01"), day("11-05"))])
        assert contents(silver) == before


def test_only_the_needed_files_are_asked_for(silver: Silver) -> None:
    """Three changed days ask silver for three days of ads, and for no Stripe."""
    silver.build()
    silver.asked.clear()
    silver.build(changes=[silver.change("ad_performance", day("11-18"), day("11-20"))])
    days = [asked for asked in silver.asked if asked[0] in {"ad_performance", "transactions"}]
    assert days == [("ad_performance", "acme", day("11-18"), day("11-20"))]


def test_other_organisations_stay(silver: Silver) -> None:
    """A halted organisation is not in the build: it keeps its rows, in a full build too."""
    beta = type(ACME)("beta", "Beta", "EUR", "Europe/Vienna", ACME.streams)
    silver.orgs = (ACME, beta)
    silver.cover(FIRST, LAST, org_id="beta")
    silver.deliver("b1", org_id="beta", start=FIRST, end=LAST)
    silver.book("BK-9", org_id="beta", campaign_id="b1")
    silver.build()
    before = contents(silver)
    silver.orgs = (ACME,)
    silver.rows["ad_performance"] = [
        row for row in silver.rows["ad_performance"] if row["org_id"] == "acme"
    ]
    silver.build()
    assert contents(silver) == before
    silver.build(changes=[silver.change("ad_performance", FIRST, LAST)])
    assert contents(silver) == before


def test_days_that_silver_no_longer_holds_are_kept(silver: Silver) -> None:
    """Gold remembers two years, silver one: a full build carries the older days over."""
    silver.build()
    before = contents(silver)
    wednesday = day("10-14")
    silver.rows["ad_performance"] = [
        row for row in silver.rows["ad_performance"] if row["date"] >= wednesday
    ]
    silver.build(full=True, silver_from=wednesday)
    assert contents(silver) == before
    silver.build(changes=[silver.change("ad_performance", FIRST, LAST)], silver_from=wednesday)
    assert contents(silver) == before


def test_another_formula_rebuilds_everything(silver: Silver) -> None:
    """A changed definition makes stored rows outdated: the next build is full, whatever changed."""
    silver.build()

    def doubled(text: str) -> str:
        return render_metrics(text.replace("{{ ctr }}", "(2 * {{ ctr }})"))

    before = silver.read("SELECT ctr FROM ad_weekly LIMIT 1")[0]["ctr"]
    generation = silver.build(changes=[], render=doubled)
    assert generation.full == "definitions changed"
    assert silver.read("SELECT ctr FROM ad_weekly LIMIT 1")[0]["ctr"] == 2 * before


def test_readers_never_wait(silver: Silver) -> None:
    """While generations are built, published and pruned, readers get whole answers, without error."""
    silver.build()
    stop, failures, answers = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                report = silver.gold.report("pacing", now=NOW)
                delivered = [
                    row["delivered_impressions"] for row in report.rows if row["booking_id"]
                ]
                answers.append((report.generation, *delivered))
            except Exception as exc:  # noqa: BLE001 - the test's question is whether there are any
                failures.append(exc)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for round_ in range(2, 7):
        restate(silver, "c1", day("11-20"), day("11-20"), impressions=1000 * round_)
        silver.build(changes=[silver.change("ad_performance", day("11-20"), day("11-20"))])
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert answers
    assert all(delivered == 41_000 + 1000 * number for number, delivered in answers)


def test_reader_keeps_a_pruned_generation(silver: Silver) -> None:
    """A reader that has a generation open goes on reading it after its name is gone."""
    first = silver.build()
    with silver.gold.open() as (connection, number):
        for _ in range(4):
            silver.build(changes=[])
        assert not first.path.exists()
        rows = connection.execute("SELECT count(*) FROM ad_daily").fetchone()
    assert (number, rows) == (1, (2 * len(span(FIRST, LAST)),))


def test_corrupt_pointer_heals(silver: Silver) -> None:
    """Readers refuse a broken pointer; the next build makes everything anew."""
    silver.build()
    before = contents(silver)
    (silver.home.gold / "current").write_text("garbage\n", encoding="utf-8")
    with pytest.raises(StoreCorrupt):
        silver.gold.report("pacing", now=NOW)
    generation = silver.build(changes=[])
    assert "cannot be read" in generation.full
    assert contents(silver) == before


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty"])
def test_corrupt_generation_heals(silver: Silver, damage: str) -> None:
    """A damaged file is an integrity error to readers, and no base for the next build."""
    path = silver.build().path
    before_size = path.stat().st_size
    with path.open("r+b") as file:
        match damage:
            case "garbage":
                file.write(b"\0" * 4096 * 4)
            case "cut":
                file.truncate(before_size // 3)
            case _:
                file.truncate(0)
    with pytest.raises((StoreCorrupt, IntegrityError)):
        silver.gold.report("pacing", now=NOW)
    generation = silver.build(changes=[])
    assert generation.full != ""
    assert silver.line()["status"] == "on_pace"


def test_stale_log_beside_the_published_file(silver: Silver) -> None:
    """A log that another program left makes a file unreadable; the next build sweeps it."""
    path = silver.build().path
    Path(f"{path}.wal").write_bytes(b"not a log")
    generation = silver.build(changes=[])
    assert not Path(f"{path}.wal").exists()
    assert not Path(f"{generation.path}.wal").exists()
    assert silver.line()["status"] == "on_pace"


@contextmanager
def disk_of(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size_bytes`: a full disk, without a disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("request_facts", [{"full": True}, {"changes": ()}], ids=["full", "copy"])
def test_full_disk(silver: Silver, request_facts: dict[str, Any]) -> None:
    """No space: the sink is unavailable, nothing is left behind, the old generation answers."""
    before = silver.build()
    request = silver.request(**request_facts)
    with disk_of(200_000), pytest.raises(SinkUnavailable):
        silver.gold.build(request)
    assert silver.gold.current() == before.path
    assert sorted(path.name for path in silver.home.gold.iterdir()) == ["current", before.path.name]
    assert silver.gold.build(request).tables["ad_daily"] == before.tables["ad_daily"]


def test_unusable_folder(silver: Silver) -> None:
    """The folder is a file: the load waits in the retry queue until somebody mends it."""
    silver.home.gold.rmdir()
    silver.home.gold.touch()
    with pytest.raises(SinkUnavailable):
        silver.gold.build(silver.request())


def test_missing_silver_file(silver: Silver) -> None:
    """A file that maintenance swept under the build is a passing condition: the next try asks anew."""
    request = silver.request(relation=lambda *_: "read_parquet('/nowhere/at/all.parquet')")
    with pytest.raises((SinkUnavailable, IntegrityError)):
        silver.gold.build(request)
    assert list(silver.home.gold.glob("*.duckdb")) == []


def test_silver_without_a_column_stops(silver: Silver) -> None:
    """Silver that breaks gold's contract is our bug: stop, and name the column."""
    request = silver.request(
        relation=lambda *_: "(SELECT 'acme' AS org_id, DATE '2026-11-01' AS date)"
    )
    with pytest.raises(IntegrityError) as caught:
        silver.gold.build(request)
    assert not isinstance(caught.value, ConfigError)
    assert "source" in str(caught.value)


CRASH = """
import pickle, sys
from pathlib import Path
from tactics.home import Home
from tests.unit.gold.silver import Silver, day
from tests.integration.test_gold_generations import plant
silver = plant(Silver(Home(Path(sys.argv[1]))))
silver.build(changes=[silver.change("ad_performance", day("11-20"), day("11-20"))])
"""


@pytest.mark.crash
@pytest.mark.parametrize(("place", "published"), [("gold.built", 1), ("gold.published", 2)])
def test_killed(silver: Silver, place: str, published: int) -> None:
    """Killed before or after the pointer moves, gold is whole; the next build cleans up."""
    silver.build()
    before = contents(silver)
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(silver.home.root)],
        env={**os.environ, "TACTICS_CRASH_AT": place},
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    current = silver.gold.current()
    assert current is not None
    assert current.name == f"generation-{published:06d}.duckdb"
    assert contents(silver) == before
    silver.build(changes=[])
    assert contents(silver) == before
    numbers = sorted(path.name for path in silver.home.gold.glob("*.duckdb"))
    assert len(numbers) == published + 1
    assert not list(silver.home.gold.glob("*.wal"))


def test_a_report_imports_the_core_of_duckdb_only(silver: Silver) -> None:
    """It pays for DuckDB and nothing else: no package around it, OpenSSL, Iceberg or pydantic."""
    silver.build()
    code = (
        "import datetime as dt, sys\n"
        "from pathlib import Path\n"
        "from tactics.duck import DuckLimits\n"
        "from tactics.gold import Gold\n"
        "from tactics.home import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "now = dt.datetime.fromisoformat(sys.argv[2])\n"
        "assert Gold(home, DuckLimits(home.scratch)).report('pacing', now=now).rows\n"
        "heavy = {'duckdb', 'pyarrow', 'pyiceberg', 'sqlglot', 'sqlite3', 'pydantic', 'pandas',"
        " 'numpy', '_hashlib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(silver.home.root), NOW.isoformat()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_build_needs_no_clock_of_its_own(silver: Silver) -> None:
    """The instant of a build is given: the organisation's day follows from it."""
    silver.build(built_at=dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC))
    assert silver.read("SELECT today FROM orgs") == [{"today": day("11-21")}]  # Vienna


def test_nothing_held_at_all(home: Home) -> None:
    """An organisation without a single file gets empty tables, not an error."""
    silver = Silver(home)
    generation = silver.build()
    assert generation.tables["ad_daily"] == 0
    assert generation.tables["freshness"] == len(ACME.streams)
    with duck.connect(generation.path, silver.limits, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM campaign_pacing").fetchone() == (0,)
