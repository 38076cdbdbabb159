"""Reads The Trade Desk's JSON answers just far enough: names, ids, states, dates.

Source: contract sheet "The Trade Desk" sections 3 and 4 (2026-11-21); `CurrencyCode`, `PartnerId` and
the fields of a schedule from public code, never seen live. Decides nothing.
"""

import datetime as dt
import email.utils
from http import HTTPStatus
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from tactics.connectors.ttd.faults import error_of
from tactics.errors import ContractChanged, CursorRejected, DecodeError
from tactics.transport import Response

_MOST_ROWS = 50_000  # nobody has so many schedules: a vendor that ignores the offset
NO_CONTENT = 240  # The Trade Desk's own: success without content (contract section 6)


class Advertiser(msgspec.Struct, rename="pascal"):
    """One advertiser, which is an account here."""

    advertiser_id: str
    advertiser_name: str | None = None
    partner_id: str | None = None
    currency_code: str | None = None


class Schedule(msgspec.Struct, rename="pascal"):
    """One report schedule; ids of schedules are numbers."""

    report_schedule_id: int
    report_schedule_name: str | None = None


class Delivery(msgspec.Struct):
    """Where the file of an execution lies."""

    url: str | None = msgspec.field(name="DownloadURL", default=None)


class Execution(msgspec.Struct, rename="pascal"):
    """One run of a schedule."""

    report_execution_id: int
    report_execution_state: str
    report_schedule_id: int
    report_start_date_inclusive: str | None = None
    report_end_date_exclusive: str | None = None
    report_deliveries: list[Delivery] | None = None

    @property
    def days(self) -> tuple[str, str]:
        """Return the first day and the day after the last one, without times."""
        first, after = self.report_start_date_inclusive, self.report_end_date_exclusive
        return (first or "")[:10], (after or "")[:10]

    @property
    def url(self) -> str | None:
        """Return the last delivery's address; a complete report may have none for a while."""
        urls = [delivery.url for delivery in self.report_deliveries or () if delivery.url]
        return urls[-1] if urls else None


class Schedules(msgspec.Struct, rename="pascal"):
    """A page of schedules."""

    result: list[Schedule]
    total_filtered_count: int | None = None


class Executions(msgspec.Struct, rename="pascal"):
    """A page of executions."""

    result: list[Execution]
    total_filtered_count: int | None = None


Page = Schedules | Executions
_Answer = TypeVar("_Answer", Advertiser, Schedule, Schedules, Executions)


def is_good(response: Response) -> bool:
    """Return whether the call succeeded; any 2xx is a success, also those that nobody knows."""
    return HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES


def is_blank(response: Response) -> bool:
    """Return whether a call succeeded without saying anything."""
    silent = response.status in {NO_CONTENT, HTTPStatus.NO_CONTENT} or not response.body
    return is_good(response) and silent


def decode(response: Response, kind: type[_Answer]) -> _Answer | None:
    """Return what a good answer says; None when it is one without content.

    Raises:
        TacticsError: the call failed.
        DecodeError: the body is not JSON.
        ContractChanged: the body is JSON of another shape.
    """
    if not is_good(response):
        error = error_of(response)
        raise error
    if response.status in {NO_CONTENT, HTTPStatus.NO_CONTENT}:
        return None
    try:
        response.body.decode()
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged(
            "the trade desk answers in another shape", wanted=kind.__name__
        ) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError(
            "the trade desk's answer is not JSON", size_bytes=len(response.body)
        ) from exc


def next_offset(page: Page, offset: int, page_size: int) -> int | None:
    """Return where the next page starts, None after the last one; `PageStartIndex` counts rows.

    Raises:
        CursorRejected: the list does not end.
    """
    reached = offset + len(page.result)
    if len(page.result) < page_size or reached >= (page.total_filtered_count or reached + 1):
        return None
    if reached >= _MOST_ROWS:
        raise CursorRejected("the trade desk's list has no end", rows=reached)
    return reached


def vendor_day(response: Response, timezone: str) -> dt.date | None:
    """Return the day in `timezone` on which the vendor answered, by its own clock, if it says so."""
    try:
        moment = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return moment.astimezone(ZoneInfo(timezone)).date()
