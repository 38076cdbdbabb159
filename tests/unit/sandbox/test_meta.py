"""The Meta simulator: strict about versions, tokens and parameters; faithful in its faults."""

import datetime as dt
import hashlib
import hmac
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tests.unit.sandbox.asking import ORIGIN, ask_meta

TODAY = dt.date(2026, 11, 21)
PATH = "act_1000000001/insights"
WEEK = {"since": "2026-11-14", "until": "2026-11-20"}
DAILY = {"level": "campaign", "time_increment": "1", "time_range": WEEK}
FIELDS = "campaign_id,campaign_name,impressions,clicks,spend,actions,action_values"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=("meta",))


def error_of(reply: Reply) -> tuple[int, int, int | None]:
    """Return status, code and subcode."""
    error = reply.document["error"]
    return reply.status, error["code"], error.get("error_subcode")


def test_every_value_is_text(world: World) -> None:
    """Metrics, ids and dates are strings."""
    row = ask_meta(world, PATH, fields=FIELDS, **DAILY).document["data"][0]

    flat = [value for value in row.values() if not isinstance(value, list)]
    assert all(isinstance(value, str) for value in flat)


def test_a_purchase_has_several_names(world: World) -> None:
    """Summing the actions would multiply conversions; some campaigns lack the superset type."""
    rows = ask_meta(world, PATH, fields=FIELDS, limit="500", **DAILY).document["data"]

    kinds = {
        tuple(a["action_type"] for a in row["actions"] if "purchase" in a["action_type"])
        for row in rows
        if "action_values" in row
    }
    assert ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase") in kinds
    assert ("purchase", "offsite_conversion.fb_pixel_purchase") in kinds


@pytest.mark.parametrize(
    ("level", "breakdowns"),
    [("account", ""), ("campaign", ""), ("adset", ""), ("ad", ""), ("ad", "publisher_platform")],
)
def test_levels_and_breakdowns_add_up(world: World, level: str, breakdowns: str) -> None:
    """The spend is the same however it is cut."""
    query = DAILY | {"level": level, "breakdowns": breakdowns, "limit": "1000", "fields": "spend"}

    rows = ask_meta(world, PATH, **query).document["data"]

    days = (dt.date.fromisoformat(WEEK["since"]), dt.date.fromisoformat(WEEK["until"]))
    total = world.totals().between(*days).ad_sums("account_id")[("act_1000000001",)]
    assert sum(Decimal(row["spend"]) for row in rows) == total.spend


def test_without_increment_the_window_is_one_row_each(world: World) -> None:
    """`date_start` and `date_stop` span the whole range."""
    query = {name: value for name, value in DAILY.items() if name != "time_increment"}

    rows = ask_meta(world, PATH, fields=FIELDS, **query).document["data"]

    assert {(row["date_start"], row["date_stop"]) for row in rows} == {tuple(WEEK.values())}


def test_pages_follow_each_other(world: World) -> None:
    """`next` carries the token and leads on; the last page has cursors and no `next`."""
    page = ask_meta(world, PATH, fields=FIELDS, limit="15", **DAILY).document
    rows = list(page["data"])
    while "next" in page["paging"]:
        query = dict(parse_qsl(urlsplit(page["paging"]["next"]).query))
        assert query["access_token"]
        page = ask_meta(world, PATH, **query).document
        rows += page["data"]

    whole = ask_meta(world, PATH, fields=FIELDS, limit="500", **DAILY).document["data"]
    assert rows == whole
    assert "after" in page["paging"]["cursors"]


