"""Google's own client and its description of the API hold the Analytics simulator to account."""

import datetime as dt
import functools
import json
import warnings
from collections.abc import Iterator
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from tactics.connectors.ga4 import connector
from tactics.connectors.ga4 import report as reports
from tactics.sandbox import Sandbox, World, serve

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the libraries' own imports
    import httplib2
    from google.oauth2 import service_account
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build
    from googleapiclient.errors import HttpError

TODAY = dt.date(2026, 11, 21)
WEEK = (TODAY - dt.timedelta(days=7), TODAY - dt.timedelta(days=1))
SHOP = "421000001"


@functools.cache
def discovery() -> dict[str, Any]:
    """Return the official description of the API, as Google's client brings it."""
    files = resources.files("googleapiclient.discovery_cache") / "documents"
    document: dict[str, Any] = json.loads((files / "analyticsdata.v1beta.json").read_text())
    return document


def violations(value: object, schema: dict[str, Any], place: str = "$") -> list[str]:
    """Return where a document departs from a schema of the discovery document."""
    if name := schema.get("$ref"):
        return violations(value, discovery()["schemas"][name], place)
    if isinstance(value, dict) and schema.get("type") == "object":
        known = schema.get("properties", {})
        found = [f"{place}.{key} is unknown" for key in value.keys() - known.keys()]
        inner = [(value[key], known[key], f"{place}.{key}") for key in value.keys() & known.keys()]
    elif isinstance(value, list) and schema.get("type") == "array":
        found = []
        inner = [(item, schema["items"], f"{place}[{at}]") for at, item in enumerate(value)]
    else:
        kind = {str: "string", int: "integer", bool: "boolean", float: "number"}.get(type(value))
        fits = kind == schema.get("type") and value in schema.get("enum", [value])
        return [] if fits else [f"{place} is no {schema.get('type')}: {value!r}"]
    return found + [text for part in inner for text in violations(*part)]


@pytest.fixture(scope="module")
def world() -> World:
    """Return a world with web properties; no test changes its data."""
    return World(today=TODAY, days=30, sources=("ga4",))


@pytest.fixture(scope="module")
def sandbox(world: World) -> Iterator[Sandbox]:
    """Serve the world."""
    with serve(world) as sandbox:
        yield sandbox


class Google:
    """Google's client, signed in as acme."""

    def __init__(self, world: World, sandbox: Sandbox, org_id: str = "acme") -> None:
        key = world.service_account(org_id, sandbox.url)
        scopes = list(connector.manifest.scopes)
        signer = service_account.Credentials.from_service_account_info(key, scopes=scopes)
        self.http = AuthorizedHttp(signer, http=httplib2.Http())
        service = build(
            "analyticsdata",
            "v1beta",
            http=self.http,
            client_options={"api_endpoint": f"{sandbox.url}/ga4/"},
            static_discovery=True,
        )
        self.properties = service.properties()


@pytest.fixture(scope="module")
def google(world: World, sandbox: Sandbox) -> Iterator[Google]:
    """Return the official client."""
    google = Google(world, sandbox)
    yield google
    google.http.close()


BODY = {
    "dateRanges": [{"startDate": "7daysAgo", "endDate": "yesterday"}],
    "dimensions": [{"name": "date"}],
    "metrics": [{"name": "sessions"}, {"name": "purchaseRevenue"}],
    "orderBys": [{"dimension": {"dimensionName": "date"}}],
}


def test_the_official_client_reads_a_report(world: World, google: Google) -> None:
    """Sessions and revenue by day are those of the ledger."""
    report = google.properties.runReport(property=f"properties/{SHOP}", body=BODY).execute()

    sums = (
        world.totals().between(*WEEK).fact_sums("web_traffic", "sessions", by=("account_id", "day"))
    )
    found = [
        (dt.datetime.strptime(row["dimensionValues"][0]["value"], "%Y%m%d").date(), int(row["metricValues"][0]["value"]))  # noqa: DTZ007
        for row in report["rows"]
    ]  # fmt: skip
    assert found == sorted((day, n) for (account, day), (n,) in sums.items() if account == SHOP)
    assert Decimal(report["rows"][0]["metricValues"][1]["value"]) > 0
    assert report["metadata"] == {"currencyCode": "EUR", "timeZone": "Europe/Vienna"}


