"""Runs, stages, and requests to the one that syncs."""

import pytest

from tactics.errors import IntegrityError, NotFoundError
from tactics.model import RunStatus
from tactics.store import Store
from tests.support import FakeClock


def test_a_run_is_recorded_from_start_to_end(store: Store, clock: FakeClock) -> None:
    """Command, scope, stages and result come back."""
    run_id = store.runs.start("sync", {"orgs": ["acme"]})
    assert store.runs.get(run_id).status is RunStatus.RUNNING
    clock.advance(5)
    store.runs.stage(run_id, "bronze", rows=10, seconds=0.5, detail={"queued": 1})
    store.runs.finish(run_id, RunStatus.SUCCEEDED, {"warnings": ["ü"]})
    run = store.runs.get(run_id)
    assert (run.command, run.scope, run.status) == ("sync", {"orgs": ["acme"]}, "succeeded")
    assert (run.result, run.finalized_at) == ({"warnings": ["ü"]}, clock.now())
    assert [(s.stage, s.rows, s.seconds, s.detail) for s in run.stages] == [
        ("bronze", 10, 0.5, {"queued": 1})
    ]


def test_rounds_of_a_stage_add_up(store: Store) -> None:
    """A stage that works in several rounds is one row; stages keep their order."""
    run_id = store.runs.start("sync", {})
    store.runs.stage(run_id, "silver", rows=1, seconds=1.0)
    store.runs.stage(run_id, "bronze", rows=1, seconds=1.0)
    store.runs.stage(run_id, "silver", rows=2, seconds=0.5)
    stages = store.runs.get(run_id).stages
    assert [(s.stage, s.rows, s.seconds) for s in stages] == [
        ("silver", 3, 1.5),
        ("bronze", 1, 1.0),
    ]


def test_the_last_time_of_a_stage_is_known(store: Store, clock: FakeClock) -> None:
    """When any run last did a stage is known, and None before the first time."""
    assert store.runs.last_stage_at("maintain") is None
    store.runs.stage(store.runs.start("sync", {}), "maintain", rows=0, seconds=0.0)
    first = clock.now()
    clock.advance(60)
    store.runs.stage(store.runs.start("sync", {}), "bronze", rows=0, seconds=0.0)
    assert store.runs.last_stage_at("maintain") == first


def test_a_run_ends_once(store: Store) -> None:
    """What was recorded first stays."""
    run_id = store.runs.start("sync", {})
    store.runs.finish(run_id, RunStatus.HALTED, {})
    store.runs.finish(run_id, RunStatus.SUCCEEDED, {})
    assert store.runs.get(run_id).status is RunStatus.HALTED


def test_a_stage_needs_its_run(store: Store) -> None:
    """A stage of an unknown run is a fault of ours."""
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        store.runs.stage("unknown", "bronze", rows=1, seconds=1.0)


def test_a_killed_run_is_failed_by_the_next(store: Store, clock: FakeClock) -> None:
    """The holder of the lock fails what is left running, except its own run."""
    killed, mine = store.runs.start("sync", {}), store.runs.start("sync", {})
    assert store.runs.abandon_running(except_run_id=mine) == 1
    run = store.runs.get(killed)
    assert (run.status, run.result, run.finalized_at) == ("failed", None, clock.now())
    assert store.runs.get(mine).status is RunStatus.RUNNING


def test_runs_are_listed_newest_first(store: Store, clock: FakeClock) -> None:
    """The list is short, without stages, and can be restricted by status."""
    runs = []
    for status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.DEGRADED):
        clock.advance(1)
        runs.append(store.runs.start("sync", {}))
        store.runs.finish(runs[-1], status, {})
    assert [run.run_id for run in store.runs.list_runs(2)] == [runs[2], runs[1]]
    latest = store.runs.latest([RunStatus.SUCCEEDED, RunStatus.FAILED])
    assert latest is not None
    assert latest.run_id == runs[1]
    assert store.runs.latest([RunStatus.HALTED]) is None


def test_an_unknown_run_is_not_found(store: Store) -> None:
    """The error says where to look."""
    with pytest.raises(NotFoundError, match="no such run: run_id=x"):
        store.runs.get("x")


def test_old_runs_are_forgotten_with_their_stages(store: Store, clock: FakeClock) -> None:
    """What ended long ago goes, whole; what was asked of it too."""
    run_id = store.runs.start("sync", {})
    store.runs.stage(run_id, "bronze", rows=1, seconds=1.0)
    store.requests.serve([store.requests.file({})], run_id)
    store.runs.finish(run_id, RunStatus.SUCCEEDED, {})
    clock.advance(91 * 86400)
    assert store.runs.prune(90) == 1
    assert store.database.read("SELECT * FROM run_stages") == []
    assert store.database.read("SELECT * FROM sync_requests") == []


def test_a_request_waits_until_it_is_served(store: Store, clock: FakeClock) -> None:
    """The one who asks follows the run that did the work."""
    first, second = store.requests.file({"orgs": ["acme"]}), store.requests.file({})
    assert [(r.sync_request_id, r.scope) for r in store.requests.pending()] == [
        (first, {"orgs": ["acme"]}),
        (second, {}),
    ]
    run_id = store.runs.start("sync", {})
    assert store.requests.serve([first], run_id) == 1
    assert store.requests.get(first).run_id == run_id
    assert store.requests.get(second).run_id is None
    assert store.requests.get(first).served_at == clock.now()
    assert [r.sync_request_id for r in store.requests.pending()] == [second]


def test_a_served_request_stays_with_its_run(store: Store) -> None:
    """It is served once."""
    request = store.requests.file({})
    runs = [store.runs.start("sync", {}) for _ in range(2)]
    assert [store.requests.serve([request], run_id) for run_id in runs] == [1, 0]
    assert store.requests.get(request).run_id == runs[0]


def test_an_unknown_request_is_not_found(store: Store) -> None:
    """A request is followed by its number."""
    with pytest.raises(NotFoundError, match="no such sync request"):
        store.requests.get(99)
