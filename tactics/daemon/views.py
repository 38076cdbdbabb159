"""What the server tells: is the daemon alive, ready, healthy, and in numbers.

Gathers; judging is the pipeline's and analytics'.
"""

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import asdict

from tactics.analytics import HealthState
from tactics.config import Settings
from tactics.daemon.board import Board
from tactics.daemon.server import Answer, Views
from tactics.daemon.vitals import read_vitals
from tactics.errors import TacticsError
from tactics.pipeline import Parts, Workspace, read_health, read_metrics, read_pressure

OK, UNAVAILABLE = 200, 503


class Daemon:
    """The daemon as it shows itself. Its methods but `alive` read the store."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        workspace: Workspace,
        board: Board,
        started_at: dt.datetime,
    ) -> None:
        self._settings = settings
        self._workspace = workspace
        self._board = board
        self._started_at = started_at

    @property
    def views(self) -> Views:
        """Return what the server serves."""
        return Views(self.alive, self.ready, self.health, self.metrics)

    def alive(self) -> Answer:
        """Return 200 while every service gets on; nothing that only the owner should know."""
        stuck = self._board.stuck()
        return (UNAVAILABLE if stuck else OK), {"status": self._state(stuck)}

    def ready(self) -> Answer:
        """Return 200 while the daemon takes work and its store can be read."""
        stuck = self._board.stuck()
        try:
            version = self._workspace.store.health().schema_version
        except TacticsError as error:
            return UNAVAILABLE, {"status": "store", "error": str(error)}
        good = not stuck and not self._board.draining
        return (OK if good else UNAVAILABLE), {
            "status": self._state(stuck),
            "stuck": list(stuck),
            "schema_version": version,
        }

    def health(self) -> Answer:
        """Return how everything stands: the same model as `tactics health`, and the daemon's own."""
        health = read_health(self._parts(), self._workspace.clock.now())
        status = UNAVAILABLE if health.state is HealthState.FAILING else OK
        return status, health.to_json() | {"daemon": self._own()}

    def metrics(self) -> str:
        """Return the numbers in Prometheus' text format."""
        text = read_metrics(self._parts(), self._workspace.clock.now())
        return text + _own_metrics(self._board)

    def _parts(self) -> Parts:
        try:
            settings = self._settings()
        except TacticsError:  # of a wrong edit the scheduler's line tells; these are the last good
            settings = self._workspace.settings
        ours = self._workspace
        return Parts(settings, ours.home, ours.store, ours.credentials)

    def _own(self) -> dict[str, object]:
        stuck = self._board.stuck()
        return {
            "pid": os.getpid(),
            "started_at": f"{self._started_at:%Y-%m-%dT%H:%M:%SZ}",
            "state": self._state(stuck),
            "stuck": list(stuck),
            "services": self._board.to_json(),
            "vitals": asdict(read_vitals()),
            "pressure": self._pressure(),
        }

    def _pressure(self) -> dict[str, object] | None:
        high = self._workspace.settings.bus.high_watermark
        try:
            return asdict(read_pressure(self._workspace.store, high))
        except TacticsError:  # that the store cannot be read stands among the checks
            return None

    def _state(self, stuck: tuple[str, ...]) -> str:
        return "draining" if self._board.draining else "stuck" if stuck else "ok"


def _own_metrics(board: Board) -> str:
    vitals = read_vitals()
    lines = [
        "# HELP tactics_daemon_memory_bytes Memory that the daemon holds.",
        "# TYPE tactics_daemon_memory_bytes gauge",
        f"tactics_daemon_memory_bytes {vitals.memory_bytes}",
        "# HELP tactics_daemon_open_files Files and sockets that the daemon holds open.",
        "# TYPE tactics_daemon_open_files gauge",
        f"tactics_daemon_open_files {vitals.open_files}",
        "# HELP tactics_daemon_cpu_seconds_total Processor time of the daemon, without its runs.",
        "# TYPE tactics_daemon_cpu_seconds_total counter",
        f"tactics_daemon_cpu_seconds_total {vitals.cpu_seconds}",
        "# HELP tactics_daemon_steps_total Steps that a background service has done.",
        "# TYPE tactics_daemon_steps_total counter",
        *(
            f'tactics_daemon_steps_total{{service="{name}"}} {line["steps"]}'
            for name, line in board.to_json().items()
        ),
    ]
    return "\n".join(lines) + "\n"
