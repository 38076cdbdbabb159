"""A vendor misbehaves: each fault ends as its class says, is named clearly, and harms nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tactics.pipeline import Outcome, PipelineResult
from tactics.sandbox import Fault
from tests.integration.test_sync import (
    AD_SUMS,
    MONEY_SUMS,
    assert_balanced,
    vendor_ads,
    vendor_money,
)
from tests.lab import Lab, open_lab

INSIGHTS = "*/insights"


@dataclass(frozen=True)
class Case:
    """A fault, the error code its source ends with (None: none), and its dead letters."""

    fault: str
    code: str | None
    letters: int = 0
    times: int | None = 1


CASES = [
    Case("truncated_json", "decode_error", letters=1),
    Case("html_200", None),  # "Service Unavailable" with status 200 is tried again
    Case("unknown_field", None),
    Case("empty_page_with_next", None),
    Case("cursor_loop", "cursor_rejected", times=None),
    Case("gzip_bomb", "size_violation", letters=1),
    Case("cross_host_redirect", "contract_changed"),
    Case("disconnect", None),
    Case("http_500", None),
    Case("http_503", None),
    Case("rate_limit", None),
    Case("reduce_data", None),
]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with the ads and payments of one organisation, ten days of them."""
    with open_lab(tmp_path, days=10, orgs=("acme",), sources=("meta", "stripe")) as lab:
        yield lab


