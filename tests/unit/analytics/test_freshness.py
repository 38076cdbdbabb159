"""How old data is by its own time, and when newer data is due."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.analytics import age_of, ages_by_source
from tactics.analytics.freshness import GRACE, midnight_after
from tests.unit.analytics.builders import DAY, HOUR, NOW, stream

ZONES = ["UTC", "Europe/Vienna", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata"]


def test_a_day_is_held_up_to_its_midnight():
    """The age counts from the end of the last closed day, where the account lives."""
    age = age_of(stream(through=dt.date(2026, 11, 20)))
    assert age.data_at == dt.datetime(2026, 11, 20, 23, tzinfo=dt.UTC)


def test_the_next_day_is_due_after_it_closed_and_a_sync_could_bring_it():
    """A day that is over, one interval, what the vendor takes, and the latency budget."""
    age = age_of(stream(through=dt.date(2026, 11, 20), every=2 * HOUR, settle=HOUR))
    closes = dt.datetime(2026, 11, 21, 23, tzinfo=dt.UTC)
    assert age.due_at == closes + 3 * HOUR + GRACE
    assert age.late_seconds(closes + 3 * HOUR + GRACE + DAY) == 86400
    assert age.late_seconds(NOW) < 0


def test_a_state_is_as_old_as_its_last_reading():
    """A sheet has no days: it is due again one interval after it was read."""
    age = age_of(stream(by_day=False, every=DAY))
    assert age.data_at == NOW - HOUR
    assert age.due_at == NOW - HOUR + DAY + GRACE


def test_a_state_that_was_never_read_has_no_age():
    """Neither has a stream without a day."""
    for held in (
        stream(by_day=False, checked_at=None),
        stream(through=None, newest_day=None, checked_at=None),
    ):
        age = age_of(held)
        assert (age.data_at, age.due_at) == (None, None)
        assert age.late_seconds(NOW) == -float("inf")


def test_only_today_is_held():
    """Before the first day has closed, the data ends where that day begins."""
    age = age_of(stream(through=None, newest_day=dt.date(2026, 11, 21)))
    assert age.data_at == dt.datetime(2026, 11, 20, 23, tzinfo=dt.UTC)
    assert not age.has_hole


@pytest.mark.parametrize(
    ("through", "newest", "hole"), [(20, 20, False), (20, 21, False), (18, 21, True)]
)
def test_a_hole_is_known(through, newest, hole):
    """Days after the unbroken run are held, but not the next."""
    held = stream(through=dt.date(2026, 11, through), newest_day=dt.date(2026, 11, newest))
    assert age_of(held).has_hole is hole


@given(
    day=st.dates(dt.date(2025, 1, 1), dt.date(2028, 12, 31)),
    zone=st.sampled_from(ZONES),
)
def test_midnight_follows_the_clocks_of_the_place(day, zone):
    """Days of 23 and 25 hours end at midnight, too, and days join without a gap."""
    end = midnight_after(day, zone).astimezone(ZoneInfo(zone))
    assert (end.date(), end.time()) == (day + DAY, dt.time())
    length = midnight_after(day, zone) - midnight_after(day - DAY, zone)
    assert length in {23 * HOUR, 24 * HOUR, 25 * HOUR}


def test_a_source_is_as_late_as_its_latest_stream():
    """Late comes first; where nothing is late, the oldest data counts."""
    late, current = stream(stream="ads", through=NOW.date() - 9 * DAY), stream()
    sheet = stream(stream="sheet", by_day=False)
    [age] = ages_by_source([sheet, current, late], NOW)
    assert age.worst.held is late
    [age] = ages_by_source([sheet, current], NOW)
    assert age.worst.held is current
    assert age.age_seconds(NOW) == 10 * 3600


def test_sources_are_told_apart():
    """One line per organisation and source, with what misses in it and when it is due next."""
    never = stream(org_id="beta", through=None, newest_day=None, checked_at=None)
    ages = ages_by_source([never, stream(), stream(stream="ads", checked_at=NOW - 2 * HOUR)], NOW)
    assert [(age.org_id, age.source, age.missing) for age in ages] == [
        ("acme", "meta", 0),
        ("beta", "meta", 1),
    ]
    assert ages[0].checked_at == NOW - 2 * HOUR
    assert ages[0].next_due_at == NOW + 24 * HOUR
    assert (ages[1].next_due_at, ages[1].age_seconds(NOW)) == (None, None)
