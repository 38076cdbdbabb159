"""The Google Analytics simulator: reports, paging, quotas, caveats, refusals."""

import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tactics.errors import ConfigError
from tactics.sandbox import Fault, World
from tactics.sandbox.api import Call, Reply
from tests.support import FakeClock
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
SHOP = "421000001"
BODY: dict[str, Any] = {
    "dateRanges": [{"startDate": "7daysAgo", "endDate": "yesterday"}],
    "dimensions": [{"name": "date"}, {"name": "sessionSource"}, {"name": "sessionCampaignName"}],
    "metrics": [{"name": "sessions"}, {"name": "keyEvents"}, {"name": "purchaseRevenue"}],
    "orderBys": [
        {"dimension": {"dimensionName": name}}
        for name in ("date", "sessionSource", "sessionCampaignName")
    ],
    "returnPropertyQuota": True,
}


class Analytics:
    """Acme's way to the simulator, without a socket."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.world = World(today=TODAY, days=20, sources=("ga4",), clock=clock)
        self.token = ""
        self.sign_in()

    def sign_in(self) -> None:
        """Get an access token."""
        found = self.world.environment(ORIGIN, google="refresh_token")
        names = ("client_id", "client_secret", "refresh_token")
        form = {name: found[f"TACTICS_ACME_GA4_{name}".upper()] for name in names}
        body = urlencode({"grant_type": "refresh_token", **form}).encode()
        reply = self.world.answer(Call("POST", ORIGIN, "token", "/", body=body))
        self.token = reply.document["access_token"]

    def send(self, method: str = "runReport", *, web: str = SHOP, body: bytes = b"{}") -> Reply:
        """Return the answer to a request."""
        headers = {"authorization": f"Bearer {self.token}"}
        path = f"/v1beta/properties/{web}:{method}"
        return self.world.answer(Call("POST", ORIGIN, "ga4", path, (), headers, body))

    def run(self, **changes: Any) -> Reply:
        """Return a report."""
        return self.send(body=json.dumps(BODY | changes).encode())

    def plant(self, name: str, **options: object) -> Fault:
        """Make the next report misbehave."""
        return self.world.faults.plant(Fault(name, "ga4", options=options))


@pytest.fixture
def analytics() -> Analytics:
    """Return a fresh simulator."""
    return Analytics(FakeClock())


def keys(reply: Reply) -> list[tuple[str, ...]]:
    """Return the labels of a report's rows."""
    return [tuple(v["value"] for v in row["dimensionValues"]) for row in reply.document["rows"]]


def test_pages_in_a_stated_order_make_the_whole(analytics: Analytics) -> None:
    """Every row once, and a count that does not depend on the page."""
    whole = analytics.run()
    pages = [analytics.run(limit="20", offset=str(offset)) for offset in range(0, 60, 20)]

    assert [key for page in pages for key in keys(page)] == keys(whole)
    assert {page.document["rowCount"] for page in pages} == {len(keys(whole))}
    assert keys(whole) == sorted(keys(whole))


def test_without_an_order_pages_may_overlap(analytics: Analytics) -> None:
    """Who does not state an order gets another one each time."""
    assert keys(analytics.run(orderBys=[])) != keys(analytics.run(orderBys=[]))


def test_every_value_is_text(analytics: Analytics) -> None:
    """Counts, fractional key events, and revenue that misses the cent by a hair."""
    values = [
        [item["value"] for item in row["metricValues"]] for row in analytics.run().document["rows"]
    ]

    assert all(isinstance(text, str) for row in values for text in row)
    assert any("." in row[1] for row in values)
    assert any(len(row[2].partition(".")[2]) > 2 for row in values)


def test_an_empty_report_has_no_rows(analytics: Analytics) -> None:
    """Neither `rows` nor `rowCount`; currency and time zone are still there."""
    long_ago = [{"startDate": "2020-01-01", "endDate": "2020-01-02"}]

    document = analytics.run(dateRanges=long_ago).document

    assert not {"rows", "rowCount"} & document.keys()
    assert document["metadata"]["timeZone"] == "Europe/Vienna"


