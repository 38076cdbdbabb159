"""Reads Google's streams just far enough: is it whole, is it an error, who is the account.

The rows of a report are not parsed here; silver does that in SQL. Decides nothing.
Source: contract sheet "Google Ads API (REST search / searchStream)" section 4 (2026-11-21).
"""

from http import HTTPStatus
from typing import TypeVar

import msgspec

from tactics.connectors.google_ads.faults import ApiError, error_of, error_without_reason
from tactics.errors import ContractChanged, DecodeError, TacticsError, UpstreamUnavailable
from tactics.transport import Response

_TRUNCATED = "truncated"  # how msgspec names JSON that ends too early
_NO_ROWS = b"[]"


class Batch(msgspec.Struct, rename="camel"):
    """One element of the array; `results` is left out when there are none."""

    results: msgspec.Raw = msgspec.Raw(_NO_ROWS)
    field_mask: str | None = None
    error: ApiError | None = None  # the stream broke off after its first batches


class Customer(msgspec.Struct, rename="camel"):
    """What an account says of itself."""

    id: str = ""
    descriptive_name: str = ""
    currency_code: str = ""
    time_zone: str = ""
    manager: bool = False


class Client(msgspec.Struct, rename="camel"):
    """One account in the tree below a manager."""

    id: str = ""
    descriptive_name: str = ""
    manager: bool = False
    status: str = ""


class CustomerRow(msgspec.Struct):
    """A row of `FROM customer`."""

    customer: Customer


class ClientRow(msgspec.Struct, rename="camel"):
    """A row of `FROM customer_client`."""

    customer_client: Client


_ANSWER: msgspec.json.Decoder[Batch | list[Batch]] = msgspec.json.Decoder(Batch | list[Batch])
_CUSTOMERS = msgspec.json.Decoder(list[CustomerRow])
_CLIENTS = msgspec.json.Decoder(list[ClientRow])
_Row = TypeVar("_Row")


def open_stream(response: Response) -> list[Batch]:
    """Return the batches of a whole stream. None at all is Google's way of saying: no rows.

    Source of the empty array: the clients get a stream without a message (google-ads-dotnet
    issue 622 and pull request 368); the contract sheet does not say.

    Raises:
        TacticsError: the call failed, also in the midst of the stream.
        ContractChanged: this is JSON, but no stream.
    """
    if response.status != HTTPStatus.OK:
        error = _failure(response)
        raise error
    answer = _decode(response.body)
    for batch in answer if isinstance(answer, list) else [answer]:
        if batch.error is not None:
            error = error_of(batch.error, response.status)
            raise error
        if batch.field_mask is None or bytes(memoryview(batch.results)[:1]) != b"[":
            raise ContractChanged("google's stream has a batch of another shape")
    if not isinstance(answer, list):
        raise ContractChanged("google answers with one batch in place of a stream")
    return answer


def customers_of(batches: list[Batch]) -> list[Customer]:
    """Return the accounts that describe themselves."""
    return [row.customer for row in _rows(batches, _CUSTOMERS)]


def clients_of(batches: list[Batch]) -> list[Client]:
    """Return the accounts below a manager."""
    return [row.customer_client for row in _rows(batches, _CLIENTS)]


def _rows(batches: list[Batch], decoder: msgspec.json.Decoder[list[_Row]]) -> list[_Row]:
    try:
        return [row for batch in batches for row in decoder.decode(batch.results)]
    except msgspec.ValidationError as exc:
        raise ContractChanged("google describes an account in another shape") from exc


def _failure(response: Response) -> TacticsError:
    """Return the error of an answer that failed: an object, an array with one, or no JSON at all."""
    try:
        answer = _ANSWER.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return error_without_reason(response.status)
    batches = answer if isinstance(answer, list) else [answer]
    error = next((batch.error for batch in batches if batch.error is not None), None)
    return error_of(error, response.status) if error else error_without_reason(response.status)


def _decode(body: bytes) -> Batch | list[Batch]:
    try:
        answer = _ANSWER.decode(body)
        body.decode()
    except msgspec.ValidationError as exc:
        raise ContractChanged("google answers in another shape") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        ends = body.rstrip().endswith(b"]") and _TRUNCATED not in str(exc)
        if body.startswith(b"[") and not ends:
            size = len(body)
            raise UpstreamUnavailable("google's stream was cut off", size_bytes=size) from exc
        raise DecodeError("google's answer is not JSON", size_bytes=len(body)) from exc
    return answer
