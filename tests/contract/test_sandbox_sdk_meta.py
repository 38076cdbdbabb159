"""Meta's own SDK drives the simulator and gets what the ledger says."""

import datetime as dt
import warnings
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tactics.sandbox import Fault, Sandbox, Totals, World, serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the SDK's own imports
    from facebook_business.adobjects.adaccount import AdAccount
    from facebook_business.adobjects.user import User
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookRequestError
    from facebook_business.session import FacebookSession

TODAY = dt.date(2026, 11, 21)
ACCOUNT = "act_1000000001"
FIELDS = [
    "account_id",
    "account_currency",
    "campaign_id",
    "campaign_name",
    "impressions",
    "clicks",
    "spend",
    "actions",
    "action_values",
    "video_play_actions",
]
PARAMETERS = {
    "level": "campaign",
    "time_increment": 1,
    "time_range": {"since": "2026-10-01", "until": "2026-11-20"},
    "limit": 50,
}


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, sources=("meta",))


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve the world, and point the SDK at it."""
    original = FacebookSession.GRAPH
    with serve(world) as sandbox:
        environment = world.environment(sandbox.url)
        FacebookSession.GRAPH = f"{sandbox.url}/meta"
        FacebookAdsApi.init(
            "1",
            environment["TACTICS_ACME_META_APP_SECRET"],
            environment["TACTICS_ACME_META_ACCESS_TOKEN"],
            crash_log=False,
        )
        yield sandbox
        FacebookAdsApi.get_default_api()._session.requests.close()
    FacebookSession.GRAPH = original


def expected(world: World) -> dict[tuple[str, dt.date], tuple[int, Decimal, Decimal]]:
    """Return what the ledger says of the account between the dates of PARAMETERS."""
    totals: Totals = world.totals().between(dt.date(2026, 10, 1), dt.date(2026, 11, 20))
    return {
        (row.campaign_id, row.day): (row.impressions, row.spend, row.conversions)
        for row in totals.ads
        if row.account_id == ACCOUNT
    }


def received(rows: object) -> dict[tuple[str, dt.date], tuple[int, Decimal, Decimal]]:
    """Return the same of rows that the SDK delivered."""
    return {
        (row["campaign_id"], dt.date.fromisoformat(row["date_start"])): (
            int(row["impressions"]),
            Decimal(row["spend"]),
            max((Decimal(a["value"]) for a in row.get("actions", []) if "purchase" in a["action_type"]), default=Decimal(0)),
        )
        for row in rows  # type: ignore[attr-defined]
    }  # fmt: skip


def test_direct_insights_are_paged_to_the_end(world: World, sandbox: Sandbox) -> None:
    """The SDK's cursor walks over every campaign and day, once."""
    rows = list(AdAccount(ACCOUNT).get_insights(fields=FIELDS, params=PARAMETERS))

    assert received(rows) == expected(world)
    assert len(rows) == len(expected(world))
    assert len(sandbox.requests) == -(-len(rows) // 50)


def test_a_report_job_gives_the_same_rows(world: World, sandbox: Sandbox) -> None:
    """Submit, poll until completed at 100 %, fetch."""
    run = AdAccount(ACCOUNT).get_insights(fields=FIELDS, params=PARAMETERS, is_async=True)
    states = []
    while run.get("async_status") != "Job Completed":
        run = run.api_get()
        states.append((run["async_status"], run["async_percent_completion"]))

    assert received(run.get_insights(params={"limit": 100})) == expected(world)
    assert states == [("Job Not Started", 0), ("Job Running", 100), ("Job Completed", 100)]
    assert sandbox.requests[0].method == "POST"


def test_a_report_fetched_too_early_says_so(sandbox: Sandbox) -> None:
    """At 100 % and still running, rows are refused with 2601/1815107, which is transient."""
    run = AdAccount(ACCOUNT).get_insights(fields=FIELDS, params=PARAMETERS, is_async=True)

    with pytest.raises(FacebookRequestError) as caught:
        run.get_insights()

    assert caught.value.http_status() == 400
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (2601, 1815107)
    assert caught.value.api_transient_error() is True
    assert len(sandbox.requests) == 2


def test_the_token_sees_its_accounts(sandbox: Sandbox) -> None:
    """`me/adaccounts` lists the accounts of the token's owner, with currency and time zone."""
    accounts = list(User("me").get_ad_accounts(fields=["currency", "timezone_name"]))

    assert [account["id"] for account in accounts] == ["act_1000000001", "act_1000000002"]
    assert {account["timezone_name"] for account in accounts} == {"Europe/Vienna"}
    assert sandbox.requests[0].path == "/meta/v26.0/me/adaccounts"


def test_the_sdk_reads_the_error_of_a_rate_limit(world: World, sandbox: Sandbox) -> None:
    """A throttled call is status 400 with the code, and the wait is in a header."""
    fault = world.faults.plant(Fault("rate_limit", "meta", options={"minutes": 7}))

    with pytest.raises(FacebookRequestError) as caught:
        list(AdAccount(ACCOUNT).get_insights(fields=FIELDS, params=PARAMETERS))

    assert (caught.value.http_status(), caught.value.api_error_code()) == (400, 80000)
    usage = caught.value.http_headers()["x-business-use-case-usage"]
    assert '"estimated_time_to_regain_access": 7' in usage
    assert fault.fired == 1
    assert len(sandbox.requests) == 1


def test_another_organisations_account_is_refused(sandbox: Sandbox) -> None:
    """The token of acme may not read the account of globex: code 200, status 403."""
    with pytest.raises(FacebookRequestError) as caught:
        list(AdAccount("act_3000000001").get_insights(fields=FIELDS, params=PARAMETERS))

    assert (caught.value.http_status(), caught.value.api_error_code()) == (403, 200)
    assert len(sandbox.requests) == 1
