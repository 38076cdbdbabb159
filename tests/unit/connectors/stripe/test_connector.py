"""What is asked of Stripe, what its answers mean, and what is never kept."""

import datetime as dt
import json
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from tactics.connectors.stripe import StripeOptions, connector
from tactics.errors import (
    ContractChanged,
    CredentialError,
    CursorRejected,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Window
from tests.unit.connectors.builders import account, respond, slice_of

OPTIONS = StripeOptions()
WORK = slice_of("transactions", account_id="shop")
TXN = {
    "id": "txn_1", "object": "balance_transaction", "amount": 12050, "fee": 201, "net": 11849,
    "currency": "gbp", "exchange_rate": 0.8642, "type": "charge", "reporting_category": "charge",
    "status": "available", "created": 1773100000, "available_on": 1773360000,
    "fee_details": [{"amount": 201, "currency": "gbp", "type": "stripe_fee", "description": "Jane"}],
    "description": "Jane Roe",
}  # fmt: skip
CHARGE = {
    "id": "ch_1", "object": "charge", "amount": 12050, "status": "succeeded",
    "billing_details": {"name": "Jane Roe", "email": "jane@x.example"},
    "receipt_email": "jane@x.example", "payment_method_details": {"card": {"last4": "4242"}},
    "payment_intent": {"id": "pi_1", "customer": "cus_jane"}, "description": "for Jane Roe",
    "metadata": {"order_id": "1001", "gift_note": "Happy birthday, Jane"},
}  # fmt: skip


def page(*rows: object, more: bool = False) -> object:
    """Return a list of balance transactions."""
    return {"object": "list", "url": "/v1/balance_transactions", "has_more": more, "data": rows}


def test_a_window_runs_from_midnight_to_midnight_of_the_account() -> None:
    """Days are the account's, the end is excluded, the version is pinned, the source is expanded."""
    request = connector.ask(WORK, OPTIONS)
    zone = ZoneInfo("Europe/Vienna")
    assert request.path == "/v1/balance_transactions"
    assert request.query == (
        ("limit", "100"),
        ("created[gte]", str(int(dt.datetime(2026, 11, 1, tzinfo=zone).timestamp()))),
        ("created[lt]", str(int(dt.datetime(2026, 11, 8, tzinfo=zone).timestamp()))),
        ("expand[]", "data.source"),
    )
    assert request.headers == (("stripe-version", "2026-10-28.endive"),)


@pytest.mark.parametrize(
    "zone",
    ["Europe/Vienna", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo",
     "Africa/Cairo", "Australia/Lord_Howe", "America/Havana", "UTC"],
)  # fmt: skip
def test_windows_meet_without_gap_or_overlap(zone: str) -> None:
    """The end of a window is the start of the next, on days of 23 and 25 hours too."""
    first = replace(WORK, account=account(timezone=zone))
    for day in Window(dt.date(2025, 1, 1), dt.date(2026, 12, 31)).days():
        following = day + dt.timedelta(days=1)
        second = replace(first, window=Window(following, following))
        end = dict(connector.ask(replace(first, window=Window(day, day)), OPTIONS).query)[
            "created[lt]"
        ]
        assert end == dict(connector.ask(second, OPTIONS).query)["created[gte]"]
        around = [dt.datetime.fromtimestamp(int(end) + at, ZoneInfo(zone)) for at in (-1, 0)]
        assert [moment.date() for moment in around] == [day, following]


def test_the_expansion_can_be_left_out() -> None:
    """Without metadata to keep, or when Stripe refuses it, nothing is expanded."""
    plain = StripeOptions(order_metadata_keys=())
    refused = replace(WORK, without=frozenset({"data.source"}))
    for request in (connector.ask(WORK, plain), connector.ask(refused, OPTIONS)):
        assert "expand[]" not in dict(request.query)


def test_connected_accounts_are_named_in_a_header() -> None:
    """A platform reads its accounts through Stripe-Account."""
    options = StripeOptions(connected_accounts=True)
    work = slice_of("transactions", account_id="acct_9")
    assert ("stripe-account", "acct_9") in connector.ask(work, options).headers
    assert ("stripe-account", "acct_9") in connector.ask_account("acct_9", options).headers


def test_a_page_leads_to_the_next_by_its_last_id() -> None:
    """`starting_after` is the last id, on top of the same parameters."""
    request = connector.ask(WORK, OPTIONS)
    step = connector.read(
        WORK, OPTIONS, request, respond(page({"id": "a"}, {"id": "b"}, more=True))
    )
    assert step.next == request.with_query(starting_after="b")
    assert step.next.headers == request.headers
    last = connector.read(WORK, OPTIONS, step.next, respond(page({"id": "c"})))
    assert (last.next, last.page is not None) == (None, True)


@pytest.mark.parametrize("rows", [[], [{"id": "b"}]])
def test_a_cursor_that_does_not_move_is_refused(rows: list[object]) -> None:
    """More to come, but no id or the same id again, would never end."""
    request = connector.ask(WORK, OPTIONS).with_query(starting_after="b")
    with pytest.raises(CursorRejected):
        connector.read(WORK, OPTIONS, request, respond(page(*rows, more=True)))


def test_personal_data_is_not_kept() -> None:
    """Names, e-mails, cards, descriptions and free metadata are gone; the order's id stays."""
    body = respond(page(TXN | {"source": CHARGE}))
    step = connector.read(WORK, OPTIONS, connector.ask(WORK, OPTIONS), body)
    assert step.page is not None
    for secret in (b"Jane", b"jane", b"4242", b"birthday", b"cus_"):
        assert secret not in step.page
    [kept] = json.loads(step.page)["data"]
    assert kept["source"] == {
        "id": "ch_1", "object": "charge", "amount": 12050, "status": "succeeded",
        "payment_intent": {"id": "pi_1"}, "metadata": {"order_id": "1001"},
    }  # fmt: skip
    assert {name: kept[name] for name in ("id", "amount", "net", "exchange_rate")} == {
        "id": "txn_1", "amount": 12050, "net": 11849, "exchange_rate": 0.8642,
    }  # fmt: skip


def classify(status: int, body: object = b"", **headers: str) -> TacticsError:
    """Return the error of an answer."""
    with pytest.raises(TacticsError) as caught:
        connector.read(
            WORK, OPTIONS, connector.ask(WORK, OPTIONS), respond(body, status, **headers)
        )
    return caught.value


def failure(**facts: str) -> dict[str, object]:
    """Return Stripe's error envelope."""
    return {"error": {"type": "invalid_request_error", "message": "no", **facts}}


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        (429, failure(code="rate_limit"), {}, RateLimited),
        (429, b"slow down", {}, RateLimited),
        (400, failure(code="rate_limit"), {}, RateLimited),
        (429, failure(code="lock_timeout"), {}, UpstreamUnavailable),
        (409, failure(), {}, UpstreamUnavailable),
        (500, failure(), {}, UpstreamUnavailable),
        (502, b"<html>bad gateway</html>", {}, UpstreamUnavailable),
        (503, failure(), {}, UpstreamUnavailable),
        (504, b"", {}, UpstreamUnavailable),
        (500, failure(), {"stripe_should_retry": "false"}, ContractChanged),
        (409, failure(), {"stripe_should_retry": "false"}, ContractChanged),
        (400, failure(), {"stripe_should_retry": "true"}, UpstreamUnavailable),
        (500, failure(), {"stripe_should_retry": "true"}, UpstreamUnavailable),
        (401, failure(), {}, CredentialError),
        (401, failure(), {"stripe_should_retry": "true"}, CredentialError),
        (403, failure(code="more_permissions_required"), {}, PermissionDenied),
        (400, failure(code="parameter_unknown", param="frobnicate"), {}, ContractChanged),
        (400, failure(code="resource_missing", param="starting_after"), {}, CursorRejected),
        (404, failure(code="resource_missing", param="id"), {}, ContractChanged),
        (402, failure(), {}, ContractChanged),
        (400, failure(param="expand[0]"), {}, FieldRejected),
        (200, b"<html>hello</html>", {}, DecodeError),
        (200, b'{"object": "list", "has_more": false, "data": [{"id": "t', {}, DecodeError),
        (200, b'{"object": "list", "has_more": false, "data": [{"id": "\xff"}]}', {}, DecodeError),
        (200, {"object": "list", "data": []}, {}, ContractChanged),
        (200, {"error": {"message": "odd"}}, {}, ContractChanged),
    ],
)
def test_the_error_table(
    status: int, body: object, headers: dict[str, str], kind: type[TacticsError]
) -> None:
    """Every row of the contract; Stripe-Should-Retry overrides our judgement."""
    assert type(classify(status, body, **headers)) is kind


