"""A month in minutes: a laptop's daemon, its vendors' bad days, and what is left of them at the end.

October 2026 in Vienna. `pytest -s tests/acceptance/test_month.py` prints the month's diary.
"""

import datetime as dt
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pytest

from tactics.connectors import StreamSpec, find_connector
from tactics.home import Home
from tactics.model import Finality
from tactics.pipeline import Scope, read_health
from tactics.pipeline.gaps import StreamDays, list_days
from tactics.pipeline.health import is_held
from tactics.sandbox import World, serve
from tactics.store import Store
from tests.integration.test_daemon import daemon_of
from tests.integration.test_sync import AD_SUMS, MONEY_SUMS, vendor_ads, vendor_money
from tests.lab import PILLARS, Lab
from tests.month import MEBIBYTE, QUICK, Laptop, disk_of_its_own, fill_disk
from tests.support import FakeClock

BEGIN = dt.datetime(2026, 10, 5, 5, 10, tzinfo=dt.UTC)
END = dt.datetime(2026, 11, 4, 12, 10, tzinfo=dt.UTC)
HISTORY_DAYS = 25
SEED = 8  # with it somebody pays in the 25th hour of 25 October, and somebody in the first
VIENNA = ZoneInfo("Europe/Vienna")
SETTINGS = {
    "TACTICS_DAEMON__SCHEDULE": "10 6 * * *",
    "TACTICS_HEALTH__DISK_WARN_BYTES": str(64 * MEBIBYTE),
    "TACTICS_HEALTH__DISK_FAIL_BYTES": str(16 * MEBIBYTE),
}
DISK_MEBIBYTES = 512

Line: TypeAlias = tuple[str, str, str]  # day, event, key


@dataclass(frozen=True)
class Chapter:
    """Some days of the month, and what a person is told of them."""

    tell: Callable[[Laptop], None]
    diary: tuple[Line, ...] = ()
    needs_small_disk: bool = False


def begins(laptop: Laptop) -> None:
    """Mon 5: the first sync."""
    laptop.awake_until(6, 5)


def restates(laptop: Laptop) -> None:
    """Tue 6: the ads of a week are restated, a campaign gets another name, history too."""
    before = laptop.lab.world.totals().ads
    laptop.lab.world.restate(7)
    laptop.lab.world.rename_campaign()
    laptop.fired["restated rows"] = sum(
        a != b for a, b in zip(before, laptop.lab.world.totals().ads, strict=True)
    )
    laptop.awake_until(7, 5)


def stripe_is_down(laptop: Laptop) -> None:
    """Wed 7: Stripe answers nobody for a while."""
    with laptop.faulty("http_503", "stripe", times=None):
        laptop.awake_until(7, 6, 40, tick=QUICK)
    laptop.awake_until(8, 5)


def meta_throttles(laptop: Laptop) -> None:
    """Thu 8: Meta has had too many calls."""
    with laptop.faulty("rate_limit", "meta", times=None, options={"minutes": 30}):
        laptop.awake_until(8, 6, 30, tick=QUICK)
    laptop.awake_until(9, 18)


def weekend(laptop: Laptop) -> None:
    """Sat 10, Sun 11: the lid is closed from Friday evening to Monday morning."""
    missed(laptop, "weekend", lambda: laptop.asleep_until(12, 7))
    laptop.awake_until(13, 5)


def missed(laptop: Laptop, name: str, sleep: Callable[[], None]) -> None:
    """Sleep over the time of the schedule, and note how many runs make up for it."""
    before = len(laptop.hands.done)
    sleep()
    assert [done.outcome for _, _, done in laptop.hands.done[before:]] == ["succeeded"]
    laptop.fired[name] = 1


def run_is_killed(laptop: Laptop) -> None:
    """Tue 13: kill -9 hits a run between two commits."""
    laptop.hands.doomed_at = "silver.committed"
    laptop.awake_until(13, 7, tick=QUICK)
    codes = [done.exit_code for _, _, done in laptop.hands.done]
    laptop.fired["kill of a run"] = codes.count(-signal.SIGKILL)
    laptop.awake_until(14, 5)


