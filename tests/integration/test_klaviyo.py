"""Klaviyo from the vendor to silver, over HTTP: to the cent, again, restated, and parked."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tactics.pipeline import PipelineResult
from tactics.sandbox import Limits
from tests.lab import NOW, TODAY, Lab, open_lab, troubles
from tests.support import FakeClock

DAYS = 30
QUOTA_SECONDS = 73_473
MAIL = (
    "SELECT org_id, kind, message_id, date, recipients, delivered, opens_unique, conversions,"
    " conversion_value FROM silver.email_performance ORDER BY ALL"
)
SALES = (
    "SELECT org_id, kind, message_id, currency, date, orders, revenue"
    " FROM silver.email_revenue ORDER BY ALL"
)
SIZES = (
    "SELECT org_id, list_id, date, profile_count FROM silver.email_subscribers"
    " WHERE date = (SELECT max(date) FROM silver.email_subscribers) ORDER BY ALL"
)
QUESTIONS = {"email_performance": MAIL, "email_revenue": SALES, "email_subscribers": SIZES}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with 30 days of e-mail of one organisation."""
    with open_lab(tmp_path, days=DAYS, orgs=("acme",), sources=("klaviyo",)) as lab:
        yield lab


def vendor(lab: Lab, table: str) -> list[tuple[Any, ...]]:
    """Return the vendor's rows of a table as the question about it does."""
    names = QUESTIONS[table].partition(" FROM ")[0].removeprefix("SELECT ").split(", ")
    return sorted(
        tuple(fact.day if name == "date" else fact.values.get(name, fact.org_id) for name in names)
        for fact in lab.world.totals().facts
        if fact.table == table
    )


def assert_silver_is_the_vendors(lab: Lab) -> None:
    """Compare all three tables with the vendor's ledger."""
    for table, question in QUESTIONS.items():
        assert sorted(lab.silver(question)) == vendor(lab, table), table


def problems_of(result: PipelineResult) -> set[tuple[str, str]]:
    """Return which streams met which errors."""
    return {
        (problem.stream, problem.code) for source in result.sources for problem in source.problems
    }


def test_first_and_second_sync(tmp_path: Path) -> None:
    """A first sync brings every message, order and size; a second one doubles nothing."""
    with open_lab(tmp_path, days=DAYS, sources=("klaviyo",)) as lab:
        result = lab.sync()
        assert result.status is RunStatus.SUCCEEDED, troubles(result)
        assert all(receipt.balances() for receipt in result.receipts)
        assert_silver_is_the_vendors(lab)
        assert lab.sync().status is RunStatus.SUCCEEDED
        assert_silver_is_the_vendors(lab)


def test_the_slow_lane_is_not_taken_at_every_sync(lab: Lab) -> None:
    """Sizes of today are not read again within six hours; everything else is."""
    lab.sync()
    for hours, read in ((5, False), (2, True)):
        lab.clock.advance(hours * 3600)
        lab.sandbox.clear_requests()
        assert lab.sync().status is RunStatus.SUCCEEDED
        asked = {entry.path.split("/")[3] for entry in lab.sandbox.requests}
        assert "metric-aggregates" in asked
        assert ("lists" in asked) is read
    assert_silver_is_the_vendors(lab)


def test_restatement_and_the_next_day(lab: Lab) -> None:
    """What the vendor changed arrives; the sizes of yesterday stay beside those of today."""
    lab.sync()
    lab.world.restate(14)
    lab.world.advance(1)
    lab.clock.advance(86_400)
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert_silver_is_the_vendors(lab)
    days = lab.silver("SELECT DISTINCT date FROM silver.email_subscribers ORDER BY date")
    assert days == [(TODAY,), (TODAY + dt.timedelta(days=1),)]


def test_a_spent_daily_quota_parks_the_reports(lab: Lab) -> None:
    """Sizes and revenue come first and arrive; the reports wait for the quota, not for a person."""
    lab.plant("rate_limit", "klaviyo", path="*-reports", options={"seconds": QUOTA_SECONDS})
    result = lab.sync()
    assert result.status is RunStatus.DEGRADED
    assert ("campaign_values", "rate_limited") in problems_of(result)
    assert ("flow_series", "circuit_open") in problems_of(result)
    assert len(problems_of(result)) == 2
    assert sorted(lab.silver(SALES)) == vendor(lab, "email_revenue")
    assert sorted(lab.silver(SIZES)) == vendor(lab, "email_subscribers")
    with lab.workspace() as workspace:
        [breaker] = workspace.store.breakers.list_all()
    assert breaker.open_until is not None
    assert breaker.open_until >= NOW + dt.timedelta(seconds=QUOTA_SECONDS)


def test_the_real_limits_are_kept(tmp_path: Path) -> None:
    """At Klaviyo's own limits a first sync is never refused: the headers say when to pause."""
    clock = FakeClock(NOW)
    limits = Limits(klaviyo_limit_factor=1)
    with open_lab(
        tmp_path, days=90, orgs=("acme",), sources=("klaviyo",), clock=clock, limits=limits
    ) as lab:
        lab.clock = clock
        assert lab.sync().status is RunStatus.SUCCEEDED
        assert {request.status for request in lab.sandbox.requests} == {200}
        assert_silver_is_the_vendors(lab)
