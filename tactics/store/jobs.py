"""The retry queue and the dead letters: a failed write is a row until it has succeeded.

The waiting survives a restart, because it is a column. Runs nothing itself.
"""

import datetime as dt
import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tactics.clock import Clock
from tactics.errors import NotFoundError, TacticsError, TransientError
from tactics.model import StreamKey, Window
from tactics.sql import load_statements
from tactics.store.codec import (
    Packed,
    from_instant,
    from_key_columns,
    from_optional_instant,
    key_parameters,
    pack,
    to_instant,
    unpack,
)
from tactics.store.database import Database, Row

LEASE_SECONDS = 600.0  # longer than the longest batch: a lease lost in time means work done twice
MAX_BACKOFF_SECONDS = 3600.0
JITTER = 0.25
TEXT_LIMIT = 2000
HISTORY = 20  # failures that a dead letter remembers when it fails at every sync

_SQL = load_statements("tactics.store", "jobs.sql")


class JobState(StrEnum):
    """Where a job stands; `discarded` is a dead letter."""

    AVAILABLE = "available"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    RETRYABLE = "retryable"
    COMPLETED = "completed"
    DISCARDED = "discarded"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """One write that failed.

    `attempt` counts the failed tries, the first one included; when it reaches `max_attempts` the
    job is discarded. `errors` is their history, oldest first. `payload` is None in listings;
    `edited_at` says since when it is what a person made of it.
    """

    job_id: int
    stage: str
    state: JobState
    event_seq: int | None
    key: StreamKey | None
    window: Window | None
    attempt: int
    max_attempts: int
    error_type: str
    error_message: str
    error_hint: str
    transient: bool
    errors: tuple[dict[str, Any], ...]
    created_at: dt.datetime
    scheduled_at: dt.datetime
    attempted_at: dt.datetime | None
    finalized_at: dt.datetime | None
    edited_at: dt.datetime | None
    payload_bytes: int
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which dead letters are meant; None or nothing does not restrict."""

    orgs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    error_types: tuple[str, ...] = ()
    stage: str | None = None
    transient: bool | None = None
    since: dt.datetime | None = None
    limit: int = 100

    def parameters(self) -> dict[str, object]:
        """Return what the statements that list dead letters ask for."""
        return {
            "orgs": json.dumps(self.orgs) if self.orgs else None,
            "sources": json.dumps(self.sources) if self.sources else None,
            "error_types": json.dumps(self.error_types) if self.error_types else None,
            "stage": self.stage,
            "transient": self.transient,
            "since": None if self.since is None else to_instant(self.since),
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class JobCount:
    """How many jobs of a stage are in a state, when the oldest came and the first is due."""

    stage: str
    state: JobState
    jobs: int
    oldest_created_at: dt.datetime
    next_scheduled_at: dt.datetime


def backoff_seconds(failures: int, jitter: float) -> float:
    """Return the wait after the n-th failure: 1 s, 2 s, 4 s, …, up to a quarter longer.

    `jitter` is from 0 to 1. It only lengthens: the wait is a promise to whoever is overloaded.
    """
    assert failures >= 1, failures
    return float(min(2.0 ** (failures - 1), MAX_BACKOFF_SECONDS) * (1 + JITTER * jitter))


class Jobs:
    """The jobs of all stages. Every change of state is one statement."""

    def __init__(
        self, database: Database, clock: Clock, *, max_retries: int, rng: random.Random
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_attempts = max_retries + 1
        self._rng = rng

    def enqueue(
        self,
        stage: str,
        event_seq: int | None,
        key: StreamKey | None,
        error: TacticsError,
        *,
        payload: bytes | Packed | None = None,
        window: Window | None = None,
        scheduled_in: float = 1.0,
        jitter: float | None = None,
    ) -> int:
        """Put a failed write into the queue and return its job_id; due in about `scheduled_in`."""
        jitter = self.draw_jitter() if jitter is None else jitter
        delay = max(scheduled_in * (1 + JITTER * jitter), _server_wait(error))
        place = {"event_seq": event_seq, **_place(key, window)}
        return self._add(
            stage, JobState.RETRYABLE, error, delay=delay, payload=payload, place=place
        )

    def draw_jitter(self) -> float:
        """Return a jitter, from 0 to 1, for writes that failed together.

        They are then due together, and taken in their order: neighbours in the log stay neighbours in
        the files of the lake.
        """
        return self._rng.random()

    def discard_now(
        self,
        stage: str,
        key: StreamKey | None,
        error: TacticsError,
        *,
        payload: bytes | Packed | None = None,
        event_seq: int | None = None,
        window: Window | None = None,
    ) -> int:
        """Make a dead letter of what can never succeed; return its job_id.

        A slice that fails as it did before stays one dead letter, which counts its failures.
        """
        place = {"event_seq": event_seq, **_place(key, window)}
        state = JobState.DISCARDED
        return self._add(stage, state, error, delay=0.0, payload=payload, place=place)

    def claim_due(
        self,
        stage: str,
        limit: int,
        *,
        ignore_schedule: bool = False,
        edited_only: bool = False,
    ) -> list[Job]:
        """Take up to `limit` due jobs of a stage under a lease, longest waiting first.

        Jobs whose worker lost its lease are put back first, with one more failed try counted.
        """
        now = self._clock.now()
        parameters = {
            "stage": stage,
            "limit": limit,
            "ignore_schedule": ignore_schedule,
            "edited_only": edited_only,
            "now": to_instant(now),
            "leased_until": to_instant(now + dt.timedelta(seconds=LEASE_SECONDS)),
        }
        with self._database.transaction():
            self._rescue(everything=False)
            rows = self._database.write(_SQL["claim_jobs"], parameters)
        return sorted(map(to_job, rows), key=lambda job: (job.scheduled_at, job.job_id))

    def abandon_running(self) -> int:
        """Put back what a dead process had claimed, without waiting for its lease; return how many.

        Only for whoever holds the pipeline lock: nobody else can be working then.
        """
        return self._rescue(everything=True)

    def succeed(self, job_ids: Iterable[int]) -> int:
        """Finalize jobs whose write is done; return how many."""
        return self._change("succeed_jobs", job_ids)

    def fail(self, job_id: int, error: TacticsError, *, jitter: float | None = None) -> bool:
        """Count one more failed try of a running job; return whether it became a dead letter.

        A transient error waits 1 s, 2 s, 4 s, …, never less than `retry_after_seconds`; after the
        last retry, or at once for any other error, the job is a dead letter.
        """
        now = self._clock.now()
        jitter = self.draw_jitter() if jitter is None else jitter
        waits = (backoff_seconds(n, jitter) for n in range(1, self._max_attempts + 1))
        at_least = _server_wait(error)
        due = [to_instant(now + dt.timedelta(seconds=max(wait, at_least))) for wait in waits]
        rows = self._database.write(
            _SQL["fail_job"],
            {"job_id": job_id, "now": to_instant(now), "due": json.dumps(due), **_blame(error)},
        )
        return rows == [(JobState.DISCARDED,)]

    def release(self, job_ids: Iterable[int], *, delay_seconds: float = 0.0) -> int:
        """Give claimed jobs back untried (the sink's breaker is open): no attempt is spent."""
        due = self._clock.now() + dt.timedelta(seconds=delay_seconds)
        return self._change("release_jobs", job_ids, scheduled_at=to_instant(due))

    def redrive(self, job_ids: Iterable[int]) -> int:
        """Make dead letters due now, with a fresh set of tries; return how many."""
        return self._change("redrive_jobs", job_ids)

    def redrive_transient(self, stage: str | None = None) -> int:
        """Make the dead letters due whose cause was transient (the sink has healed)."""
        parameters = {"stage": stage, "now": to_instant(self._clock.now())}
        return len(self._database.write(_SQL["redrive_transient"], parameters))

    def complete_for_slice(self, key: StreamKey, window: Window, *, snapshot: bool = False) -> int:
        """Complete the ingest jobs that a good fetch of `window` has healed; return how many.

        Called after `Fetches.complete`, it also finds windows that were cut differently then.
        """
        parameters = {
            **_place(key, window),
            "snapshot": snapshot,
            "now": to_instant(self._clock.now()),
        }
        return len(self._database.write(_SQL["heal_slices"], parameters))

    def get(self, job_id: int) -> Job:
        """Return one job with its payload.

        Raises:
            NotFoundError: there is no such job.
        """
        row = self._database.read_one(_SQL["get_job"], {"job_id": job_id})
        if row is None:
            raise NotFoundError("no such job", hint="see `tactics dlq list`", job_id=job_id)
        return to_job(row)

    def list_dead(self, wanted: DeadLetterFilter | None = None) -> list[Job]:
        """Return dead letters, newest first, without their payloads."""
        wanted = wanted or DeadLetterFilter()
        return [to_job(row) for row in self._database.read(_SQL["list_dead"], wanted.parameters())]

    def stats(self) -> list[JobCount]:
        """Return how many jobs stand where; ages follow from the instants."""
        return [
            JobCount(stage, JobState(state), jobs, from_instant(oldest), from_instant(due))
            for stage, state, jobs, oldest, due in self._database.read(_SQL["count_jobs"])
        ]

    def prune(self, history_days: int) -> int:
        """Forget jobs completed or cancelled longer ago than that; return how many."""
        before = to_instant(self._clock.now() - dt.timedelta(days=history_days))
        return len(self._database.write(_SQL["prune_jobs"], {"before": before}))

    def _add(
        self,
        stage: str,
        state: JobState,
        error: TacticsError,
        *,
        delay: float,
        payload: bytes | Packed | None,
        place: Mapping[str, object],
    ) -> int:
        now = self._clock.now()
        data, size_bytes = pack(payload)
        parameters = {
            "stage": stage,
            "state": state.value,
            "max_attempts": self._max_attempts,
            "now": to_instant(now),
            "scheduled_at": to_instant(now + dt.timedelta(seconds=delay)),
            "payload_bytes": size_bytes,
            "payload": data,
            **_blame(error),
            **place,
        }
        with self._database.transaction():
            rows = self._fail_again(state, parameters) or self._database.write(
                _SQL["add_job"], parameters
            )
        return int(rows[0][0])

    def _fail_again(self, state: JobState, parameters: Mapping[str, object]) -> list[Row]:
        """Return the dead letter that says already what failed now, if there is one."""
        if state is not JobState.DISCARDED or parameters["window_start"] is None:
            return []
        again = {**parameters, "history": HISTORY}
        return self._database.write(_SQL["discard_again"], again)

    def _rescue(self, *, everything: bool) -> int:
        parameters = {"all": everything, "now": to_instant(self._clock.now())}
        return len(self._database.write(_SQL["rescue_jobs"], parameters))

    def _change(self, statement: str, job_ids: Iterable[int], **more: str) -> int:
        now = to_instant(self._clock.now())
        parameters = {"job_ids": json.dumps(list(job_ids)), "now": now, **more}
        return len(self._database.write(_SQL[statement], parameters))


def _server_wait(error: TacticsError) -> float:
    return (error.retry_after_seconds or 0.0) if isinstance(error, TransientError) else 0.0


def _blame(error: TacticsError) -> dict[str, object]:
    return {
        "error_type": error.code,
        "error_message": str(error)[:TEXT_LIMIT],
        "error_hint": error.hint[:TEXT_LIMIT],
        "transient": isinstance(error, TransientError),
    }


def _place(key: StreamKey | None, window: Window | None) -> dict[str, str | None]:
    return {
        **key_parameters(key),
        "window_start": None if window is None else window.start.isoformat(),
        "window_end": None if window is None else window.end.isoformat(),
    }


def to_job(row: Row) -> Job:
    """Return the job of its columns."""
    job_id, stage, state, event_seq, *more = row
    org_id, source, account_id, stream, start, end, *more = more
    attempt, max_attempts, error_type, message, hint, transient, errors, *more = more
    created_at, scheduled_at, attempted_at, finalized_at, edited_at, payload_bytes, payload = more
    return Job(
        job_id=job_id,
        stage=stage,
        state=JobState(state),
        event_seq=event_seq,
        key=from_key_columns(org_id, source, account_id, stream),
        window=_to_window(start, end),
        attempt=attempt,
        max_attempts=max_attempts,
        error_type=error_type,
        error_message=message,
        error_hint=hint,
        transient=bool(transient),
        errors=tuple(json.loads(errors)),
        created_at=from_instant(created_at),
        scheduled_at=from_instant(scheduled_at),
        attempted_at=from_optional_instant(attempted_at),
        finalized_at=from_optional_instant(finalized_at),
        edited_at=from_optional_instant(edited_at),
        payload_bytes=payload_bytes,
        payload=unpack(payload, payload_bytes),
    )


def _to_window(start: str | None, end: str | None) -> Window | None:
    if start is None or end is None:
        return None
    return Window(dt.date.fromisoformat(start), dt.date.fromisoformat(end))
