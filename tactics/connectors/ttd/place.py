"""Where a slice stands between two requests, and the requests themselves.

What has to be remembered travels with the next request (`carry.py`); the schedule's id is kept by the
pipeline, too (`Step.job`). Source: contract sheet "The Trade Desk" sections 4 and 5 (2026-11-21).
"""

import datetime as dt
from dataclasses import asdict, dataclass, replace
from urllib.parse import quote

import msgspec

from tactics.connectors.carry import carried, carry
from tactics.connectors.ttd.options import TtdOptions
from tactics.model import Slice
from tactics.transport import Request, get, post_json

PAGE_SIZE = 100
_MADE = " made "
_SCHEDULES = "/myreports/reportschedule"
# The path without "/advertisers" is 404 (contract section 4).
_EXECUTIONS = "/myreports/reportexecution/query/advertisers"


@dataclass(frozen=True, slots=True)
class Place:
    """What happened to a slice so far.

    `schedule` is the schedule's id, `adopted` (0 or 1) says that an earlier sync made it, `old` the ids of schedules to be deleted before a new one is
    made, `made` the vendor's day on which it is made. The others count: polls without a file,
    reports that failed, schedules that were gone, links that did not work, attempts to make a
    schedule that ended without an answer.
    """

    schedule: str = ""
    old: str = ""
    made: str = ""
    offset: int = 0
    polls: int = 0
    failed: int = 0
    gone: int = 0
    links: int = 0
    tries: int = 0
    adopted: int = 0


def place_of(request: Request) -> Place:
    """Return the place that a request carries."""
    return msgspec.convert(carried(request), Place, strict=False)


def step_of(request: Request) -> str:
    """Return which question a request asks."""
    return carried(request).get("step", "")


def account_request(account_id: str) -> Request:
    """Return the request for an advertiser's name and currency."""
    return get(f"/advertiser/{quote(account_id, safe='')}")


def confirm(place: Place) -> Request:
    """Return the request that asks whether a remembered schedule still exists."""
    return _at("confirm", place, get(f"{_SCHEDULES}/{place.schedule}"))


def look_up(work: Slice, mine: TtdOptions, place: Place) -> Request:
    """Return the request for the schedules that earlier syncs of this account left."""
    wanted = {
        "PartnerId": mine.partner_id,
        "NameContains": prefix_of(work),
        "PageStartIndex": place.offset,
        "PageSize": PAGE_SIZE,
    }
    return _at("look_up", place, post_json(f"{_SCHEDULES}/query", wanted))


def create(work: Slice, mine: TtdOptions, place: Place) -> Request:
    """Return the request that makes a schedule; repeating it blindly would make a second one."""
    first, after = days_of(work)
    wanted = {
        "ReportScheduleName": f"{tag_of(work, mine)}{place.made}",
        "ReportTemplateId": mine.report_template_id,
        "ReportFileFormat": "CSV",
        "ReportDateRange": "Custom",
        "ReportStartDateInclusive": f"{first}T00:00:00",
        "ReportEndDateExclusive": f"{after}T00:00:00",
        "ReportFrequency": "Once",
        "ScheduleStartDate": f"{place.made}T00:00:00",
        "TimeZone": work.account.timezone,
        "ReportDateFormat": "Sortable",
        "ReportNumericFormat": "US",
        "IncludeHeaders": True,
        "AdvertiserFilters": [work.key.account_id],
    }
    return _at("create", place, replace(post_json(_SCHEDULES, wanted), idempotent=False))


def poll(work: Slice, place: Place) -> Request:
    """Return the request for the executions of a schedule."""
    wanted = {
        "AdvertiserIds": [work.key.account_id],
        "ReportScheduleIds": [int(place.schedule)],
        # No filter by state: its name differs between versions, and the vocabulary is not known.
        "SortFields": [{"FieldId": "ReportEndDateExclusive", "Ascending": False}],
        "PageStartIndex": place.offset,
        "PageSize": PAGE_SIZE,
    }
    return _at("poll", place, post_json(_EXECUTIONS, wanted))


def download(url: str, place: Place) -> Request:
    """Return the request for a file, wherever the vendor says that it lies."""
    return _at("download", place, Request("GET", url))


def delete(schedule: str, place: Place, *, last: bool) -> Request:
    """Return the request that deletes a schedule; `last` ends the slice."""
    step = "finish" if last else "sweep"
    return _at(step, place, Request("DELETE", f"{_SCHEDULES}/{schedule}"))


def days_of(work: Slice) -> tuple[str, str]:
    """Return the first day of a slice and the day after its last one."""
    after = work.window.end + dt.timedelta(days=1)
    return work.window.start.isoformat(), after.isoformat()


def prefix_of(work: Slice) -> str:
    """Return how the names of all our schedules of this account begin."""
    key = work.key
    return f"tactics {key.org_id}.{key.source} {key.account_id} "


def tag_of(work: Slice, mine: TtdOptions) -> str:
    """Return how the name of this slice's schedule begins; the day on which it is made follows."""
    first, after = days_of(work)
    return f"{prefix_of(work)}t{mine.report_template_id} {first}..{after}{_MADE}"


def made_on(name: str) -> dt.date | None:
    """Return the day that stands in the name of one of our schedules."""
    try:
        return dt.date.fromisoformat(name.rpartition(_MADE)[2])
    except ValueError:
        return None


def _at(step: str, place: Place, request: Request) -> Request:
    return carry(request, step=step, **asdict(place))
