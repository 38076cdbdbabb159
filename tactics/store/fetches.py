"""Fetches: which slice is being read, its pages, and the vendor's reports still being computed.

A slice is complete only with its last page; then, in one transaction, its days are covered.
Plans nothing and asks no vendor.
"""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tactics.clock import Clock
from tactics.errors import IntegrityError, TacticsError
from tactics.model import TOPIC_RAW, Finality, RawPage, Slice, StreamKey, Window
from tactics.sql import load_statements
from tactics.store.bus import Event, to_event
from tactics.store.codec import (
    Packed,
    from_instant,
    from_optional_instant,
    key_columns,
    key_parameters,
    pack,
    to_instant,
)
from tactics.store.database import Database, Row

MESSAGE_LIMIT = 2000
REPORT_MAX_AGE = dt.timedelta(hours=6)  # an older report shows numbers of its own day

_SQL = load_statements("tactics.store", "fetches.sql")


class FetchState(StrEnum):
    """Where a fetch stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fetch:
    """One fetch of one slice; `pages` were logged as `first_seq` to `last_seq`, among others."""

    request_id: str
    key: StreamKey
    window: Window
    api_version: str
    state: FetchState
    pages: int
    first_seq: int | None
    last_seq: int | None
    marker: str | None
    error_type: str | None
    error_message: str | None
    created_at: dt.datetime
    finalized_at: dt.datetime | None


class Fetches:
    """The fetches of all streams, and where their pages lie in the log."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, work: Slice, *, api_version: str) -> str:
        """Name a new fetch of `work` and return its request_id."""
        request_id = uuid.uuid4().hex
        self._database.write(
            _SQL["begin_fetch"],
            {
                **_slice_parameters(work.key, work.window),
                "request_id": request_id,
                "api_version": api_version,
                "now": self._now(),
            },
        )
        return request_id

    def append_page(self, request_id: str, page: bytes | Packed, *, request: str) -> int:
        """Log the next page of a running fetch as received; return its seq.

        `request` is the redacted request as JSON. Give the page packed (`pack(page)`) when a
        transaction is open already, so that others do not wait for the compressing.

        Raises:
            IntegrityError: the fetch is not running.
        """
        data, size_bytes = pack(page)
        parameters = {
            "topic": TOPIC_RAW,
            "request_id": request_id,
            "request": request,
            "size_bytes": size_bytes,
            "body": data,
            "now": self._now(),
        }
        with self._database.transaction():
            rows = self._database.write(_SQL["append_page"], parameters)
            if not rows:
                raise IntegrityError("this fetch is not running", request_id=request_id)
            seq = int(rows[0][0])
            self._database.write(_SQL["count_page"], {"request_id": request_id, "seq": seq})
        return seq

    def complete(
        self,
        request_id: str,
        *,
        days: Sequence[tuple[dt.date, Finality]],
        marker: str | None = None,
        replace: bool = False,
    ) -> None:
        """Say that the last page is logged: cover `days`, forget the slice's vendor report.

        `replace` is for snapshots: nothing but `days` is held of the stream any more.

        Raises:
            IntegrityError: the fetch is not running.
        """
        now = self._now()
        parameters = {"request_id": request_id, "marker": marker, "now": now}
        with self._database.transaction():
            rows = self._database.write(_SQL["complete_fetch"], parameters)
            if not rows:
                raise IntegrityError("this fetch is not running", request_id=request_id)
            org_id, source, account_id, stream, start, end = rows[0]
            key = StreamKey(org_id, source, account_id, stream)
            if replace:
                self._database.write(_SQL["uncover_stream"], key_parameters(key))
            covered = [
                (*key_columns(key), day.isoformat(), finality.value, request_id, now)
                for day, finality in days
            ]
            self._database.write_many(_SQL["cover_day"], covered)
            self.forget_job(key, _to_window(start, end))

    def confirm(self, request_id: str, *, day: dt.date) -> None:
        """Say that the vendor has nothing newer than the snapshot held: it is as of `day` now.

        The fetch that brought the snapshot stays the one that silver shows.

        Raises:
            IntegrityError: the fetch is not running, or nothing is held.
        """
        parameters = {"request_id": request_id, "day": day.isoformat(), "now": self._now()}
        with self._database.transaction():
            finished = self._database.write(_SQL["complete_fetch"], {**parameters, "marker": None})
            confirmed = self._database.write(_SQL["confirm_snapshot"], parameters)
            if not finished or not confirmed:
                raise IntegrityError("nothing is held to confirm", request_id=request_id)

    def fail(self, request_id: str, error: TacticsError) -> None:
        """Say that the slice stays unfetched; a fetch that has ended stays as it is."""
        self._database.write(
            _SQL["fail_fetch"],
            {
                "request_id": request_id,
                "error_type": error.code,
                "error_message": str(error)[:MESSAGE_LIMIT],
                "now": self._now(),
            },
        )

    def abandon_running(self) -> int:
        """Fail what a dead process left running; return how many.

        Only for whoever holds the pipeline lock: nobody else can be fetching then.
        """
        return len(self._database.write(_SQL["abandon_fetches"], {"now": self._now()}))

    def get_many(self, request_ids: Iterable[str]) -> dict[str, Fetch]:
        """Return the known fetches among `request_ids`."""
        names = json.dumps(list(request_ids))
        rows = self._database.read(_SQL["get_fetches"], {"request_ids": names})
        return {row[0]: _to_fetch(row) for row in rows}

    def last_of_their_window(self, request_ids: Iterable[str]) -> set[str]:
        """Return those that no later completed fetch of the same stream and window has replaced."""
        names = json.dumps(list(request_ids))
        rows = self._database.read(_SQL["last_of_their_window"], {"request_ids": names})
        return {row[0] for row in rows}

    def latest_marker(self, key: StreamKey) -> tuple[str, dt.datetime] | None:
        """Return the change marker of the newest fetch that brought pages, and when it did.

        None when it left none: then only a full read tells what has changed.
        """
        row = self._database.read_one(_SQL["latest_marker"], key_parameters(key))
        if row is None or row[0] is None:
            return None
        return row[0], from_instant(row[1])

    def pages_of(self, request_id: str) -> list[RawPage]:
        """Return the pages of one fetch that are still cached, in order."""
        parameters = {"request_id": request_id, "topic": TOPIC_RAW}
        rows = self._database.read(_SQL["read_pages"], parameters)
        return self.raw_pages([to_event(row) for row in rows])

    def remember_job(self, key: StreamKey, window: Window, job: str) -> None:
        """Keep the vendor's report id of a slice over a restart."""
        parameters = {**_slice_parameters(key, window), "job": job, "now": self._now()}
        self._database.write(_SQL["remember_report"], parameters)

    def find_job(self, key: StreamKey, window: Window) -> str | None:
        """Return the vendor's report id of a slice, if one was asked for within six hours."""
        since = to_instant(self._clock.now() - REPORT_MAX_AGE)
        parameters = {**_slice_parameters(key, window), "since": since}
        row = self._database.read_one(_SQL["find_report"], parameters)
        return None if row is None else str(row[0])

    def forget_job(self, key: StreamKey, window: Window) -> None:
        """Drop the vendor's report id of a slice: it failed or expired there."""
        self._database.write(_SQL["forget_report"], _slice_parameters(key, window))

    def prune(self, history_days: int) -> int:
        """Forget fetches older than that whose days were all fetched anew; return how many."""
        before = to_instant(self._clock.now() - dt.timedelta(days=history_days))
        return len(self._database.write(_SQL["prune_fetches"], {"before": before}))

    @staticmethod
    def raw_pages(events: Iterable[Event]) -> list[RawPage]:
        """Return the pages that events of `connector.data.raw` carry."""
        return [_to_page(event) for event in events]

    def _now(self) -> str:
        return to_instant(self._clock.now())


