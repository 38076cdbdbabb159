"""dv360 from the simulated vendor to silver, over real HTTP, through restarts and faults."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.model import RunStatus
from tactics.pipeline import PipelineResult
from tests.lab import TODAY, Lab, open_lab, troubles

SUMS = """
    SELECT org_id, source, account_id, campaign_id, date, campaign_name, sum(impressions)::BIGINT,
           sum(clicks)::BIGINT, sum(spend), sum(conversions), sum(conversion_value),
           sum(video_views)::BIGINT
    FROM silver.ad_performance GROUP BY ALL ORDER BY ALL
"""
CREATE = "POST /dv360/v2/queries ->"
RUNS = "POST /dv360/v2/queries/"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with acme's advertiser."""
    with open_lab(tmp_path, days=40, sources=("dv360",), orgs=("acme",)) as lab:
        yield lab


def ledger(lab: Lab) -> list[tuple[object, ...]]:
    """Return what the vendor says of the days that a first sync reads."""
    totals = lab.world.totals().between(TODAY - dt.timedelta(days=40), lab.world.today)
    names = ("org_id", "source", "account_id", "campaign_id", "day", "campaign_name")
    return sorted(
        (*key, s.impressions, s.clicks, s.spend, s.conversions, s.conversion_value, s.video_views)
        for key, s in totals.ad_sums(*names).items()
    )


def runs(lab: Lab) -> int:
    """Return how many reports were started since the last clearing."""
    return sum(
        str(entry).startswith(RUNS) and ":run" in str(entry) for entry in lab.sandbox.requests
    )


def problems(result: PipelineResult) -> list[str]:
    """Return the codes of everything that went wrong while fetching."""
    return [problem.code for source in result.sources for problem in source.problems]


def assert_no_link_is_kept(lab: Lab) -> None:
    """Who has a link has the file: no signature stands in a page, log or database."""
    signatures = [text.encode() for text in lab.world.secrets() if len(text) == 32]
    assert signatures
    contents = [path.read_bytes() for path in lab.home.root.rglob("*") if path.is_file()]
    assert not [text for text in signatures for content in contents if text in content]
    requests = lab.silver("SELECT request FROM bronze.pages")
    assert all("Signature=***" in request for (request,) in requests)


def test_every_sync_leaves_the_vendors_numbers(lab: Lab):
    """The first sync, a second one, and the next day after restated, renamed and vanished rows."""
    first = lab.sync()
    assert first.status is RunStatus.SUCCEEDED, troubles(first)
    assert lab.silver(SUMS) == ledger(lab)
    assert lab.silver("SELECT DISTINCT channel FROM ad_daily") == [("programmatic",)]
    assert_no_link_is_kept(lab)
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(SUMS) == ledger(lab)
    lab.world.advance(1)
    lab.clock.advance(24 * 3600)
    lab.world.restate(14)
    lab.world.rename_campaign("880001", "Autumn Video | Reach")
    lab.world.drop_rows(2)
    lab.sandbox.clear_requests()
    lab.sync()
    numbers = [row[:5] + row[6:] for row in lab.silver(SUMS)]
    assert numbers == [row[:5] + row[6:] for row in ledger(lab)]
    assert "Autumn Video | Reach" in {row[5] for row in lab.silver(SUMS)}
    assert runs(lab) == 2  # one of the new day, one of all that may have been restated
    assert not [entry for entry in lab.sandbox.requests if str(entry).startswith(CREATE)]


def test_a_restart_goes_on_with_the_same_report(lab: Lab):
    """A sync that cannot read its report starts no other one when it comes back."""
    fault = lab.plant("file_cut_off", "dv360", times=4)
    assert problems(lab.sync()) == ["upstream_unavailable"]
    assert fault.fired == 4
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(SUMS) == ledger(lab)
    assert runs(lab) == 1


def test_too_many_reports_leave_the_source_alone(lab: Lab):
    """No call is made for half an hour; then the same query is run."""
    lab.plant("run_exhausted", "dv360", times=None)
    assert problems(lab.sync()) == ["rate_limited"]
    lab.world.faults.clear()
    lab.sandbox.clear_requests()
    lab.clock.advance(1700)
    assert problems(lab.sync()) == ["circuit_open"]
    assert lab.sandbox.requests == ()
    lab.clock.advance(101)
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(SUMS) == ledger(lab)
    assert not [entry for entry in lab.sandbox.requests if str(entry).startswith(CREATE)]
