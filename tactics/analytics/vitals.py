"""What was found at one instant, before anybody judges it: the input of `assess` and `render`.

Plain values. Who gathers them is the pipeline.
"""

import datetime as dt
from dataclasses import dataclass

from tactics.analytics.freshness import SourceAge
from tactics.analytics.latency import Latency
from tactics.model import RunStatus


@dataclass(frozen=True, slots=True)
class LastRun:
    """One run; `problem` is the first that its stages had, `cut_off` says that it was killed."""

    run_id: str
    command: str
    status: RunStatus
    began_at: dt.datetime
    ended_at: dt.datetime | None
    problem: str = ""
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class SourceTrouble:
    """What one source's last outcome said: the class of the error, its text, and what to do."""

    org_id: str
    source: str
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """The last DataGuard report, in numbers."""

    at: dt.datetime
    errors: int
    warnings: int
    halted_orgs: tuple[str, ...]
    first_error: str = ""


@dataclass(frozen=True, slots=True)
class CredentialAge:
    """A credential whose life is known, since when it is in use here (it is no younger), and its renewal."""

    org_id: str
    source: str
    name: str
    first_used_at: dt.datetime
    lives_days: int
    command: str


@dataclass(frozen=True, slots=True)
class OpenBreaker:
    """A breaker that is not closed; `until` is past once the next call may try."""

    name: str
    reason: str
    until: dt.datetime | None
    is_sink: bool


@dataclass(frozen=True, slots=True)
class StageQueue:
    """Jobs of one stage in the retry queue, and its dead letters."""

    stage: str
    waiting: int
    dead: int
    oldest_waiting_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class StageBacklog:
    """Events that a stage has yet to take from the log."""

    stage: str
    events: int
    oldest_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class QuotaState:
    """A connection's daily limit and what it takes of it."""

    org_id: str
    source: str
    limit: int
    used: int
    forecast: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """Everything that health is judged by."""

    now: dt.datetime
    last_run: LastRun | None = None  # the newest that has ended
    running: LastRun | None = None
    running_alive: bool = False  # somebody holds the commit lock
    sources: tuple[SourceAge, ...] = ()
    troubles: tuple[SourceTrouble, ...] = ()
    unreadable: tuple[SourceTrouble, ...] = ()  # sources whose configuration is refused
    guard: GuardVerdict | None = None
    credentials: tuple[CredentialAge, ...] = ()
    breakers: tuple[OpenBreaker, ...] = ()
    queues: tuple[StageQueue, ...] = ()
    backlog: tuple[StageBacklog, ...] = ()
    last_dead: str = ""  # error type of the newest dead letter
    latencies: tuple[Latency, ...] = ()
    quotas: tuple[QuotaState, ...] = ()
    disk_free_bytes: int = 0
    disk_total_bytes: int = 0
    wal_bytes: int = 0
    store_bytes: int = 0
    newest_at: dt.datetime | None = None  # the latest instant that the store has seen
    heartbeat_at: dt.datetime | None = None  # None: no daemon has ever run here