def test_told_not_to_retry_a_throttled_call() -> None:
    """Then the transport does not wait but leaves the account alone; otherwise its own waits hold."""
    told = classify(429, failure(), stripe_should_retry="false")
    assert isinstance(told, RateLimited)
    assert told.retry_after_seconds == 300
    plain = classify(429, failure())
    assert isinstance(plain, RateLimited)
    assert plain.retry_after_seconds is None


def test_a_refused_expansion_is_named() -> None:
    """So that the slice can be asked for without it."""
    assert classify(400, failure(param="expand[0]")).facts["field"] == "data.source"


def test_an_error_names_stripes_own_request() -> None:
    """Stripe's support asks for the request id."""
    assert classify(500, failure(), request_id="req_9").facts["vendor_request"] == "req_9"


ACCOUNT = {
    "id": "acct_1", "object": "account", "default_currency": "eur", "email": "owner@x.example",
    "settings": {"dashboard": {"display_name": "Acme", "timezone": "America/New_York"}},
}  # fmt: skip


def test_the_account_tells_currency_and_time_zone() -> None:
    """The dashboard's time zone is the business day's, unless the options name one."""
    info = connector.read_account("shop", OPTIONS, respond(ACCOUNT))
    assert (info.account_id, info.name, info.currency) == ("shop", "Acme", "EUR")
    assert info.timezone == "America/New_York"
    assert info.facts == {"stripe_account": "acct_1"}
    set_zone = StripeOptions(timezone="Europe/Vienna")
    assert connector.read_account("shop", set_zone, respond(ACCOUNT)).timezone == "Europe/Vienna"


