"""The Trade Desk's error table."""

import pytest

from tactics.connectors.ttd.faults import error_of
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    TransientError,
    UpstreamUnavailable,
)
from tests.unit.connectors.builders import respond


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ContractChanged),
        (401, CredentialExpired),
        (403, PermissionDenied),
        (404, ContractChanged),
        (409, ContractChanged),
        (410, ContractChanged),
        (413, SliceTooLarge),
        (418, ContractChanged),
        (429, RateLimited),
        (500, UpstreamUnavailable),
        (502, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (504, UpstreamUnavailable),
    ],
)
def test_a_status_is_one_of_our_errors(status: int, kind: type[TacticsError]) -> None:
    """Each row of the table; what the vendor says and its request id are in the text."""
    error = error_of(respond({"Message": "because"}, status, x_ttd_request_id="r-1"))
    assert type(error) is kind
    assert str(error) == f"the trade desk says: because: status={status}, vendor_request=r-1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"Message": 5}', b"\xff", b"{}"])
def test_an_error_without_a_message_is_one_too(body: bytes) -> None:
    """A page of a proxy has no envelope: the status has to do."""
    assert "no message" in str(error_of(respond(body, 502)))


def test_a_refusal_names_all_its_causes() -> None:
    """403 is role, MyReports, partner or an unknown id: The Trade Desk does not say which (gotcha 5)."""
    hint = error_of(respond({"Message": "no"}, 403)).hint
    assert all(word in hint for word in ("role", "MyReports", "partner_id", "does not exist"))


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {"retry_after": "12"}, 12),
        (429, {}, 65),
        (503, {"retry_after": "12"}, 12),
        (503, {}, None),
        (429, {"retry_after": "Sat, 21 Nov 2026 09:05:00 GMT", "date": "Sat, 21 Nov 2026 09:00:00 GMT"}, 300),
    ],
)  # fmt: skip
def test_the_wait_is_the_vendors(status: int, headers: dict[str, str], wait: float | None) -> None:
    """Retry-After, else 65 s when throttled, else the transport's own steps."""
    error = error_of(respond({}, status, **headers))
    assert isinstance(error, TransientError)
    assert error.retry_after_seconds == wait


def test_a_retired_endpoint_says_what_to_do() -> None:
    """410 means that this version of ours is too old."""
    assert "upgrade" in error_of(respond({}, 410)).hint
