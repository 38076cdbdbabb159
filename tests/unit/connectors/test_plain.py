"""Answers of APIs that only say what HTTP says."""

import msgspec
import pytest

from tactics.connectors import decode_answer
from tactics.connectors.plain import error_of_status
from tactics.errors import (
    ContractChanged,
    CredentialError,
    DecodeError,
    PermissionDenied,
    RateLimited,
    TacticsError,
    TransientError,
    UpstreamUnavailable,
)
from tactics.transport import Response


class Shape(msgspec.Struct):
    """What must be there."""

    rows: list[msgspec.Raw]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, ContractChanged),
        (400, ContractChanged),
        (401, CredentialError),
        (403, PermissionDenied),
        (404, ContractChanged),
        (408, UpstreamUnavailable),
        (422, ContractChanged),
        (429, RateLimited),
        (500, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (529, UpstreamUnavailable),
    ],
)
def test_the_status_says_who_acts_next(status: int, kind: type[TacticsError]) -> None:
    """Whatever the body holds, and without repeating it."""
    with pytest.raises(kind) as caught:
        decode_answer(Response(status, b'{"rows": ["ann@x.example"]}'), Shape, vendor="acme")

    assert type(caught.value) is kind
    assert f"status={status}" in str(caught.value)
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 503])
def test_the_wait_is_the_vendors(status: int) -> None:
    """`Retry-After` goes along with what may be tried again."""
    error = error_of_status(Response(status, b"", {"retry-after": "17"}), vendor="acme")

    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == 17


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", DecodeError),
        (b"<html>", DecodeError),
        (b'{"rows": ["\xff"', DecodeError),
        (b"[]", ContractChanged),
        (b"{}", ContractChanged),
        (b'{"rows": 5}', ContractChanged),
    ],
)
def test_a_body_is_json_of_the_shape(body: bytes, kind: type[TacticsError]) -> None:
    """No JSON is a broken answer, other JSON another contract."""
    with pytest.raises(kind):
        decode_answer(Response(200, body), Shape, vendor="acme")


def test_a_good_answer_is_the_shape() -> None:
    """What the shape does not name is left out; raw parts stay bytes."""
    found = decode_answer(Response(200, b'{"rows": [{"a": 1.50}], "more": 1}'), Shape, vendor="a")

    assert [bytes(row) for row in found.rows] == [b'{"a": 1.50}']
