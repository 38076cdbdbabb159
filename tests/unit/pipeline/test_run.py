"""The whole flow, its record, and who may run it."""

import _thread
import dataclasses
import datetime as dt
import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tactics.errors import (
    ConfigError,
    IntegrityError,
    NotFoundError,
    SinkUnavailable,
    StoreBusy,
)
from tactics.guard import load_checks
from tactics.home import Home
from tactics.model import TOPIC_CLEANED, Finality, RunStatus, Window
from tactics.pipeline import (
    Outcome,
    PipelineResult,
    Scope,
    Silent,
    Workspace,
    flush,
    maintenance_due,
    measure,
    query,
    run_maintenance,
    sync,
    validate,
)
from tactics.pipeline.lock import CommitLock
from tactics.pipeline.maintain import maintain_if_due
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import Answer, Vendor, open_vendor, slice_of

pytestmark = pytest.mark.usefixtures("_installed")
At = Callable[..., Workspace]
DAY = dt.date(2026, 11, 20)
OTHER_CHECKS = [check.name for check in load_checks() if check.name != "missing_dates"]


def rows(asked: Answer) -> Answer:
    """Answer with a row for each day that is asked for, and with the account."""
    if "since" not in asked:
        return {"name": "Acme", "currency": "EUR", "timezone": "Europe/Vienna"}
    since, until = (dt.date.fromisoformat(asked[name]) for name in ("since", "until"))
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    return {"rows": [{"id": "c1", "day": day.isoformat(), "spend": "1.50"} for day in days]}


def refuse(error: str) -> Callable[[Answer], Answer]:
    """Return a vendor whose days cannot be had."""
    return lambda asked: {"error": error} if "since" in asked else rows(asked)


@pytest.fixture
def at(open_workspace: Open) -> At:
    """Return a function that opens a workspace on a vendor, for one organisation or more."""

    def open_one(vendor: Vendor | None = None, *orgs: str, **settings: Any) -> Workspace:
        sources = orgs_of(vendor.url if vendor else "", *orgs)
        quick = {"transport": {"max_retries": 0}, "guard": {"disabled": OTHER_CHECKS}}
        return open_workspace(orgs=sources, **{**quick, **settings})

    return open_one


def stages(result: PipelineResult) -> dict[str, int]:
    """Return what each stage moved."""
    return {stage.name: stage.rows for stage in result.stages}


def last_run(workspace: Workspace) -> tuple[str, RunStatus]:
    """Return the newest run's command and status."""
    run = workspace.store.runs.latest()
    assert run is not None
    return run.command, run.status


def test_a_sync_brings_days_to_gold(at: At):
    """From the vendor to the published tables in one run, which is recorded as it is returned."""
    with open_vendor(rows) as vendor:
        workspace = at(vendor)
        result = sync(workspace)
    assert result.status is RunStatus.SUCCEEDED, result.stages
    assert {name: stages(result)[name] for name in ("bronze", "silver")} == {
        "bronze": 1,
        "silver": 4,
    }
    assert all(receipt.balances() for receipt in result.receipts)
    sql = "SELECT count(*) AS days, sum(spend) AS spend FROM silver.ad_performance"
    assert query(workspace, sql) == (["days", "spend"], [(4, Decimal("6.00"))])
    run = workspace.store.runs.get(result.run_id)
    assert run.result == json.loads(json.dumps(result.to_json()))
    assert {stage.stage for stage in run.stages} == {"bronze", "silver", "gold", "maintain"}


def test_offline_asks_nobody(at: At):
    """An offline run carries on what is held, and says that it may be stale."""
    with open_vendor(rows) as vendor:
        result = sync(at(vendor), Scope(offline=True))
    assert vendor.asked == []
    assert (result.status, result.stale) == (RunStatus.SUCCEEDED, True)
    assert [source.outcome for source in result.sources] == [Outcome.OFFLINE]


def test_an_unknown_name_starts_no_run(at: At):
    """A scope that the configuration does not have is refused before anything is done."""
    workspace = at()
    with pytest.raises(NotFoundError):
        sync(workspace, Scope(orgs=("gamma",)))
    assert workspace.store.runs.latest() is None


def test_a_failing_source_degrades_the_run(at: At):
    """What fails outside makes the run degraded and its data stale, with the warnings it had."""
    with open_vendor(refuse("ContractChanged")) as vendor:
        result = sync(at(vendor))
    assert (result.status, result.stale, result.exit_code) == (RunStatus.DEGRADED, True, 6)


