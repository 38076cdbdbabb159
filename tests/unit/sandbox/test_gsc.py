"""The Search Console simulator: strict about signing in, about queries, and true to its ledger."""

import datetime as dt
import json
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest

from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
SITE = "sc-domain:acme.example"
SITES = "/webmasters/v3/sites"
SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def world() -> World:
    """Return a fresh world."""
    return World(today=TODAY, days=20, sources=("gsc",))


def token(world: World, org_id: str = "acme") -> str:
    """Return an access token of an organisation's service account."""
    account = world.service_account(org_id, ORIGIN)
    claims = {"iss": account["client_email"], "aud": account["token_uri"], "scope": SCOPE}
    signed = jwt.encode({**claims, "iat": 0, "exp": 3600}, account["private_key"], "RS256")
    body = urlencode({"grant_type": GRANT, "assertion": signed}).encode()
    reply = world.answer(Call("POST", ORIGIN, "token", "/", body=body))
    return str(reply.document["access_token"])


def call(world: World, method: str, path: str, body: bytes = b"", **query: str) -> Reply:
    """Return an answer to acme."""
    headers = {"authorization": f"Bearer {token(world)}"}
    pairs = tuple(query.items())
    return world.answer(Call(method, ORIGIN, "gsc", path, pairs, headers, body))


def ask(world: World, site_url: str = SITE, **body: Any) -> Reply:
    """Return the answer to a query of one settled day."""
    known = {"startDate": "2026-11-10", "endDate": "2026-11-10", "dimensions": ["date"]}
    path = f"{SITES}/{quote(site_url, safe='')}/searchAnalytics/query"
    return call(world, "POST", path, json.dumps({**known, **body}).encode())


def rows(world: World, **body: Any) -> list[dict[str, Any]]:
    """Return the rows of a query."""
    found: list[dict[str, Any]] = ask(world, **body).document.get("rows", [])
    return found


def test_the_path_is_matched_while_it_is_encoded(world: World) -> None:
    """A property with slashes is one segment; written plainly it leads nowhere."""
    prefix = "https://www.acme.example/"
    assert call(world, "GET", f"{SITES}/{quote(prefix, safe='')}").document["siteUrl"] == prefix
    assert call(world, "GET", f"{SITES}/{prefix}").status == 404
    assert call(world, "GET", f"{SITES}/nonsense").status == 404


def test_without_a_token_there_is_nothing(world: World) -> None:
    """401, as everywhere at Google."""
    assert world.answer(Call("GET", ORIGIN, "gsc", SITES)).status == 401


def test_unknown_parameters_are_refused(world: World) -> None:
    """Ordinary ones of Google's are known."""
    assert call(world, "GET", SITES, alt="json").status == 200
    assert call(world, "GET", SITES, unicorn="1").status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"startDate": "2026-11-11"},
        {"startDate": "yesterday"},
        {"endDate": None},
        {"dimensions": ["hour"]},
        {"dimensions": ["date", "DATE"]},
        {"dimensions": ["page"], "aggregationType": "byProperty"},
        {"type": "unicorns"},
        {"dataState": "hourly_all"},
        {"rowLimit": 0},
        {"rowLimit": "10"},
        {"startRow": -1},
        {"filters": []},
    ],
)
def test_wrong_queries_are_refused(world: World, body: dict[str, Any]) -> None:
    """Each mistake is a 400 with a reason."""
    reply = ask(world, **body)
    assert (reply.status, reply.document["error"]["errors"][0]["reason"]) == (400, "badRequest")


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_nonsense_is_refused(world: World, body: bytes) -> None:
    """A body that is no object."""
    path = f"{SITES}/{quote(SITE, safe='')}/searchAnalytics/query"
    assert call(world, "POST", path, body).status == 400


@pytest.mark.parametrize(
    "site_url",
    ["https://www.globex.example/", "https://www.acme.example/", "sc-domain:acme.example/", "x"],
)
def test_only_verified_properties_can_be_read(world: World, site_url: str) -> None:
    """Somebody else's, an unverified one, a misspelt one: the same 403."""
    reply = ask(world, site_url)
    assert (reply.status, reply.document["error"]["errors"][0]["reason"]) == (403, "forbidden")


def test_a_property_without_searches_is_empty(world: World) -> None:
    """A restricted user reads it; nobody searched."""
    reply = ask(world, "https://shop.acme-outlet.example/")
    assert reply.document == {"responseAggregationType": "byProperty"}


