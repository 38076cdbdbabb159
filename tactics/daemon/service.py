"""A background service and the thread that calls its steps.

A service decides in `step` what to do now; when it is called is the loop's and the triggers'
business. So a test calls `step` alone, with a clock of its own.
"""

import datetime as dt
import logging
import threading
import traceback
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol

from tactics.clock import Clock
from tactics.daemon.board import Board
from tactics.errors import IntegrityError, TacticsError

PATIENCE = (
    3.0  # a service that no trigger wakes, because the clock jumped, wakes after so many turns
)
SLACK_SECONDS = 120.0  # for one step on a slow machine, before a service counts as stuck

log = logging.getLogger("tactics.daemon")


class Service(Protocol):
    """One kind of background work. `step` is short, or beats on the board as it gets on."""

    name: ClassVar[str]
    seconds: float  # between two steps

    def step(self, now: dt.datetime) -> object:
        """Do what is due, and return a report of it (a dataclass)."""
        ...


class Loop:
    """Calls the steps of one service in a thread, until it is stopped."""

    def __init__(self, service: Service, board: Board, clock: Clock) -> None:
        self.service = service
        self._board = board
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=service.name, daemon=True)
        board.enter(service.name, PATIENCE * service.seconds + SLACK_SECONDS)

    def start(self) -> None:
        """Begin with a step at once."""
        self._thread.start()

    def wake(self) -> None:
        """Have a step done now."""
        self._wake.set()

    def stop(self) -> None:
        """Let the present step be the last one."""
        self._stopping.set()
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the last step to end; return whether it has."""
        self._thread.join(max(seconds, 0.0))
        return not self._thread.is_alive()

    def turn(self) -> None:
        """Do one step, and put on the board what came of it."""
        name = self.service.name
        try:
            report = to_json(self.service.step(self._clock.now()))
        except IntegrityError as error:
            log.critical("%s: %s", name, error)
            self._board.despair(error)
        except TacticsError as error:
            if self._board.fail(name, error):
                log.warning("%s: %s", name, error)
        except Exception as error:  # noqa: BLE001 (the service's loop: it becomes a line on the board)
            self._board.break_down(name, error)
            log.error("%s: %s", name, "".join(traceback.format_exception(error)))  # noqa: TRY400
        else:
            self._board.step(name, report)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.turn()
            self._wake.wait(PATIENCE * self.service.seconds)
            self._wake.clear()


def to_json(report: object) -> dict[str, Any]:
    """Return a report as JSON-able values."""
    assert is_dataclass(report)
    assert not isinstance(report, type)
    return {name: _plain(value) for name, value in asdict(report).items()}


def _plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
