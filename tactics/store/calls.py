"""The API call ledger: what each connection costs in calls, bytes and time, summed by UTC day.

Knows no quota.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tactics.sql import load_statements
from tactics.store.database import Database

_SQL = load_statements("tactics.store", "ledger.sql")


class ApiCall(Protocol):
    """One HTTP attempt, as transport records it; the two rooms do not see each other.

    `status` 0 stands for no answer, `attempt` counts from 1.
    """

    @property
    def account_id(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def at(self) -> dt.datetime: ...


@dataclass(frozen=True, slots=True)
class CallTotal:
    """What one connection has cost; `failed` are calls without a 2xx answer."""

    org_id: str
    source: str
    calls: int
    failed: int
    retries: int
    received_bytes: int
    seconds: float


class Calls:
    """The ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_many(self, org_id: str, source: str, calls: Iterable[ApiCall]) -> None:
        """Add the calls of one connection to the sums of their days."""
        rows = [
            (
                call.at.astimezone(dt.UTC).date().isoformat(),
                org_id,
                source,
                call.account_id,
                call.endpoint,
                call.status,
                int(call.attempt > 1),
                call.size_bytes,
                call.seconds,
            )
            for call in calls
        ]
        self._database.write_many(_SQL["record_call"], rows)

    def totals(self, since: dt.date) -> list[CallTotal]:
        """Return what each connection has cost since that UTC day, inclusive."""
        rows = self._database.read(_SQL["total_calls"], {"since": since.isoformat()})
        return [CallTotal(*row) for row in rows]
