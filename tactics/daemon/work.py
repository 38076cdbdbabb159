"""The heavy work of the daemon: a run of the pipeline, done by whoever can.

`perform` does it in this process; `child.py` has a process of its own do it, so that the engines'
memory goes with it, and a run that hangs can be ended. Decides nothing about when.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from tactics.errors import Interrupted
from tactics.pipeline import PipelineResult, Progress, Scope, Workspace

Beat: TypeAlias = Callable[[str], None]  # says in a few words what has just been achieved


class Verb(StrEnum):
    """What can be asked of the pipeline."""

    SYNC = "sync"
    FLUSH = "flush"
    MAINTAIN = "maintain"


@dataclass(frozen=True, slots=True)
class Job:
    """One run that is to be done."""

    verb: Verb
    scope: Scope = field(default_factory=Scope)

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON-able values."""
        return {"verb": self.verb.value, "scope": self.scope.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Job":
        """Return the job that `to_json` wrote."""
        return cls(Verb(data["verb"]), Scope.from_json(data["scope"]))


class Ending(StrEnum):
    """How a job ended beside the states of a run."""

    DONE = "done"  # a round of maintenance
    STOPPED = "stopped"  # it was asked to
    BUSY = "busy"  # somebody else holds the lock
    REFUSED = "refused"  # it could not even begin: configuration, disk
    STALLED = "stalled"  # no progress: it was killed
    CRASHED = "crashed"  # our fault, or the machine's


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job: `outcome` is an `Ending` or the state of the run."""

    outcome: str
    run_id: str = ""
    exit_code: int = 0
    message: str = ""
    hint: str = ""


class Worker(Protocol):
    """Does jobs, one at a time; safe to share between threads.

    `run` returns when the job has ended, however it did, and calls `beat` as it gets on.

    Raises IntegrityError when our own state is broken: the daemon has to stop.
    """

    @property
    def busy(self) -> bool:
        """Return whether a job is being done."""
        ...

    def run(self, job: Job, beat: Beat) -> Done:
        """Do a job."""
        ...


def perform(workspace: Workspace, job: Job, progress: Progress) -> Done:
    """Do a job in this process.

    Raises:
        TacticsError: it could not begin.
    """
    from tactics.pipeline import flush, run_maintenance, sync  # noqa: PLC0415 (the engines)

    match job.verb:
        case Verb.SYNC:
            return _after(workspace, sync(workspace, job.scope, progress))
        case Verb.FLUSH:
            return _after(workspace, flush(workspace, ignore_schedule=False, progress=progress))
        case Verb.MAINTAIN:
            run_maintenance(workspace)
            return Done(Ending.DONE)


def _after(workspace: Workspace, result: PipelineResult) -> Done:
    if workspace.stopping.is_set() and Interrupted.code in _codes(result):
        return Done(Ending.STOPPED, result.run_id)
    return Done(result.status.value, result.run_id, result.exit_code, _first_message(result))


def _codes(result: PipelineResult) -> set[str]:
    return {problem.code for stage in result.stages for problem in stage.problems}


def _first_message(result: PipelineResult) -> str:
    problems = [one.problems for one in result.stages] + [one.problems for one in result.sources]
    return next((problem.message for some in problems for problem in some), "")
