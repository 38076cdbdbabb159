"""The daemon's sign of life, for whoever asks from another process whether it still lives.

Starts and watches nothing.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tactics.clock import Clock
from tactics.sql import load_statements
from tactics.store.codec import from_instant, from_optional_instant, to_instant
from tactics.store.database import Database

_SQL = load_statements("tactics.store", "daemon.sql")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the daemon said last; `stopped_at` is set once it was stopped on purpose."""

    pid: int
    host: str
    started_at: dt.datetime
    beat_at: dt.datetime
    stopped_at: dt.datetime | None
    progress: dict[str, Any]


class Heartbeats:
    """The row of the one daemon of this home."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, pid: int, host: str) -> None:
        """Say that this daemon has started; its lock has told that there is no other."""
        with self._database.transaction():
            self._database.write(_SQL["forget_heartbeats"])
            self._database.write(_SQL["begin_heartbeat"], self._place(pid, host))

    def beat(self, pid: int, host: str, progress: Mapping[str, Any]) -> None:
        """Say that it lives, and what it has done."""
        place = {**self._place(pid, host), "progress": json.dumps(progress)}
        self._database.write(_SQL["beat"], place)

    def end(self, pid: int, host: str) -> None:
        """Say that it stops on purpose."""
        self._database.write(_SQL["end_heartbeat"], self._place(pid, host))

    def latest(self) -> Heartbeat | None:
        """Return what the daemon said last, None where none ever ran."""
        row = self._database.read_one(_SQL["latest_heartbeat"])
        if row is None:
            return None
        pid, host, started_at, beat_at, stopped_at, progress = row
        return Heartbeat(
            pid,
            host,
            from_instant(started_at),
            from_instant(beat_at),
            from_optional_instant(stopped_at),
            json.loads(progress),
        )

    def _place(self, pid: int, host: str) -> dict[str, object]:
        return {"pid": pid, "host": host, "now": to_instant(self._clock.now())}
