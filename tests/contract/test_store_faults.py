"""Every public method of the store on a locked database and on a full disk.

Readers go on; writers get an error of ours, change nothing, and work once the fault is gone.
"""

import copy
import datetime as dt
import inspect
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tactics.errors import DecodeError, SinkUnavailable, StoreBusy, TacticsError
from tactics.home import Home
from tactics.model import (
    TOPIC_RAW,
    AccountInfo,
    Alert,
    AlertSeverity,
    Finality,
    Priority,
    RunStatus,
    Slice,
    Window,
)
from tactics.model import StreamKey as Key
from tactics.store import Author, PublishedGeneration, RunLatency, RunSource, Store, Visit
from tests.support import FakeClock

KEY = Key("acme", "meta", "act_1", "campaign_insights")
DAY = dt.date(2026, 11, 19)
WINDOW = Window(DAY, DAY)
ACCOUNT = AccountInfo("act_1", "Acme", "EUR", "Europe/Vienna")
WORK = Slice(KEY, WINDOW, Priority.LIVE, ACCOUNT)
DOWN = SinkUnavailable("the lake is down")
CUT_OFF = DecodeError("cut off")
ME = Author("ada", "workshop")
ALERT = Alert("bad", AlertSeverity.WARNING, "something is bad")


@dataclass(frozen=True)
class Call:
    """An attempt as transport records it."""

    account_id: str = "act_1"
    endpoint: str = "/insights"
    status: int = 200
    attempt: int = 1
    size_bytes: int = 100
    seconds: float = 0.25
    at: dt.datetime = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)