def test_a_key_that_may_not_see_the_account() -> None:
    """It is enough when the options name the time zone, and refused when they do not."""
    denied = respond(failure(), 403)
    with pytest.raises(PermissionDenied):
        connector.read_account("shop", OPTIONS, denied)
    info = connector.read_account("shop", StripeOptions(timezone="Europe/Vienna"), denied)
    assert (info.timezone, info.currency) == ("Europe/Vienna", None)


def test_an_account_without_a_time_zone_asks_for_one() -> None:
    """Days would be a guess."""
    with pytest.raises(ContractChanged) as caught:
        connector.read_account("shop", OPTIONS, respond({"id": "acct_1"}))
    assert "timezone =" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "options", "good"),
    [
        ("rk_live_1", OPTIONS, True),
        ("rk_test_1", OPTIONS, True),
        ("sk_live_1", OPTIONS, False),
        ("sk_test_1", StripeOptions(allow_secret_key=True), True),
        ("pk_live_1", StripeOptions(allow_secret_key=True), False),
    ],
)
def test_keys_that_can_write_are_refused(key: str, options: StripeOptions, *, good: bool) -> None:
    """Only restricted keys are taken, unless the operator insists; the key is not in the error."""
    if good:
        connector.check_credentials({"api_key": key}, options)
        return
    with pytest.raises(CredentialError) as caught:
        connector.check_credentials({"api_key": key}, options)
    assert key not in str(caught.value)
