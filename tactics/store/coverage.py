"""The coverage ledger: which days are held, how final they are, which fetch brought them.

A day that is not here is missing, never zero. Written only by `Fetches.complete`.
"""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

from tactics.model import CoveredDay, Finality, StreamKey
from tactics.sql import load_statements
from tactics.store.codec import from_instant, key_parameters
from tactics.store.database import Database, Row

_SQL = load_statements("tactics.store", "coverage.sql")


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far one stream has come.

    `closed_through` is the last day of the unbroken run of closed (not open) days that begins with
    `first_day`; None when the first day is still open. `finality` is that of the least settled day
    held. `fetched_at` is when days last came, `checked_at` when the vendor was last asked with
    success (they differ when nothing had changed).
    """

    key: StreamKey
    first_day: dt.date
    newest_day: dt.date
    closed_through: dt.date | None
    days: int
    finality: Finality
    fetched_at: dt.datetime
    checked_at: dt.datetime


class Coverage:
    """The days held of all streams. Snapshot streams hold one row: the day of the fetch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self, key: StreamKey, start: dt.date, end: dt.date) -> dict[dt.date, CoveredDay]:
        """Return what is held from `start` to `end`, both inclusive."""
        parameters = {
            **key_parameters(key),
            "start": start.isoformat(),
            "end": end.isoformat(),
        }
        rows = self._database.read(_SQL["covered_days"], parameters)
        return {day.day: day for day in map(_to_day, rows)}

    def winners(self, request_ids: Iterable[str]) -> list[CoveredDay]:
        """Return the days whose newest fetch is one of `request_ids`."""
        names = json.dumps(list(request_ids))
        return [
            _to_day(row) for row in self._database.read(_SQL["winners"], {"request_ids": names})
        ]

    def bounds(self, key: StreamKey) -> tuple[dt.date, dt.date] | None:
        """Return the first and the last day held, or None."""
        row = self._database.read_one(_SQL["bounds"], key_parameters(key))
        if row is None or row[0] is None:
            return None
        return dt.date.fromisoformat(row[0]), dt.date.fromisoformat(row[1])

    def watermarks(self) -> list[Watermark]:
        """Return how far each stream has come."""
        return [_to_watermark(row) for row in self._database.read(_SQL["watermarks"])]

    def all_rows(self, org_id: str | None = None) -> list[CoveredDay]:
        """Return the whole ledger, or one organisation's."""
        return [_to_day(row) for row in self._database.read(_SQL["all_rows"], {"org_id": org_id})]


def _to_day(row: Row) -> CoveredDay:
    org_id, source, account_id, stream, day, finality, request_id, fetched_at = row
    return CoveredDay(
        StreamKey(org_id, source, account_id, stream),
        dt.date.fromisoformat(day),
        Finality(finality),
        request_id,
        from_instant(fetched_at),
    )


def _to_watermark(row: Row) -> Watermark:
    org_id, source, account_id, stream, first, newest, closed, days, finality, *instants = row
    fetched_at, checked_at = instants
    return Watermark(
        StreamKey(org_id, source, account_id, stream),
        dt.date.fromisoformat(first),
        dt.date.fromisoformat(newest),
        None if closed is None else dt.date.fromisoformat(closed),
        days,
        Finality(finality),
        from_instant(fetched_at),
        from_instant(checked_at),
    )