def token_expires(laptop: Laptop) -> None:
    """Wed 14: Meta's token has run out; in the afternoon somebody signs in again and syncs."""
    with laptop.faulty("auth_expired", "meta", times=None):
        laptop.awake_until(14, 16)
    laptop.by_hand("sync", "--source", "meta")
    laptop.awake_until(15, 5)


def access_token_expires(laptop: Laptop) -> None:
    """Thu 15: Google's access token runs out in the middle of a run; another is fetched."""
    with laptop.faulty("auth_expired", "sheets"):
        laptop.awake_until(16, 5)


def rows_vanish(laptop: Laptop) -> None:
    """Fri 16: two rows of Meta vanish, somebody edits a booking; then a weekend."""
    world = laptop.lab.world
    laptop.fired["vanished rows"] = len(world.drop_rows(2))
    world.edit_booking()
    laptop.awake_until(16, 18)
    laptop.asleep_until(19, 7)


def night_asleep(laptop: Laptop) -> None:
    """Tue 20: the laptop sleeps from the evening until nine."""
    laptop.awake_until(19, 20)
    missed(laptop, "night", lambda: laptop.asleep_until(20, 9))
    laptop.awake_until(20, 22)


def disk_is_full(laptop: Laptop) -> None:
    """Wed 21: somebody's videos fill the disk, to the last byte before the sync; later they go."""
    home = laptop.lab.home.root
    videos = home / "videos"
    fill_disk(videos, leave=40 * MEBIBYTE)
    laptop.awake_until(21, 1)
    fill_disk(videos, leave=8 * MEBIBYTE)
    laptop.awake_until(21, 5)
    fill_disk(videos)
    assert shutil.disk_usage(home).free == 0
    before = len(laptop.hands.done)
    laptop.awake_until(21, 8, tick=QUICK)
    outcomes = [done.outcome for _, job, done in laptop.hands.done[before:] if job.verb == "sync"]
    assert set(outcomes) == {"refused"}
    assert len(outcomes) <= 8  # after 1, 2, 4 … 60 minutes, not at every step
    laptop.fired["full disk"] = len(outcomes)
    videos.unlink()
    laptop.awake_until(22, 5, tick=3 * QUICK)


def daemon_is_killed(laptop: Laptop) -> None:
    """Thu 22: kill -9 hits the daemon in the middle of a sync; nobody starts it for two hours."""
    lab = laptop.lab
    laptop.services.end()
    laptop.off_until(22, 6)
    lab.world.restate(7)
    for api in ("stripe", "sheets", "drive"):
        lab.plant("hang", api, times=None)
    lab.plant("latency", times=None, seconds=0.2)
    with daemon_of(lab) as daemon:
        daemon.wait_for(lambda: fetched_at(lab, "meta") >= laptop.now)
        daemon.process.kill()
        laptop.fired["kill of the daemon"] = int(daemon.process.wait() == -signal.SIGKILL)
    wait_until(lambda: not is_held(lab.home.lock))  # its run ends too
    lab.world.faults.clear()
    laptop.off_until(22, 8)
    laptop.by_hand("sync")
    laptop.start()
    laptop.awake_until(22, 8, 30, tick=QUICK)
    laptop.awake_until(24, 5)


def fetched_at(lab: Lab, source: str) -> dt.datetime:
    """Return when a slice of a source was last complete."""
    with Store.open(lab.home.database, lab.clock, readonly=True) as store:
        return max(m.checked_at for m in store.coverage.watermarks() if m.key.source == source)


def wait_until(met: Callable[[], bool], seconds: float = 60) -> None:
    """Return once something is so."""
    limit = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < limit
        time.sleep(0.05)  # noqa: TID251 - a real process takes real time


