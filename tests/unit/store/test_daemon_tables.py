"""Heartbeats and visits: what they remember."""

import datetime as dt

from tactics.store import Store, Visit
from tests.support import FakeClock

META = ("acme", "meta")


def visit(clock: FakeClock, **facts: object) -> Visit:
    """Return a visit to Meta now."""
    return Visit("acme", "meta", clock.now(), **{"outcome": "ok", **facts})


def test_failures_in_a_row_are_counted(store: Store, clock: FakeClock) -> None:
    """Each failed visit adds one, whatever it says itself; a good one begins anew."""
    for expected in (1, 2, 3):
        store.visits.note(visit(clock, outcome="failed", failures=7, transient=True))
        found = store.visits.by_source()[META]
        assert (found.failures, found.transient) == (expected, True)
    store.visits.note(visit(clock))
    assert store.visits.by_source() == {META: visit(clock)}


def test_the_newest_visit_counts(store: Store, clock: FakeClock) -> None:
    """A clock that was set back does not hide what has just been done."""
    store.visits.note(visit(clock))
    clock.advance(-3600)
    store.visits.note(visit(clock))
    assert store.visits.by_source()[META].visited_at == clock.now()


def test_one_daemon_at_a_time(store: Store, clock: FakeClock) -> None:
    """A new daemon takes the row over; a late beat of the old one changes nothing."""
    assert store.heartbeats.latest() is None
    store.heartbeats.begin(1, "old")
    clock.advance(10)
    store.heartbeats.begin(2, "new")
    store.heartbeats.beat(1, "old", {"late": True})
    beat = store.heartbeats.latest()
    assert beat is not None
    assert (beat.pid, beat.host, beat.progress) == (2, "new", {})
    assert beat.started_at == clock.now()


def test_a_beat_moves_on(store: Store, clock: FakeClock) -> None:
    """The beat has its time and what was done; the end says that it was wanted."""
    store.heartbeats.begin(1, "h")
    clock.advance(20)
    store.heartbeats.beat(1, "h", {"steps": 3})
    beat = store.heartbeats.latest()
    assert beat is not None
    assert (beat.beat_at - beat.started_at, beat.stopped_at) == (dt.timedelta(seconds=20), None)
    assert beat.progress == {"steps": 3}
    store.heartbeats.end(1, "h")
    beat = store.heartbeats.latest()
    assert beat is not None
    assert beat.stopped_at == clock.now()


def test_the_wal_can_be_emptied(store: Store) -> None:
    """After a checkpoint the WAL is empty; while a reader needs it, it is left."""
    store.bus.append("t", header={})
    assert store.health().wal_bytes > 0
    assert store.checkpoint()
    assert store.health().wal_bytes == 0
