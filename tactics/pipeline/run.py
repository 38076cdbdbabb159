"""The whole flow on one page: fetch, bronze, silver, validate, gold; and who may run it.

Only the holder of the commit lock writes lake and gold; a second `sync` follows the first.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tactics.analytics import Latency
from tactics.errors import IntegrityError, Interrupted, TacticsError
from tactics.guard import GuardReport
from tactics.model import Receipt, RunStatus
from tactics.pipeline.alert import tell
from tactics.pipeline.bronze import bronze_stage
from tactics.pipeline.check import check_silver
from tactics.pipeline.cost import cpu_seconds, measure_latency, record_run
from tactics.pipeline.delivery import Delivery, sink_breaker
from tactics.pipeline.freshness import read_freshness
from tactics.pipeline.gold import build_gold, gold_stage
from tactics.pipeline.ingest import start_ingest
from tactics.pipeline.lock import CommitLock, commit_lock
from tactics.pipeline.maintain import STAGE, maintain_if_due, tidy
from tactics.pipeline.mend import replay_mended
from tactics.pipeline.result import (
    Outcome,
    PipelineResult,
    Problem,
    SourceOutcome,
    StageReport,
    decide_status,
)
from tactics.pipeline.scope import Progress, Scope, Silent
from tactics.pipeline.silver import silver_stage
from tactics.pipeline.visits import note_visits
from tactics.pipeline.workspace import Workspace

FOLLOW_SECONDS = 0.2
SINKS = ("bronze", "silver", "gold")


def sync(
    workspace: Workspace, scope: Scope | None = None, progress: Progress | None = None
) -> PipelineResult:
    """Bring everything up to date, or follow the process that is doing so.

    Raises:
        NotFoundError: the scope names an org or source that is not configured.
    """
    scope, progress = scope or Scope(), progress or Silent()
    list(scope.chosen(workspace.settings))
    with CommitLock(workspace.home.lock) as lock:
        if not lock.try_acquire():
            followed = _follow(workspace, scope, progress, lock)
            if followed is not None:
                progress.done()
                return followed
        result = Run(workspace, scope, progress).execute()
        if not workspace.stopping.is_set():  # else a follower takes the lock and runs itself
            _serve_followers(workspace, scope, result, progress)
    progress.done()
    return result


def validate(workspace: Workspace) -> PipelineResult:
    """Run DataGuard over what is held, without fetching or building."""
    return Run(workspace, Scope(offline=True), Silent()).validate_only()


def flush(
    workspace: Workspace, *, ignore_schedule: bool = True, progress: Progress | None = None
) -> PipelineResult:
    """Retry what waits in the retry queue, redrive what can be, and carry it through to gold.

    Whoever asks by hand has mended something: sinks that were left alone are tried at once. The
    daemon keeps to the schedule and leaves breakers as they are.
    """
    with commit_lock(workspace.home.lock, workspace.clock):
        if ignore_schedule:
            for stage in SINKS:
                workspace.store.breakers.reset(sink_breaker(stage))
        run = Run(workspace, Scope(offline=True), progress or Silent(), command="flush")
        run.ignore_schedule = ignore_schedule
        return run.execute()


def run_maintenance(workspace: Workspace) -> dict[str, Any]:
    """Do a round of maintenance now, whenever the last one was; return its report.

    Raises:
        TacticsError: it could not be done; the run is recorded as failed.
    """
    runs = workspace.store.runs
    with commit_lock(workspace.home.lock, workspace.clock):
        run_id = runs.start(STAGE, Scope(offline=True).to_json())
        status = RunStatus.FAILED
        try:
            tidy(workspace, run_id)
            status = RunStatus.SUCCEEDED
        finally:
            runs.finish(run_id, status, {})
    return runs.get(run_id).stages[0].detail


class Run:
    """One pass through the pipeline, and the record of it."""

    def __init__(
        self, workspace: Workspace, scope: Scope, progress: Progress, *, command: str = "sync"
    ) -> None:
        self.workspace = workspace
        self.scope = scope
        self.progress = progress
        self.command = command
        self.ignore_schedule = False
        self.started_at = workspace.clock.now()
        self.cpu_before = cpu_seconds()
        self.latency: tuple[Latency, ...] = ()
        self.run_id = ""
        self.receipts: list[Receipt] = []
        self.stages: list[StageReport] = []
        self.sources: tuple[SourceOutcome, ...] = ()
        self.guard: GuardReport | None = None

    def execute(self) -> PipelineResult:
        """Do all steps and record the result, also when one of them fails.

        Raises:
            IntegrityError: our own state is broken; the run is recorded as failed.
        """
        store = self.workspace.store
        self.run_id = store.runs.start(self.command, self.scope.to_json())
        store.runs.abandon_running(except_run_id=self.run_id)
        store.jobs.abandon_running()
        store.fetches.abandon_running()
        try:
            self._steps()
        except IntegrityError as error:
            self._record(RunStatus.FAILED, (Problem.of(error),))
            raise
        except TacticsError as error:
            self.stages.append(StageReport("pipeline", problems=(Problem.of(error),)))
        except (
            BaseException
        ) as error:  # Ctrl-C, or our own fault: it goes on up, but not unrecorded
            problem = Problem("interrupted", type(error).__name__)
            self._record(RunStatus.FAILED, (problem,))
            raise
        halted = bool(self.guard and self.guard.halted_orgs)
        status = decide_status(self.sources, tuple(self.stages), halted=halted)
        return tell(self.workspace, self._record(status))

    def validate_only(self) -> PipelineResult:
        """Record what DataGuard finds.

        Raises:
            TacticsError: the checks cannot be run; the run is recorded as failed.
        """
        self.run_id = self.workspace.store.runs.start("validate", self.scope.to_json())
        try:
            self.guard = check_silver(self.workspace)
        except TacticsError as error:
            self.stages.append(StageReport("validate", problems=(Problem.of(error),)))
            self._record(RunStatus.FAILED)
            raise
        halted = bool(self.guard.halted_orgs)
        return self._record(decide_status((), (), halted=halted))

    def _steps(self) -> None:
        for step in (self._fetch_into_bronze, self._silver, self._validate, self._gold):
            self._leave_if_asked()
            step()
        self.latency = measure_latency(self.workspace.store)  # before maintenance prunes the log
        if not self.workspace.stopping.is_set():
            self.stages += maintain_if_due(self.workspace, self.run_id)

    def _leave_if_asked(self) -> None:
        """End between two steps: all that is done is durable, the next run goes on from here.

        Raises:
            Interrupted: somebody wants this process to stop.
        """
        if self.workspace.stopping.is_set():
            raise Interrupted("the run was asked to stop", hint="the next one goes on from here")

    def _fetch_into_bronze(self) -> None:
        """Fetch and, while pages arrive, carry them on to bronze."""
        self.stages += replay_mended(self.workspace, ignore_schedule=self.ignore_schedule)
        bronze = bronze_stage(self.workspace)
        self.progress.stage("bronze")
        bronze.retry(ignore_schedule=self.ignore_schedule)
        if self.scope.offline:
            self.sources = self._offline()
            bronze.drain()
        else:
            self._fetch_beside(bronze)
        self._close(bronze)

    def _fetch_beside(self, bronze: Delivery) -> None:
        count = len(list(self.scope.chosen(self.workspace.settings)))
        with ThreadPoolExecutor(max(count, 1), thread_name_prefix="fetch") as pool:
            ingest = start_ingest(self.workspace, self.scope, self.progress, pool)
            try:
                while ingest.running():
                    ingest.wait(1.0)
                    bronze.drain_full()
            except BaseException:  # Ctrl-C too: the pool waits for its threads, so they must end
                self.workspace.stopping.set()
                raise
            self._leave_if_asked()
            self.sources = ingest.outcomes()
        bronze.drain()

    def _offline(self) -> tuple[SourceOutcome, ...]:
        chosen = self.scope.chosen(self.workspace.settings)
        return tuple(SourceOutcome(one.org_id, one.source, Outcome.OFFLINE) for one in chosen)

    def _silver(self) -> None:
        self.progress.stage("silver")
        silver = silver_stage(self.workspace, self.receipts)
        silver.retry(ignore_schedule=self.ignore_schedule)
        silver.drain()
        self._close(silver)

    def _validate(self) -> None:
        self.progress.stage("validate")
        started = self.workspace.clock.monotonic()
        self.guard = check_silver(self.workspace)
        seconds = round(self.workspace.clock.monotonic() - started, 3)
        self.stages.append(StageReport("validate", self.guard.checks_run, seconds))

    def _gold(self) -> None:
        self.progress.stage("gold")
        held_back = self.guard.halted_orgs if self.guard else frozenset()
        gold = gold_stage(self.workspace, held_back)
        gold.retry(ignore_schedule=self.ignore_schedule)
        build_gold(gold, held_back)
        self._close(gold)

    def _close(self, delivery: Delivery) -> None:
        report = delivery.report()
        self.stages.append(report)
        self.workspace.store.runs.stage(
            self.run_id,
            report.name,
            rows=report.rows,
            seconds=report.seconds,
            detail={"queued": report.queued, "dead_lettered": report.dead_lettered},
        )

    def _record(self, status: RunStatus, problems: tuple[Problem, ...] = ()) -> PipelineResult:
        freshness = read_freshness(self.workspace)
        result = PipelineResult(
            run_id=self.run_id,
            status=status,
            started_at=self.started_at,
            finished_at=self.workspace.clock.now(),
            sources=self.sources,
            stages=(*self.stages, *(StageReport("integrity", problems=(p,)) for p in problems)),
            receipts=tuple(self.receipts),
            freshness=freshness,
            guard=self.guard.to_json() if self.guard else {},
            warnings=tuple(dict.fromkeys(w for source in self.sources for w in source.warnings)),
            stale=any(
                source.outcome in {Outcome.FAILED, Outcome.OFFLINE} for source in self.sources
            ),
            latency=self.latency,
            cpu_seconds=round(cpu_seconds() - self.cpu_before, 3),
        )
        with self.workspace.store.transaction():
            note_visits(self.workspace, self.scope, self.sources, self.started_at)
            self.workspace.store.runs.finish(self.run_id, status, result.to_json())
            record_run(self.workspace.store, result)
        return result


def _follow(
    workspace: Workspace, scope: Scope, progress: Progress, lock: CommitLock
) -> PipelineResult | None:
    """File a request and wait for the run that serves it; None if the other process died."""
    store = workspace.store
    request_id = store.requests.file(scope.to_json())
    progress.stage(f"following process {lock.holder()}")
    while True:
        workspace.clock.sleep(FOLLOW_SECONDS)
        free = lock.try_acquire()
        if served_by := store.requests.get(request_id).run_id:
            lock.release()
            return _result_of(workspace, served_by)
        if free:
            return None


def _result_of(workspace: Workspace, run_id: str) -> PipelineResult:
    run = workspace.store.runs.get(run_id)
    result = run.result or {}
    return PipelineResult(
        run_id=run_id,
        status=run.status,
        started_at=run.created_at,
        finished_at=run.finalized_at or workspace.clock.now(),
        sources=tuple(_source_from(data) for data in result.get("sources", ())),
        guard=result.get("guard", {}),
        freshness=read_freshness(workspace),
        stale=bool(result.get("stale")),
        followed=run_id,
    )


def _source_from(data: dict[str, object]) -> SourceOutcome:
    fields = dict(data)
    fields["outcome"] = Outcome(str(fields["outcome"]))
    fields["problems"] = tuple(Problem(**item) for item in fields["problems"])  # type: ignore[attr-defined]
    fields["warnings"] = tuple(fields["warnings"])  # type: ignore[arg-type]
    return SourceOutcome(**fields)  # type: ignore[arg-type]


def _serve_followers(
    workspace: Workspace, scope: Scope, result: PipelineResult, progress: Progress
) -> None:
    """Answer the requests that came in meanwhile; run again for what this run did not cover."""
    store = workspace.store
    while pending := store.requests.pending():
        served = [r.sync_request_id for r in pending if scope.covers(Scope.from_json(r.scope))]
        if served:
            store.requests.serve(served, result.run_id)
            continue
        scope = Scope.from_json(pending[0].scope)
        result = Run(workspace, scope, progress).execute()
