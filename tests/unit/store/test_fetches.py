"""Fetches, their pages, and the vendor's reports."""

import datetime as dt
import json
import signal

import pytest

from tactics.errors import IntegrityError, UpstreamUnavailable
from tactics.model import TOPIC_RAW, Finality, Window
from tactics.store import FetchState, Store, pack
from tests.support import FakeClock
from tests.unit.store.builders import DAY, KEY, OTHER_KEY, WINDOW, fetch_days, slice_of


def _begin(store: Store) -> str:
    return store.fetches.begin(slice_of(), api_version="v25.0")


def test_a_fetch_begins_running(store: Store, clock: FakeClock) -> None:
    """A new fetch has a name, its slice and no pages."""
    request_id = _begin(store)
    fetch = store.fetches.get_many([request_id, "unknown"])[request_id]
    assert (fetch.key, fetch.window, fetch.api_version) == (KEY, WINDOW, "v25.0")
    assert (fetch.state, fetch.pages, fetch.first_seq) == (FetchState.RUNNING, 0, None)
    assert (fetch.created_at, fetch.finalized_at) == (clock.now(), None)


def test_pages_are_logged_and_counted(store: Store) -> None:
    """Each page becomes an event; the fetch knows where its pages lie among the others."""
    request_id, other = _begin(store), _begin(store)
    first = store.fetches.append_page(request_id, b"one", request="{}")
    store.fetches.append_page(other, b"two", request="{}")
    last = store.fetches.append_page(request_id, pack(b"three" * 500), request="{}")
    fetch = store.fetches.get_many([request_id])[request_id]
    assert (fetch.pages, fetch.first_seq, fetch.last_seq) == (2, first, last)
    assert [page.payload for page in store.fetches.pages_of(request_id)] == [b"one", b"three" * 500]


def test_a_page_comes_back_as_bronze_needs_it(store: Store, clock: FakeClock) -> None:
    """A page carries all that identifies it and says how it was asked for."""
    request_id = _begin(store)
    asked = json.dumps({"path": "/insights", "account": {"name": 'A "quoted" ☀'}})
    seq = store.fetches.append_page(request_id, b'{"data":[]}', request=asked)
    (page,) = store.fetches.raw_pages(store.bus.read(TOPIC_RAW, "bronze", 9))
    assert (page.log_seq, page.key, page.request_id, page.page) == (seq, KEY, request_id, 0)
    assert (page.window, page.api_version, page.request) == (WINDOW, "v25.0", asked)
    assert (page.fetched_at, page.payload) == (clock.now(), b'{"data":[]}')


def test_completing_covers_the_days(store: Store, clock: FakeClock) -> None:
    """With its last page a fetch is completed and its days are covered, in one transaction."""
    request_id = fetch_days(store, finality=Finality.FINAL, marker="v7")
    fetch = store.fetches.get_many([request_id])[request_id]
    assert (fetch.state, fetch.marker, fetch.finalized_at) == ("completed", "v7", clock.now())
    days = store.coverage.days(KEY, WINDOW.start, WINDOW.end)
    assert [(day, row.finality, row.request_id) for day, row in days.items()] == [
        (day, Finality.FINAL, request_id) for day in WINDOW.days()
    ]


@pytest.mark.parametrize("end", ["completed", "failed", "unknown"])
def test_an_ended_fetch_takes_no_more_pages(store: Store, end: str) -> None:
    """A page for a fetch that is not running would be lost to silver: our own state is broken."""
    request_id = "unknown" if end == "unknown" else _begin(store)
    if end == "completed":
        store.fetches.complete(request_id, days=[])
    if end == "failed":
        store.fetches.fail(request_id, UpstreamUnavailable("down"))
    with pytest.raises(IntegrityError, match="this fetch is not running"):
        store.fetches.append_page(request_id, b"late", request="{}")
    with pytest.raises(IntegrityError, match="this fetch is not running"):
        store.fetches.complete(request_id, days=[(DAY, Finality.FINAL)])
    assert store.bus.lag(TOPIC_RAW, "bronze") == 0
    assert store.coverage.all_rows() == []


def test_an_interrupted_page_leaves_nothing(store: Store) -> None:
    """A crash between page and commit leaves neither the event nor the count."""
    request_id = _begin(store)
    with pytest.raises(KeyboardInterrupt), store.transaction():  # noqa: PT012
        store.fetches.append_page(request_id, b"{}", request="{}")
        signal.raise_signal(signal.SIGINT)
    assert store.fetches.get_many([request_id])[request_id].pages == 0
    assert store.fetches.pages_of(request_id) == []


def test_a_failed_fetch_keeps_the_reason(store: Store) -> None:
    """The error's code and text are kept, cut to a readable length."""
    request_id = _begin(store)
    store.fetches.fail(request_id, UpstreamUnavailable("x" * 5000))
    fetch = store.fetches.get_many([request_id])[request_id]
    assert (fetch.state, fetch.error_type) == ("failed", "upstream_unavailable")
    assert fetch.error_message == "x" * 2000


def test_failing_an_ended_fetch_changes_nothing(store: Store) -> None:
    """A fetch ends once."""
    request_id = fetch_days(store)
    store.fetches.fail(request_id, UpstreamUnavailable("late"))
    assert store.fetches.get_many([request_id])[request_id].state == "completed"


def test_what_a_dead_process_left_is_failed(store: Store) -> None:
    """The next holder of the lock fails all running fetches, and only those."""
    done, left = fetch_days(store), _begin(store)
    assert store.fetches.abandon_running() == 1
    fetches = store.fetches.get_many([done, left])
    assert fetches[done].state == "completed"
    assert (fetches[left].state, fetches[left].error_type) == ("failed", "interrupted")


