"""What a run leaves behind: one value that the CLI prints, the store keeps and a test compares.

Decides the status of a run from what happened; does nothing itself.
"""

import datetime as dt
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tactics.analytics import Latency
from tactics.errors import ConfigError, TacticsError
from tactics.model import Receipt, RunStatus

EXIT_CODES = {
    RunStatus.SUCCEEDED: 0,
    RunStatus.FAILED: 1,
    RunStatus.HALTED: 5,
    RunStatus.DEGRADED: 6,
}


class Outcome(StrEnum):
    """How one source fared in a run."""

    OK = "ok"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    OFFLINE = "offline"  # not asked, because the run was told to stay offline


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as people and programs read it."""

    code: str
    message: str
    hint: str = ""
    account_id: str = ""
    stream: str = ""

    @classmethod
    def of(cls, error: TacticsError, *, account_id: str = "", stream: str = "") -> "Problem":
        """Return the problem that `error` describes."""
        return cls(error.code, str(error), error.hint, account_id, stream)


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """What one source brought, and what went wrong with it."""

    org_id: str
    source: str
    outcome: Outcome
    slices: int = 0
    pages: int = 0
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageReport:
    """What one stage moved: `rows` in its own unit (pages, rows, tables), wall seconds."""

    name: str
    rows: int = 0
    seconds: float = 0.0
    queued: int = 0
    dead_lettered: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the held data of one stream is (`age_seconds` since the last good fetch)."""

    org_id: str
    source: str
    account_id: str
    stream: str
    newest_day: dt.date
    fetched_at: dt.datetime
    age_seconds: float
    finality: str


@dataclass(frozen=True, slots=True)
class PipelineResult:
    """One run, whole.

    Exit code: 0 succeeded, 1 failed (2 where the operator's files are to blame), 5 halted,
    6 degraded.
    """

    run_id: str
    status: RunStatus
    started_at: dt.datetime
    finished_at: dt.datetime
    sources: tuple[SourceOutcome, ...] = ()
    stages: tuple[StageReport, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    freshness: tuple[Freshness, ...] = ()
    guard: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    stale: bool = False
    followed: str | None = None
    latency: tuple[Latency, ...] = ()  # of what was published by this run
    cpu_seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """Return what the process should exit with."""
        codes = {problem.code for stage in self.stages for problem in stage.problems}
        if self.status is RunStatus.FAILED and ConfigError.code in codes:
            return ConfigError.exit_code
        return EXIT_CODES.get(self.status, 1)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON-able values (instants ISO 8601, UTC)."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 - it walks any JSON-able tree
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)


def decide_status(
    sources: tuple[SourceOutcome, ...], stages: tuple[StageReport, ...], *, halted: bool
) -> RunStatus:
    """Return the run's status: halted by DataGuard > failed to write > a source failed > good."""
    if halted:
        return RunStatus.HALTED
    if any(stage.problems for stage in stages):
        return RunStatus.FAILED
    if any(source.outcome is Outcome.FAILED for source in sources):
        return RunStatus.DEGRADED
    return RunStatus.SUCCEEDED