def test_a_step_that_cannot_be_done_fails_the_run(at: At):
    """An error of a step is recorded with the run; later steps are left out."""
    workspace = at(guard={"disabled": ["no_such_check"]})
    result = sync(workspace, Scope(offline=True))
    assert result.status is RunStatus.FAILED
    [problem] = next(stage for stage in result.stages if stage.name == "pipeline").problems
    assert problem.code == "config_error"
    assert "gold" not in stages(result)
    assert last_run(workspace) == ("sync", RunStatus.FAILED)


def test_a_broken_state_is_recorded_and_raised(at: At):
    """An integrity error ends the process, and the run says why."""
    with open_vendor(refuse("IntegrityError")) as vendor:
        workspace = at(vendor)
        with pytest.raises(IntegrityError):
            sync(workspace)
    run = workspace.store.runs.latest()
    assert run is not None
    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert run.result["stages"][-1]["problems"][0]["code"] == "integrity_error"


def test_what_a_dead_process_left_is_cleared(at: At):
    """Runs of a process that was killed are failed by the next one."""
    workspace = at()
    dead = workspace.store.runs.start("sync", {})
    sync(workspace, Scope(offline=True))
    assert workspace.store.runs.get(dead).status is RunStatus.FAILED


def test_wrong_data_halts(at: At):
    """A gap in an organisation's days halts it, in a sync as in a validation."""
    workspace = at()
    cover(workspace, 17, 19)
    result = sync(workspace, Scope(offline=True))
    assert (result.status, result.exit_code) == (RunStatus.HALTED, 5)
    assert result.guard["halted_orgs"] == ["acme"]
    again = validate(workspace)
    assert again.status is workspace.store.runs.get(again.run_id).status is RunStatus.HALTED


def cover(workspace: Workspace, *days: int) -> None:
    """Hold some days of November."""
    window = Window(dt.date(2026, 11, days[0]), dt.date(2026, 11, days[-1]))
    request_id = workspace.store.fetches.begin(slice_of(window), api_version="v7")
    held = [(dt.date(2026, 11, number), Finality.PROVISIONAL) for number in days]
    workspace.store.fetches.complete(request_id, days=held)


def test_validating_builds_nothing(at: At):
    """Validating alone checks, and publishes nothing."""
    workspace = at()
    result = validate(workspace)
    assert result.status is RunStatus.SUCCEEDED
    assert result.guard["findings"] == []
    assert workspace.gold.current() is None


def test_a_validation_that_fails_is_recorded(at: At):
    """A check that cannot run leaves no run behind that seems to go on."""
    workspace = at(guard={"disabled": ["no_such_check"]})
    with pytest.raises(ConfigError):
        validate(workspace)
    assert last_run(workspace) == ("validate", RunStatus.FAILED)


def test_a_flush_tries_at_once(at: At):
    """What waits is tried at once, also where a breaker is open, and completes."""
    workspace = at()
    header = {"load_id": "l1", "request_ids": []}
    seq = workspace.store.bus.append(TOPIC_CLEANED, header=header)
    workspace.store.bus.acknowledge(TOPIC_CLEANED, "silver", seq)
    workspace.store.jobs.enqueue("silver", seq, None, SinkUnavailable("full"), scheduled_in=900)
    workspace.breaker("silver_breaker").open_for(900, "full")
    assert flush(workspace).status is RunStatus.SUCCEEDED
    assert [count.state for count in workspace.store.jobs.stats()] == ["completed"]
    assert last_run(workspace) == ("flush", RunStatus.SUCCEEDED)


def test_a_flush_waits_for_the_lock(at: At, clock: FakeClock):
    """While another process writes, a flush waits, and in the end gives up."""
    workspace = at()
    with CommitLock(workspace.home.lock) as other:
        other.try_acquire()
        with pytest.raises(StoreBusy):
            flush(workspace)
    assert clock.monotonic() >= 600


@dataclass
class Ears(Silent):
    """Progress that is heard, and may act on a stage."""

    on_stage: Callable[[str], None] = lambda _: None
    heard: list[str] = field(default_factory=list)

    def stage(self, name: str) -> None:
        self.heard.append(name)
        self.on_stage(name)

    def done(self) -> None:
        self.heard.append("done")


def test_progress_hears_every_stage(at: At):
    """Whoever watches hears the stages in order, and the end."""
    ears = Ears()
    sync(at(), Scope(offline=True), ears)
    assert ears.heard == ["bronze", "silver", "validate", "gold", "done"]