def test_metrics_can_order_and_descend(analytics: Analytics) -> None:
    """By sessions, largest first."""
    by = [{"metric": {"metricName": "sessions"}, "desc": True}]
    rows = analytics.run(orderBys=by).document["rows"]
    sessions = [int(row["metricValues"][0]["value"]) for row in rows]

    assert sessions == sorted(sessions, reverse=True)


def test_buckets_fall_with_every_call(analytics: Analytics) -> None:
    """What a call consumed is missing afterwards; what is zero is not written."""
    first, second = (analytics.run().document["propertyQuota"] for _ in range(2))

    for bucket in ("tokensPerDay", "tokensPerHour", "tokensPerProjectPerHour"):
        cost = second[bucket]["consumed"]
        assert first[bucket]["remaining"] - cost == second[bucket]["remaining"]
    assert "consumed" not in first["concurrentRequests"]


@pytest.mark.parametrize(
    ("bucket", "words", "seconds"),
    [
        ("tokensPerHour", "tokens per hour", 3600),
        ("tokensPerProjectPerHour", "for a project per hour", 3600),
        ("potentiallyThresholdedRequestsPerHour", "thresholded", 3600),
        ("serverErrorsPerProjectPerHour", "server errors", 3600),
        ("tokensPerDay", "tokens per day", 24 * 3600),
    ],
)
def test_an_empty_bucket_refuses_until_it_fills(
    analytics: Analytics, bucket: str, words: str, seconds: float
) -> None:
    """429 in Google's words; the next hour, or the next day in Los Angeles, heals it."""
    analytics.world.actions()["ga4_drain"](property_id=SHOP, bucket=bucket)
    refused = analytics.run()
    analytics.clock.advance(seconds)
    analytics.sign_in()  # the token has run out, too

    assert analytics.run().status == 200
    assert (refused.status, refused.document["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert words in refused.document["error"]["message"]


def test_server_errors_end_in_refusals(analytics: Analytics) -> None:
    """The eleventh failure of an hour is not even an error any more, but 429."""
    analytics.world.faults.plant(Fault("http_503", "ga4", times=11))

    statuses = [analytics.run().status for _ in range(12)]

    assert statuses == [503] * 10 + [429] * 2


def test_a_bucket_must_exist(analytics: Analytics) -> None:
    """The error lists the known ones."""
    with pytest.raises(ConfigError) as caught:
        analytics.world.actions()["ga4_drain"](property_id=SHOP, bucket="tokens")

    assert "tokensPerHour" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "status", "canonical"),
    [
        ("auth_expired", 401, "UNAUTHENTICATED"),
        ("permission", 403, "PERMISSION_DENIED"),
        ("service_disabled", 403, "PERMISSION_DENIED"),
        ("not_found", 404, "NOT_FOUND"),
        ("invalid_argument", 400, "INVALID_ARGUMENT"),
        ("quota_concurrentRequests", 429, "RESOURCE_EXHAUSTED"),
        ("quota_minute", 429, "RESOURCE_EXHAUSTED"),
        ("http_500", 500, "INTERNAL"),
        ("http_503", 503, "UNAVAILABLE"),
    ],
)
def test_errors_have_the_vendors_form(
    analytics: Analytics, name: str, status: int, canonical: str
) -> None:
    """HTTP status and canonical status as in the contract, once."""
    analytics.plant(name)

    reply = analytics.run()

    assert (reply.status, reply.document["error"]["status"]) == (status, canonical)
    assert analytics.run().status == 200


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("sampled", "samplingMetadatas"),
        ("thresholded", "subjectToThresholding"),
        ("other_row", "dataLossFromOtherRow"),
        ("truncated", "dataTruncationReasons"),
        ("restricted", "schemaRestrictionResponse"),
    ],
)
def test_caveats_stand_in_the_metadata(analytics: Analytics, name: str, field: str) -> None:
    """Beside the rows, once, and only for windows as long as the fault says."""
    fault = analytics.plant(name, days=7)
    one_day = [{"startDate": "2026-11-20", "endDate": "2026-11-20"}]
    week = [{"startDate": "2026-11-14", "endDate": "2026-11-20"}]

    assert field not in analytics.run(dateRanges=one_day).document["metadata"]
    assert analytics.run(dateRanges=week).document["metadata"][field]
    assert fault.fired == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("not_a_number", "N/A"),
        ("personal", "ann@shopper.example"),
        ("unknown_field", "sandboxNewField"),
        ("other_row", "(other)"),
    ],
)
def test_a_report_can_be_spoiled(analytics: Analytics, name: str, text: str) -> None:
    """One report only; the data behind it stays."""
    analytics.plant(name)

    assert text in str(analytics.run().document)
    assert text not in str(analytics.run().document)


