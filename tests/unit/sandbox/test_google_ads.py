"""The Google Ads simulator: who may read what, which queries are refused, how rows look."""

import datetime as dt
import json
import tomllib
from typing import Any
from urllib.parse import urlencode

import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
CLIENT, OTHER_CLIENT, FOREIGN = "1112223330", "1112223331", "4445556660"
WEEK = "segments.date BETWEEN '2026-11-14' AND '2026-11-20'"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=["google_ads"])


def token(world: World, org_id: str = "acme") -> str:
    """Return an access token, got with the refresh token."""
    found = world.environment(ORIGIN, google="refresh_token")
    names = ("client_id", "client_secret", "refresh_token")
    form = {name: found[f"TACTICS_{org_id}_GOOGLE_ADS_{name}".upper()] for name in names}
    body = urlencode({"grant_type": "refresh_token", **form}).encode()
    reply = world.answer(Call("POST", ORIGIN, "token", "/", body=body))
    return str(reply.document["access_token"])


def agency_of(world: World) -> str:
    """Return the manager account that acme's configuration names."""
    settings = tomllib.loads(world.config_toml(ORIGIN))["orgs"]["acme"]["sources"]["google_ads"]
    return str(settings["login_account"])


def managers(world: World) -> tuple[str, str]:
    """Return the agency and the partner of acme."""
    headers = {"authorization": f"Bearer {token(world)}"}
    path = "/v26/customers:listAccessibleCustomers"
    names = world.answer(Call("GET", ORIGIN, "google_ads", path, headers=headers)).document
    agency, partner = (name.removeprefix("customers/") for name in names["resourceNames"])
    return agency, partner


def ask(
    world: World,
    query: str,
    *,
    customer: str = CLIENT,
    login: str | None = None,
    version: str = "v26",
    method: str = "search",
    bearer: str | None = None,
    **more: object,
) -> Reply:
    """Return the answer to a query, by default through the agency."""
    through = agency_of(world) if login is None else login
    headers = {"authorization": f"Bearer {token(world) if bearer is None else bearer}"}
    headers |= {"login-customer-id": through} if through else {}
    path = f"/{version}/customers/{customer}/googleAds:{method}"
    body = json.dumps({"query": query, **more}).encode()
    return world.answer(Call("POST", ORIGIN, "google_ads", path, (), headers, body))


def rows(world: World, query: str, **how: Any) -> list[dict[str, Any]]:
    """Return the rows of a query."""
    reply = ask(world, query, **how)
    assert reply.status == 200, reply.document
    found: list[dict[str, Any]] = reply.document["results"]
    return found


def code(reply: Reply) -> str:
    """Return the name of a refusal, such as `queryError.BAD_VALUE`."""
    body = reply.document[0] if isinstance(reply.document, list) else reply.document
    [error] = body["error"]["details"][0]["errors"]
    [(category, name)] = error["errorCode"].items()
    return f"{category}.{name}"


def test_a_row_looks_like_googles(world: World) -> None:
    """camelCase, int64 as text, fractions as numbers, resource names unasked."""
    fields = "campaign.id, campaign.advertising_channel_type, segments.date, metrics.cost_micros"
    query = f"SELECT {fields}, metrics.conversions FROM campaign WHERE {WEEK} LIMIT 1"
    [row] = rows(world, query)
    assert set(row) == {"campaign", "segments", "metrics"}
    assert (
        row["campaign"]["resourceName"] == f"customers/{CLIENT}/campaigns/{row['campaign']['id']}"
    )
    assert row["campaign"]["advertisingChannelType"] == "SEARCH"
    assert row["metrics"]["costMicros"].isdigit()
    assert isinstance(row["metrics"]["conversions"], float)
    mask = ask(world, query).document["fieldMask"]
    assert mask.endswith("segments.date,metrics.costMicros,metrics.conversions")


