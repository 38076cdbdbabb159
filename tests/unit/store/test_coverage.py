"""The coverage ledger."""

import datetime as dt

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tactics.model import Finality, Window
from tactics.store import Store
from tests.support import FakeClock
from tests.unit.store.builders import DAY, KEY, OTHER_KEY, fetch_days, slice_of


def _day(offset: int) -> dt.date:
    return DAY + dt.timedelta(days=offset)


def test_missing_days_are_absent(store: Store) -> None:
    """Only days that were fetched are there, whatever lies between them."""
    fetch_days(store, Window(DAY, DAY))
    fetch_days(store, Window(_day(3), _day(3)))
    assert list(store.coverage.days(KEY, _day(0), _day(9))) == [_day(0), _day(3)]
    assert list(store.coverage.days(KEY, _day(1), _day(2))) == []
    assert store.coverage.days(OTHER_KEY, _day(0), _day(9)) == {}


def test_bounds_are_the_first_and_last_day(store: Store) -> None:
    """A stream that was never fetched has none."""
    fetch_days(store, Window(_day(2), _day(5)))
    assert store.coverage.bounds(KEY) == (_day(2), _day(5))
    assert store.coverage.bounds(OTHER_KEY) is None


def test_the_ledger_is_read_by_organisation(store: Store) -> None:
    """Gold and DataGuard read the whole ledger, or one organisation's."""
    fetch_days(store)
    fetch_days(store, key=OTHER_KEY)
    assert len(store.coverage.all_rows()) == 4
    assert len(store.coverage.all_rows("acme")) == 4
    assert store.coverage.all_rows("other") == []


def test_a_watermark_stops_at_the_first_hole(store: Store, clock: FakeClock) -> None:
    """The newest day may be further than what is closed without a gap."""
    fetch_days(store, Window(_day(0), _day(2)), finality=Finality.FINAL)
    clock.advance(60)
    fetch_days(store, Window(_day(4), _day(5)))
    (mark,) = store.coverage.watermarks()
    assert (mark.first_day, mark.newest_day, mark.closed_through) == (_day(0), _day(5), _day(2))
    assert (mark.days, mark.finality, mark.fetched_at) == (5, Finality.PROVISIONAL, clock.now())


def test_an_open_day_is_not_closed(store: Store) -> None:
    """The running day is held but does not move the watermark."""
    fetch_days(store, Window(_day(0), _day(1)), finality=Finality.FINAL)
    fetch_days(store, Window(_day(2), _day(2)), finality=Finality.OPEN)
    (mark,) = store.coverage.watermarks()
    assert (mark.closed_through, mark.finality) == (_day(1), Finality.OPEN)


def test_a_stream_of_one_open_day_has_no_closed_day(store: Store) -> None:
    """Nothing is closed before the first day is over."""
    fetch_days(store, Window(DAY, DAY), finality=Finality.OPEN)
    (mark,) = store.coverage.watermarks()
    assert mark.closed_through is None


def test_a_check_without_change_is_known(store: Store, clock: FakeClock) -> None:
    """A fetch that found nothing new moves checked_at, not fetched_at."""
    fetch_days(store)
    fetched_at = clock.now()
    clock.advance(3600)
    request_id = store.fetches.begin(slice_of(), api_version="v25.0")
    store.fetches.complete(request_id, days=[])
    (mark,) = store.coverage.watermarks()
    assert (mark.fetched_at, mark.checked_at) == (fetched_at, clock.now())


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(days=st.dictionaries(st.integers(0, 12), st.sampled_from(Finality), min_size=1))
def test_a_watermark_agrees_with_counting(store: Store, days: dict[int, Finality]) -> None:
    """closed_through is found by walking from the first day until one is missing or open."""
    store.database.write("DELETE FROM coverage")
    for offset, finality in days.items():
        fetch_days(store, Window(_day(offset), _day(offset)), finality=finality)
    expected, offset = None, min(days)
    while days.get(offset, Finality.OPEN) is not Finality.OPEN:
        expected, offset = _day(offset), offset + 1
    (mark,) = store.coverage.watermarks()
    assert mark.closed_through == expected
