"""Google's own client and its description of the API hold the Search Console simulator to account."""

import datetime as dt
import functools
import json
import warnings
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from tactics.connectors.gsc import GscOptions, connector
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Fault, Sandbox, World, serve
from tactics.transport import Response

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the libraries' own imports
    import httplib2
    from google.oauth2 import service_account
    from google_auth_httplib2 import AuthorizedHttp
    from googleapiclient.discovery import build
    from googleapiclient.errors import HttpError

TODAY = dt.date(2026, 11, 21)
SITE = "sc-domain:acme.example"
HOME = "https://www.acme.example/"
WEEK = {"startDate": "2026-11-10", "endDate": "2026-11-16"}
TOKENS = {str: "string", float: "number", int: "integer", bool: "boolean"}


@functools.cache
def discovery() -> dict[str, Any]:
    """Return the official description of the API, as Google's client brings it."""
    files = resources.files("googleapiclient.discovery_cache") / "documents"
    document: dict[str, Any] = json.loads((files / "searchconsole.v1.json").read_text())
    return document


def violations(value: object, schema: dict[str, Any], place: str = "$") -> list[str]:
    """Return where a document departs from a schema of the discovery document.

    Enums are compared without case and underscores: the service speaks `byPage` for `BY_PAGE`.
    """
    if name := schema.get("$ref"):
        return violations(value, discovery()["schemas"][name], place)
    if isinstance(value, dict) and schema["type"] == "object":
        known = schema["properties"]
        found = [f"{place}.{key} is unknown" for key in value.keys() - known.keys()]
        inner = [(value[key], known[key], f"{place}.{key}") for key in value.keys() & known.keys()]
    elif isinstance(value, list) and schema["type"] == "array":
        found = []
        inner = [(item, schema["items"], f"{place}[{at}]") for at, item in enumerate(value)]
    else:
        words = [word.replace("_", "").lower() for word in schema.get("enum", ())]
        fits = TOKENS.get(type(value)) == schema["type"]
        known_word = not words or str(value).replace("_", "").lower() in words
        return [] if fits and known_word else [f"{place} is no {schema['type']}: {value!r}"]
    return found + [text for part in inner for text in violations(*part)]


def work_of(stream: str, site_url: str = SITE) -> Slice:
    """Return a slice of one day."""
    account = AccountInfo(site_url, site_url, None, "America/Los_Angeles")
    key = StreamKey("acme", "gsc", site_url, stream)
    return Slice(key, Window(TODAY, TODAY), Priority.LIVE, account)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, Sandbox]]:
    """Serve a world; no test changes its data."""
    world = World(today=TODAY, days=30, sources=("gsc",))
    with serve(world) as sandbox:
        yield world, sandbox


@pytest.fixture
def world(served: tuple[World, Sandbox]) -> World:
    """Return the world, healed."""
    served[0].faults.clear()
    served[1].clear_requests()
    return served[0]


@pytest.fixture
def sandbox(served: tuple[World, Sandbox]) -> Sandbox:
    """Return its server."""
    return served[1]


class Google:
    """Google's client, signed in as acme."""

    def __init__(self, world: World, sandbox: Sandbox, scopes: tuple[str, ...]) -> None:
        key = world.service_account("acme", sandbox.url)
        signer = service_account.Credentials.from_service_account_info(key, scopes=list(scopes))
        self.http = AuthorizedHttp(signer, http=httplib2.Http())
        options = {"api_endpoint": f"{sandbox.url}/gsc/"}
        self.service: Any = build(
            "searchconsole", "v1", http=self.http, client_options=options, static_discovery=True
        )

    def query(self, site_url: str = SITE, retries: int = 0, **body: object) -> Any:
        """Return the answer to a query."""
        asked = self.service.searchanalytics().query(siteUrl=site_url, body={**WEEK, **body})
        return asked.execute(num_retries=retries)

    def inspect(self, url: str, site_url: str = SITE) -> Any:
        """Return what is known of a page."""
        body = {"inspectionUrl": url, "siteUrl": site_url}
        return self.service.urlInspection().index().inspect(body=body).execute()


@pytest.fixture
def google(world: World, sandbox: Sandbox) -> Iterator[Google]:
    """Return the client with the connector's own scope."""
    google = Google(world, sandbox, connector.manifest.scopes)
    yield google
    google.http.close()


