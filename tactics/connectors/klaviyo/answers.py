"""Reads Klaviyo's answers just far enough: ids, cursors, names, the account.

The numbers are not parsed here; silver does that in SQL. Decides nothing.
Source: contract sheet "Klaviyo", sections 3 and 4 (2026-11-21).
"""

from http import HTTPStatus
from typing import TypeVar

import msgspec

from tactics.connectors.klaviyo.faults import error_of
from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Request, Response


class Links(msgspec.Struct):
    """Where the next page is; null and absent both mean that there is none."""

    next: str | None = None


class Named(msgspec.Struct):
    """Something with a name."""

    name: str | None = None


class MetricFacts(msgspec.Struct):
    """A metric's name, and the integration that it comes from (none: the API)."""

    name: str | None = None
    integration: Named | None = None


class Metric(msgspec.Struct):
    """One metric of the account."""

    id: str
    attributes: MetricFacts


class Metrics(msgspec.Struct):
    """A page of metrics."""

    data: list[Metric]
    links: Links | None = None


class Item(msgspec.Struct):
    """A campaign, a flow, a list or a segment."""

    type: str
    id: str


class Items(msgspec.Struct):
    """A page of any collection."""

    data: list[Item]
    links: Links | None = None


class Single(msgspec.Struct):
    """One object by its id."""

    data: Item


class _Results(msgspec.Struct):
    results: list[msgspec.Raw]


class _Report(msgspec.Struct):
    type: str
    attributes: _Results


class Report(msgspec.Struct):
    """A page of the campaign or the flow report."""

    data: _Report
    links: Links | None = None


class _Groups(msgspec.Struct):
    dates: list[str]
    data: list[msgspec.Raw]


class _Aggregate(msgspec.Struct):
    attributes: _Groups


class Aggregate(msgspec.Struct):
    """A page of a metric's aggregates."""

    data: _Aggregate
    links: Links | None = None


class _Contact(msgspec.Struct):
    organization_name: str | None = None


class _AccountFacts(msgspec.Struct):
    timezone: str
    preferred_currency: str
    test_account: bool = False
    contact_information: _Contact | None = None


class Account(msgspec.Struct):
    """The account of the key."""

    id: str
    attributes: _AccountFacts


class Accounts(msgspec.Struct):
    """The answer that lists the one account of the key."""

    data: list[Account]


class Kept(msgspec.Struct):
    """A page of numbers as it is stored: the answer, and what was asked for."""

    data: msgspec.Raw
    asked: dict[str, object]


class Envelope(msgspec.Struct):
    """The part of an answer that is kept."""

    data: msgspec.Raw


_Answer = TypeVar("_Answer")


def decode(request: Request, response: Response, kind: type[_Answer]) -> _Answer:
    """Return what a good answer says.

    Raises:
        TacticsError: the answer is an error.
        ContractChanged: the body is JSON of another shape.
        DecodeError: the body is not JSON, or not UTF-8.
    """
    if response.status != HTTPStatus.OK or response.body.startswith(b'{"errors"'):
        error = error_of(response, request.path)
        raise error
    try:
        response.body.decode()
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.ValidationError as exc:
        raise ContractChanged("klaviyo answers in another shape", path=request.path) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError("klaviyo's answer is not JSON", size_bytes=len(response.body)) from exc


def next_of(answer: Metrics | Items | Report | Aggregate) -> str | None:
    """Return the link to the next page."""
    return answer.links.next if answer.links else None
