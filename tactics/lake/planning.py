"""Decides: which requests go together, which files are rewritten, where new files are cut.

Values in, values out; sees no connection, no file and no clock.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tactics.lake.values import SilverLoad, SilverRequest
from tactics.model import CoveredDay, Window

BLOCK_BYTES = 200 * 2**20  # about 450,000 ad rows; staged they take 0.15 GB
SMALL_BYTES = 8 * 2**20  # of pages; and so many rows in the files that are replaced:
SMALL_HELD_ROWS = 100_000
FILE_ROWS = 1_000_000
SMALL_FILE_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class RequestWeight:
    """What bronze holds of one request."""

    request_id: str
    pages: int
    size_bytes: int
    window: Window


class Bounds(Protocol):
    """The part of a held file that the choice depends on."""

    @property
    def rows(self) -> int: ...
    @property
    def first_day(self) -> dt.date | None: ...
    @property
    def last_day(self) -> dt.date | None: ...
    @property
    def first_account(self) -> str | None: ...
    @property
    def last_account(self) -> str | None: ...


def complete_requests(
    requests: Iterable[SilverRequest], weights: Mapping[str, RequestWeight]
) -> list[SilverRequest]:
    """Return the requests whose pages are all in bronze, in the order of the log."""
    complete = [
        request
        for request in requests
        if request.request_id in weights and weights[request.request_id].pages == request.pages
    ]
    return sorted(complete, key=lambda request: request.first_seq)


def is_small(weights: Iterable[RequestWeight], replaced: Iterable[Bounds]) -> bool:
    """Return whether a load is held in memory rather than read anew by each of its statements."""
    return (
        sum(weight.size_bytes for weight in weights) <= SMALL_BYTES
        and sum(file.rows for file in replaced) <= SMALL_HELD_ROWS
    )


def cut_blocks(
    requests: Sequence[SilverRequest],
    weights: Mapping[str, RequestWeight],
    limit_bytes: int,
) -> list[list[SilverRequest]]:
    """Return the requests in order, grouped so that one group fits into memory.

    A request is never split: the rows of one account and day come from one request, so duplicates
    can only lie within a group.
    """
    blocks: list[list[SilverRequest]] = []
    room = 0
    for request in requests:
        size = weights[request.request_id].size_bytes
        if not blocks or size > room:
            blocks.append([])
            room = limit_bytes
        blocks[-1].append(request)
        room -= size
    return blocks


def choose_winners(load: SilverLoad, complete: Collection[str]) -> list[CoveredDay]:
    """Return the days that this load overwrites; of a snapshot only the newest per account."""
    winners = [day for day in load.winners if day.request_id in complete]
    if not load.snapshot:
        return winners
    newest: dict[str, CoveredDay] = {}
    for winner in sorted(winners, key=lambda day: (day.fetched_at, day.day)):
        newest[winner.key.account_id] = winner
    return list(newest.values())


def must_rewrite(held: Bounds, winners: Sequence[CoveredDay]) -> bool:
    """Return whether a file of the touched months has to be read and replaced.

    That is so if it may hold a row of a day that is overwritten, and also if it is small: small
    files of a month that is written anyway are merged on the way, so that they never pile up.
    """
    if held.rows < SMALL_FILE_ROWS or held.first_day is None or held.last_day is None:
        return True
    return any(
        held.first_day <= winner.day <= held.last_day
        and (held.first_account or "") <= winner.key.account_id
        and (held.last_account is None or winner.key.account_id <= held.last_account)
        for winner in winners
    )


def cut_parts(
    day_counts: Iterable[tuple[dt.date, int]], limit: int = FILE_ROWS
) -> Iterator[Window]:
    """Yield the spans of days that become one file each: within a month, of about `limit` rows."""
    start: dt.date | None = None
    end: dt.date | None = None
    rows = 0
    for day, count in sorted(day_counts):
        if start is not None and end is not None:
            if rows + count <= limit and (day.year, day.month) == (start.year, start.month):
                end, rows = day, rows + count
                continue
            yield Window(start, end)
        start, end, rows = day, day, count
    if start is not None and end is not None:
        yield Window(start, end)


def month_span(days: Collection[dt.date]) -> Window:
    """Return the whole months from the first of `days` to the last."""
    first, last = min(days).replace(day=1), max(days).replace(day=28) + dt.timedelta(days=4)
    return Window(first, last.replace(day=1) - dt.timedelta(days=1))
