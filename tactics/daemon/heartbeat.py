"""The daemon's signs of life: a row in the store, and systemd's watchdog.

The watchdog is fed while every service makes progress; one that is stuck lets it starve, so that
the daemon is started anew. Mends nothing itself.
"""

import datetime as dt
import os
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from tactics.config import Settings
from tactics.daemon.board import Board
from tactics.daemon.systemd import Systemd
from tactics.daemon.vitals import Vitals, read_vitals
from tactics.pipeline import Pressure, read_pressure
from tactics.store import Store

FEEDS = 3.0  # in the time in which the watchdog wants one


@dataclass(frozen=True, slots=True)
class HeartbeatReport:
    """How the daemon stands, in the words of its row."""

    stuck: tuple[str, ...]
    vitals: Vitals
    pressure: Pressure
    clock_jumped: bool


class Heartbeat:
    """Beats every few seconds."""

    name: ClassVar[str] = "heartbeat"

    def __init__(
        self,
        settings: Settings,
        store: Store,
        board: Board,
        *,
        systemd: Systemd,
        clock_jumped: Callable[[], bool] = lambda: False,
    ) -> None:
        watchdog = systemd.watchdog_seconds
        wanted = settings.daemon.heartbeat_seconds
        self.seconds = wanted if watchdog is None else min(wanted, watchdog / FEEDS)
        self._high_watermark = settings.bus.high_watermark
        self._store = store
        self._board = board
        self._systemd = systemd
        self._clock_jumped = clock_jumped
        self._pid = os.getpid()
        self._host = socket.gethostname()

    def begin(self) -> None:
        """Take over the row: from now on this is the daemon."""
        self._store.heartbeats.begin(self._pid, self._host)

    def end(self) -> None:
        """Say that the daemon was stopped, so that nobody misses it."""
        self._store.heartbeats.end(self._pid, self._host)

    def step(self, now: dt.datetime) -> HeartbeatReport:  # noqa: ARG002 (the row has its own time)
        """Feed the watchdog if all services get on, then write the row."""
        stuck = self._board.stuck()
        self._tell(stuck)
        pressure = read_pressure(self._store, self._high_watermark)
        report = HeartbeatReport(stuck, read_vitals(), pressure, self._clock_jumped())
        self._store.heartbeats.beat(self._pid, self._host, self._progress(report))
        return report

    def _tell(self, stuck: tuple[str, ...]) -> None:
        # Before the store is asked: a full disk is not mended by starting the daemon anew.
        if stuck:
            self._systemd.status(f"no progress: {', '.join(stuck)}")
        else:
            self._systemd.alive(status_line(self._board.to_json()))

    def _progress(self, report: HeartbeatReport) -> dict[str, Any]:
        return {
            "state": "draining" if self._board.draining else "stuck" if report.stuck else "running",
            "stuck": list(report.stuck),
            "services": self._board.to_json(),
            "vitals": asdict(report.vitals),
            "pressure": asdict(report.pressure),
        }


def status_line(services: dict[str, Any]) -> str:
    """Return in one line what the daemon is doing, or what is wrong."""
    doing = [f"{name}: {line['doing']}" for name, line in services.items() if line["doing"]]
    wrong = [f"{name} fails: {line['error']}" for name, line in services.items() if line["error"]]
    return "; ".join(doing + wrong) or "idle"
