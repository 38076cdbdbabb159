"""What a run leaves behind."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from tactics.errors import ConfigError, RateLimited
from tactics.model import Receipt, RunStatus, StreamKey
from tactics.pipeline import Freshness, Outcome, PipelineResult, Problem, SourceOutcome, StageReport
from tactics.pipeline.result import decide_status

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
PROBLEM = Problem.of(RateLimited("too many calls", hint="wait"), account_id="a1", stream="ads")
GOOD = SourceOutcome("acme", "meta", Outcome.OK)
BAD = SourceOutcome("acme", "stripe", Outcome.FAILED, problems=(PROBLEM,))
DONE = StageReport("gold")
BROKEN = StageReport("gold", problems=(PROBLEM,))


def result(**facts: object) -> PipelineResult:
    """Return a result."""
    return PipelineResult("r1", RunStatus.SUCCEEDED, NOON, NOON, **facts)  # type: ignore[arg-type]


def test_a_problem_says_what_and_where():
    """An error keeps its code, message and hint, and learns its account and stream."""
    assert Problem("rate_limited", "too many calls", "wait", "a1", "ads") == PROBLEM


@pytest.mark.parametrize(
    ("sources", "stages", "halted", "status"),
    [
        ((GOOD,), (DONE,), False, RunStatus.SUCCEEDED),
        ((), (), False, RunStatus.SUCCEEDED),
        ((GOOD, BAD), (DONE,), False, RunStatus.DEGRADED),
        ((GOOD, BAD), (DONE, BROKEN), False, RunStatus.FAILED),
        ((BAD,), (BROKEN,), True, RunStatus.HALTED),
    ],
)
def test_the_worst_decides(sources, stages, halted, status):
    """Halted counts more than a failed write, that more than a failed source."""
    assert decide_status(sources, stages, halted=halted) is status


@pytest.mark.parametrize(
    ("status", "code"),
    [("succeeded", 0), ("failed", 1), ("halted", 5), ("degraded", 6), ("running", 1)],
)
def test_every_status_has_its_exit_code(status: str, code: int):
    """A program can tell from the exit code how the run ended."""
    run = PipelineResult("r1", RunStatus(status), NOON, NOON)
    assert run.exit_code == code


@pytest.mark.parametrize(("status", "code"), [("failed", 2), ("halted", 5)])
def test_a_file_of_the_operator_has_its_own_exit_code(status: str, code: int):
    """What fails because a file is wrong needs an edit, not another try."""
    told = StageReport("pipeline", problems=(Problem.of(ConfigError("no rates")),))
    run = PipelineResult("r1", RunStatus(status), NOON, NOON, stages=(DONE, told))
    assert run.exit_code == code


def test_json_is_plain():
    """Instants become UTC text, days ISO text, everything else what JSON knows."""
    key = StreamKey("acme", "meta", "a1", "ads")
    fresh = Freshness("acme", "meta", "a1", "ads", NOON.date(), NOON, 1.5, "open")
    guard = {"findings": [{"examples": [{"spend": Decimal("1.50"), "none": None}]}]}
    plain = result(
        sources=(BAD,), receipts=(Receipt(key, 2, 2),), freshness=(fresh,), guard=guard
    ).to_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["started_at"] == "2026-11-21T11:00:00Z"
    assert plain["freshness"][0]["newest_day"] == "2026-11-21"
    assert plain["sources"][0]["problems"][0]["code"] == "rate_limited"
    assert plain["guard"]["findings"][0]["examples"] == [{"spend": "1.50", "none": None}]
    assert plain["receipts"][0]["key"]["source"] == "meta"