def test_no_rows_is_an_empty_list_without_paging(world: World) -> None:
    """Days before any delivery give no rows at all; so does a query without dates."""
    early = DAILY | {"time_range": {"since": "2025-01-01", "until": "2025-01-02"}}

    assert ask_meta(world, PATH, **early).document == {"data": []}
    assert ask_meta(world, PATH, level="campaign").document == {"data": []}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"fields": "impressions,nonsense"}, (400, 100, None)),
        ({"level": "galaxy"}, (400, 100, None)),
        ({"time_increment": "91"}, (400, 100, None)),
        ({"time_range": {"since": "2026-11-02", "until": "2026-11-01"}}, (400, 100, 1487033)),
        ({"time_range": {"since": "2023-01-01", "until": "2023-01-02"}}, (400, 3018, None)),
        ({"time_range": "yesterday"}, (400, 100, None)),
        ({"breakdowns": "dma"}, (400, 2, 1504041)),
        ({"after": "!!!"}, (400, 100, None)),
        ({"limit": "0"}, (400, 100, None)),
        ({"filtering": [{"field": "x", "operator": "IN", "value": []}]}, (400, 100, 1487079)),
        ({"access_token": "wrong"}, (400, 190, None)),
        ({"appsecret_proof": "wrong"}, (400, 100, None)),
    ],
)
def test_wrong_requests_are_refused(
    world: World, change: dict[str, object], expected: tuple[int, int, int | None]
) -> None:
    """Each mistake gets the vendor's own code."""
    assert error_of(ask_meta(world, PATH, **(DAILY | change))) == expected


def test_an_ended_version_is_refused(world: World) -> None:
    """v24.0 ended: code 2635."""
    call = Call("GET", ORIGIN, "meta", "/v24.0/me/adaccounts")

    assert error_of(world.answer(call)) == (400, 2635, None)


def test_unknown_objects_and_paths_are_refused(world: World) -> None:
    """An id that does not exist, and a path that is no endpoint."""
    assert error_of(ask_meta(world, "act_404?fields=name")) == (400, 100, 33)
    assert error_of(ask_meta(world, "act_1/no/such")) == (400, 2500, None)


def test_a_right_proof_is_accepted(world: World) -> None:
    """`appsecret_proof` is the HMAC of the token with the app secret."""
    environment = world.environment(ORIGIN)
    token = environment["TACTICS_ACME_META_ACCESS_TOKEN"].encode()
    secret = environment["TACTICS_ACME_META_APP_SECRET"].encode()
    proof = hmac.new(secret, token, hashlib.sha256).hexdigest()

    assert ask_meta(world, "me/adaccounts", appsecret_proof=proof).status == 200


def test_filtering_keeps_the_wanted_campaigns(world: World) -> None:
    """`campaign.id IN` leaves one campaign; its own node gives the same rows."""
    campaign_id = "23850000000000001"
    wanted = [{"field": "campaign.id", "operator": "IN", "value": [campaign_id]}]

    filtered = ask_meta(world, PATH, filtering=wanted, **DAILY).document["data"]

    assert {row["campaign_id"] for row in filtered} == {campaign_id}
    assert ask_meta(world, f"{campaign_id}/insights", **DAILY).document["data"] == filtered


def test_only_live_attribution_windows_come_back(world: World) -> None:
    """`7d_view` was asked for and is silently missing."""
    windows = ["7d_click", "7d_view"]

    rows = ask_meta(world, PATH, fields="actions", action_attribution_windows=windows, **DAILY)

    assert set(rows.document["data"][0]["actions"][0]) == {"action_type", "value", "7d_click"}


def test_a_token_can_be_exchanged(world: World) -> None:
    """The long-lived token works; the wrong client secret gets none."""
    environment = world.environment(ORIGIN)
    exchange = {
        "grant_type": "fb_exchange_token",
        "fb_exchange_token": environment["TACTICS_ACME_META_ACCESS_TOKEN"],
        "client_secret": environment["TACTICS_ACME_META_APP_SECRET"],
    }

    fresh = ask_meta(world, "oauth/access_token", **exchange).document

    assert ask_meta(world, "me/adaccounts", access_token=fresh["access_token"]).status == 200
    assert fresh["expires_in"] == 5_184_000
    wrong = exchange | {"client_secret": "wrong"}
    assert error_of(ask_meta(world, "oauth/access_token", **wrong))[1] == 1