class Scene:
    """A store in which every method has something to do."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.now = clock.now() - dt.timedelta(days=100)
        clock.advance(-100 * 86400)
        self.done = store.fetches.begin(WORK, api_version="1")
        store.fetches.append_page(self.done, b"{}", request="{}")
        store.fetches.complete(self.done, days=[(DAY, Finality.FINAL)], marker="v1")
        store.fetches.fail(store.fetches.begin(WORK, api_version="1"), DOWN)
        store.bus.acknowledge(TOPIC_RAW, "bronze", 1)
        self.old_run = store.runs.start("sync", {})
        store.runs.finish(self.old_run, RunStatus.SUCCEEDED, {})
        store.jobs.succeed([store.jobs.enqueue("bronze", 1, KEY, DOWN)])
        self.forget_letter()
        for breaker in ("cooled", "tried"):
            store.breakers.open_until(breaker, until=self.now, reason="", now=self.now)
        self.admit("tried")
        self.prepare_alerts()
        clock.advance(100 * 86400)
        self.now = clock.now()
        self.running = store.fetches.begin(WORK, api_version="1")
        store.fetches.remember_job(KEY, WINDOW, "r1")
        self.newer = store.fetches.begin(WORK, api_version="1")
        store.fetches.append_page(self.newer, b"{}", request="{}")
        store.fetches.complete(self.newer, days=[])
        store.fetches.remember_job(KEY, WINDOW, "r1")
        self.prepare_jobs()
        self.run = store.runs.start("sync", {})
        self.request = store.requests.file({})
        store.accounts.put("acme", "meta", ACCOUNT)
        self.fail("sick")
        store.heartbeats.begin(1, "workshop")

    def prepare_alerts(self) -> None:
        """Leave an alert to be told by mail, a failed message of it, and one that is over."""
        outbox = self.store.outbox
        outbox.raise_alert(Alert("over", AlertSeverity.INFO, "was bad"), {})
        outbox.resolve(["over"])
        outbox.raise_alert(ALERT, {AlertSeverity.WARNING: ("webhook", "email")})
        notices = [notice.notice_id for notice in outbox.waiting("webhook")]
        self.delivery = outbox.start("webhook", "{}", notices)
        outbox.fail(self.delivery, DOWN)

    def forget_letter(self) -> None:
        """Leave nothing of a dead letter but the note that it was purged."""
        job_id = self.store.jobs.discard_now("bronze", KEY, CUT_OFF)
        self.store.letters.purge([job_id], ME)
        self.store.database.write("DELETE FROM jobs WHERE job_id = ?", [job_id])

    def prepare_jobs(self) -> None:
        """Leave a job in each state, and a dead letter that somebody has edited."""
        jobs = self.store.jobs
        self.claimed = jobs.enqueue("bronze", 2, KEY, DOWN)
        jobs.claim_due("bronze", 1, ignore_schedule=True)
        self.waiting = jobs.enqueue("bronze", None, KEY, DOWN)
        self.dead = jobs.discard_now("ingest", KEY, DOWN, window=WINDOW)
        self.edited = jobs.discard_now("bronze", KEY, CUT_OFF, payload=b"first")
        self.store.letters.edit(self.edited, b"second", ME)

    def admit(self, breaker: str) -> Any:
        """Ask to try."""
        return self.store.breakers.admit(breaker, owner="me", now=self.now, lease_seconds=1e9)

    def fail(self, breaker: str) -> bool:
        """Report a failure."""
        return self.store.breakers.fail(
            breaker, owner="me", now=self.now, threshold=5, cooldown_seconds=300, reason="503"
        )


def _transaction(scene: Scene) -> None:
    with scene.store.transaction():
        scene.store.bus.append("t", header={})


READS: dict[str, Callable[[Scene], object]] = {
    "bus.read": lambda s: s.store.bus.read(TOPIC_RAW, "c", 9),
    "bus.get": lambda s: s.store.bus.get(1),
    "bus.position": lambda s: s.store.bus.position(TOPIC_RAW, "bronze"),
    "bus.positions": lambda s: s.store.bus.positions(),
    "bus.lag": lambda s: s.store.bus.lag(TOPIC_RAW, "c"),
    "fetches.get_many": lambda s: s.store.fetches.get_many([s.done]),
    "fetches.last_of_their_window": lambda s: s.store.fetches.last_of_their_window([s.done]),
    "fetches.latest_marker": lambda s: s.store.fetches.latest_marker(KEY),
    "fetches.pages_of": lambda s: s.store.fetches.pages_of(s.done),
    "fetches.raw_pages": lambda s: s.store.fetches.raw_pages(s.store.bus.read(TOPIC_RAW, "c", 9)),
    "fetches.find_job": lambda s: s.store.fetches.find_job(KEY, WINDOW),
    "coverage.days": lambda s: s.store.coverage.days(KEY, DAY, DAY),
    "coverage.winners": lambda s: s.store.coverage.winners([s.done]),
    "coverage.bounds": lambda s: s.store.coverage.bounds(KEY),
    "coverage.watermarks": lambda s: s.store.coverage.watermarks(),
    "coverage.all_rows": lambda s: s.store.coverage.all_rows(),
    "jobs.get": lambda s: s.store.jobs.get(s.dead),
    "jobs.list_dead": lambda s: s.store.jobs.list_dead(),
    "jobs.stats": lambda s: s.store.jobs.stats(),
    "letters.find": lambda s: s.store.letters.find(),
    "letters.causes": lambda s: s.store.letters.causes(),
    "letters.payload": lambda s: s.store.letters.payload(s.dead),
    "letters.pages_before": lambda s: s.store.letters.pages_before(s.store.jobs.get(s.dead)),
    "letters.changes": lambda s: s.store.letters.changes(),
    "breakers.list_all": lambda s: s.store.breakers.list_all(),
    "runs.get": lambda s: s.store.runs.get(s.run),
    "runs.list_runs": lambda s: s.store.runs.list_runs(9),
    "runs.last_stage_at": lambda s: s.store.runs.last_stage_at("maintain"),
    "runs.latest": lambda s: s.store.runs.latest(),
    "requests.pending": lambda s: s.store.requests.pending(),
    "requests.get": lambda s: s.store.requests.get(s.request),
    "calls.totals": lambda s: s.store.calls.totals(DAY),
    "accounts.get": lambda s: s.store.accounts.get("acme", "meta", "act_1"),
    "outbox.waiting": lambda s: s.store.outbox.waiting("email"),
    "outbox.list_alerts": lambda s: s.store.outbox.list_alerts(resolved=True),
    "outbox.get": lambda s: s.store.outbox.get(1),
    "outbox.open_keys": lambda s: s.store.outbox.open_keys(),
    "outbox.backlog": lambda s: s.store.outbox.backlog(),
    "sightings.first_used": lambda s: s.store.sightings.first_used("acme", "meta"),
    "history.newest_at": lambda s: s.store.history.newest_at(),
    "history.backlog": lambda s: s.store.history.backlog(TOPIC_RAW, "c"),
    "history.unmeasured": lambda s: s.store.history.unmeasured("latency"),
    "history.passages": lambda s: s.store.history.passages(PublishedGeneration(9, 0, None, s.now)),
    "history.latencies": lambda s: s.store.history.latencies(s.now),
    "history.last_latencies": lambda s: s.store.history.last_latencies(),
    "history.last_outcomes": lambda s: s.store.history.last_outcomes(),
    "history.last_guard": lambda s: s.store.history.last_guard(),
    "history.cpu_seconds": lambda s: s.store.history.cpu_seconds(s.now),
    "history.daily_calls": lambda s: s.store.history.daily_calls(DAY),
    "heartbeats.latest": lambda s: s.store.heartbeats.latest(),
    "visits.by_source": lambda s: s.store.visits.by_source(),
    "health": lambda s: s.store.health(check=True),
}
WRITES: dict[str, Callable[[Scene], object]] = {
    "bus.append": lambda s: s.store.bus.append("t", header={}, body=b"x"),
    "bus.append_many": lambda s: s.store.bus.append_many("t", [(KEY, {}, b"x")] * 3),
    "bus.subscribe": lambda s: s.store.bus.subscribe("t", "new"),
    "bus.acknowledge": lambda s: s.store.bus.acknowledge(TOPIC_RAW, "c", 1),
    "bus.prune": lambda s: s.store.bus.prune(7),
    "fetches.begin": lambda s: s.store.fetches.begin(WORK, api_version="1"),
    "fetches.append_page": lambda s: s.store.fetches.append_page(s.running, b"{}", request="{}"),
    "fetches.complete": lambda s: s.store.fetches.complete(s.running, days=[(DAY, Finality.FINAL)]),
    "fetches.confirm": lambda s: s.store.fetches.confirm(s.running, day=DAY),
    "fetches.fail": lambda s: s.store.fetches.fail(s.running, DOWN),
    "fetches.abandon_running": lambda s: s.store.fetches.abandon_running(),
    "fetches.remember_job": lambda s: s.store.fetches.remember_job(KEY, WINDOW, "r2"),
    "fetches.forget_job": lambda s: s.store.fetches.forget_job(KEY, WINDOW),
    "fetches.prune": lambda s: s.store.fetches.prune(90),
    "jobs.enqueue": lambda s: s.store.jobs.enqueue("bronze", 1, KEY, DOWN),
    "jobs.discard_now": lambda s: s.store.jobs.discard_now("bronze", KEY, CUT_OFF),
    "jobs.claim_due": lambda s: s.store.jobs.claim_due("bronze", 9, ignore_schedule=True),
    "jobs.abandon_running": lambda s: s.store.jobs.abandon_running(),
    "jobs.succeed": lambda s: s.store.jobs.succeed([s.claimed]),
    "jobs.fail": lambda s: s.store.jobs.fail(s.claimed, DOWN),
    "jobs.release": lambda s: s.store.jobs.release([s.claimed]),
    "jobs.redrive": lambda s: s.store.jobs.redrive([s.dead]),
    "jobs.redrive_transient": lambda s: s.store.jobs.redrive_transient(),
    "jobs.complete_for_slice": lambda s: s.store.jobs.complete_for_slice(KEY, WINDOW),
    "jobs.prune": lambda s: s.store.jobs.prune(90),
    "letters.retry": lambda s: s.store.letters.retry([s.dead], ME, every_seconds=5),
    "letters.edit": lambda s: s.store.letters.edit(s.dead, b"{}", ME),
    "letters.restore": lambda s: s.store.letters.restore(s.edited, ME),
    "letters.purge": lambda s: s.store.letters.purge([s.dead], ME),
    "letters.prune": lambda s: s.store.letters.prune(90),
    "breakers.admit": lambda s: s.admit("cooled"),
    "breakers.succeed": lambda s: s.store.breakers.succeed("tried", owner="me", now=s.now),
    "breakers.fail": lambda s: s.fail("sick"),
    "breakers.release": lambda s: s.store.breakers.release("tried", owner="me", now=s.now),
    "breakers.open_until": lambda s: s.store.breakers.open_until(
        "sick", until=s.now + dt.timedelta(1), reason="", now=s.now
    ),
    "breakers.reset": lambda s: s.store.breakers.reset("sick"),
    "runs.start": lambda s: s.store.runs.start("sync", {}),
    "runs.stage": lambda s: s.store.runs.stage(s.run, "bronze", rows=1, seconds=1.0),
    "runs.finish": lambda s: s.store.runs.finish(s.run, RunStatus.FAILED, {}),
    "runs.abandon_running": lambda s: s.store.runs.abandon_running(),
    "runs.prune": lambda s: s.store.runs.prune(90),
    "requests.file": lambda s: s.store.requests.file({}),
    "requests.serve": lambda s: s.store.requests.serve([s.request], s.run),
    "calls.record_many": lambda s: s.store.calls.record_many("acme", "meta", [Call()]),
    "accounts.put": lambda s: s.store.accounts.put("acme", "meta", replace(ACCOUNT, name="New")),
    "outbox.raise_alert": lambda s: s.store.outbox.raise_alert(ALERT, {}),
    "outbox.resolve": lambda s: s.store.outbox.resolve(["bad"]),
    "outbox.acknowledge": lambda s: s.store.outbox.acknowledge([2]),
    "outbox.snooze": lambda s: s.store.outbox.snooze([2], s.now),
    "outbox.repeat": lambda s: s.store.outbox.repeat({}, after_seconds=1),
    "outbox.start": lambda s: s.store.outbox.start("email", "{}", [2]),
    "outbox.claim": lambda s: s.store.outbox.claim("webhook"),
    "outbox.succeed": lambda s: s.store.outbox.succeed(s.delivery.delivery_id),
    "outbox.fail": lambda s: s.store.outbox.fail(s.delivery, CUT_OFF),
    "outbox.hasten": lambda s: s.store.outbox.hasten("webhook"),
    "outbox.prune": lambda s: s.store.outbox.prune(90),
    "sightings.note": lambda s: s.store.sightings.note("acme", "meta", {"token": "f"}),
    "history.record": lambda s: s.store.history.record(
        s.run,
        [RunSource("acme", "meta", "ok")],
        [RunLatency("acme", "meta", "end_to_end", 1.0, 1)],
    ),
    "heartbeats.begin": lambda s: s.store.heartbeats.begin(2, "workshop"),
    "heartbeats.beat": lambda s: s.store.heartbeats.beat(1, "workshop", {"ticks": 1}),
    "heartbeats.end": lambda s: s.store.heartbeats.end(1, "workshop"),
    "visits.note": lambda s: s.store.visits.note(Visit("acme", "meta", s.now, "ok")),
    "prune": lambda s: s.store.prune(cache_days=7),
    "transaction": _transaction,
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return a scene to copy, its store closed: preparing syncs the disk many times."""
    path = tmp_path_factory.mktemp("store") / "tactics.db"
    clock = FakeClock()
    with Store.open(path, clock) as store:
        return Scene(store, clock)