def test_pages_continue_where_the_last_one_ended(world: World) -> None:
    """`startRow` and `rowLimit` cut one list; behind its end there is none."""
    whole = rows(world, dimensions=["date", "query", "page"])
    parts = [
        rows(world, dimensions=["date", "query", "page"], rowLimit=4, startRow=start)
        for start in range(0, len(whole) + 4, 4)
    ]
    assert [row for part in parts for row in part] == whole
    clicks = [row["clicks"] for row in whole]
    assert clicks == sorted(clicks, reverse=True)
    assert len(set(clicks)) < len(clicks)


def test_days_come_in_order(world: World) -> None:
    """With the date among the dimensions the oldest day is first, whatever its clicks."""
    found = rows(world, startDate="2026-11-08", endDate="2026-11-12", dimensions=["date", "query"])
    days = [row["keys"][0] for row in found]
    assert days == sorted(days)
    assert len(set(days)) == 5


def test_by_property_a_search_counts_once(world: World) -> None:
    """By page, every page that was shown counts."""
    [site] = rows(world)
    [pages] = rows(world, aggregationType="byPage")
    assert site["impressions"] < pages["impressions"]
    assert site["clicks"] == pages["clicks"]
    assert site["position"] < pages["position"]


def test_rare_queries_are_left_out(world: World) -> None:
    """With the query among the dimensions the sums are lower."""
    [site] = rows(world)
    known = sum(row["impressions"] for row in rows(world, dimensions=["date", "query"]))
    assert 0.5 < known / site["impressions"] < 1


def test_other_search_types_have_no_rows(world: World) -> None:
    """Only the web was searched."""
    assert rows(world, type="image") == rows(world, searchType="news") == []


def test_final_leaves_fresh_days_out(world: World) -> None:
    """Three days later they are there; `all` shows them at once and says from when they move."""
    week = {"startDate": "2026-11-15", "endDate": "2026-11-21"}
    final = [row["keys"][0] for row in rows(world, **week)]
    fresh = ask(world, **week, dataState="all").document
    assert final[-1] == "2026-11-18"
    assert [row["keys"][0] for row in fresh["rows"]][-1] == "2026-11-20"
    assert fresh["metadata"] == {"firstIncompleteDate": "2026-11-19"}
    world.advance(2)
    assert [row["keys"][0] for row in rows(world, **week)][-1] == "2026-11-20"


def test_only_fresh_days_are_restated(world: World) -> None:
    """What is final never moves again."""
    days = [f"2026-11-{day}" for day in (17, 18, 19, 20)]

    def seen() -> list[float]:
        totals = (rows(world, startDate=day, endDate=day, dataState="all") for day in days)
        return [row["impressions"] for [row] in totals]

    before = seen()
    world.restate(14)
    after = seen()
    assert after[:2] == before[:2]
    assert all(new != old for new, old in zip(after[2:], before[2:], strict=True))


def test_the_ledger_is_what_is_shown(world: World) -> None:
    """Sums over the site, the queries and the pages, of every day before today."""
    week = {"startDate": "2026-11-02", "endDate": "2026-11-21", "dataState": "all"}
    by = ("report", "day")
    ledger = world.totals().of("acme").fact_sums("search_performance", "clicks", by=by)
    for report, dimensions in {"site": [], "query": ["query"], "page": ["page"]}.items():
        shown: dict[str, float] = {}
        for row in rows(world, **week, dimensions=["date", *dimensions]):
            shown[row["keys"][0]] = shown.get(row["keys"][0], 0) + row["clicks"]
        assert shown == {str(day): n for (name, day), (n,) in ledger.items() if name == report}


def test_nothing_personal_is_in_the_ledger(world: World) -> None:
    """The ledger has what may be kept; the answers have what people typed."""
    facts = world.totals().facts
    texts = {str(fact.values.get("query")) for fact in facts}
    assert "(personal)" in texts
    assert not any("@" in text or "660" in text for text in texts)
    assert not any("jane" in str(value) for fact in facts for value in fact.values.values())
    shown = {row["keys"][1] for row in rows(world, dimensions=["date", "query"])}
    assert {"jane.doe@acme.example", "acme +43 660 1234567"} <= shown


def inspect(world: World, url: str, site_url: str = SITE, **more: str) -> Reply:
    """Return what is known of a page."""
    body = {"inspectionUrl": url, "siteUrl": site_url, **more}
    return call(world, "POST", "/v1/urlInspection/index:inspect", json.dumps(body).encode())


