"""Reads the JSON of the Bid Manager and Display & Video 360 APIs as far as we need it.

Output fields may be missing, lists are left out when they are empty. Decides nothing.
Source: contract sheet "Display & Video 360" sections 3, 4 and 6 (2026-11-21).
"""

import datetime as dt
from typing import Annotated, TypeVar

import msgspec

from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Response

Id = Annotated[str, msgspec.Meta(pattern=r"^\d{1,20}$")]  # int64 travels as text
_T = TypeVar("_T")


class _Answer(msgspec.Struct, rename="camel"):
    pass


class Day(_Answer):
    """A calendar date."""

    year: int = 0
    month: int = 0
    day: int = 0


class QueryMetadata(_Answer):
    """The part of a query that tells whose it is."""

    title: str = ""


class Query(_Answer):
    """A saved query; there are also other people's kinds, which we only pass by."""

    query_id: Id
    metadata: QueryMetadata = msgspec.field(default_factory=QueryMetadata)


class QueryList(_Answer):
    """One page of the queries of this credential."""

    queries: list[Query] = []
    next_page_token: str = ""


class ReportKey(_Answer):
    """What names a report."""

    query_id: Id
    report_id: Id


class ReportStatus(_Answer):
    """How far a report is. A failed one does not say why."""

    state: str = ""
    finish_time: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None


class ReportMetadata(_Answer):
    """A report's days, state and file; the file is named only when the report is done."""

    status: ReportStatus = msgspec.field(default_factory=ReportStatus)
    google_cloud_storage_path: str = ""
    report_data_start_date: Day = msgspec.field(default_factory=Day)
    report_data_end_date: Day = msgspec.field(default_factory=Day)


class Report(_Answer):
    """One run of a query."""

    key: ReportKey
    metadata: ReportMetadata = msgspec.field(default_factory=ReportMetadata)


class ReportList(_Answer):
    """The newest reports of a query."""

    reports: list[Report] = []


class GeneralConfig(_Answer):
    """Currency and time zone of an advertiser; both never change."""

    currency_code: str = ""
    time_zone: str = ""


class Advertiser(_Answer):
    """One advertiser."""

    advertiser_id: Id
    display_name: str = ""
    general_config: GeneralConfig = msgspec.field(default_factory=GeneralConfig)


def decode(response: Response, kind: type[_T]) -> _T:
    """Return the body as `kind`.

    Raises:
        DecodeError: the body is not JSON, or not UTF-8.
        ContractChanged: the body is JSON of another shape.
    """
    try:
        response.body.decode()
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged("google answers in another shape") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError("google's answer is not JSON", size_bytes=len(response.body)) from exc