@pytest.fixture
def two_orgs(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab whose vendors each serve two organisations."""
    with open_lab(tmp_path, days=10, sources=("meta", "stripe")) as lab:
        yield lab


def plant(lab: Lab, name: str, *, times: int | None = 1, **more: Any) -> Fault:
    """Make the first ad account of acme misbehave when its rows are asked for."""
    account = min(row.account_id for row in lab.world.totals().of("acme").ads)
    return lab.plant(name, account=account, path=INSIGHTS, times=times, **more)


def problems_of(result: PipelineResult) -> list[str]:
    """Return the codes of everything that went wrong while fetching."""
    return [problem.code for source in result.sources for problem in source.problems]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_one_bad_answer(lab: Lab, case: Case):
    """One bad answer hurts at most its own stream, once; the next sync has every row."""
    fault = plant(lab, case.fault, times=case.times)
    result = lab.sync()
    assert fault.fired >= 1
    streams = 1 if case.times else 2  # a fault that stays meets the account's totals, too
    assert problems_of(result) == ([case.code] * streams if case.code else [])
    assert result.status is (RunStatus.DEGRADED if case.code else RunStatus.SUCCEEDED)
    assert_balanced(result)
    assert lab.silver(MONEY_SUMS) == vendor_money(lab)
    with lab.workspace() as workspace:
        assert len(workspace.store.jobs.list_dead()) == case.letters
    lab.world.faults.clear()
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert lab.silver(AD_SUMS) == vendor_ads(lab)
    with lab.workspace() as workspace:
        assert workspace.store.jobs.list_dead() == []


def test_the_wait_of_a_retry_is_one_two_four_seconds(lab: Lab):
    """Three failures are waited out with 1 s, 2 s and 4 s, the fourth attempt succeeds."""
    fault = plant(lab, "http_500", times=3)
    assert lab.sync("meta").status is RunStatus.SUCCEEDED
    assert fault.fired == 3
    waits = sorted(wait for wait in lab.clock.slept if wait >= 1)[:3]
    assert all(step <= wait <= 1.5 * step for step, wait in zip((1, 2, 4), waits, strict=True))


def test_a_metric_that_is_no_number_is_quarantined(lab: Lab):
    """The row with "N/A" is refused with its rule; its neighbours arrive."""
    fault = plant(lab, "not_a_number", times=None)
    result = lab.sync("meta")
    assert fault.fired >= 1
    assert_balanced(result)
    assert sum(receipt.quarantined for receipt in result.receipts) == fault.fired
    rules = lab.silver("SELECT DISTINCT rule FROM silver.quarantine WHERE source = 'meta'")
    assert len(rules) == 1
    assert rules[0][0].endswith("_not_a_number")


def test_a_negative_spend_is_kept_and_reported(lab: Lab):
    """Credits are real: the row stays, and DataGuard says so."""
    fault = plant(lab, "negative_spend", times=1)
    result = lab.sync()
    assert fault.fired == 1
    assert lab.silver("SELECT count(*) FROM silver.ad_performance WHERE spend < 0")[0][0] == 1
    assert result.status is RunStatus.SUCCEEDED


def test_a_field_that_the_vendor_refuses_is_left_out(lab: Lab):
    """A refused field is dropped from the request and named; all else arrives."""
    fault = plant(lab, "bad_field", times=None, options={"field": "video_play_actions"})
    result = lab.sync("meta")
    assert fault.fired >= 1
    assert result.sources[0].outcome is Outcome.OK, result.sources
    assert any("video_play_actions" in warning for warning in result.warnings)


def test_a_report_job_survives_failures_of_the_vendor(lab: Lab):
    """Too much data for a direct answer becomes a report job, polled until it is really done."""
    plant(lab, "reduce_data", times=None)
    stuck = plant(lab, "job_stuck_at_100", times=2)
    result = lab.sync("meta")
    assert stuck.fired == 2
    assert result.status is RunStatus.SUCCEEDED, result.sources
    assert lab.silver(AD_SUMS) == vendor_ads(lab)


def test_five_failures_open_the_breaker_for_every_process(two_orgs: Lab):
    """After five failed attempts no request leaves, from another process neither, until 300 s on."""
    two_orgs.sync("stripe")
    two_orgs.plant("http_500", times=None)
    for _ in range(2):
        two_orgs.sync("meta")
    two_orgs.sandbox.clear_requests()
    result = two_orgs.sync("meta")
    assert set(problems_of(result)) == {"circuit_open"}
    done = two_orgs.command("sync", "--source", "meta")
    assert done.returncode == 6, done.stderr
    assert "meta_breaker" in done.stdout + done.stderr
    assert two_orgs.sandbox.requests == ()
    two_orgs.world.faults.clear()
    two_orgs.clock.advance(301)
    for _ in range(2):  # the test's clock runs while the trial of another one is on its way
        two_orgs.sync("meta")
    assert two_orgs.sync("meta").status is RunStatus.SUCCEEDED


def test_the_only_connection_speaks_for_its_vendor(tmp_path: Path):
    """With one organisation there is one breaker, the vendor's; after it, one attempt is made."""
    with open_lab(tmp_path, days=4, orgs=("acme",), sources=("meta",)) as lab:
        fault = lab.plant("http_500", times=None)
        lab.sync()
        failed = fault.fired
        assert failed >= 5
        lab.sandbox.clear_requests()
        done = lab.command("sync")
        assert (done.returncode, lab.sandbox.requests) == (6, ())
        assert "meta_breaker is open" in done.stdout + done.stderr
        lab.clock.advance(301)
        lab.sync()
        assert fault.fired == failed + 1
        with lab.workspace() as workspace:
            assert [one.name for one in workspace.store.breakers.list_all()] == ["meta_breaker"]


def test_an_exhausted_rate_limit_opens_the_breaker_at_once(two_orgs: Lab):
    """Still throttled after its retries, the source is left alone until the vendor's own time."""
    two_orgs.plant("rate_limit", times=None)
    assert "rate_limited" in problems_of(two_orgs.sync("meta"))
    two_orgs.sandbox.clear_requests()
    two_orgs.sync("meta")
    assert two_orgs.sandbox.requests == ()


def test_a_dribbling_body_ends_at_the_deadline(lab: Lab):
    """A body that comes byte by byte is cut off by the total timeout, and named as such."""
    fault = plant(lab, "dribble", times=None, seconds=30.0)
    limits = {
        "TACTICS_TRANSPORT__TOTAL_TIMEOUT_SECONDS": "0.5",
        "TACTICS_TRANSPORT__MAX_RETRIES": "0",
    }
    done = lab.command("sync", "--source", "meta", **limits)
    assert fault.fired >= 1
    assert done.returncode == 6, done.stderr
    assert "0.5" in done.stdout + done.stderr
