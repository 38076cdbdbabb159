"""Calls, quota, CPU time and bytes, added up."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.analytics import Calls, Cost, QuotaUse, Stored, add_up, forecast_quota, share_cpu
from tests.unit.analytics.builders import DAY, NOW

TODAY = NOW.date()
META, STRIPE = ("acme", "meta"), ("acme", "stripe")


def calls(source: str, number: int = 1) -> Calls:
    """Return some calls of acme, half a second and a kilobyte each."""
    return Calls("acme", source, number, 1, 2, 1000 * number, 0.5 * number)


def test_calls_add_up_by_connection():
    """Every number is the sum of its endpoints and days."""
    [meta, stripe] = add_up([calls("stripe"), calls("meta", 3), calls("meta", 4)], {}, {})
    assert (meta.source, stripe.source) == ("meta", "stripe")
    assert (meta.calls, meta.failed, meta.retries) == (7, 2, 4)
    assert (meta.received_bytes, meta.wait_seconds) == (7000, 3.5)
    assert (meta.cpu_seconds, meta.quota) == (0.0, None)


def test_a_connection_without_calls_has_a_line_for_its_cpu_and_quota():
    """An offline run computes, too."""
    use = QuotaUse(225, 0, 0)
    [meta, stripe] = add_up([], {STRIPE: 1.23456}, {META: use})
    assert (stripe.cpu_seconds, meta.quota) == (1.235, use)


def test_cpu_time_is_shared_by_records():
    """Whoever brought three times as much took three times as long."""
    assert share_cpu(8.0, {META: 300, STRIPE: 100}) == {META: 6.0, STRIPE: 2.0}


def test_a_run_without_news_is_shared_evenly():
    """Asking and checking took its time, too."""
    assert share_cpu(8.0, {META: 0, STRIPE: 0}) == {META: 4.0, STRIPE: 4.0}
    assert share_cpu(8.0, {}) == {}


@given(
    st.floats(0, 1e6),
    st.dictionaries(
        st.tuples(st.text(max_size=3), st.text(max_size=3)), st.integers(0, 10**9), min_size=1
    ),
)
def test_no_cpu_time_is_lost_or_made_up(seconds, received):
    """The shares add up to the whole."""
    assert sum(share_cpu(seconds, received).values()) == pytest.approx(seconds)


def test_a_forecast_adds_a_usual_days_rest():
    """Used by 09:00 UTC, and 15 of 24 hours of the mean of the days before."""
    counted = {TODAY: 50, TODAY - DAY: 80, TODAY - 2 * DAY: 160, TODAY - 8 * DAY: 10**6}
    assert forecast_quota(225, counted, NOW) == QuotaUse(225, 50, 50 + 75)


def test_without_a_past_the_day_goes_on_as_it_began():
    """The first day's forecast is bounded by twice what it has taken."""
    midnight = NOW.replace(hour=0)
    assert forecast_quota(100, {TODAY: 40}, midnight).forecast == 80
    assert forecast_quota(100, {TODAY: 40}, midnight + dt.timedelta(hours=12)).forecast == 60
    assert forecast_quota(100, {}, NOW) == QuotaUse(100, 0, 0)


def test_a_forecast_above_the_limit_is_known():
    """The share tells by how much."""
    assert QuotaUse(200, 150, 300).forecast_share == 1.5


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 86399))
def test_a_forecast_is_never_below_what_is_used(used, usual, seconds):
    """What is spent is spent."""
    now = NOW.replace(hour=0) + dt.timedelta(seconds=seconds)
    use = forecast_quota(1000, {TODAY: used, TODAY - DAY: usual}, now)
    assert use.forecast >= use.used == used


def test_what_is_stored_adds_up():
    """All places together."""
    stored = (Stored("gold", "generations", None, 5), Stored("lake", "bronze.pages", "acme", 7))
    assert Cost(TODAY, (), stored).stored_bytes == 12