def test_campaigns_are_listed_with_their_current_name(world: World) -> None:
    """A renamed campaign shows its new name, with its status."""
    campaign_id = world.rename_campaign(name="Other")

    rows = ask_meta(world, "act_1000000001/campaigns", fields="name,status").document["data"]

    assert {"id": campaign_id, "name": "Other", "status": "ACTIVE"} in rows
    assert ask_meta(world, campaign_id, fields="name").document["name"] == "Other"


def submit(world: World) -> str:
    """Submit a report and return its id."""
    token = world.environment(ORIGIN)["TACTICS_ACME_META_ACCESS_TOKEN"]
    query = (("access_token", token), ("level", "campaign"))
    call = Call("POST", ORIGIN, "meta", f"/v26.0/{PATH}", query)
    return str(world.answer(call).document["report_run_id"])


@pytest.mark.parametrize(("name", "status"), [("job_failed", "Job Failed"), ("job_skipped", "Job Skipped")])  # fmt: skip
def test_a_report_can_fail(world: World, name: str, status: str) -> None:
    """The run stays as it ended, and another one is fine."""
    fault = world.faults.plant(Fault(name, "meta"))
    run = submit(world)

    assert ask_meta(world, run).document["async_status"] == status
    assert ask_meta(world, run).document["async_status"] == status
    assert ask_meta(world, submit(world)).document["async_status"] == "Job Not Started"
    assert fault.fired == 1


def test_a_report_can_be_stuck_at_100(world: World) -> None:
    """For a while it shows 100 % and refuses its rows; then it completes."""
    world.faults.plant(Fault("job_stuck_at_100", "meta", times=5))
    run = submit(world)

    states = [ask_meta(world, run).document for _ in range(4)]
    refused = ask_meta(world, f"{run}/insights")

    assert {(s["async_status"], s["async_percent_completion"]) for s in states} == {
        ("Job Running", 100)
    }
    assert error_of(refused) == (400, 2601, 1815107)
    assert ask_meta(world, run).document["async_status"] == "Job Completed"


def test_a_report_lives_thirty_days(world: World) -> None:
    """After that its id does not exist any more."""
    run = submit(world)
    world.advance(31)

    assert error_of(ask_meta(world, run)) == (400, 100, 33)


def test_too_much_data_goes_away_with_smaller_windows(world: World) -> None:
    """Weeks are refused, days are not, reports are not."""
    fault = world.faults.plant(Fault("reduce_data", "meta", times=None, options={"over_days": 1}))
    day = {"since": "2026-11-14", "until": "2026-11-14"}

    assert error_of(ask_meta(world, PATH, **DAILY)) == (400, 100, 1487534)
    assert ask_meta(world, PATH, **(DAILY | {"time_range": day})).status == 200
    assert submit(world)
    assert fault.fired == 1


def test_a_bad_field_fails_until_it_is_left_out(world: World) -> None:
    """One invalid field refuses the whole request."""
    world.faults.plant(Fault("bad_field", "meta", times=None, options={"field": "clicks"}))

    refused = ask_meta(world, PATH, fields="impressions,clicks", **DAILY)

    assert error_of(refused) == (400, 100, None)
    assert "clicks is not valid for fields param" in refused.document["error"]["message"]
    assert ask_meta(world, PATH, fields="impressions", **DAILY).status == 200


def test_an_empty_page_leads_on(world: World) -> None:
    """The empty page has a `next` with a new cursor; behind it is what was asked for."""
    whole = ask_meta(world, PATH, limit="500", **DAILY).document["data"]
    fault = world.faults.plant(Fault("empty_page_with_next", "meta"))

    page = ask_meta(world, PATH, limit="500", **DAILY).document
    after = page["paging"]["cursors"]["after"]

    assert page["data"] == []
    assert "next" in page["paging"]
    assert ask_meta(world, PATH, limit="500", after=after, **DAILY).document["data"] == whole
    assert fault.fired == 1