def test_counts_can_lie(analytics: Analytics) -> None:
    """A page that promises rows and sends none, and a count that moves."""
    analytics.plant("empty_page_with_next")
    empty = analytics.run().document
    analytics.plant("rows_moved")
    moved = analytics.run().document

    assert "rows" not in empty
    assert empty["rowCount"] > 0
    assert moved["rowCount"] == len(moved["rows"]) - 1


@pytest.mark.parametrize(
    ("web", "status"), [("UA-1", 400), ("999", 403), ("431000001", 403), (SHOP, 200)]
)
def test_only_its_own_properties(analytics: Analytics, web: str, status: int) -> None:
    """Digits only; an unknown property looks like a forbidden one."""
    body = json.dumps({"metrics": [{"name": "sessions"}]}).encode()

    assert analytics.send(web=web, body=body).status == status


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}"])
def test_a_body_must_be_a_request(analytics: Analytics, body: bytes) -> None:
    """Not JSON, not an object, nothing asked for."""
    assert analytics.send(body=body).status == 400


def test_a_batch_is_of_one_property(analytics: Analytics) -> None:
    """A nested request may name the property, if it is the same."""
    nested = [{**BODY, "property": "properties/421000002"}]

    reply = analytics.send("batchRunReports", body=json.dumps({"requests": nested}).encode())

    assert reply.status == 400


def test_restating_replaces_rows(analytics: Analytics) -> None:
    """What was not attributed gets a name, a small row disappears, numbers move."""
    one_day = [{"startDate": "2026-11-20", "endDate": "2026-11-20"}]
    before = analytics.run(dateRanges=one_day)
    analytics.world.restate(3)
    after = analytics.run(dateRanges=one_day)

    sources = [{key[1] for key in keys(reply)} for reply in (before, after)]
    assert sources[0] - sources[1] == {"(data not available)", "partner.example"}
    assert len(keys(after)) < len(keys(before))
    assert before.document["rows"][0] != after.document["rows"][0]


def test_the_second_property_has_its_own_currency(analytics: Analytics) -> None:
    """The blog reports in dollars and New York time, and sells nothing."""
    body = json.dumps(BODY).encode()
    document = analytics.send(web="421000002", body=body).document

    assert document["metadata"] == {"currencyCode": "USD", "timeZone": "America/New_York"}
    assert {row["metricValues"][2]["value"] for row in document["rows"]} == {"0"}


def test_the_generic_list_of_fields_needs_no_property(analytics: Analytics) -> None:
    """`properties/0/metadata` is open to everybody."""
    reply = analytics.world.answer(Call("GET", ORIGIN, "ga4", "/v1beta/properties/0/metadata"))
    missing = analytics.world.answer(Call("GET", ORIGIN, "ga4", "/v1beta/properties"))

    assert reply.document["name"] == "properties/0/metadata"
    assert missing.status == 404


def test_a_retired_metric_is_unknown(analytics: Analytics) -> None:
    """400 with its name, and it is gone from the list."""
    analytics.world.actions()["ga4_retire"](metric="keyEvents")

    assert "Field keyEvents is not a valid metric" in str(analytics.run().document)


def test_facts_are_the_same_in_two_worlds() -> None:
    """The same seed gives the same rows, another seed others."""
    worlds = [World(seed, today=TODAY, days=5, sources=("ga4",)) for seed in (7, 7, 8)]
    first, second, third = (world.totals().facts for world in worlds)

    assert first == second != third
    assert {fact.table for fact in first} == {"web_traffic"}