def _press_ctrl_c(stage: str) -> None:
    if stage == "silver":
        raise KeyboardInterrupt


def test_an_interrupted_run_is_recorded(at: At):
    """Ctrl-C goes on up, and leaves no run behind that seems to go on."""
    workspace = at()
    with pytest.raises(KeyboardInterrupt):
        sync(workspace, Scope(offline=True), Ears(_press_ctrl_c))
    run = workspace.store.runs.latest()
    assert run is not None
    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert run.result["stages"][-1]["problems"][0]["code"] == "interrupted"
    assert CommitLock(workspace.home.lock).try_acquire()


def test_requests_that_came_in_meanwhile_are_served(at: At):
    """A run serves what it covered, and runs again for what it did not."""
    workspace = at()
    requests = workspace.store.requests
    narrow = requests.file(Scope(offline=True).to_json())
    wide = requests.file(Scope().to_json())
    result = sync(workspace, Scope(offline=True))
    assert requests.get(narrow).run_id == result.run_id
    second = workspace.store.runs.get(requests.get(wide).run_id or "")
    assert Scope.from_json(second.scope) == Scope()
    assert requests.pending() == []


class Waiting(FakeClock):
    """A clock whose second wait lasts until the other run has ended."""

    leader: Future[PipelineResult]

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) > 1:
            self.leader.result(30)


def test_a_second_sync_follows_the_first(at: At):
    """A sync that finds another one running waits for it and returns its result."""
    fetching, followed = threading.Event(), threading.Event()

    def answer(_: Answer) -> Answer:
        fetching.set()
        assert followed.wait(30)
        return {"error": "PermissionDenied"}

    ears, clock = Ears(lambda _: followed.set()), Waiting()
    with open_vendor(answer) as vendor, ThreadPoolExecutor(1) as pool:
        clock.leader = pool.submit(sync, at(vendor))
        assert fetching.wait(30)
        result = sync(at(vendor, clock=clock), progress=ears)
    led = clock.leader.result()
    assert (result.followed, result.status) == (led.run_id, RunStatus.DEGRADED)
    assert result.sources == led.sources
    assert ears.heard == [f"following process {os.getpid()}", "done"]
    assert len(vendor.asked) == 1


def test_a_follower_takes_over_from_the_dead(at: At):
    """When the process that is followed dies, the follower does the work itself."""
    workspace = at()
    other = CommitLock(workspace.home.lock)
    other.try_acquire()
    ears = Ears(lambda name: other.release() if name.startswith("following") else None)
    result = sync(workspace, Scope(offline=True), ears)
    assert result.followed is None
    assert result.status is RunStatus.SUCCEEDED
    assert workspace.store.requests.pending() == []


def test_maintenance_is_once_a_day(at: At, clock: FakeClock):
    """A round is done by the first run of a day, and reported."""
    workspace = at()
    rounds = []
    for hours in (0, 23, 2):
        clock.advance(hours * 3600)
        run_id = workspace.store.runs.start("sync", {})
        rounds.append([report.name for report in maintain_if_due(workspace, run_id)])
    assert rounds == [["maintain"], [], ["maintain"]]


def test_what_was_asked_is_noted(at: At):
    """A run notes when it asked each source, and whether another try may fare better."""
    with open_vendor(rows) as vendor:
        workspace = at(vendor)
        result = sync(workspace)
    visit = workspace.store.visits.by_source()["acme", "probe"]
    assert (visit.visited_at, visit.outcome, visit.failures) == (result.started_at, "ok", 0)
    with open_vendor(refuse("UpstreamUnavailable")) as vendor:
        workspace = at(vendor)
        sync(workspace)
    visit = workspace.store.visits.by_source()["acme", "probe"]
    assert (visit.outcome, visit.failures, visit.transient) == ("failed", 1, True)


@pytest.mark.parametrize("scope", [Scope(offline=True), Scope(window=Window(DAY, DAY))])
def test_a_run_that_did_not_do_what_was_due_is_no_visit(at: At, scope: Scope):
    """An offline run, or one of chosen days, leaves every source as due as it was."""
    with open_vendor(rows) as vendor:
        workspace = at(vendor)
        sync(workspace, scope)
    assert workspace.store.visits.by_source() == {}


