"""What the end of a sync says."""

import pytest

from tactics.cli.result import next_steps, print_result

RESULT = {
    "run_id": "20261121T090000-abcdef01",
    "status": "succeeded",
    "started_at": "2026-11-21T09:00:00Z",
    "finished_at": "2026-11-21T09:00:12Z",
    "sources": [
        {"org_id": "acme", "source": "meta", "outcome": "ok", "slices": 1, "pages": 1200,
         "problems": [], "warnings": []},
    ],
    "stages": [{"name": "bronze", "rows": 1200, "seconds": 1.5, "problems": []}],
    "receipts": [
        {"key": {"org_id": "acme", "source": "meta", "account_id": "act_1", "stream": "campaigns"},
         "received": 10, "written": 7, "duplicate": 3, "quarantined": 0, "dead_lettered": 0,
         "queued": 0},
    ],
    "freshness": [],
    "guard": {"findings": [], "checks_run": 9},
    "warnings": [],
    "stale": False,
    "followed": None,
}  # fmt: skip
PROBLEM = {"code": "rate_limited", "message": "too many calls", "hint": "wait until noon"}


def told(capsys, result):
    """Return what a person reads on stdout and stderr."""
    print_result(result)
    return capsys.readouterr()


def test_a_good_run_is_told_in_plain_words(capsys):
    """Outcome per source, receipt per stream, and no advice."""
    streams = told(capsys, RESULT)
    assert [line.split() for line in streams.out.splitlines() if line] == [
        ["run", "20261121T090000-abcdef01", "succeeded", "in", "12", "s"],
        ["Source", "Outcome", "Fetched", "Why"],
        ["acme/meta", "ok", "1", "slice,", "1,200", "pages"],
        ["Stream", "Rows", "Written", "Doubles", "Refused", "Dead", "Queued"],
        ["acme/meta/campaigns", "10", "7", "3", "0", "0", "0"],
        ["adds", "up:", "nothing", "was", "lost"],
    ]
    assert streams.err == ""


def test_a_receipt_that_does_not_balance_shouts(capsys):
    """A lost row is never a matter of colour alone."""
    receipt = RESULT["receipts"][0] | {"written": 6}
    shown = told(capsys, RESULT | {"receipts": [receipt]}).out.splitlines()[-1]
    assert shown == "DOES NOT ADD UP: acme/meta/campaigns"


def test_the_accounts_of_a_stream_are_one_line(capsys):
    """Two accounts add up."""
    result = RESULT | {"receipts": RESULT["receipts"] * 2}
    assert "acme/meta/campaigns   20      14" in told(capsys, result).out


def test_a_failed_source_says_why_and_what_to_do(capsys):
    """The reason is data, the advice is talk."""
    source = RESULT["sources"][0] | {"outcome": "failed", "problems": [PROBLEM], "slices": 0}
    result = RESULT | {"status": "degraded", "sources": [source], "stale": True}
    streams = told(capsys, result)
    assert "too many calls" in streams.out
    assert "nothing was due" not in streams.out
    assert "next: acme/meta: wait until noon" in streams.err
    assert "data may be stale" in streams.err


def test_a_halt_names_the_rows(capsys):
    """DataGuard's findings come with examples and the hint of the check."""
    finding = {
        "check": "negative_spend", "severity": "error", "org_id": "acme", "rows": 1,
        "message": "spend is negative", "hint": "ask the vendor", "examples": [{"spend": -5}],
    }  # fmt: skip
    streams = told(capsys, RESULT | {"status": "halted", "guard": {"findings": [finding]}})
    assert streams.out.splitlines()[-3:] == [
        "error negative_spend (acme, 1 row): spend is negative",
        "  spend=-5",
        "  to do: ask the vendor",
    ]
    assert "DataGuard halted" in streams.err


@pytest.mark.parametrize(
    ("field", "command"),
    [("dead_lettered", "tactics dlq list"), ("queued", "tactics queue flush"),
     ("quarantined", "silver.quarantine")],
)  # fmt: skip
def test_rows_that_did_not_arrive_lead_to_a_command(field, command):
    """Every other place where a row can be has a command to look at it."""
    receipt = RESULT["receipts"][0] | {field: 1}
    assert any(command in step for step in next_steps(RESULT | {"receipts": [receipt]}))


FRESHNESS = [
    {"org_id": "acme", "source": "meta", "newest_day": "2026-11-19",
     "fetched_at": "2026-11-19T09:00:00Z", "age_seconds": 172_800.0},
    {"org_id": "acme", "source": "meta", "newest_day": "2026-11-18",
     "fetched_at": "2026-11-21T09:00:00Z", "age_seconds": 9.0},
    {"org_id": "acme", "source": "sheets", "newest_day": "2026-11-21",
     "fetched_at": "2026-11-21T09:00:00Z", "age_seconds": 9.0},
]  # fmt: skip


def fared(outcome, *sources):
    """Return sources that all came out alike."""
    return [RESULT["sources"][0] | {"source": source, "outcome": outcome} for source in sources]


def test_stale_data_is_dated_for_the_sources_that_failed():
    """The oldest day says how stale; a source that was just fetched is not called stale."""
    sources = fared("failed", "meta", "stripe") + fared("ok", "sheets")
    steps = next_steps(RESULT | {"stale": True, "freshness": FRESHNESS, "sources": sources})
    assert steps == ["data may be stale: acme/meta ends 2026-11-18 and acme/stripe has no data"]


def test_an_offline_run_tells_the_age_of_the_oldest_fetch(capsys):
    """Nobody was asked: no table of sources, and fresh data is not called stale."""
    result = RESULT | {"stale": True, "sources": fared("offline", "meta", "sheets"), "receipts": []}
    streams = told(capsys, result | {"freshness": FRESHNESS})
    assert streams.out == "run 20261121T090000-abcdef01 succeeded in 12 s\n"
    assert streams.err == ("next: nothing was fetched: the oldest is acme/meta, fetched 2 d ago\n")
    assert "no data yet" in next_steps(result)[0]


def test_a_stage_that_failed_says_why(capsys):
    """The reason of a failed write is shown, with the way to it while it waits."""
    problem = {"code": "sink_unavailable", "message": "the lake cannot be reached", "hint": "free"}
    stage = {"name": "bronze", "problems": [problem], "queued": 2, "dead_lettered": 0}
    streams = told(capsys, RESULT | {"status": "failed", "stages": [stage], "receipts": []})
    assert streams.out.splitlines()[-1] == "bronze: the lake cannot be reached"
    assert "next: bronze: free" in streams.err
    assert "tactics queue flush" in streams.err


def test_the_same_reason_is_told_once(capsys):
    """Two accounts behind one breaker are one sentence, without the query of the address."""
    problem = PROBLEM | {"message": "no connection: url=https://x.test/v1?limit=500"}
    source = RESULT["sources"][0] | {"outcome": "failed", "problems": [problem, problem]}
    out = told(capsys, RESULT | {"sources": [source]}).out
    assert out.count("https://x.test/v1") == 1
    assert "limit" not in out


def test_a_run_that_was_killed_can_still_be_shown(capsys):
    """`runs show` works on a run without a result."""
    streams = told(capsys, {"run_id": "x", "status": "running"})
    assert streams.out == "run x running\n"
