"""`tactics daemon run`: the services, put together; and how they begin and end.

Does no work itself.
"""

import datetime as dt
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tactics.clock import Clock
from tactics.config import Settings
from tactics.daemon.board import Board
from tactics.daemon.child import ChildWorker
from tactics.daemon.due import schedules_of
from tactics.daemon.files import SettingsFile
from tactics.daemon.flusher import Flusher
from tactics.daemon.heartbeat import Heartbeat
from tactics.daemon.instance import DaemonLock, read_token
from tactics.daemon.maintainer import Maintainer
from tactics.daemon.notifier import AlarmedWorker, Notifier
from tactics.daemon.scheduler import Scheduler
from tactics.daemon.server import Server, build_application
from tactics.daemon.service import Loop
from tactics.daemon.signals import DOOM, DRAINED, Signals
from tactics.daemon.systemd import Systemd
from tactics.daemon.triggers import Triggers
from tactics.daemon.views import Daemon as Shown
from tactics.daemon.work import Beat
from tactics.errors import IntegrityError, TacticsError
from tactics.home import Home
from tactics.pipeline import Workspace
from tactics.transport import redact

RUN_SHARE = 0.8  # of the time to drain: then the run is ended, and the rest is for ourselves
LAST_SECONDS = 2.0

log = logging.getLogger("tactics.daemon")


def run_daemon(home: Home, config: Path, *, environment: Mapping[str, str], clock: Clock) -> int:
    """Run until a signal ends it, and return the exit code: 0, or 70 when our state is broken.

    Raises:
        ConfigError: the configuration is wrong, or another daemon runs on this home.
        TacticsError: the store cannot be opened.
    """
    _set_up_log(environment)
    started_at = clock.now()
    with DaemonLock(home.create()) as lock:
        lock.acquire(started_at, clock)
        settings = SettingsFile(config, environment).read()
        with Workspace.open(settings, home, clock, environment=environment) as workspace:
            daemon = Daemon(workspace, config, lock, started_at)
            return daemon.run()


class Daemon:
    """All services of one home, and the order in which they begin and end."""

    def __init__(
        self, workspace: Workspace, config: Path, lock: DaemonLock, started_at: dt.datetime
    ) -> None:
        self.workspace = workspace
        self.lock = lock
        self.started_at = started_at
        self.signals = Signals()
        self.board = Board(workspace.clock, doomed=lambda: self.signals.tell(DOOM))
        self.systemd = Systemd(workspace.environment)
        self.child = ChildWorker(
            {**workspace.environment, "TACTICS_CONFIG": str(config.absolute())},
            workspace.clock,
            stall_seconds=workspace.settings.daemon.stall_seconds,
        )
        self.triggers = Triggers(self._wake, workspace.clock, cron_service=Scheduler.name)
        self.settings = SettingsFile(config, workspace.environment, changed=self._follow)
        self.heartbeat = Heartbeat(
            workspace.settings,
            workspace.store,
            self.board,
            systemd=self.systemd,
            clock_jumped=self.triggers.check,
        )
        self.loops = {loop.service.name: loop for loop in self._make_loops()}
        self.server = Server(workspace.settings.daemon.port)

    def run(self) -> int:
        """Begin, wait for the end, drain, and return the exit code."""
        self._begin()
        draining = threading.Thread(target=self._drain_and_tell, name="drain", daemon=True)
        while DRAINED not in (words := self.signals.hear()):
            for word in words:
                self._obey(word, draining)
        self.signals.close()
        return IntegrityError.exit_code if self.board.doom else 0

    def _obey(self, word: int, draining: threading.Thread) -> None:
        if word == signal.SIGHUP:
            for loop in self.loops.values():
                loop.wake()
        elif not self.board.draining:
            self.board.draining = True
            draining.start()
        elif word != DOOM:  # somebody is in a hurry
            self.child.stop(0.0)

    def _make_loops(self) -> list[Loop]:
        workspace, clock, store = self.workspace, self.workspace.clock, self.workspace.store
        worker = AlarmedWorker(self.child, workspace)
        services = (
            Scheduler(
                self.settings.read, store, worker, clock=clock, beat=self._beat(Scheduler.name)
            ),
            Flusher(
                workspace.settings,
                workspace.home,
                store,
                worker,
                clock=clock,
                beat=self._beat(Flusher.name),
            ),
            Maintainer(workspace, worker, beat=self._beat(Maintainer.name)),
            Notifier(workspace, self.board),
            self.heartbeat,
        )
        return [Loop(service, self.board, clock) for service in services]

    def _begin(self) -> None:
        # Before anybody can know of us: a signal that arrives meanwhile waits in the pipe.
        self.signals.catch((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        self.heartbeat.begin()
        token = read_token(self.workspace.home)
        shown = Shown(self.settings.read, self.workspace, self.board, self.started_at)
        self.server.start(lambda pool: build_application(shown.views, token=token, pool=pool))
        self.lock.announce(self.started_at, self.server.url)
        self.systemd.ready(f"answers at {self.server.url}")
        for loop in self.loops.values():
            loop.start()
        self.triggers.start({name: loop.service.seconds for name, loop in self.loops.items()})
        log.info("the daemon runs as process %s and answers at %s", os.getpid(), self.server.url)

    def _drain_and_tell(self) -> None:
        try:
            self._drain()
        finally:
            self.signals.tell(DRAINED)

    def _drain(self) -> None:
        """End everything within the deadline; what a run had not made durable is due again."""
        clock, seconds = self.workspace.clock, self.workspace.settings.daemon.drain_seconds
        deadline = clock.monotonic() + seconds
        log.info("stopping: what is going on has %.0f s to end", seconds)
        self.systemd.stopping()
        self.triggers.stop()
        self.child.stop(seconds * RUN_SHARE)
        workers = [loop for loop in self.loops.values() if loop.service is not self.heartbeat]
        for loop in workers:
            loop.stop()
        late = [loop for loop in workers if not loop.join(deadline - clock.monotonic())]
        beating = self.loops[Heartbeat.name]
        beating.stop()
        beating.join(LAST_SECONDS)
        self.server.stop()
        with suppress(TacticsError):  # a full disk: the heartbeat is missed, and the log says so
            self.heartbeat.end()
        if late:
            log.warning("left behind: %s", ", ".join(loop.service.name for loop in late))
        log.info("stopped")

    def _follow(self, settings: Settings) -> None:
        self.triggers.follow(schedules_of(settings).values())

    def _wake(self, name: str) -> None:
        self.loops[name].wake()

    def _beat(self, name: str) -> Beat:
        return lambda doing: self.board.beat(name, doing)


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return the line without secrets."""
        return redact(super().format(record))


def _set_up_log(environment: Mapping[str, str]) -> None:
    """Write to standard error; the journal has the time and asks for the level as a number."""
    to_journal = "JOURNAL_STREAM" in environment
    handler = logging.StreamHandler(sys.stderr)
    form = "%(message)s" if to_journal else "%(asctime)s %(levelname)s %(message)s"
    handler.setFormatter(_Redacting(form))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    log.setLevel(logging.INFO)
    threading.excepthook = lambda args: log.error("a thread died: %s", args.exc_value)
