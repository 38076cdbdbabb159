"""What is due, from schedules and visits alone."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.config import Settings
from tactics.daemon.due import (
    Source,
    due_at,
    find_due,
    group_scopes,
    next_after,
    next_due,
    retry_wait,
    schedules_of,
)
from tactics.pipeline import Scope
from tactics.store import Visit
from tests.unit.daemon.conftest import orgs_of

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
META = ("acme", "meta")


def visit(ago: dt.timedelta, **facts: object) -> Visit:
    """Return a visit to Meta some time ago."""
    return Visit("acme", "meta", NOW - ago, **{"outcome": "ok", **facts})


def test_a_source_that_was_never_asked_is_due():
    """A new source does not wait for its schedule."""
    assert find_due({META: "0 6 * * *"}, {}, NOW) == [META]


def test_a_source_is_due_once_its_time_has_come():
    """It is due from the next time of its schedule after its last visit on."""
    visits = {META: visit(dt.timedelta(minutes=20))}
    assert find_due({META: "*/15 * * * *"}, visits, NOW) == [META]
    assert find_due({META: "30 * * * *"}, visits, NOW) == []
    assert next_due({META: "30 * * * *"}, visits, NOW) == NOW + dt.timedelta(minutes=30)


def test_a_visit_on_the_minute_waits_for_the_next():
    """The time that a visit answered is not due again."""
    assert due_at("0 * * * *", visit(dt.timedelta(0)), NOW) == NOW + dt.timedelta(hours=1)


def test_a_visit_in_the_future_is_no_visit():
    """A clock that was wrong, and was set back, does not stop a source for a year."""
    assert due_at("0 6 * * *", visit(dt.timedelta(days=-365)), NOW) == NOW
    assert due_at("0 10 * * *", visit(dt.timedelta(seconds=-30)), NOW) != NOW


def test_a_failure_that_may_pass_is_tried_again_soon():
    """A daily source that failed for want of a network is not left for a day."""
    failed = visit(dt.timedelta(0), failures=2, transient=True)
    assert due_at("0 6 * * *", failed, NOW) == NOW + dt.timedelta(minutes=10)
    assert due_at("5 9 * * *", failed, NOW) == NOW + dt.timedelta(minutes=5)


def test_a_failure_that_needs_a_person_waits_for_the_schedule():
    """A refused credential is not tried again and again."""
    failed = visit(dt.timedelta(0), failures=1, transient=False)
    assert due_at("0 10 * * *", failed, NOW) == NOW + dt.timedelta(hours=1)


def test_the_waits_double_up_to_an_hour():
    """5, 10, 20, 40 minutes, then an hour, however often."""
    minutes = [retry_wait(n).total_seconds() / 60 for n in (1, 2, 3, 4, 5, 1000)]
    assert minutes == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize("month", [3, 10])
def test_every_day_once_when_clocks_change(month: int):
    """Schedules are in UTC: in the nights of spring and autumn nothing is skipped or doubled."""
    at = dt.datetime(2026, month, 23, tzinfo=dt.UTC)
    times = []
    for _ in range(8):
        at = next_after("30 1 * * *", at)
        times.append(at)
    assert {later - earlier for earlier, later in pairwise(times)} == {dt.timedelta(days=1)}


def test_sunday_is_sunday():
    """The trigger library counts from Monday; a crontab does not."""
    assert next_after("0 0 * * 0", NOW) == dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    assert next_after("0 0 * * 1", NOW) == dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def test_two_restricted_days_are_alternatives():
    """The first of the month, or a Monday: whichever comes first, as cron has it."""
    assert next_after("0 0 1 * mon", NOW) == dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    after = dt.datetime(2026, 11, 30, 1, tzinfo=dt.UTC)
    assert next_after("0 0 1 * mon", after) == dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


def test_schedules_come_from_the_source_or_the_daemon():
    """A source without its own schedule has the daemon's; `off` and disabled ones have none."""
    orgs = orgs_of(acme__meta="0 6 * * *", acme__ga4=None, acme__gsc="off", beta__stripe=None)
    orgs["beta"]["sources"]["stripe"]["enabled"] = False
    settings = Settings.model_validate({"orgs": orgs, "daemon": {"schedule": "5 * * * *"}})
    assert schedules_of(settings) == {META: "0 6 * * *", ("acme", "ga4"): "5 * * * *"}


def asked_by(scopes: list[Scope], everything: set[Source]) -> list[Source]:
    """Return the sources that these runs ask, each as often as it is asked."""
    return [
        (org_id, source)
        for scope in scopes
        for org_id, source in sorted(everything)
        if (not scope.orgs or org_id in scope.orgs)
        and (not scope.sources or source in scope.sources)
    ]


SOURCES = st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")))


@given(SOURCES, SOURCES)
def test_runs_ask_what_is_due_and_nothing_else(due: set[Source], others: set[Source]):
    """Every due source is asked once, and no other."""
    everything = due | others
    assert sorted(asked_by(group_scopes(due, everything), everything)) == sorted(due)


def test_all_that_is_due_is_one_run():
    """Where everything is due, or the same sources of several organisations, one run does it."""
    everything = {("a", "x"), ("b", "x"), ("b", "y")}
    assert group_scopes(everything, everything) == [Scope()]
    [scope] = group_scopes([("a", "x"), ("b", "x")], everything)
    assert (scope.orgs, scope.sources) == (("a", "b"), ("x",))