def test_the_list_of_properties(google: Google) -> None:
    """One domain, one prefix, and one that nobody verified, with mixed permissions."""
    listed = google.service.sites().list().execute()
    assert violations(listed, {"$ref": "SitesListResponse"}) == []
    levels = {site["siteUrl"]: site["permissionLevel"] for site in listed["siteEntry"]}
    assert levels[SITE] == "siteFullUser"
    assert set(levels.values()) == {"siteFullUser", "siteRestrictedUser", "siteUnverifiedUser"}
    assert google.service.sites().get(siteUrl=SITE).execute() == {
        "siteUrl": SITE,
        "permissionLevel": "siteFullUser",
    }


@pytest.mark.parametrize("site_url", [SITE, "https://www.example.com/", "http://example.com/ä/"])
def test_a_property_is_one_segment_of_the_path(google: Google, site_url: str) -> None:
    """Google's client encodes as ours does (gotcha 6)."""
    theirs = google.service.searchanalytics().query(siteUrl=site_url, body=WEEK).uri
    assert connector.ask(work_of("site_totals", site_url), GscOptions()).path in theirs


@pytest.mark.parametrize(
    "dimensions",
    [
        [],
        ["DATE"],
        ["DATE", "PAGE"],
        ["date", "query"],
        ["QUERY", "DEVICE"],
        ["DATE", "QUERY", "PAGE", "COUNTRY", "DEVICE"],
    ],
)
@pytest.mark.parametrize("state", ["ALL", "final"])
def test_every_answer_is_as_described(google: Google, dimensions: list[str], state: str) -> None:
    """Types, names and enums are those of the discovery document, keys those that were asked for."""
    found = google.query(dimensions=dimensions, dataState=state, endDate="2026-11-21")
    assert violations(found, {"$ref": "SearchAnalyticsQueryResponse"}) == []
    assert {len(row.get("keys", ())) for row in found["rows"]} == {len(dimensions)}
    fresh = state == "ALL" and bool(dimensions) and dimensions[0].upper() == "DATE"
    assert ("metadata" in found) is fresh


REPORTS = [spec.name for spec in connector.manifest.streams if spec.slicing == "days"]


@pytest.mark.parametrize("stream", REPORTS)
def test_our_requests_are_as_described(stream: str) -> None:
    """The bodies that the connector sends are in Google's own schema."""
    work = work_of(stream)
    for search_type in ("web", "image", "video", "news"):
        request = connector.ask(work, GscOptions(search_type=search_type))
        assert violations(json.loads(request.body), {"$ref": "SearchAnalyticsQueryRequest"}) == []
    methods = discovery()["resources"]["searchanalytics"]["methods"]
    template = f"/{methods['query']['path']}"
    assert request.path == template.replace("{siteUrl}", "sc-domain%3Aacme.example")
    assert methods["query"]["httpMethod"] == request.method
    assert set(connector.manifest.scopes) <= set(methods["query"]["scopes"])
    assert discovery()["rootUrl"].rstrip("/") == connector.manifest.base_urls["api"]


def method_of(*names: str) -> dict[str, Any]:
    """Return a method of the API: `sitemaps`, `list`."""
    *resources, name = names
    place = discovery()
    for resource in resources:
        place = place["resources"][resource]
    method: dict[str, Any] = place["methods"][name]
    return method


def test_our_question_for_sitemaps_is_as_described() -> None:
    """Path, method and scope; of a domain as of a prefix (gotcha 6)."""
    method = method_of("sitemaps", "list")
    for site_url, segment in {
        SITE: "sc-domain%3Aacme.example",
        "https://www.globex.example/": "https%3A%2F%2Fwww.globex.example%2F",
    }.items():
        request = connector.ask(work_of("sitemaps", site_url), GscOptions())
        assert request.path == f"/{method['path']}".replace("{siteUrl}", segment)
        assert request.method == method["httpMethod"]
    assert set(connector.manifest.scopes) <= set(method["scopes"])


def test_our_inspections_are_as_described() -> None:
    """One page a request, in Google's own schema."""
    work, options = work_of("url_inspections"), GscOptions(inspect_urls=(HOME,))
    begin = connector.ask(work, options)
    listed = {"siteEntry": [{"siteUrl": SITE, "permissionLevel": "siteOwner"}]}
    step = connector.read(work, options, begin, Response(200, json.dumps(listed).encode()))
    assert step.next is not None
    method = method_of("urlInspection", "index", "inspect")
    assert (step.next.path, step.next.method) == (f"/{method['path']}", method["httpMethod"])
    body = json.loads(step.next.body)
    assert violations(body, method["request"]) == []
    assert (body["inspectionUrl"], body["siteUrl"]) == (HOME, SITE)
    assert set(connector.manifest.scopes) <= set(method["scopes"])


