"""Values that know no connection and no clock."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.model import TOPICS, Receipt, StreamKey, Window

KEY = StreamKey("acme", "meta", "a1", "ads")
DAY = dt.date(2026, 11, 20)
dates = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))
windows = st.builds(
    lambda start, days: Window(start, start + dt.timedelta(days=days)), dates, st.integers(0, 400)
)


def test_a_window_includes_both_ends():
    """From Friday to Sunday are three days."""
    window = Window(DAY, DAY + dt.timedelta(days=2))
    assert len(window) == 3
    assert [day.day for day in window.days()] == [20, 21, 22]


def test_a_window_does_not_end_before_it_starts():
    """The other way round is a mistake of ours."""
    with pytest.raises(AssertionError):
        Window(DAY, DAY - dt.timedelta(days=1))


def test_a_day_cannot_be_halved():
    """Asking for the halves of a single day is a mistake of ours."""
    with pytest.raises(AssertionError):
        Window(DAY, DAY).halves()


@given(windows.filter(lambda window: len(window) > 1))
def test_halves_are_the_whole(window: Window):
    """The halves hold each day once, the older ones first, and differ by a day at most."""
    older, newer = window.halves()
    assert [*older.days(), *newer.days()] == list(window.days())
    assert 0 <= len(newer) - len(older) <= 1


@given(windows, windows)
def test_windows_sort_by_time(one: Window, two: Window):
    """The one that starts earlier comes first."""
    assert (one < two) == ((one.start, one.end) < (two.start, two.end))


def test_keys_sort_and_serve_as_keys():
    """Streams sort by organisation, source, account and name, and can be looked up by."""
    other = dataclasses.replace(KEY, org_id="beta")
    assert sorted([other, KEY]) == [KEY, other]
    assert {KEY: 1}[StreamKey("acme", "meta", "a1", "ads")] == 1


def test_topics_are_distinct():
    """Each topic has a name of its own."""
    assert len(set(TOPICS)) == len(TOPICS)


parts_of = st.lists(st.integers(0, 10**6), min_size=5, max_size=5)


@given(parts_of)
def test_a_receipt_balances_when_nothing_is_missing(parts: list[int]):
    """Received is the sum of all ways a record can go; one more or less does not balance."""
    assert Receipt(KEY, sum(parts), *parts).balances()
    assert not Receipt(KEY, sum(parts) + 1, *parts).balances()