def test_a_run_that_is_asked_to_stop_ends_between_slices(at: At):
    """What was fetched is kept, the source stays due, and whoever waits runs itself."""
    workspace = at()

    def stop_then_answer(asked: Answer) -> Answer:
        if "since" in asked:
            workspace.stopping.set()
        return rows(asked)

    with open_vendor(stop_then_answer) as vendor:
        workspace = at(vendor)
        request = workspace.store.requests.file(Scope().to_json())
        result = sync(workspace)
        assert len([asked for asked in vendor.asked if "since" in asked]) == 1
    assert result.status is RunStatus.FAILED
    assert result.stages[-1].problems[0].code == "interrupted"
    assert workspace.store.visits.by_source() == {}
    assert workspace.store.requests.get(request).run_id is None
    workspace.stopping.clear()
    with open_vendor(rows) as vendor:
        again = sync(at(vendor))
    assert again.status is RunStatus.SUCCEEDED
    assert workspace.store.requests.get(request).run_id == again.run_id


def test_a_scheduled_flush_leaves_breakers_and_times_alone(at: At):
    """The daemon's flush spends no attempt on a sink that is left alone, or before its time."""
    workspace = at()
    seq = workspace.store.bus.append(TOPIC_CLEANED, header={"load_id": "l1", "request_ids": []})
    workspace.store.bus.acknowledge(TOPIC_CLEANED, "silver", seq)
    workspace.store.jobs.enqueue("silver", seq, None, SinkUnavailable("full"), scheduled_in=900)
    workspace.breaker("silver_breaker").open_for(900, "full")
    flush(workspace, ignore_schedule=False)
    assert [count.state for count in workspace.store.jobs.stats()] == ["retryable"]
    assert [status.state for status in workspace.store.breakers.list_all()] == ["open"]


def test_maintenance_by_itself_tells_what_it_gave_back(at: At):
    """A round without a sync is a run of its own, with sizes before and after."""
    workspace = at()
    detail = run_maintenance(workspace)
    assert detail["wal_emptied"]
    assert detail["before"]["wal_bytes"] > 0
    assert detail["after"]["wal_bytes"] < detail["before"]["wal_bytes"]
    assert last_run(workspace) == ("maintain", RunStatus.SUCCEEDED)
    assert not maintenance_due(workspace)


@pytest.mark.parametrize(
    ("hours", "due"), [(0, False), (23, False), (24, True), (-1, False), (-24, True)]
)
def test_maintenance_is_due_once_a_day(at: At, clock: FakeClock, *, hours: int, due: bool):
    """A clock that was set back by an hour is no reason, one that was wrong by days is."""
    run_maintenance(at())
    clock.advance(hours * 3600)
    assert maintenance_due(at()) is due


def test_what_a_dead_process_spilled_is_cleared(at: At, clock: FakeClock):
    """Files that DuckDB left in the scratch folder go once nobody can need them any more."""
    workspace = at()
    old, new = (workspace.home.scratch / name for name in ("old.tmp", "new.tmp"))
    for path, hours in ((old, 25), (new, 1)):
        path.write_bytes(b"x")
        at_time = clock.now().timestamp() - hours * 3600
        os.utime(path, (at_time, at_time))
    assert run_maintenance(workspace)["spilled_files"] == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_ctrl_c_ends_the_fetching_between_slices(at: At):
    """Whoever presses Ctrl-C does not wait for the whole history of every source."""
    workspace = at()

    def interrupt_then_answer(asked: Answer) -> Answer:
        if "since" in asked:
            _thread.interrupt_main()
            assert workspace.stopping.wait(10)
        return rows(asked)

    with open_vendor(interrupt_then_answer) as vendor:
        workspace = at(vendor)
        with pytest.raises(KeyboardInterrupt):
            sync(workspace)
        assert len([asked for asked in vendor.asked if "since" in asked]) == 1


def test_a_run_that_has_built_gold_is_a_good_one(at: At):
    """Asked to stop in its last step, it leaves maintenance to the next and ends well."""
    workspace = at()

    def stop(stage: str) -> None:
        if stage == "gold":
            workspace.stopping.set()

    result = sync(workspace, Scope(offline=True), Ears(stop))
    assert result.status is RunStatus.SUCCEEDED
    assert "maintain" not in stages(result)


def test_an_empty_folder_takes_nothing(tmp_path: Path):
    """Sizes are told of a home in which nothing was ever made, too."""
    assert set(dataclasses.asdict(measure(Home(tmp_path))).values()) == {0}