def test_the_list_of_sitemaps(google: Google) -> None:
    """As described: counts are texts, kinds are Google's; errors, an index and a new one are there."""
    found = google.service.sitemaps().list(siteUrl=SITE).execute()
    assert violations(found, method_of("sitemaps", "list")["response"]) == []
    sitemaps = found["sitemap"]
    assert all(isinstance(sitemap["errors"], str) for sitemap in sitemaps)
    assert {sitemap["isSitemapsIndex"] for sitemap in sitemaps} == {True, False}
    assert [sitemap["path"] for sitemap in sitemaps if "lastDownloaded" not in sitemap] == [
        "https://www.acme.example/new.xml"
    ]


def test_no_sitemaps_is_no_key(google: Google) -> None:
    """A property without sitemaps answers with an empty object (gotcha 9)."""
    listed = google.service.sitemaps().list(siteUrl="https://shop.acme-outlet.example/")
    assert listed.execute() == {}


@pytest.mark.parametrize("path", ["", "services", "prices", "drafts/offer", "moved"])
def test_an_inspection_is_as_described(google: Google, path: str) -> None:
    """Whatever became of the page; who refers to it is told, too."""
    found = google.inspect(HOME + path)
    assert violations(found, method_of("urlInspection", "index", "inspect")["response"]) == []
    assert found["inspectionResult"]["indexStatusResult"]["referringUrls"]


@pytest.mark.parametrize(
    ("url", "site_url"),
    [
        ("https://www.globex.example/", SITE),
        ("https://www.globex.example/", "https://www.globex.example/"),
        (HOME, "https://www.acme.example/"),
        ("https://notacme.example/", SITE),
    ],
)
def test_a_page_of_another_property_is_forbidden(google: Google, url: str, site_url: str) -> None:
    """Outside the property, or inside of one that is not ours: the same 403."""
    with pytest.raises(HttpError, match="not part of this property") as caught:
        google.inspect(url, site_url)
    assert caught.value.status_code == 403


def test_inspections_are_counted() -> None:
    """The one after the 2,000th of a day is refused as a quota; the next day they are back."""
    world = World(today=TODAY, days=2, sources=("gsc",))
    world.actions()["gsc_drain"](leave=1)
    with serve(world) as served:
        google = Google(world, served, connector.manifest.scopes)
        google.inspect(HOME)
        with pytest.raises(HttpError) as caught:
            google.inspect(HOME)
        assert caught.value.error_details[0]["reason"] == "quotaExceeded"
        assert caught.value.status_code == 403
        world.advance(1)
        google.inspect(HOME)
        google.http.close()


def test_no_rows_is_no_key(google: Google) -> None:
    """A range without data has its aggregation and nothing else."""
    found = google.query(startDate="2026-11-13", endDate="2026-11-13", dimensions=["DATE"])
    assert found == {"responseAggregationType": "byProperty"}


@pytest.mark.parametrize(
    "body",
    [
        {"dimensions": ["PAGE"], "aggregationType": "BY_PROPERTY"},
        {"dimensions": ["UNICORN"]},
        {"startDate": "2026-11-17"},
        {"rowLimit": 25_001},
        {"startRow": -1},
        {"dataState": "HOURLY_ALL"},
        {"unicorn": 1},
    ],
)
def test_a_wrong_query_is_refused(google: Google, body: dict[str, object]) -> None:
    """400, with the reason that the client shows."""
    with pytest.raises(HttpError) as caught:
        google.query(**body)
    assert caught.value.status_code == 400
    assert caught.value.error_details[0]["reason"] == "badRequest"


def test_somebody_elses_property_is_forbidden(google: Google) -> None:
    """The message names the property."""
    with pytest.raises(HttpError, match="sufficient permission for site") as caught:
        google.query("https://www.globex.example/")
    assert caught.value.status_code == 403


def test_the_client_does_not_repeat_a_quota(google: Google, served: tuple[World, Sandbox]) -> None:
    """`quotaExceeded` arrives as 403 and ends the client's patience at once (gotcha 7)."""
    world, sandbox = served
    google.query()
    sandbox.clear_requests()
    world.faults.plant(Fault("quota_exceeded", "gsc"))
    with pytest.raises(HttpError) as caught:
        google.query(retries=2)
    assert caught.value.error_details[0]["reason"] == "quotaExceeded"
    assert len(sandbox.requests) == 1


def test_the_scope_is_checked(world: World, sandbox: Sandbox) -> None:
    """A token for spreadsheets reads no searches."""
    google = Google(world, sandbox, ("https://www.googleapis.com/auth/spreadsheets.readonly",))
    with pytest.raises(HttpError) as caught:
        google.query()
    google.http.close()
    assert caught.value.status_code == 403