@pytest.fixture
def scene(home: Home, clock: FakeClock, prepared: Scene) -> Iterator[Scene]:
    """Return a store with a tiny patience, and something to do for every method."""
    shutil.copy(prepared.store.database.path, home.database)
    with Store.open(home.database, clock, busy_timeout_seconds=0.005) as store:
        scene = copy.copy(prepared)
        scene.store = store
        yield scene


@contextmanager
def locked(scene: Scene) -> Iterator[type[TacticsError]]:
    """Hold the write lock, as another process does."""
    other = sqlite3.connect(scene.store.database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield StoreBusy
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full(scene: Scene) -> Iterator[type[TacticsError]]:
    """Let no file take another byte, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield SinkUnavailable
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FAULTS = pytest.mark.parametrize("fault", [locked, full])


def _dump(scene: Scene) -> list[str]:
    return list(scene.store.database.connection.iterdump())


def test_no_public_method_is_forgotten(scene: Scene) -> None:
    """The tables above hold every public method of the store and its parts, once."""
    parts = {name: part for name, part in vars(scene.store).items() if name != "database"}
    names = {
        f"{part_name}.{name}"
        for part_name, part in parts.items()
        for name, _ in inspect.getmembers(part, callable)
        if not name.startswith("_")
    }
    own = inspect.getmembers(Store, inspect.isfunction)
    names |= {name for name, _ in own if not name.startswith("_")} - {"close", "checkpoint"}
    names.remove("jobs.draw_jitter")  # it asks no database
    assert sorted([*READS, *WRITES]) == sorted(names)


@FAULTS
@pytest.mark.parametrize("name", READS)
def test_a_reader_goes_on(scene: Scene, name: str, fault: Any) -> None:
    """Reading gives the same answer during the fault as before."""
    before = READS[name](scene)
    with fault(scene):
        during = READS[name](scene)
    assert during == before


@FAULTS
@pytest.mark.parametrize("name", WRITES)
def test_a_writer_gets_an_error_of_ours(scene: Scene, name: str, fault: Any) -> None:
    """Writing says who acts next, changes nothing, and works once the fault is gone."""
    before = _dump(scene)
    with fault(scene) as error, pytest.raises(error):
        WRITES[name](scene)
    assert _dump(scene) == before
    WRITES[name](scene)
    assert _dump(scene) != before
    assert scene.store.health(check=True).problems == ()


@FAULTS
def test_a_transaction_that_meets_a_fault_is_undone(scene: Scene, fault: Any) -> None:
    """What was written before the disk filled up is not left half."""
    before = _dump(scene)

    def write_much() -> None:
        with scene.store.transaction():
            for _ in range(3):
                scene.store.bus.append("t", header={}, body=b"x" * 400)

    with fault(scene) as error, pytest.raises(error):
        write_much()
    assert _dump(scene) == before


def test_a_store_at_its_size_limit_keeps_what_it_has(scene: Scene) -> None:
    """SQLITE_FULL in the middle of a batch undoes the whole batch; small writes still fit."""
    connection = scene.store.database.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    before = _dump(scene)
    with pytest.raises(SinkUnavailable, match="full") as caught:
        scene.store.bus.append_many("t", [(KEY, {"text": "x" * 400}, None)] * 500)
    assert "free space" in caught.value.hint
    assert _dump(scene) == before
    assert scene.store.jobs.enqueue("bronze", 1, KEY, DOWN)


@pytest.mark.parametrize("readonly", [False, True])
def test_opening_meets_a_lock_without_waiting(
    scene: Scene,
    clock: FakeClock,
    readonly: bool,  # noqa: FBT001
) -> None:
    """A migrated store opens while another process writes."""
    with locked(scene), Store.open(scene.store.database.path, clock, readonly=readonly) as second:
        assert second.jobs.list_dead()


def test_a_new_store_on_a_full_disk_says_so(home: Home, clock: FakeClock, scene: Scene) -> None:
    """Making the store fails with the reason, and works once there is room."""
    path = home.root / "new.db"
    with full(scene), pytest.raises(SinkUnavailable):
        Store.open(path, clock)
    Store.open(path, clock).close()