def _to_page(event: Event) -> RawPage:
    header = event.header
    assert event.key is not None, event.seq
    assert event.body is not None, event.seq
    return RawPage(
        log_seq=event.seq,
        key=event.key,
        request_id=header["request_id"],
        window=_to_window(header["window_start"], header["window_end"]),
        page=header["page"],
        fetched_at=from_instant(header["fetched_at"]),
        api_version=header["api_version"],
        request=header["request"],
        payload=event.body,
    )


def _to_fetch(row: Row) -> Fetch:
    request_id, org_id, source, account_id, stream, start, end, *more = row
    api_version, state, pages, first_seq, last_seq, marker, *more = more
    error_type, error_message, created_at, finalized_at = more
    return Fetch(
        request_id=request_id,
        key=StreamKey(org_id, source, account_id, stream),
        window=_to_window(start, end),
        api_version=api_version,
        state=FetchState(state),
        pages=pages,
        first_seq=first_seq,
        last_seq=last_seq,
        marker=marker,
        error_type=error_type,
        error_message=error_message,
        created_at=from_instant(created_at),
        finalized_at=from_optional_instant(finalized_at),
    )


def _to_window(start: str, end: str) -> Window:
    return Window(dt.date.fromisoformat(start), dt.date.fromisoformat(end))


def _slice_parameters(key: StreamKey, window: Window) -> dict[str, str | None]:
    return {
        **key_parameters(key),
        "window_start": window.start.isoformat(),
        "window_end": window.end.isoformat(),
    }
