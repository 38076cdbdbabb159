"""Runs of the pipeline, what their stages did, and what a second `tactics sync` asks of the first.

Holds what it is told; judges nothing.
"""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tactics.clock import Clock
from tactics.errors import NotFoundError
from tactics.model import RunStatus
from tactics.sql import load_statements
from tactics.store.codec import from_instant, from_optional_instant, to_instant
from tactics.store.database import Database, Row

Facts: TypeAlias = Mapping[str, Any]

_SQL = load_statements("tactics.store", "runs.sql")


@dataclass(frozen=True, slots=True)
class RunStage:
    """What one stage of a run did."""

    stage: str
    rows: int
    seconds: float
    detail: dict[str, Any]
    recorded_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One run; `result` is its pipeline_result, None while it is running or when it was killed."""

    run_id: str
    command: str
    scope: dict[str, Any]
    status: RunStatus
    result: dict[str, Any] | None
    created_at: dt.datetime
    finalized_at: dt.datetime | None
    stages: tuple[RunStage, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What a second `tactics sync` asked for; `run_id` is the run that served it."""

    sync_request_id: int
    scope: dict[str, Any]
    created_at: dt.datetime
    run_id: str | None
    served_at: dt.datetime | None


class Runs:
    """The history of runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start(self, command: str, scope: Facts) -> str:
        """Record that a run begins and return its run_id, which sorts by time."""
        now = self._clock.now()
        run_id = f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        parameters = {"run_id": run_id, "command": command, "scope": json.dumps(scope)}
        self._database.write(_SQL["start_run"], {**parameters, "now": to_instant(now)})
        return run_id

    def stage(
        self, run_id: str, stage: str, *, rows: int, seconds: float, detail: Facts | None = None
    ) -> None:
        """Record what a stage did; rows and seconds of several rounds add up."""
        parameters = {
            "run_id": run_id,
            "stage": stage,
            "rows": rows,
            "seconds": seconds,
            "detail": json.dumps(detail or {}),
            "now": to_instant(self._clock.now()),
        }
        self._database.write(_SQL["record_stage"], parameters)

    def finish(self, run_id: str, status: RunStatus, result: Facts) -> None:
        """Record how a run ended; a run that has ended stays as it is."""
        assert status is not RunStatus.RUNNING
        parameters = {"run_id": run_id, "status": status.value, "result": json.dumps(result)}
        now = to_instant(self._clock.now())
        self._database.write(_SQL["finish_run"], {**parameters, "now": now})

    def abandon_running(self, *, except_run_id: str = "") -> int:
        """Fail what a dead process left running; return how many.

        Only for whoever holds the pipeline lock; `except_run_id` is its own run.
        """
        parameters = {"now": to_instant(self._clock.now()), "except": except_run_id}
        return len(self._database.write(_SQL["abandon_runs"], parameters))

    def get(self, run_id: str) -> Run:
        """Return one run with its stages.

        Raises:
            NotFoundError: there is no such run.
        """
        row = self._database.read_one(_SQL["get_run"], {"run_id": run_id})
        if row is None:
            raise NotFoundError("no such run", hint="see `tactics runs list`", run_id=run_id)
        stages = self._database.read(_SQL["list_stages"], {"run_id": run_id})
        return _to_run(row, tuple(_to_stage(stage) for stage in stages))

    def list_runs(self, limit: int, *, statuses: Iterable[RunStatus] | None = None) -> list[Run]:
        """Return the newest runs, without their stages."""
        wanted = None if statuses is None else json.dumps([status.value for status in statuses])
        rows = self._database.read(_SQL["list_runs"], {"limit": limit, "statuses": wanted})
        return [_to_run(row) for row in rows]

    def latest(self, statuses: Iterable[RunStatus] | None = None) -> Run | None:
        """Return the newest run with one of `statuses`, without its stages."""
        return next(iter(self.list_runs(1, statuses=statuses)), None)

    def last_stage_at(self, stage: str) -> dt.datetime | None:
        """Return when any run last did `stage`, or None."""
        (text,) = self._database.read(_SQL["last_stage"], {"stage": stage})[0]
        return None if text is None else from_instant(text)

    def prune(self, history_days: int) -> int:
        """Forget runs that ended longer ago than that; return how many."""
        before = to_instant(self._clock.now() - dt.timedelta(days=history_days))
        return len(self._database.write(_SQL["prune_runs"], {"before": before}))


class SyncRequests:
    """Requests of those who found the pipeline lock taken."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def file(self, scope: Facts) -> int:
        """Ask whoever is syncing to do this too; return the number to follow."""
        parameters = {"scope": json.dumps(scope), "now": to_instant(self._clock.now())}
        return int(self._database.write(_SQL["file_request"], parameters)[0][0])

    def pending(self) -> list[SyncRequest]:
        """Return what nobody has served yet, oldest first."""
        return [_to_request(row) for row in self._database.read(_SQL["list_pending"])]

    def serve(self, sync_request_ids: Iterable[int], run_id: str) -> int:
        """Say that `run_id` did what these asked for; return how many were still waiting."""
        parameters = {
            "sync_request_ids": json.dumps(list(sync_request_ids)),
            "run_id": run_id,
            "now": to_instant(self._clock.now()),
        }
        return len(self._database.write(_SQL["serve_requests"], parameters))

    def get(self, sync_request_id: int) -> SyncRequest:
        """Return one request.

        Raises:
            NotFoundError: there is no such request.
        """
        parameters = {"sync_request_id": sync_request_id}
        row = self._database.read_one(_SQL["get_request"], parameters)
        if row is None:
            raise NotFoundError("no such sync request", sync_request_id=sync_request_id)
        return _to_request(row)


def _to_stage(row: Row) -> RunStage:
    stage, rows, seconds, detail, recorded_at = row
    return RunStage(stage, rows, seconds, json.loads(detail), from_instant(recorded_at))


def _to_run(row: Row, stages: tuple[RunStage, ...] = ()) -> Run:
    run_id, command, scope, status, result, created_at, finalized_at = row
    return Run(
        run_id,
        command,
        json.loads(scope),
        RunStatus(status),
        None if result is None else json.loads(result),
        created_at=from_instant(created_at),
        finalized_at=from_optional_instant(finalized_at),
        stages=stages,
    )


def _to_request(row: Row) -> SyncRequest:
    sync_request_id, scope, created_at, run_id, served_at = row
    return SyncRequest(
        sync_request_id,
        json.loads(scope),
        from_instant(created_at),
        run_id,
        from_optional_instant(served_at),
    )