def test_the_simulator_knows_the_fields_of_the_stream(google: Google) -> None:
    """The list of fields has each dimension and metric, and the old name of key events."""
    answer = google.properties.getMetadata(name=f"properties/{SHOP}/metadata").execute()

    assert violations(answer, {"$ref": "Metadata"}) == []
    assert {item["apiName"] for item in answer["dimensions"]} == set(reports.DIMENSIONS)
    metrics = {item["apiName"]: item for item in answer["metrics"]}
    assert set(metrics) == {*reports.REQUIRED_METRICS, *reports.OPTIONAL_METRICS}
    assert metrics["keyEvents"]["deprecatedApiNames"] == ["conversions"]


def test_the_official_client_sends_a_batch(google: Google) -> None:
    """Five reports in one call, not six."""
    requests = [{**BODY, "property": f"properties/{SHOP}"} for _ in range(6)]
    call = google.properties.batchRunReports

    answer = call(property=f"properties/{SHOP}", body={"requests": requests[:5]}).execute()
    with pytest.raises(HttpError, match="limited to 5"):
        call(property=f"properties/{SHOP}", body={"requests": requests}).execute()

    assert len(answer["reports"]) == 5
    assert violations(answer, {"$ref": "BatchRunReportsResponse"}) == []


def test_the_official_client_checks_compatibility() -> None:
    """A metric that does not go with campaigns is marked, and refused in a report."""
    world = World(today=TODAY, days=3, sources=("ga4",))
    world.actions()["ga4_make_incompatible"](metric="totalUsers")
    asked = {"dimensions": [{"name": "sessionCampaignName"}], "metrics": [{"name": "sessions"}]}

    with serve(world) as sandbox:
        google = Google(world, sandbox)
        check = google.properties.checkCompatibility
        answer = check(property=f"properties/{SHOP}", body=asked).execute()
        body = {**asked, "metrics": [{"name": "totalUsers"}]}
        with pytest.raises(HttpError, match="Please remove sessionCampaignName"):
            google.properties.runReport(property=f"properties/{SHOP}", body=body).execute()
        google.http.close()

    assert violations(answer, {"$ref": "CheckCompatibilityResponse"}) == []
    found = {
        item["metricMetadata"]["apiName"]: item["compatibility"]
        for item in answer["metricCompatibilities"]
    }
    assert (found["totalUsers"], found["newUsers"]) == ("INCOMPATIBLE", "COMPATIBLE")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics": [{"name": "pageViews"}]}, "Field pageViews is not a valid metric"),
        ({"dimensions": [{"name": "city"}]}, "Field city is not a valid dimension"),
        ({"metrics": [{"name": "sessions"}] * 11}, "limited to 10"),
        ({"dateRanges": BODY["dateRanges"] * 5}, "limited to 4"),
        ({"orderBys": [{"metric": {"metricName": "newUsers"}}]}, "not in the request"),
        ({"dateRanges": [{"startDate": "today", "endDate": "yesterday"}]}, "Invalid date range"),
        ({"dateRanges": [{"startDate": "2026-02-30", "endDate": "today"}]}, "Invalid date"),
        ({"limit": "many"}, "TYPE_INT64"),
        ({"nonsense": 1}, "Cannot find field"),
        ({"currencyCode": "USD"}, "does not simulate"),
    ],
)
def test_wrong_requests_are_refused(google: Google, changes: dict[str, Any], words: str) -> None:
    """Each mistake is a 400 in Google's words."""
    call = google.properties.runReport(property=f"properties/{SHOP}", body={**BODY, **changes})

    with pytest.raises(HttpError) as caught:
        call.execute()

    assert caught.value.status_code == 400
    assert words in str(caught.value)


def test_a_property_of_somebody_else_is_refused(world: World, sandbox: Sandbox) -> None:
    """Access is given in the property; another company's account has none."""
    google = Google(world, sandbox, "globex")

    with pytest.raises(HttpError) as caught:
        google.properties.runReport(property=f"properties/{SHOP}", body=BODY).execute()

    google.http.close()
    assert caught.value.status_code == 403
