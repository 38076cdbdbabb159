"""What is asked of Google Ads, and what its streams mean."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from tactics.connectors import finality, plan_slices
from tactics.connectors.google_ads import GoogleAdsOptions, connector
from tactics.errors import (
    ConfigError,
    ContractChanged,
    DecodeError,
    FieldRejected,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import CoveredDay, Window
from tactics.transport import Request, Response
from tests.unit.connectors.builders import TODAY, respond, slice_of

OPTIONS = GoogleAdsOptions()
CUSTOMER = "1112223330"
WORK = slice_of("campaign_performance", account_id=CUSTOMER)
MASK = "customer.id,metrics.clicks"


def query_of(request: Request) -> str:
    """Return the query of a request."""
    text: str = json.loads(request.body)["query"]
    return text


def stream(*rows: object, batch: int = 2) -> list[dict[str, object]]:
    """Return rows as a stream of batches."""
    pieces = [rows[at : at + batch] for at in range(0, len(rows), batch)]
    return [{"results": piece, "fieldMask": MASK, "requestId": "r"} for piece in pieces]


def failure(code: str, message: str = "no", *, number: int = 400) -> dict[str, Any]:
    """Return Google's envelope."""
    category, name = code.split(".")
    errors = [{"errorCode": {category: name}, "message": message}]
    return {"error": {"code": number, "message": "failed", "details": [{"errors": errors}]}}


def read(body: object, status: int = 200, work: Any = WORK, request: Request | None = None) -> Any:
    """Return what an answer to the slice's request means."""
    asked = request or connector.ask(work, OPTIONS)
    return connector.read(work, OPTIONS, asked, respond(body, status))


def refused(body: object, status: int = 200, work: Any = WORK) -> TacticsError:
    """Return the error of an answer."""
    with pytest.raises(TacticsError) as caught:
        read(body, status, work)
    return caught.value


def test_the_report_is_one_query_for_days_and_campaigns() -> None:
    """It names the fields of the contract, all campaigns, and a finite range of days."""
    request = connector.ask(WORK, OPTIONS)
    assert (request.method, request.path) == (
        "POST",
        f"/v26/customers/{CUSTOMER}/googleAds:searchStream",
    )
    fields, _, rest = query_of(request).removeprefix("SELECT ").partition(" FROM ")
    assert set(fields.split(", ")) == {
        "customer.id", "customer.currency_code", "customer.time_zone",
        "campaign.id", "campaign.name", "campaign.status", "campaign.advertising_channel_type",
        "segments.date", "metrics.impressions", "metrics.clicks", "metrics.cost_micros",
        "metrics.conversions", "metrics.conversions_value", "metrics.video_trueview_views",
    }  # fmt: skip
    assert rest == "campaign WHERE segments.date BETWEEN '2026-11-01' AND '2026-11-07'"


def test_the_day_is_the_only_segment() -> None:
    """Another segment would give several rows with the same key (gotcha 6)."""
    assert query_of(connector.ask(WORK, OPTIONS)).count("segments.") == 2  # selected, and filtered


def test_spend_is_read_from_campaigns() -> None:
    """Ads and ad groups do not add up to their campaign (gotcha 5)."""
    assert " FROM campaign " in query_of(connector.ask(WORK, OPTIONS))


def test_the_view_count_has_its_present_name() -> None:
    """`video_views` is a refused field on every version that is alive (gotcha 10)."""
    query = query_of(connector.ask(WORK, OPTIONS))
    assert "metrics.video_trueview_views" in query
    assert "metrics.video_views" not in query


def test_a_page_token_is_never_used() -> None:
    """A stream has none, so that none can expire on a slow consumer (gotcha 3)."""
    request = connector.ask(WORK, OPTIONS)
    assert set(json.loads(request.body)) == {"query"}
    assert read(stream({"campaign": {}})).next is None


def test_a_refused_field_is_left_out() -> None:
    """The slice is asked for again without it."""
    work = replace(WORK, without=frozenset({"metrics.video_trueview_views"}))
    assert "trueview" not in query_of(connector.ask(work, OPTIONS))


def test_the_login_account_travels_in_a_header() -> None:
    """Every request through a manager names it, reports and accounts alike (gotcha 2)."""
    options = GoogleAdsOptions(login_account="9000000001")
    for request in (connector.ask(WORK, options), connector.ask_account(CUSTOMER, options)):
        assert ("login-customer-id", "9000000001") in request.headers
    for request in (connector.ask(WORK, OPTIONS), connector.ask_account(CUSTOMER, OPTIONS)):
        assert "login-customer-id" not in dict(request.headers)


def test_the_version_is_an_option() -> None:
    """Google ends one a quarter; a new one can be tried without an upgrade."""
    options = GoogleAdsOptions(api_version="v27")
    assert connector.ask(WORK, options).path.startswith("/v27/")
    assert connector.ask_account(CUSTOMER, options).path.startswith("/v27/")


