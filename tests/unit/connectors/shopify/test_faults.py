"""Shopify's error table, row by row, as pure values."""

import pytest

from tactics.connectors.shopify import ShopifyOptions, connector
from tactics.errors import (
    ContractChanged,
    CredentialExpired,
    CursorRejected,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tests.unit.connectors.builders import respond, slice_of

OPTIONS = ShopifyOptions()
WORK = slice_of("orders")


def classify(status: int, body: object = b"", **headers: str) -> TacticsError:
    """Return the error of an answer."""
    request = connector.ask(WORK, OPTIONS)
    with pytest.raises(TacticsError) as caught:
        connector.read(WORK, OPTIONS, request, respond(body, status, **headers))
    return caught.value


def failure(*codes: str, data: object = None, **more: object) -> dict[str, object]:
    """Return an answer with an error for each code."""
    errors = [{"message": f"says {code}", "extensions": {"code": code}, **more} for code in codes]
    return {"data": data, "errors": errors}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, failure("THROTTLED"), RateLimited),
        (200, failure("INTERNAL_SERVER_ERROR"), UpstreamUnavailable),
        (200, failure("INTERNAL_SERVER_ERROR", data={"orders": {}}), UpstreamUnavailable),
        (200, failure("SHOP_INACTIVE"), PermissionDenied),
        (200, failure("ACCESS_DENIED", path=["orders"]), PermissionDenied),
        (200, failure("ACCESS_DENIED", path=["orders", "nodes", 0, "name"]), PermissionDenied),
        (200, failure("undefinedField"), ContractChanged),
        (200, failure("", message="Invalid cursor for current pagination sort."), CursorRejected),
        (200, {"errors": [{"message": "no extensions"}]}, ContractChanged),
        (200, {"errors": "[API] a plain text"}, ContractChanged),
        (200, {"data": None}, ContractChanged),
        (200, {"data": {"orders": None}}, ContractChanged),
        (200, {"data": {"orders": {"nodes": []}}}, ContractChanged),
        (200, b"<html>hello</html>", DecodeError),
        (200, b'{"data": {"orders": {"nodes": [', DecodeError),
        (200, b'{"data": "\xff"}', DecodeError),
        (400, {"errors": {"query": "Required parameter missing"}}, ContractChanged),
        (401, {"errors": "[API] Invalid API key or access token"}, CredentialExpired),
        (402, {"errors": "Unavailable Shop"}, PermissionDenied),
        (403, b"", PermissionDenied),
        (404, {"errors": "Not Found"}, ContractChanged),
        (408, b"", UpstreamUnavailable),
        (423, b"", PermissionDenied),
        (429, {"errors": "Exceeded"}, RateLimited),
        (430, b"", RateLimited),
        (500, {"errors": "Internal Server Error"}, UpstreamUnavailable),
        (502, b"<html>bad gateway</html>", UpstreamUnavailable),
        (503, b"", UpstreamUnavailable),
        (302, b"", ContractChanged),
    ],
)
def test_the_error_table(status: int, body: object, kind: type[TacticsError]) -> None:
    """Every row of the contract, with status 200 or without."""
    assert type(classify(status, body)) is kind


def test_a_throttled_query_waits_for_its_points() -> None:
    """What is missing, at the rate at which it comes back; two seconds when nothing is known."""
    status = {"maximumAvailable": 2000, "currentlyAvailable": 12, "restoreRate": 50}
    cost = {"requestedQueryCost": 112, "actualQueryCost": None, "throttleStatus": status}
    known = classify(200, failure("THROTTLED") | {"extensions": {"cost": cost}})
    stopped = status | {"restoreRate": 0}
    odd = {"extensions": {"cost": cost | {"throttleStatus": stopped}}}
    waits = [known, classify(200, failure("THROTTLED")), classify(200, failure("THROTTLED") | odd)]
    assert [getattr(wait, "retry_after_seconds", None) for wait in waits] == [2.0, 2.0, 2.0]
    poorer = cost | {"throttleStatus": status | {"currentlyAvailable": 2, "restoreRate": 10}}
    slow = classify(200, failure("THROTTLED") | {"extensions": {"cost": poorer}})
    assert getattr(slow, "retry_after_seconds", None) == 11.0


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [(429, {"retry_after": "7"}, 7.0), (429, {}, 2.0), (430, {}, 3600.0), (503, {}, None)],
)
def test_waits_of_http(status: int, headers: dict[str, str], wait: float | None) -> None:
    """Retry-After if it is there; a security rejection is left alone for an hour."""
    error = classify(status, b"", **headers)
    assert getattr(error, "retry_after_seconds", None) == wait


def test_the_gravest_error_counts() -> None:
    """What passes by itself is waited for before a denied field is given up."""
    both = failure(
        "ACCESS_DENIED", "INTERNAL_SERVER_ERROR", path=["orders", "nodes", 0, "customer"]
    )
    assert type(classify(200, both)) is UpstreamUnavailable


@pytest.mark.parametrize(
    "error",
    [
        {"message": "no", "path": ["orders", "nodes", 3, "customer", "numberOfOrders"]},
        {"message": "Access denied for customer field. Required access: `read_customers`"},
    ],
)
def test_a_denied_optional_field_is_named(error: dict[str, object]) -> None:
    """By its path, or by the message when the whole query was refused."""
    denied = error | {"extensions": {"code": "ACCESS_DENIED"}}
    caught = classify(200, {"errors": [denied]})
    assert isinstance(caught, FieldRejected)
    assert caught.facts["field"] == "customer"


def test_an_error_names_shopifys_own_request() -> None:
    """Shopify's support asks for the request id."""
    header = classify(500, b"", x_request_id="req-1")
    body = {"errors": [{"message": "x", "extensions": {
        "code": "INTERNAL_SERVER_ERROR", "requestId": "req-2"}}]}  # fmt: skip
    assert header.facts["vendor_request"] == "req-1"
    assert classify(200, body).facts["vendor_request"] == "req-2"
    assert "vendor_request" not in classify(500).facts