def test_a_cursor_can_run_in_circles(world: World) -> None:
    """Each page leads to itself."""
    world.faults.plant(Fault("cursor_loop", "meta", times=None))
    first = ask_meta(world, PATH, **DAILY).document
    after = first["paging"]["cursors"]["after"]

    assert ask_meta(world, PATH, after=after, **DAILY).document == first


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [("not_a_number", "spend", "N/A"), ("unknown_field", "sandbox_new_metric", {"nested": ["1"]})],
)
def test_one_row_can_be_spoiled(world: World, name: str, field: str, value: object) -> None:
    """Only the first row of one page is wrong."""
    fault = world.faults.plant(Fault(name, "meta"))

    rows = ask_meta(world, PATH, fields=FIELDS, **DAILY).document["data"]

    assert [row.get(field) for row in rows].count(value) == 1
    assert rows[0][field] == value
    assert fault.fired == 1


def test_purchases_can_be_missing_at_campaign_level(world: World) -> None:
    """One campaign's purchases are not told at campaign level; the account's total has them."""
    query = DAILY | {"fields": FIELDS, "limit": "500"}
    before = ask_meta(world, PATH, **query).document["data"]
    campaign = next(row["campaign_id"] for row in before if "action_values" in row)
    total = ask_meta(world, PATH, **(query | {"level": "account"})).document
    fault = world.faults.plant(
        Fault("purchases_hidden", "meta", times=None, options={"campaign": campaign})
    )

    after = ask_meta(world, PATH, **query).document["data"]

    told = {row["campaign_id"] for row in after if "action_values" in row}
    assert told == {row["campaign_id"] for row in before if "action_values" in row} - {campaign}
    assert [row["spend"] for row in after] == [row["spend"] for row in before]
    assert ask_meta(world, PATH, **(query | {"level": "account"})).document == total
    assert fault.fired == 1


def test_spend_can_be_negative(world: World) -> None:
    """The amount is the same, with a minus."""
    good = ask_meta(world, PATH, fields=FIELDS, **DAILY).document["data"][0]["spend"]
    world.faults.plant(Fault("negative_spend", "meta"))

    bad = ask_meta(world, PATH, fields=FIELDS, **DAILY).document["data"][0]["spend"]

    assert bad == f"-{good}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("http_500", (500, 1, None)),
        ("http_503", (503, 2, None)),
        ("error_200", (200, 2, None)),
        ("auth_expired", (400, 190, 463)),
        ("permission", (403, 200, None)),
        ("rate_limit", (400, 80000, 2446079)),
    ],
)
def test_errors_have_the_vendors_form(
    world: World, name: str, expected: tuple[int, int, int | None]
) -> None:
    """Status, code and subcode as in the contract."""
    world.faults.plant(Fault(name, "meta"))

    assert error_of(ask_meta(world, PATH, **DAILY)) == expected
    assert ask_meta(world, PATH, **DAILY).status == 200


def test_usage_can_be_high_on_a_good_answer(world: World) -> None:
    """Rows come, and the headers ask to slow down."""
    world.faults.plant(Fault("usage_high", "meta", options={"percent": 90}))

    reply = ask_meta(world, PATH, **DAILY)

    assert reply.document["data"]
    assert '"acc_id_util_pct": 90' in reply.headers["x-fb-ads-insights-throttle"]


def test_a_version_can_be_near_its_end(world: World) -> None:
    """The warning is a header on a good answer."""
    world.faults.plant(Fault("version_warning", "meta"))

    assert "x-ad-api-version-warning" in ask_meta(world, PATH, **DAILY).headers


def test_a_fault_is_addressed_to_one_account(world: World) -> None:
    """The other account is served; after its times the fault is spent; before `after` it waits."""
    fault = world.faults.plant(
        Fault("http_500", "meta", account="act_1000000002", path="*insights*", times=2, after=1)
    )
    other = "act_1000000002/insights"

    assert ask_meta(world, PATH, **DAILY).status == 200
    statuses = [ask_meta(world, other, **DAILY).status for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    assert fault.fired == 2
