"""Reads Shopify's answers just far enough: errors, cost, cursor, and the place of the rows.

The rows themselves are not parsed here; silver does that in SQL. Decides nothing.
"""

import datetime as dt
import email.utils
from typing import TypeVar

import msgspec

from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Response

T = TypeVar("T")


class ErrorDetails(msgspec.Struct):
    """What stands in `errors[].extensions`."""

    code: str | None = None
    requestId: str | None = None  # noqa: N815  Shopify's name


class ApiError(msgspec.Struct):
    """One error of GraphQL."""

    message: str = ""
    path: list[str | int] | None = None
    extensions: ErrorDetails = msgspec.field(default_factory=ErrorDetails)


class ThrottleStatus(msgspec.Struct, rename="camel"):
    """The bucket of this app and shop, after the call."""

    maximum_available: float = 0.0
    currently_available: float = 0.0
    restore_rate: float = 0.0


class Cost(msgspec.Struct, rename="camel"):
    """What the call cost; the actual cost is null when it was not run."""

    requested_query_cost: float | None = None
    throttle_status: ThrottleStatus | None = None


class Extensions(msgspec.Struct):
    """What Shopify says besides data and errors."""

    cost: Cost | None = None


class Answer(msgspec.Struct):
    """All that we read of any answer; `errors` is a plain text where it is not GraphQL's."""

    data: msgspec.Raw = msgspec.Raw(b"")  # a union with None would be decoded, not kept raw
    errors: list[ApiError] | str | None = None
    extensions: Extensions = msgspec.field(default_factory=Extensions)

    def listed(self) -> list[ApiError]:
        """Return the errors as GraphQL has them."""
        if isinstance(self.errors, str):
            return [ApiError(message=self.errors)]
        return self.errors or []


class PageInfo(msgspec.Struct, rename="camel"):
    """Whether more follows, and after which place."""

    has_next_page: bool
    end_cursor: str | None = None


class Connection(msgspec.Struct, rename="camel"):
    """One page of a collection."""

    nodes: list[msgspec.Raw]
    page_info: PageInfo


_DECODER = msgspec.json.Decoder(Answer)


def decode(response: Response) -> Answer:
    """Return what the body says, whatever the status.

    Raises:
        DecodeError: the body is not JSON, or not UTF-8.
        ContractChanged: the body is JSON of another shape.
    """
    try:
        response.body.decode()
        return _DECODER.decode(response.body)
    except msgspec.ValidationError as exc:
        raise ContractChanged("shopify answers in another shape", status=response.status) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError(
            "shopify's answer is not JSON", status=response.status, size_bytes=len(response.body)
        ) from exc


def member(answer: Answer, name: str, kind: type[T]) -> T:
    """Return one member of `data`, read as `kind`.

    Raises:
        ContractChanged: it is not there, or of another shape.
    """
    found = optional_member(answer, name, kind)
    if found is None:
        raise ContractChanged("shopify answers in another shape", wanted=name)
    return found


def optional_member(answer: Answer, name: str, kind: type[T]) -> T | None:
    """Return one member of `data`, read as `kind`; None when Shopify says null.

    Raises:
        ContractChanged: it is not there, or of another shape.
    """
    try:
        members = msgspec.json.decode(answer.data or b"{}", type=dict[str, msgspec.Raw])
        text = bytes(members[name])
        # Shopify writes its larger integers as text, which `strict=False` reads as numbers.
        return None if text == b"null" else msgspec.json.decode(text, type=kind, strict=False)
    except (KeyError, msgspec.DecodeError) as exc:
        raise ContractChanged("shopify answers in another shape", wanted=name) from exc


def answered_at(response: Response) -> dt.datetime | None:
    """Return the shop's own time of an answer; None when it does not say."""
    try:
        moment = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def longest_list(connection: Connection, name: str) -> int:
    """Return how long the longest list called `name` is in any of the objects.

    Raises:
        ContractChanged: an object has no such list.
    """
    try:
        nodes = [
            msgspec.json.decode(node, type=dict[str, msgspec.Raw]) for node in connection.nodes
        ]
        lists = [msgspec.json.decode(node[name], type=list[msgspec.Raw]) for node in nodes]
    except (KeyError, msgspec.DecodeError) as exc:
        raise ContractChanged("shopify answers in another shape", wanted=name) from exc
    return max(map(len, lists), default=0)