def clocks_change(laptop: Laptop) -> None:
    """Sun 25: in Vienna the day has 25 hours; somebody pays in the last one."""
    start, end = (dt.datetime(2026, 10, day, tzinfo=VIENNA) for day in (25, 26))
    assert end.timestamp() - start.timestamp() == 25 * 3600
    before = len(laptop.hands.done)
    laptop.awake_until(27, 5)
    syncs = [at.date().day for at, job, _ in laptop.hands.done[before:] if job.verb == "sync"]
    assert syncs == [24, 25, 26]
    books = laptop.lab.world._scene.payments("acme")
    added_hour = range(int(end.timestamp()) - 3600, int(end.timestamp()))
    laptop.fired["added hour"] = sum(txn.created in added_hour for txn in books.visible())


def version_breaks(laptop: Laptop) -> None:
    """Tue 27: Meta serves only the next version; on Thursday somebody lets tactics ask for that."""
    laptop.lab.world.release_meta("v27.0")
    laptop.awake_until(29, 5)
    told = [done.message for _, _, done in laptop.hands.done if "#2635" in done.message]
    laptop.fired["broken version"] = len(told)
    laptop.lab.extra["TACTICS_ORGS__ACME__SOURCES__META__API_VERSION"] = "v27.0"
    laptop.awake_until(30, 5)


def ends(laptop: Laptop) -> None:
    """Fri 30: restated once more, a last weekend, and two quiet days."""
    laptop.lab.world.restate(14)
    laptop.awake_until(30, 18)
    laptop.asleep_until(33, 7)
    laptop.awake_until(35, 12)


CHAPTERS = (
    Chapter(begins),
    Chapter(restates),
    Chapter(
        stripe_is_down,
        (
            ("07", "raised", "breakers:stripe_breaker"),
            ("07", "resolved", "breakers:stripe_breaker"),
        ),
    ),
    Chapter(
        meta_throttles,
        (
            ("08", "raised", "breakers:meta_breaker"),
            ("08", "resolved", "breakers:meta_breaker"),
        ),
    ),
    Chapter(weekend),
    Chapter(
        run_is_killed,
        (
            ("13", "raised", "daemon_run:sync"),
            ("13", "resolved", "daemon_run:sync"),
        ),
    ),
    Chapter(
        token_expires,
        (
            ("14", "raised", "auth:acme/meta"),
            ("14", "resolved", "auth:acme/meta"),
        ),
    ),
    Chapter(access_token_expires),
    Chapter(rows_vanish),
    Chapter(night_asleep),
    Chapter(
        disk_is_full,
        (
            ("20", "raised", "disk"),
            ("21", "escalated", "disk"),
            ("21", "resolved", "disk"),
        ),
        needs_small_disk=True,
    ),
    Chapter(
        daemon_is_killed,
        (
            ("22", "raised", "daemon"),
            ("22", "raised", "latency:acme/meta"),  # what was fetched lay there for two hours
            ("22", "resolved", "daemon"),
            ("23", "resolved", "latency:acme/meta"),
        ),
    ),
    Chapter(clocks_change),
    Chapter(
        version_breaks,
        (
            ("27", "raised", "refused:acme/meta"),
            ("28", "raised", "freshness:acme/meta"),
            ("28", "repeated", "refused:acme/meta"),
            ("29", "repeated", "freshness:acme/meta"),
            ("29", "resolved", "refused:acme/meta"),
            ("29", "resolved", "freshness:acme/meta"),
        ),
    ),
    Chapter(ends),
)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Return a laptop at the end of its month."""
    folder = tmp_path_factory.mktemp("month") / "home"
    clock = FakeClock(BEGIN)
    world = World(
        SEED,
        today=BEGIN.date(),
        days=HISTORY_DAYS,
        orgs=("acme",),
        sources=PILLARS,
        clock=clock,
    )
    with disk_of_its_own(folder, DISK_MEBIBYTES) as small_disk, serve(world) as sandbox:
        lab = Lab(world, sandbox, Home(folder).create(), clock=clock, extra=dict(SETTINGS))
        laptop = Laptop(lab, small_disk=small_disk)
        for chapter in chapters_of(laptop):
            chapter.tell(laptop)
        laptop.services.end()
        yield laptop


def chapters_of(laptop: Laptop) -> list[Chapter]:
    """Return the chapters that this machine can tell: only root may make a small disk."""
    return [one for one in CHAPTERS if laptop.small_disk or not one.needs_small_disk]


def test_every_fault_has_struck(month: Laptop):
    """Nothing in this month was survived because it never happened."""
    assert month.now == END
    assert len(month.fired) == (13 if month.small_disk else 12)
    assert [name for name, times in month.fired.items() if not times] == []


def test_the_diary(month: Laptop):
    """Told once when something is the matter, once when it gets worse, once when it is over."""
    diary = month.diary()
    sys.stdout.write("".join(f"{entry}\n" for entry in diary))
    wanted = [line for chapter in chapters_of(month) for line in chapter.diary]
    assert [(f"{entry.at:%d}", entry.event, entry.key) for entry in diary] == wanted


def test_gold_is_the_vendors_ledger(month: Laptop):
    """Every campaign's day and every movement of money of 55 days, to the cent."""
    lab = month.lab
    ads, money = vendor_ads(lab, days=99), vendor_money(lab, days=99)
    assert lab.silver(AD_SUMS) == ads
    assert lab.silver(MONEY_SUMS) == money
    assert len({row[4] for row in ads}) == (END.date() - BEGIN.date()).days + HISTORY_DAYS
    totals = lab.world.totals()
    own = replace(
        totals, movements=tuple(m for m in totals.movements if not m.type.startswith("payout"))
    )
    revenue = lab.silver(
        "SELECT org_id, date, currency, sum(net_minor)::BIGINT FROM revenue_daily GROUP BY ALL"
    )
    assert {row[:3]: row[3] for row in revenue if row[3]} == net_of_days(own)
    spend = dict(lab.silver("SELECT date, sum(spend) FROM channel_daily GROUP BY ALL"))
    assert spend == {day: sums.spend for (day,), sums in totals.ad_sums("day").items()}
    booked = lab.silver("SELECT booking_id, booking_revenue FROM bookings ORDER BY ALL")
    lines = [(one.booking.booking_id, one.booking.booking_revenue) for one in totals.bookings]
    assert booked == sorted(lines)


