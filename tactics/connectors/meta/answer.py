"""Reads Meta's answers just far enough: the cursor, the report's state, the error, the usage.

The rows themselves are not parsed here; silver does that in SQL. Decides nothing.
"""

import re

import msgspec

from tactics.errors import ContractChanged, DecodeError
from tactics.transport import Response

_TOKENS = tuple(
    (name + b"=", re.compile(name + rb'=[^&"\\\s]+'))
    for name in (b"access_token", b"appsecret_proof")
)


class ApiError(msgspec.Struct):
    """Meta's error envelope (contract section 6)."""

    message: str | None = None
    code: int | None = None
    error_subcode: int | None = None
    is_transient: bool | None = None
    error_user_msg: str | None = None


class Cursors(msgspec.Struct):
    """The place of a page."""

    after: str | None = None


class Paging(msgspec.Struct):
    """`next` is a flag only: its URL holds the access token and is never stored."""

    cursors: Cursors | None = None
    next: str | None = None


class Answer(msgspec.Struct):
    """All that we read of any answer; what is not there is None."""

    error: ApiError | None = None
    data: msgspec.Raw = msgspec.Raw(b"")  # a union with None would be decoded, not kept raw
    paging: Paging | None = None
    report_run_id: str | int | None = None
    async_status: str | None = None
    async_percent_completion: int = 0
    error_code: int | None = None
    error_subcode: int | None = None
    error_message: str | None = None
    account_id: str | None = None
    name: str | None = None
    currency: str | None = None
    timezone_name: str | None = None


_DECODER = msgspec.json.Decoder(Answer, strict=False)


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
        raise ContractChanged("meta answers in another shape", status=response.status) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise DecodeError(
            "meta's answer is not JSON", status=response.status, size_bytes=len(response.body)
        ) from exc


def mask_tokens(body: bytes) -> bytes:
    """Return the page with the tokens inside `paging.next` and `previous` replaced by `***`.

    Every other byte stays: the page is kept as received.
    """
    for name, pattern in _TOKENS:
        first = body.find(name)  # in `paging`, behind all rows: only what follows is worth a search
        if first >= 0:
            body = body[:first] + pattern.sub(name + b"***", body[first:])
    return body