def test_days_without_delivery_have_no_row(world: World) -> None:
    """A campaign that ended has rows until then only; asked for later days there is nothing."""
    query = "SELECT campaign.id, segments.date, metrics.clicks FROM campaign WHERE {}"
    kind = "campaign.advertising_channel_type = 'DISPLAY'"
    assert rows(world, query.format(f"{WEEK} AND {kind}"), customer=OTHER_CLIENT) == []
    earlier = query.format(f"segments.date BETWEEN '2026-11-01' AND '2026-11-20' AND {kind}")
    days = {row["segments"]["date"] for row in rows(world, earlier, customer=OTHER_CLIENT)}
    assert max(days) == "2026-11-09"


def test_without_days_there_is_a_sum(world: World) -> None:
    """The numbers of a campaign over the days asked for are one row."""
    daily = rows(
        world, f"SELECT campaign.id, segments.date, metrics.clicks FROM campaign WHERE {WEEK}"
    )
    summed = rows(world, f"SELECT campaign.id, metrics.clicks FROM campaign WHERE {WEEK}")
    assert sum(int(row["metrics"]["clicks"]) for row in daily) == sum(
        int(row["metrics"]["clicks"]) for row in summed
    )
    assert len(daily) == 7 * len(summed)


def test_campaigns_can_be_listed_without_numbers(world: World) -> None:
    """Those that ended are there, too; with numbers, only those that delivered."""
    listed = rows(
        world, "SELECT campaign.name, campaign.status FROM campaign", customer=OTHER_CLIENT
    )
    assert {row["campaign"]["status"] for row in listed} == {"ENABLED", "REMOVED"}
    query = f"SELECT campaign.id, metrics.clicks FROM campaign WHERE {WEEK}"
    assert len(rows(world, query, customer=OTHER_CLIENT)) == len(listed) - 1


def test_a_stream_has_batches_and_none_for_nothing(world: World) -> None:
    """Search and stream return the same rows; no rows are an empty array."""
    query = "SELECT campaign.id, segments.date, metrics.clicks FROM campaign WHERE {}"
    month = query.format("segments.date BETWEEN '2026-10-20' AND '2026-11-20'")
    batches = ask(world, month, method="searchStream").document
    assert len(batches) > 1
    assert [row for batch in batches for row in batch["results"]] == rows(world, month)
    nothing = query.format(f"{WEEK} AND campaign.advertising_channel_type IN ('HOTEL', 'LOCAL')")
    assert ask(world, nothing, method="searchStream").document == []


def test_the_tree_belongs_to_managers(world: World) -> None:
    """A manager lists itself and its clients; a client has no tree."""
    query = "SELECT customer_client.id, customer_client.level FROM customer_client"
    agency, partner = managers(world)

    def tree(manager: str, where: str = "") -> list[tuple[str, str]]:
        clients = [
            row["customerClient"]
            for row in rows(world, query + where, customer=manager, login=manager)
        ]
        return [(one["id"], one["level"]) for one in clients]

    assert tree(agency) == [(agency, "0"), (CLIENT, "1"), (OTHER_CLIENT, "1")]
    assert tree(partner) == [(partner, "0"), (CLIENT, "1")]
    leaves = " WHERE customer_client.manager = FALSE AND customer_client.status = 'ENABLED'"
    assert tree(agency, leaves) == [(CLIENT, "1"), (OTHER_CLIENT, "1")]
    assert rows(world, query) == []


def test_an_account_describes_itself(world: World) -> None:
    """Name, currency, zone, and whether it is a manager."""
    query = (
        "SELECT customer.descriptive_name, customer.currency_code, customer.manager FROM customer"
    )
    [row] = rows(world, query)
    assert row["customer"] == {
        "resourceName": f"customers/{CLIENT}",
        "descriptiveName": "Acme Search",
        "currencyCode": "EUR",
        "manager": False,
    }


QUERY = f"SELECT campaign.id, metrics.clicks FROM campaign WHERE {WEEK}"