def test_sitemaps_need_the_property_as_it_is_written(world: World) -> None:
    """Encoded as one segment, with its own name, by somebody who may read it."""

    def listed(segment: str) -> Reply:
        return call(world, "GET", f"{SITES}/{segment}/sitemaps")

    assert len(listed(quote(SITE, safe="")).document["sitemap"]) == 6
    assert listed(quote("https://www.acme.example/", safe="")).status == 403
    assert listed(quote(SITE, safe="") + "/").status == 404
    assert world.answer(Call("GET", ORIGIN, "gsc", f"{SITES}/x/sitemaps")).status == 401


def test_a_sitemap_is_read_every_day(world: World) -> None:
    """Its times move on with the day: no earlier state is known."""
    path = f"{SITES}/{quote(SITE, safe='')}/sitemaps"
    before = call(world, "GET", path).document["sitemap"][0]
    world.advance(1)
    after = call(world, "GET", path).document["sitemap"][0]
    assert before["lastDownloaded"] == "2026-11-20T04:05:06.000Z"
    assert after["lastDownloaded"] == "2026-11-21T04:05:06.000Z"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"inspectionUrl": "https://www.acme.example/"}',
        b'{"inspectionUrl": "/", "siteUrl": "sc-domain:acme.example"}',
        b'{"inspectionUrl": "https://www.acme.example/", "siteUrl": "x", "unicorn": 1}',
    ],
)
def test_wrong_inspections_are_refused(world: World, body: bytes) -> None:
    """Both fields are needed, and no other than the language is known."""
    reply = call(world, "POST", "/v1/urlInspection/index:inspect", body)
    assert (reply.status, reply.document["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_page_is_inspected_in_its_own_property(world: World) -> None:
    """403 without an older reason, and not counted."""
    world.actions()["gsc_drain"](leave=1)
    refused = inspect(world, "https://acme.example.evil.example/")
    assert (refused.status, "errors" in refused.document["error"]) == (403, False)
    assert inspect(world, "https://acme.example/", languageCode="de-DE").status == 200
    assert inspect(world, "https://acme.example/").document["error"]["code"] == 403


def test_an_unknown_page_has_no_crawl(world: World) -> None:
    """Google leaves out what it does not know, or says that it is not specified."""
    found = inspect(world, "https://www.acme.example/x").document["inspectionResult"]
    status = found["indexStatusResult"]
    assert (status["verdict"], status["coverageState"]) == ("NEUTRAL", "URL is unknown to Google")
    assert status["crawledAs"] == "CRAWLING_USER_AGENT_UNSPECIFIED"
    assert {"lastCrawlTime", "googleCanonical", "userCanonical"}.isdisjoint(status)


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("rate_limit", 429, "rateLimitExceeded"),
        ("quota_exceeded", 403, "quotaExceeded"),
        ("daily_limit", 403, "dailyLimitExceeded"),
        ("insufficient_permissions", 403, "insufficientPermissions"),
        ("access_not_configured", 403, "accessNotConfigured"),
        ("http_503", 503, "backendError"),
    ],
)
def test_faults_have_googles_form(world: World, name: str, status: int, reason: str) -> None:
    """Status, name of the status, and the older reason."""
    fault = world.faults.plant(Fault(name, "gsc", account=SITE))
    reply = ask(world)
    error = reply.document["error"]
    assert (reply.status, error["code"], error["errors"][0]["reason"]) == (status, status, reason)
    assert error["status"].isupper()
    assert (fault.fired, ask(world).status) == (1, 200)


def test_faults_of_rows_need_rows(world: World) -> None:
    """Nothing is repeated, spoilt or lengthened where there is nothing."""
    names = ("ties_repeat", "ties_swap", "not_a_number", "long_doubles", "unknown_field")
    planted = [world.faults.plant(Fault(name, "gsc")) for name in names]
    assert rows(world, startDate="2026-11-13", endDate="2026-11-13") == []
    assert [fault.fired for fault in planted] == [0] * len(names)


def test_a_flood_is_cut_at_fifty_thousand(world: World) -> None:
    """Exactly so many queries, each with its page; the totals know them all."""
    world.actions()["gsc_flood"](day="2026-11-10", rows=50_001)
    last = {"dimensions": ["date", "query"], "rowLimit": 25_000}
    assert len(rows(world, **last, startRow=25_000)) == 25_000
    assert rows(world, **last, startRow=50_000) == []
    assert rows(world)[0]["impressions"] == 50_001 * 40


def test_settings_name_the_property(world: World) -> None:
    """Each organisation has one property of its own kind."""
    text = world.config_toml("http://127.0.0.1:9")
    assert 'accounts = ["sc-domain:acme.example"]' in text
    assert 'accounts = ["https://www.globex.example/"]' in text
