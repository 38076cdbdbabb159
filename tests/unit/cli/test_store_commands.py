"""Queue, breakers and runs on the command line, on a real store."""

import datetime as dt
import json

from tactics.errors import SinkUnavailable
from tactics.model import RunStatus, StreamKey

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")


def test_an_empty_store_is_told_on_stderr(tactics, store):
    """No rows: stdout stays empty, the exit code is 0."""
    for words in (["dlq", "list"], ["queue", "status"], ["breakers", "list"], ["runs", "list"]):
        told = tactics(*words)
        assert (told.code, told.out) == (0, ""), words
        assert told.err, words


def test_queue_status_counts_what_waits(tactics, store, clock):
    """Stage, state, how many, and since when."""
    store.jobs.enqueue("bronze", None, KEY, SinkUnavailable("disk full"))
    rows = json.loads(tactics("queue", "status", "--json").out)["rows"]
    assert [(row["stage"], row["jobs"]) for row in rows] == [("bronze", 1)]
    assert "bronze" in tactics("queue", "status").out


def test_an_open_breaker_is_listed_and_reset(tactics, store, clock):
    """The reason stands beside it; after the reset it is closed."""
    until = clock.now() + dt.timedelta(seconds=300)
    store.breakers.open_until("meta_breaker", until=until, reason="429", now=clock.now())
    told = tactics("breakers", "list")
    assert told.out.splitlines()[1].split() == [
        "meta_breaker", "open", "0", "2026-11-21", "09:05", "429",
    ]  # fmt: skip
    assert tactics("breakers", "reset", "meta_breaker").out == "meta_breaker is closed\n"
    assert tactics("breakers", "reset", "no_breaker").code == 4


def test_runs_are_listed_and_shown(tactics, store, clock):
    """The latest run is shown unless a part of another's id is given."""
    run_id = store.runs.start("sync", {})
    clock.advance(90)
    store.runs.finish(run_id, RunStatus.DEGRADED, {"sources": []})
    assert "degraded" in tactics("runs", "list").out
    assert tactics("runs", "show").out == f"run {run_id} degraded\n"
    row = json.loads(tactics("runs", "show", run_id[-8:], "--json").out)["rows"][0]
    assert (row["seconds"], row["result"]) == (90.0, {"sources": []})
    assert tactics("runs", "show", "nothing").code == 4