@pytest.mark.parametrize(
    ("customer", "login", "refusal"),
    [
        (CLIENT, "", "authorizationError.USER_PERMISSION_DENIED"),
        (CLIENT, CLIENT, "authorizationError.USER_PERMISSION_DENIED"),
        (CLIENT, "900-000-0001", "headerError.INVALID_LOGIN_CUSTOMER_ID"),
        (FOREIGN, None, "authorizationError.USER_PERMISSION_DENIED"),
        ("9999999999", None, "authorizationError.USER_PERMISSION_DENIED"),
        ("111-222-3330", None, "requestError.INVALID_CUSTOMER_ID"),
    ],
)
def test_clients_are_reached_through_their_manager(
    world: World, customer: str, login: str | None, refusal: str
) -> None:
    """Without the header, or with another one, there is no permission."""
    assert code(ask(world, QUERY, customer=customer, login=login)) == refusal


def test_a_manager_reaches_its_own_clients_only(world: World) -> None:
    """The partner sees the first client, and not the second."""
    agency, partner = managers(world)
    assert rows(world, QUERY, login=partner) == rows(world, QUERY, login=agency)
    reply = ask(world, QUERY, customer=OTHER_CLIENT, login=partner)
    assert code(reply).endswith("INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION")
    reply = ask(world, QUERY, customer=agency, login=agency)
    assert code(reply) == "queryError.REQUESTED_METRICS_FOR_MANAGER"


@pytest.mark.parametrize("method", ["search", "searchStream"])
def test_without_a_token_there_is_nothing(world: World, method: str) -> None:
    """A missing or wrong token is 401, wrapped for streams."""
    reply = ask(world, QUERY, bearer="wrong", method=method)
    assert reply.status == 401
    assert isinstance(reply.document, list) is (method == "searchStream")


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("", "queryError.UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM unicorn", "queryError.BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT metrics.video_views FROM campaign", "queryError.UNRECOGNIZED_FIELD"),
        ("SELECT metrics.clicks FROM customer", "queryError.PROHIBITED_METRIC_IN_SELECT_OR_WHERE_CLAUSE"),
        ("SELECT campaign.id FROM customer", "queryError.PROHIBITED_RESOURCE_TYPE_IN_SELECT_CLAUSE"),
        ("SELECT segments.date FROM campaign", "queryError.EXPECTED_FILTERS_ON_DATE_RANGE"),
        (
            "SELECT segments.date FROM campaign WHERE segments.date >= '2026-11-01'",
            "queryError.EXPECTED_FILTERS_ON_DATE_RANGE",
        ),
        ("SELECT campaign.id FROM campaign WHERE segments.date = 'soon'", "queryError.INVALID_DATE_FORMAT"),
        ("SELECT campaign.id FROM campaign WHERE segments.date > '2026-11-01'", "queryError.OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id > 5", "queryError.OPERATOR_FIELD_MISMATCH"),
        ("SELECT campaign.id FROM campaign WHERE campaign.id ~ 5", "queryError.UNEXPECTED_INPUT"),
        ("SELECT campaign.id FROM campaign WHERE metrics.clicks = 5", "queryError.OPERATOR_FIELD_MISMATCH"),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date BETWEEN '2026-11-09' AND '2026-11-01'",
            "dateRangeError.START_DATE_AFTER_END_DATE",
        ),
        (
            "SELECT campaign.id FROM campaign WHERE segments.date BETWEEN '2023-10-20' AND '2023-11-20'",
            "dateRangeError.REQUESTED_DATE_GRANULARITY_NOT_SUPPORTED",
        ),
    ],
)  # fmt: skip
def test_wrong_queries_are_refused(world: World, query: str, refusal: str) -> None:
    """Each mistake gets the vendor's own code."""
    assert code(ask(world, query)) == refusal


