"""A whole tactics reads The Trade Desk: exact, restated, after failures, and never two reports."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.model import RunStatus
from tactics.pipeline import PipelineResult
from tests.lab import Lab, open_lab, troubles

CREATE = "POST /ttd/v3/myreports/reportschedule -> 200"
ROWS = """
    SELECT org_id, account_id, campaign_id, date, campaign_name, currency, impressions, clicks,
           spend, conversions, conversion_value, video_views
    FROM silver.ad_performance ORDER BY ALL
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with this source of one organisation."""
    with open_lab(tmp_path, sources=("ttd",), orgs=("acme",)) as lab:
        yield lab


def ledger(lab: Lab) -> list[tuple[object, ...]]:
    """Return what the vendor would sign for the days that a sync reads."""
    return sorted(
        (
            row.org_id, row.account_id, row.campaign_id, row.day, row.campaign_name, row.currency,
            row.impressions, row.clicks, row.spend, row.conversions, row.conversion_value,
            row.video_views,
        )
        for row in lab.world.totals().ads
    )  # fmt: skip


def requests(lab: Lab, start: str) -> int:
    """Return how many requests began so."""
    return sum(str(request).startswith(start) for request in lab.sandbox.requests)


def codes(result: PipelineResult) -> set[str]:
    """Return the codes of everything that went wrong while fetching."""
    return {problem.code for source in result.sources for problem in source.problems}


def test_silver_is_the_ledger_after_every_sync(lab: Lab):
    """The first sync, one that finds nothing new, a restatement with a rename, the next day."""
    first = lab.sync()
    assert first.status is RunStatus.SUCCEEDED, troubles(first)
    assert all(receipt.balances() for receipt in first.receipts)
    assert lab.silver(ROWS) == ledger(lab)
    assert requests(lab, CREATE) == requests(lab, "DELETE ") == 2
    assert sum(lab.clock.slept) == 4  # the demo has no time to lose
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(ROWS) == ledger(lab)
    lab.world.restate(14)
    lab.world.rename_campaign("cmp001", "CTV | Fjord")
    lab.world.advance(1)
    lab.clock.advance(24 * 3600)
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(ROWS) == ledger(lab)
    assert_no_secret(lab)


def assert_no_secret(lab: Lab) -> None:
    """Neither the token nor a part of it stands in a file of the home."""
    secrets = [secret.encode() for secret in lab.world.secrets()]
    files = [path for path in lab.home.root.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []


def test_a_report_that_takes_too_long_is_picked_up_by_the_next_sync(lab: Lab):
    """Three hours without a file: the schedule is kept, and the next sync makes no second one."""
    lab.plant("report_state", "ttd", times=None)
    result = lab.sync()
    assert codes(result) == {"upstream_unavailable"}
    assert 2.5 * 3600 < sum(lab.clock.slept) <= 3 * 3600
    assert requests(lab, CREATE) == 1
    lab.world.faults.clear()
    lab.sandbox.clear_requests()
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(ROWS) == ledger(lab)
    assert requests(lab, "GET /ttd/v3/myreports/reportschedule/") == 1
    assert requests(lab, CREATE) == 1  # of the older window, which was not asked for before
    assert requests(lab, "DELETE ") == 2


@pytest.mark.parametrize(
    ("fault", "code", "state"),
    [("rate_limit", "rate_limited", "open"), ("auth_expired", "credential_error", "closed")],
)
def test_a_fault_ends_as_its_class_says(lab: Lab, fault: str, code: str, state: str):
    """The problem is named, and the breaker opens only when the vendor is to be left alone."""
    lab.plant(fault, "ttd", path="*/query", times=None)
    result = lab.sync()
    assert (result.status, codes(result)) == (RunStatus.DEGRADED, {code})
    with lab.workspace() as workspace:
        states = {row.name: str(row.state) for row in workspace.store.breakers.list_all()}
    assert states.get("ttd_breaker", "closed") == state
