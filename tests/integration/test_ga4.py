"""Google Analytics over real HTTP: silver holds what the properties recorded, also weeks later."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tests.integration.test_sync import assert_balanced
from tests.lab import TODAY, Lab, open_lab, troubles

DAYS = 10
SHOP, BLOG = "421000001", "421000002"
COLUMNS = (
    "channel_group", "traffic_source", "medium", "campaign", "sessions", "engaged_sessions",
    "users", "new_users", "page_views", "key_events", "purchases", "purchase_revenue",
    "total_revenue", "currency", "timezone",
)  # fmt: skip
ROWS = f"SELECT account_id, date, {', '.join(COLUMNS)} FROM silver.web_traffic ORDER BY ALL"
RUN = "*:runReport"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab whose only organisation has two web properties and nothing else."""
    with open_lab(tmp_path, days=DAYS, sources=("ga4",), orgs=("acme",)) as lab:
        yield lab


def recorded(lab: Lab) -> list[tuple[Any, ...]]:
    """Return what the properties hold."""
    return sorted(
        (fact.account_id, fact.day, *(fact.values[name] for name in COLUMNS))
        for fact in lab.world.totals().facts
    )


def reports(lab: Lab) -> int:
    """Return how many reports were asked for since the last look."""
    count = sum("runReport" in entry.path for entry in lab.sandbox.requests)
    lab.sandbox.clear_requests()
    return count


def test_silver_equals_the_properties(lab: Lab):
    """A first sync brings every row, a second one changes nothing and reads the last days only."""
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert_balanced(result)
    assert lab.silver(ROWS) == recorded(lab)
    assert reports(lab) == 2 * (1 + 2)  # of each property: its facts, and two weeks
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(ROWS) == recorded(lab)
    assert reports(lab) == 2  # today and three days back are one window


def test_restated_weeks_arrive_in_tiers(tmp_path: Path):
    """Three days are read on every sync, fourteen once a day, thirty-five once a week."""
    with open_lab(tmp_path, days=40, sources=("ga4",), orgs=("globex",)) as lab:

        def differing() -> set[int]:
            """Return how many days ago silver and the vendor differ (it forgets after 40)."""
            today = lab.world.today
            changed = set(lab.silver(ROWS)) ^ set(recorded(lab))
            return {(today - row[1]).days for row in changed} & set(range(40))

        lab.sync()
        lab.world.restate(38)
        lab.sync()
        assert differing() == set(range(4, 38))
        lab.clock.advance(23 * 3600)
        lab.world.advance(1)
        lab.sync()
        assert differing() == set(range(15, 39))
        lab.clock.advance(6 * 24 * 3600)
        lab.world.advance(6)
        lab.sync()
        assert differing() == set(range(36, 40))


def test_one_forbidden_property_stops_no_other(lab: Lab):
    """The other property of the same source arrives; the message says how to give access."""
    lab.plant("permission", "ga4", account=SHOP, times=None)
    result = lab.sync()
    assert result.status is RunStatus.DEGRADED
    [problem] = [problem for source in result.sources for problem in source.problems]
    assert (problem.code, problem.account_id) == ("permission_denied", SHOP)
    assert "Viewer" in problem.hint
    assert {row[0] for row in lab.silver(ROWS)} == {BLOG}


def test_a_sampled_week_is_read_by_the_day(lab: Lab):
    """Windows of more than a day are halved; a bad number is quarantined; no other row is lost."""
    lab.plant("sampled", "ga4", account=BLOG, path=RUN, times=None)
    spoilt = lab.plant("not_a_number", "ga4", account=SHOP)
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert_balanced(result)
    sampled = lab.silver(
        "SELECT DISTINCT account_id, is_sampled FROM silver.web_traffic ORDER BY 1"
    )
    assert sampled == [(SHOP, False), (BLOG, True)]
    rules = lab.silver("SELECT rule, count(*) FROM silver.quarantine GROUP BY rule")
    assert rules == [("sessions_not_a_number", spoilt.fired)]
    assert len(set(recorded(lab)) - set(lab.silver(ROWS))) == spoilt.fired == 1


def test_an_exhausted_quota_parks_the_source(lab: Lab):
    """Out of tokens for the hour: nothing more is sent, what was read stays, the rest comes later."""
    lab.plant("quota_tokensPerHour", "ga4", account=SHOP, after=2, times=None)
    result = lab.sync()
    codes = [problem.code for source in result.sources for problem in source.problems]
    assert codes[0] == "rate_limited"
    held = {day for account, day, *_ in lab.silver(ROWS) if account == SHOP}
    assert held == {TODAY - dt.timedelta(days=back) for back in range(7)}
    assert lab.silver(ROWS) != recorded(lab)  # the other property came as far as it could
    lab.sandbox.clear_requests()
    lab.world.faults.clear()
    lab.sync()
    assert lab.sandbox.requests == ()
    lab.clock.advance(4000)
    lab.sync()  # the test's clock runs while the trial of the other property is on its way
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(ROWS) == recorded(lab)
