"""Delivers the alerts that are due, and raises those that no run can: of the daemon itself.

What is worth an alert in a run, and how a channel is spoken to, is the pipeline's.
"""

import datetime as dt
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar

from tactics.daemon.board import Board
from tactics.daemon.work import Beat, Done, Ending, Job, Worker
from tactics.errors import TransientError
from tactics.model import Alert, AlertSeverity
from tactics.pipeline import AlertReport, Workspace, between_runs, deliver_due, raise_alerts

RUN_RULE, SERVICE_RULE = "daemon_run", "daemon_service"
LOOK_SECONDS = 300.0  # between two looks at health: a run looks by itself
FAILURES = 3  # steps of a service in a row that failed, before a person is told
TITLES = {
    Ending.REFUSED: "a run cannot begin",
    Ending.STALLED: "a run hung and was ended",
    Ending.CRASHED: "a run died",
}

log = logging.getLogger("tactics.daemon")


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
        well: set[str] = set()
        try:
            report = self._round()
            well.add(self.name)  # its line on the board says so only after this step
        finally:
            self._tell_of_services(well)
        return NotifierReport(report.delivered, report.raised, report.resolved, report.warnings)

    def _round(self) -> AlertReport:
        moment = self._workspace.clock.monotonic()
        if moment - self._looked < LOOK_SECONDS:
            return deliver_due(self._workspace)
        self._looked = moment
        return between_runs(self._workspace)

    def _tell_of_services(self, well: Collection[str]) -> None:
        failing = {alert.key: alert for alert in alerts_of(self._board, well)}
        outbox = self._workspace.store.outbox
        known = {key for key in outbox.open_keys() if key.startswith(f"{SERVICE_RULE}:")}
        if news := [alert for key, alert in failing.items() if key not in known]:
            raise_alerts(self._workspace, news)
        if over := known - failing.keys():
            outbox.resolve(over)


def alerts_of(board: Board, well: Collection[str] = ()) -> Iterator[Alert]:
    """Yield an alert for each service that has failed several times in a row and is not `well` now."""
    for name, line in board.to_json().items():
        if line["failures"] >= FAILURES and name not in well:
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
        try:
            self._tell(job, done)
        except TransientError as error:
            # A full disk keeps the alert out of the store and the run from beginning. How it ended
            # must still be heard, or it is repeated without a pause; the next one tells it again.
            log.debug("an alert of a run could not be kept: %s", error)
        return done

    def _tell(self, job: Job, done: Done) -> None:
        alert = alert_of(job, done)
        if alert is not None:
            raise_alerts(self._workspace, [alert])
        elif done.outcome not in {Ending.STOPPED, Ending.BUSY}:
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