def test_the_newest_fetch_wins_a_day(store: Store, clock: FakeClock) -> None:
    """A day belongs to the fetch that brought it last; the other keeps its other days."""
    first = fetch_days(store)
    clock.advance(60)
    second = fetch_days(store, Window(DAY, DAY), finality=Finality.FINAL)
    won = [(row.day, row.request_id) for row in store.coverage.winners([first, second])]
    assert won == [(DAY, second), (DAY + dt.timedelta(days=1), first)]
    assert store.coverage.winners(["unknown"]) == []


def test_the_marker_is_that_of_the_newest_snapshot(store: Store, clock: FakeClock) -> None:
    """A change marker counts from the fetch that read the data, not from one that confirmed it."""
    assert store.fetches.latest_marker(KEY) is None
    fetch_days(store, marker="v1")
    clock.advance(60)
    fetch_days(store, marker="v2")
    read_at = clock.now()
    clock.advance(60)
    store.fetches.confirm(_begin(store), day=DAY)
    assert store.fetches.latest_marker(KEY) == ("v2", read_at)
    assert store.fetches.latest_marker(OTHER_KEY) is None


def test_a_snapshot_without_marker_is_read_fully(store: Store, clock: FakeClock) -> None:
    """When the newest snapshot left no marker, an older one does not count."""
    fetch_days(store, marker="v1")
    clock.advance(60)
    fetch_days(store)
    assert store.fetches.latest_marker(KEY) is None


def test_a_snapshot_replaces_what_was_held(store: Store, clock: FakeClock) -> None:
    """A snapshot stream holds one row, the day of its newest fetch; other streams stay."""
    fetch_days(store, key=OTHER_KEY)
    fetch_days(store, WINDOW)
    request_id = _begin(store)
    store.fetches.complete(request_id, days=[(WINDOW.end, Finality.OPEN)], replace=True)
    held = [(row.day, row.request_id) for row in store.coverage.all_rows() if row.key == KEY]
    assert held == [(WINDOW.end, request_id)]
    assert len(store.coverage.all_rows()) == 3


def test_an_unchanged_snapshot_counts_for_today(store: Store, clock: FakeClock) -> None:
    """Confirming moves the row to the new day; the fetch that brought the snapshot stays."""
    held = fetch_days(store, Window(DAY, DAY), marker="v1", finality=Finality.OPEN)
    clock.advance(86400)
    tomorrow = DAY + dt.timedelta(days=1)
    for _ in range(2):
        request_id = _begin(store)
        store.fetches.confirm(request_id, day=tomorrow)
    (row,) = store.coverage.all_rows()
    assert (row.day, row.request_id, row.fetched_at) == (tomorrow, held, clock.now())
    assert store.fetches.get_many([request_id])[request_id].state == "completed"


def test_nothing_held_cannot_be_confirmed(store: Store) -> None:
    """A confirmation of nothing would hide that the stream was never read."""
    request_id = _begin(store)
    with pytest.raises(IntegrityError, match="nothing is held to confirm"):
        store.fetches.confirm(request_id, day=DAY)
    assert store.fetches.get_many([request_id])[request_id].state == "running"


def test_a_vendors_report_survives_a_restart(store: Store) -> None:
    """The report id of a slice is found until the slice completes or the report is forgotten."""
    assert store.fetches.find_job(KEY, WINDOW) is None
    store.fetches.remember_job(KEY, WINDOW, "r1")
    store.fetches.remember_job(KEY, WINDOW, "r2")
    assert store.fetches.find_job(KEY, WINDOW) == "r2"
    assert store.fetches.find_job(KEY, Window(DAY, DAY)) is None
    store.fetches.forget_job(KEY, WINDOW)
    assert store.fetches.find_job(KEY, WINDOW) is None


def test_a_completed_slice_forgets_its_report(store: Store) -> None:
    """The vendor's report has been read; the next fetch asks for a new one."""
    store.fetches.remember_job(KEY, WINDOW, "r1")
    fetch_days(store)
    assert store.fetches.find_job(KEY, WINDOW) is None


def test_old_superseded_fetches_are_forgotten(store: Store, clock: FakeClock) -> None:
    """Only fetches that hold no day and are not the newest of their stream go."""
    superseded = fetch_days(store)
    failed = _begin(store)
    store.fetches.fail(failed, UpstreamUnavailable("down"))
    clock.advance(60)
    newest = fetch_days(store)
    lonely = store.fetches.begin(slice_of(OTHER_KEY), api_version="1")
    store.fetches.fail(lonely, UpstreamUnavailable("down"))
    clock.advance(91 * 86400)
    assert store.fetches.prune(90) == 2
    assert set(store.fetches.get_many([superseded, failed, newest, lonely])) == {newest, lonely}


def test_pages_are_gone_once_pruned(store: Store, clock: FakeClock) -> None:
    """After the cache time a fetch is known, its pages are not."""
    request_id = fetch_days(store)
    store.bus.acknowledge(TOPIC_RAW, "bronze", 1)
    clock.advance(8 * 86400)
    store.prune(cache_days=7)
    assert store.fetches.pages_of(request_id) == []
    assert store.fetches.get_many([request_id])[request_id].pages == 1


def test_an_old_report_is_not_gone_on_with(store: Store, clock: FakeClock) -> None:
    """A vendor's report that was asked for six hours ago shows old numbers: it is forgotten."""
    store.fetches.remember_job(KEY, WINDOW, "777")
    clock.advance(6 * 3600)
    assert store.fetches.find_job(KEY, WINDOW) == "777"
    clock.advance(1)
    assert store.fetches.find_job(KEY, WINDOW) is None