@pytest.mark.parametrize("extra", [{"login_account": "900-000-0001"}, {"api_version": "26"}])
def test_options_are_checked(extra: dict[str, str]) -> None:
    """A manager is written with ten digits, a version as `v26`."""
    with pytest.raises(ValidationError):
        GoogleAdsOptions.model_validate(extra)


def test_the_whole_stream_is_one_page() -> None:
    """It is kept as it came, and nothing follows."""
    body = json.dumps(stream({"a": 1}, {"a": 2}, {"a": 3})).encode()
    step = read(body)
    assert (step.page, step.next) == (body, None)


@pytest.mark.parametrize("body", [[], [{"fieldMask": MASK, "requestId": "r"}]])
def test_no_rows_are_an_answer(body: object) -> None:
    """Without rows the stream is empty, or has a batch without results: the days had no delivery."""
    assert read(body).page is not None


def test_a_stream_cut_off_anywhere_is_tried_again_whole() -> None:
    """Whatever of it arrived, no half slice is kept (gotcha 4)."""
    body = json.dumps(stream({"n": "München"}, {"n": 1.5}, {"n": "x"}), ensure_ascii=False).encode()
    for length in range(1, len(body)):
        error = refused(body[:length])
        assert isinstance(error, UpstreamUnavailable), body[:length]
    assert read(body).page == body


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", DecodeError),
        (b"<html></html>", DecodeError),
        (b'[{"fieldMask": "a", "results": [{"n": "\xff"}]}]', DecodeError),
        (b"[{]", DecodeError),
        ({"results": [], "fieldMask": MASK}, ContractChanged),
        ([{"results": []}], ContractChanged),
        ([{"results": {}, "fieldMask": MASK}], ContractChanged),
        ([5], ContractChanged),
    ],
)
def test_what_is_no_stream_is_refused(body: object, kind: type[TacticsError]) -> None:
    """Other JSON ends the stream, what is no JSON becomes a dead letter."""
    assert type(refused(body)) is kind


def test_an_error_in_the_midst_of_a_stream_counts() -> None:
    """Status 200 was sent before it was known; the rows before it are not kept."""
    body = [*stream({"a": 1}), failure("internalError.TRANSIENT_ERROR", number=503)]
    error = refused(body)
    assert isinstance(error, UpstreamUnavailable)
    assert error.facts["status"] == 503


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: [body]])
def test_both_forms_of_an_error_are_read(wrap: Any) -> None:
    """Streams wrap their error into an array, everything else does not."""
    body = failure("queryError.BAD_VALUE", "what is this?")
    error = refused(wrap(body), 400)
    assert type(error) is ContractChanged
    assert "what is this?" in str(error)
    assert error.facts["code"] == "queryError.BAD_VALUE"


def unrecognized(field: str) -> list[dict[str, Any]]:
    """Return Google's refusal of a field."""
    text = f"Unrecognized field in the query: '{field}'."
    return [failure("queryError.UNRECOGNIZED_FIELD", text)]


def test_an_optional_field_that_google_refuses_is_named() -> None:
    """So that the slice can be asked for without it."""
    error = refused(unrecognized("metrics.video_trueview_views"), 400)
    assert isinstance(error, FieldRejected)
    assert error.facts["field"] == "metrics.video_trueview_views"


@pytest.mark.parametrize("field", ["metrics.cost_micros", "metrics.unheard_of"])
def test_a_field_that_silver_needs_ends_the_stream(field: str) -> None:
    """Without cost there is nothing to report; without an unknown one nothing would change."""
    assert type(refused(unrecognized(field), 400)) is ContractChanged


def test_a_field_refused_twice_ends_the_stream() -> None:
    """It was left out already: asking again cannot help."""
    work = replace(WORK, without=frozenset({"campaign.name"}))
    assert type(refused(unrecognized("campaign.name"), 400, work)) is ContractChanged


def customer(**changes: object) -> list[dict[str, Any]]:
    """Return what an account says of itself."""
    said = {
        "resourceName": f"customers/{CUSTOMER}",
        "id": CUSTOMER,
        "descriptiveName": "Acme",
        "currencyCode": "EUR",
        "timeZone": "Europe/Vienna",
        "manager": False,
    }
    known = {name: value for name, value in {**said, **changes}.items() if value is not None}
    return [{"results": [{"customer": known}], "fieldMask": "customer.id"}]


def account(body: object, account_id: str = CUSTOMER) -> Any:
    """Return what is made of an account's answer."""
    return connector.read_account(account_id, OPTIONS, respond(body))


def test_the_account_tells_name_currency_and_time_zone() -> None:
    """Days and money are read in what the account says."""
    info = account(customer())
    assert (info.account_id, info.name) == (CUSTOMER, "Acme")
    assert (info.currency, info.timezone) == ("EUR", "Europe/Vienna")
    assert account(customer(descriptiveName=None)).name == CUSTOMER