def test_days_can_be_compared_one_end_at_a_time(world: World) -> None:
    """Two comparisons make a range as BETWEEN does."""
    query = "SELECT campaign.id, segments.date FROM campaign WHERE {}"
    apart = query.format("segments.date >= '2026-11-14' AND segments.date <= '2026-11-20'")
    assert rows(world, apart) == rows(world, query.format(WEEK))


@pytest.mark.parametrize(
    ("extra", "refusal"),
    [
        ({"pageSize": 100}, "requestError.PAGE_SIZE_NOT_SUPPORTED"),
        ({"pageToken": "CMAB"}, "requestError.INVALID_PAGE_TOKEN"),
    ],
)
def test_pages_have_one_size_and_tokens_of_their_own(
    world: World, extra: dict[str, object], refusal: str
) -> None:
    """What older versions took is refused."""
    assert code(ask(world, QUERY, **extra)) == refusal  # type: ignore[arg-type]


def test_a_body_outside_the_schema_is_refused(world: World) -> None:
    """Unknown names, and paths that do not exist."""
    assert ask(world, QUERY, nonsense=1).status == 400  # type: ignore[arg-type]
    assert world.answer(Call("GET", ORIGIN, "google_ads", "/v26/unicorns")).status == 404


def test_an_ended_version_is_refused(world: World) -> None:
    """v22 ended in October 2026."""
    assert code(ask(world, QUERY, version="v22")) == "requestError.UNSUPPORTED_VERSION"


def test_restated_days_change(world: World) -> None:
    """The numbers of the last days move, those before stay."""
    query = f"SELECT campaign.id, segments.date, metrics.cost_micros FROM campaign WHERE {WEEK}"
    before = rows(world, query)
    world.restate(3)
    after = rows(world, query)
    changed = {
        one["segments"]["date"] for one, two in zip(before, after, strict=True) if one != two
    }
    assert changed == {"2026-11-19", "2026-11-20"}


def test_a_field_is_refused_only_where_it_is_asked_for(world: World) -> None:
    """Who leaves it out gets an answer; so does who sends no query at all, if a bad one."""
    fault = world.faults.plant(
        Fault("bad_field", "google_ads", options={"field": "metrics.clicks"})
    )
    headers = {"authorization": f"Bearer {token(world)}", "login-customer-id": agency_of(world)}
    path = f"/v26/customers/{CLIENT}/googleAds:search"
    assert world.answer(Call("POST", ORIGIN, "google_ads", path, (), headers, b"{")).status == 400
    assert rows(world, "SELECT customer.id FROM customer")
    assert fault.fired == 0
    assert code(ask(world, QUERY)) == "queryError.UNRECOGNIZED_FIELD"


def test_a_fault_can_be_kept_to_reports(world: World) -> None:
    """Accounts still answer; the refusal wears Google's form, with how long to wait."""
    options = {"code": "quotaError.RESOURCE_EXHAUSTED", "delay": "40591s", "resource": "campaign"}
    fault = world.faults.plant(Fault("failure", "google_ads", times=None, options=options))
    assert rows(world, "SELECT customer.id FROM customer")
    reply = ask(world, QUERY, method="searchStream")
    [error] = reply.document[0]["error"]["details"][0]["errors"]
    assert error["details"]["quotaErrorDetails"]["retryDelay"] == "40591s"
    assert (reply.status, fault.fired) == (429, 1)


@pytest.mark.parametrize(
    "name", ["error_mid_stream", "empty_batch", "not_a_number", "unknown_field", "new_channel"]
)
def test_reports_are_spoiled_and_accounts_are_not(world: World, name: str) -> None:
    """Faults of the answer concern reports that have rows."""
    fault = world.faults.plant(Fault(name, "google_ads", times=None))
    ask(world, "SELECT customer.id FROM customer", method="searchStream")
    assert fault.fired == 0
    ask(world, QUERY, method="searchStream")
    assert fault.fired == 1
