"""Delivers the alerts that are due, and raises those that no run can: of the daemon itself.

What is worth an alert in a run, and how a channel is spoken to, is the pipeline's.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tactics.daemon.board import Board
from tactics.daemon.work import Beat, Done, Ending, Job, Worker
from tactics.model import Alert, AlertSeverity
from tactics.pipeline import Workspace, between_runs, deliver_due, raise_alerts

RUN_RULE, SERVICE_RULE = "daemon_run", "daemon_service"
LOOK_SECONDS = 300.0  # between two looks at health: a run looks by itself
FAILURES = 3  # steps of a service in a row that failed, before a person is told
TITLES = {
    Ending.REFUSED: "a run cannot begin",
    Ending.STALLED: "a run hung and was ended",
    Ending.CRASHED: "a run died",
}


@dataclass(frozen=True, slots=True)
class NotifierReport:
    """How many messages arrived in this round, what is news, and what went wrong."""

    delivered: int = 0
    raised: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Notifier:
    """Works the outbox off, and looks at health while nothing runs."""

    name: ClassVar[str] = "notifier"

    def __init__(self, workspace: Workspace, board: Board, *, seconds: float = 15.0) -> None:
        self.seconds = seconds
        self._workspace = workspace
        self._board = board
        self._looked = workspace.clock.monotonic()

    def step(self, now: dt.datetime) -> NotifierReport:  # noqa: ARG002 (every service's signature)
        """Try each message that is due."""
        self._tell_of_services()
        moment = self._workspace.clock.monotonic()
        if moment - self._looked < LOOK_SECONDS:
            report = deliver_due(self._workspace)
        else:
            self._looked = moment
            report = between_runs(self._workspace)
        return NotifierReport(report.delivered, report.raised, report.resolved, report.warnings)

    def _tell_of_services(self) -> None:
        failing = {alert.key: alert for alert in alerts_of(self._board)}
        outbox = self._workspace.store.outbox
        known = {key for key in outbox.open_keys() if key.startswith(f"{SERVICE_RULE}:")}
        if news := [alert for key, alert in failing.items() if key not in known]:
            raise_alerts(self._workspace, news)
        if over := known - failing.keys():
            outbox.resolve(over)


def alerts_of(board: Board) -> Iterator[Alert]:
    """Yield an alert for each service that has failed several times in a row."""
    for name, line in board.to_json().items():
        if line["failures"] >= FAILURES:
            title = f"the daemon's {name} fails"
            key, severity = f"{SERVICE_RULE}:{name}", AlertSeverity.CRITICAL
            yield Alert(key, severity, title, line["error"], "tactics doctor")


class AlarmedWorker:
    """A `Worker` whose jobs that come to nothing are told, until one comes to something again."""

    def __init__(self, inner: Worker, workspace: Workspace) -> None:
        self._inner = inner
        self._workspace = workspace

    @property
    def busy(self) -> bool:
        """Return whether a job is being done."""
        return self._inner.busy

    def run(self, job: Job, beat: Beat) -> Done:
        """Do a job, and raise or resolve its alert.

        Raises:
            IntegrityError: our own state is broken.
        """
        done = self._inner.run(job, beat)
        alert = alert_of(job, done)
        if alert is not None:
            raise_alerts(self._workspace, [alert])
        elif done.outcome not in {Ending.STOPPED, Ending.BUSY}:
            self._resolve(job)
        return done

    def _resolve(self, job: Job) -> None:
        outbox, own = self._workspace.store.outbox, key_of(job)
        if own in outbox.open_keys():
            outbox.resolve([own])


def alert_of(job: Job, done: Done) -> Alert | None:
    """Return what a person should know of a job, None where its run tells everything itself."""
    title = next((text for ending, text in TITLES.items() if ending == done.outcome), None)
    if title is None:
        return None
    body = "\n".join(part for part in (done.message, done.hint) if part)
    title = f"{title} ({job.verb.value})"
    return Alert(key_of(job), AlertSeverity.CRITICAL, title, body, "tactics doctor")


def key_of(job: Job) -> str:
    """Return the name of the trouble: one for each kind of job."""
    return f"{RUN_RULE}:{job.verb.value}"