def net_of_days(totals: Any) -> dict[tuple[str, dt.date, str], int]:
    """Return the net of each day and currency that is not nothing."""
    sums = totals.money_sums("org_id", "day").items()
    return {
        (org_id, day, currency.upper()): s.net_minor
        for (org_id, day, currency), s in sums
        if s.net_minor
    }


def test_every_day_is_final_or_explained(month: Laptop):
    """Without a hole; today is open, and provisional is only what the vendor may still restate."""
    with month.lab.workspace() as workspace:
        streams = list_days(workspace.settings, workspace.store, month.lab.clock, Scope())
    assert {one.key.stream for one in streams} >= {"campaign_insights", "transactions"}
    for stream in streams:
        assert stream.gaps == ()
        assert len(stream.held) >= (END.date() - BEGIN.date()).days + HISTORY_DAYS
        wrong = [day for day, held in stream.held.items() if held is not explained(stream, day)]
        assert (stream.key, wrong) == (stream.key, [])
        assert Finality.FINAL in stream.held.values()


def explained(stream: StreamDays, day: dt.date) -> Finality:
    """Return how settled a day has to be, by what its vendor says of restatements."""
    if day == END.date():
        return Finality.OPEN
    settles = dt.timedelta(days=spec_of(stream).final_after_days)
    return Finality.FINAL if day + settles < END.date() else Finality.PROVISIONAL


def spec_of(stream: StreamDays) -> StreamSpec:
    """Return the stream's facts."""
    specs = find_connector(stream.key.source).manifest.streams
    return next(spec for spec in specs if spec.name == stream.key.stream)


def test_nothing_is_left_over(month: Laptop):
    """No alert is open, no write waits, no letter is dead, every stage is done, health is ok."""
    with month.lab.workspace() as workspace:
        store = workspace.store
        health = read_health(workspace, month.now)
        assert [check for check in health.checks if check.severity] == []
        assert store.outbox.open_keys() == []
        assert {count.state for count in store.jobs.stats()} <= {"completed", "cancelled"}
