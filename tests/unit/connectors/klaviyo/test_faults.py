"""Klaviyo's errors become ours, with what its support needs."""

import pytest

from tactics.connectors.klaviyo.faults import error_of
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tests.unit.connectors.builders import respond

PATH = "/api/campaign-values-reports"


def failed(status: int, detail: str = "No.", path: str = PATH, **source: str) -> TacticsError:
    """Return the error of an answer in Klaviyo's form."""
    error = {"id": "e-1", "code": "invalid", "title": "Bad", "detail": detail, "source": source}
    return error_of(respond({"errors": [error]}, status), path)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ContractChanged),
        (401, CredentialError),
        (403, PermissionDenied),
        (404, ContractChanged),
        (405, ContractChanged),
        (409, ContractChanged),
        (410, ContractChanged),
        (415, ContractChanged),
        (429, RateLimited),
        (500, UpstreamUnavailable),
        (502, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (504, UpstreamUnavailable),
        (524, UpstreamUnavailable),
    ],
)
def test_the_table_of_the_contract(status: int, kind: type[TacticsError]) -> None:
    """Each status has its class, with a body and without."""
    assert type(failed(status)) is kind
    assert type(error_of(respond(b"<html>", status), PATH)) is kind
    assert type(error_of(respond({"errors": []}, status), PATH)) is kind


def test_an_error_names_its_place_and_its_number() -> None:
    """Where in the request, and the id for Klaviyo's support."""
    error = failed(400, "Invalid input.", pointer="/data/attributes/statistics")
    assert error.facts["place"] == "/data/attributes/statistics"
    assert error.facts["vendor_request"] == "e-1"
    assert "Invalid input." in str(error)


def test_without_a_body_the_header_names_the_number() -> None:
    """CID is the other thing that support takes."""
    error = error_of(respond(b"", 500, cid="abc"), PATH)
    assert error.facts["vendor_request"] == "abc"


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/api/accounts", "accounts:read"),
        (PATH, "campaigns:read"),
        ("/api/campaigns?page%5Bcursor%5D=x", "campaigns:read"),
        ("/api/flow-series-reports", "flows:read"),
        ("/api/metric-aggregates", "metrics:read"),
        ("/api/lists/Y6nRLr", "lists:read"),
        ("/api/segments", "segments:read"),
    ],
)
def test_a_missing_scope_is_named(path: str, scope: str) -> None:
    """Klaviyo need not say it: the call tells."""
    assert scope in failed(403, path=path).hint


@pytest.mark.parametrize("seconds", ["1", "40", "73473"])
def test_the_wait_is_klaviyos(seconds: str) -> None:
    """Retry-After is handed on; how long is too long decides the transport."""
    error = error_of(respond({"errors": []}, 429, retry_after=seconds), PATH)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == float(seconds)


@pytest.mark.parametrize(
    "source", [{"parameter": "page[cursor]"}, {"pointer": "/data/attributes/page_cursor"}]
)
def test_a_bad_cursor_starts_the_slice_again(source: dict[str, str]) -> None:
    """It may have run out."""
    assert isinstance(failed(400, **source), CursorRejected)


def test_a_group_that_is_refused_is_left_out() -> None:
    """The currency of orders is the only one that silver can do without."""
    error = failed(400, "'$value_currency' is not a valid choice.")
    assert isinstance(error, FieldRejected)
    assert error.facts["field"] == "$value_currency"


def test_a_metric_that_reports_cannot_use_says_what_to_do() -> None:
    """Custom metrics cannot be the conversion metric of a report."""
    error = failed(400, "Passed in conversion metric does not support querying for values data")
    assert "conversion_metric" in error.hint


def test_a_retired_revision_says_what_to_do() -> None:
    """Only a newer tactics speaks a newer revision."""
    assert "upgrade" in failed(410).hint
    assert failed(409).hint == ""