def test_a_manager_is_shown_as_one() -> None:
    """`sources check` tells before the first sync that there is nothing to read."""
    assert account(customer(manager=True)).name == "Acme (manager account: no metrics)"


@pytest.mark.parametrize(
    "body",
    [
        customer(timeZone=None),
        customer(timeZone="Mars/Olympus"),
        customer(currencyCode=None),
        [{"results": [{"customer": 5}], "fieldMask": "a"}],
        [],
    ],
)
def test_an_account_without_currency_or_zone_is_refused(body: object) -> None:
    """Without them days and money would be guesses."""
    with pytest.raises(ContractChanged):
        account(body)


def test_a_customer_id_has_one_spelling() -> None:
    """With dashes it would be another account to us, and its money would count twice (gotcha 1)."""
    assert connector.ask_account("111-222-3330", OPTIONS) == connector.ask_account(
        CUSTOMER, OPTIONS
    )
    with pytest.raises(ConfigError) as caught:
        account(customer(), "111-222-3330")
    assert caught.value.hint == 'write "1112223330"'


def clients(*rows: tuple[str, bool, str]) -> list[dict[str, Any]]:
    """Return the tree below a manager: id, is it a manager, status."""
    found = [
        {"customerClient": {"id": one, "descriptiveName": f"C{one}", "manager": manager, "status": status}}
        for one, manager, status in rows
    ]  # fmt: skip
    return [{"results": found, "fieldMask": "customerClient.id"}]


def children_of(body: object, options: GoogleAdsOptions = OPTIONS) -> TacticsError:
    """Return how a manager's report ends, once its clients are known."""
    refusal = respond([failure("queryError.REQUESTED_METRICS_FOR_MANAGER")], 400)
    step = connector.read(WORK, options, connector.ask(WORK, options), refusal)
    assert step.page is None
    assert "FROM customer_client" in query_of(step.next)  # type: ignore[arg-type]
    with pytest.raises(ContractChanged) as caught:
        connector.read(WORK, options, step.next, respond(body))  # type: ignore[arg-type]
    return caught.value


def test_a_manager_names_its_clients() -> None:
    """Metrics are refused; the hint says which accounts to write instead (gotcha 1)."""
    tree = clients(
        (CUSTOMER, True, "ENABLED"), ("1", False, "ENABLED"), ("2", False, "CANCELED"),
        ("3", True, "ENABLED"), ("4", False, "ENABLED"),
    )  # fmt: skip
    error = children_of(tree)
    assert "1 (C1), 4 (C4); and" in error.hint
    assert f'login_account = "{CUSTOMER}"' in error.hint
    through = children_of(tree, GoogleAdsOptions(login_account="9000000001"))
    assert 'login_account = "9000000001"' in through.hint


def test_a_hint_stays_readable() -> None:
    """An agency with many clients sees the first of them; one without any is told so."""
    error = children_of(clients(*((str(number), False, "ENABLED") for number in range(25))))
    assert "19 (C19) and 5 more" in error.hint
    assert "no client" in children_of(clients((CUSTOMER, True, "ENABLED"))).hint


def test_every_kind_of_credential_is_accepted() -> None:
    """Google tells at the first token what is wrong with it."""
    connector.check_credentials({"service_account": "{}"}, OPTIONS)


def test_days_are_fetched_and_settled_as_promised() -> None:
    """Look-back, finality and history are those of the contract."""
    [spec] = connector.streams(OPTIONS)
    assert (spec.lookback_days, spec.final_after_days, spec.max_history_days) == (30, 90, 1110)


@pytest.mark.parametrize(("age_days", "days", "requests"), [(0.1, 31, 2), (1, 31, 2), (7, 91, 6)])
def test_what_a_sync_costs(age_days: float, days: int, requests: int) -> None:
    """Two operations of the quota for the last 30 days; once a week six, for 90 days (gotcha 7)."""
    [spec] = connector.streams(OPTIONS)
    now = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
    fetched_at = now - dt.timedelta(days=age_days)
    held = {
        day: CoveredDay(WORK.key, day, finality(spec, day, TODAY), "r", fetched_at)
        for day in Window(TODAY - dt.timedelta(days=120), TODAY).days()
    }
    slices = plan_slices(
        spec, WORK.key, WORK.account, covered=held, today=TODAY, history_days=120, now=now
    )
    assert (sum(len(work.window) for work in slices), len(slices)) == (days, requests)


def test_a_response_without_a_body_is_no_page() -> None:
    """Nothing at all, with status 200, is not an empty report."""
    with pytest.raises(DecodeError):
        connector.read(WORK, OPTIONS, connector.ask(WORK, OPTIONS), Response(200, b""))
