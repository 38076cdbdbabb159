"""What is asked of Search Console, what its answers mean, and what is never kept."""

import json

import pytest

from tactics.connectors import Step, pseudonymize
from tactics.connectors.gsc import GscOptions, connector
from tactics.errors import ContractChanged, CursorRejected, DecodeError, PermissionDenied
from tactics.model import AccountInfo, Slice, Window
from tactics.transport import Request
from tests.unit.connectors.builders import WEEK, respond, slice_of

SITE = "https://www.example.com/"
INFO = AccountInfo(SITE, SITE, None, "America/Los_Angeles", {"permission": "siteFullUser"})
DAY = Window(WEEK.start, WEEK.start)
OPTIONS = GscOptions()
SMALL = GscOptions(page_size=2)


def work_of(stream: str = "query_pages", account_id: str = SITE, **changes: object) -> Slice:
    """Return a slice of one day."""
    known: dict[str, object] = {"info": INFO, "window": DAY}
    return slice_of(stream, account_id=account_id, **{**known, **changes})


def asked(stream: str, options: GscOptions = OPTIONS) -> dict[str, object]:
    """Return the body of the first request."""
    body: dict[str, object] = json.loads(connector.ask(work_of(stream), options).body)
    return body


def row(*keys: str, clicks: float = 1.0) -> dict[str, object]:
    """Return a row of Google's."""
    return {"keys": keys, "clicks": clicks, "impressions": 9.0, "ctr": 0.1, "position": 6.25}


def answer(*rows: object, **more: object) -> dict[str, object]:
    """Return a page of Google's; the rows are left out when there are none."""
    return {"responseAggregationType": "byPage", **({"rows": rows} if rows else {}), **more}


def read(body: object, work: Slice | None = None, options: GscOptions = OPTIONS) -> Step:
    """Return what the first answer of a slice means."""
    work = work or work_of()
    return connector.read(work, options, connector.ask(work, options), respond(body))


@pytest.mark.parametrize(
    ("site", "segment"),
    [
        (SITE, "https%3A%2F%2Fwww.example.com%2F"),
        ("sc-domain:example.com", "sc-domain%3Aexample.com"),
        ("http://example.com/straße/", "http%3A%2F%2Fexample.com%2Fstra%C3%9Fe%2F"),
    ],
)
def test_a_property_is_one_segment_of_the_path(site: str, segment: str) -> None:
    """Slashes and colons are percent-encoded, the trailing slash stays (gotchas 6 and 10)."""
    request = connector.ask(work_of(account_id=site), OPTIONS)
    assert request.path == f"/webmasters/v3/sites/{segment}/searchAnalytics/query"
    assert request.method == "POST"


@pytest.mark.parametrize(
    ("stream", "dimensions", "aggregation"),
    [
        ("site_totals", ["date"], "byProperty"),
        ("pages", ["date", "page"], "auto"),
        ("queries", ["date", "query"], "byProperty"),
        ("query_pages", ["date", "query", "page", "country", "device"], "auto"),
    ],
)
def test_each_stream_is_one_grain(stream: str, dimensions: list[str], aggregation: str) -> None:
    """Pages are never asked for by property, which Google refuses."""
    body = asked(stream)
    assert (body["dimensions"], body["aggregationType"]) == (dimensions, aggregation)
    assert (body["startDate"], body["endDate"]) == ("2026-11-01", "2026-11-01")
    assert (body["type"], body["dataState"]) == ("web", "all")
    assert (body["rowLimit"], body["startRow"]) == (25_000, 0)


def test_options_choose_reports_and_dimensions() -> None:
    """The totals are always read; the breakdown may go; the search type is one a connection."""
    options = GscOptions(reports=("queries",), breakdown=(), search_type="image", sitemaps=False)
    assert [spec.name for spec in connector.streams(options)] == ["site_totals", "queries"]
    assert asked("query_pages", options)["dimensions"] == ["date", "query", "page"]
    assert asked("queries", options)["type"] == "image"


def test_detailed_streams_are_read_day_by_day() -> None:
    """Long ranges return fewer rows; 16 months is all that Google keeps."""
    specs = {spec.name: spec for spec in connector.manifest.streams if spec.slicing == "days"}
    assert {name for name, spec in specs.items() if spec.slice_days == 1} == {
        "pages",
        "queries",
        "query_pages",
    }
    assert {spec.max_history_days for spec in specs.values()} == {485}
    assert {(spec.lookback_days, spec.final_after_days) for spec in specs.values()} == {(3, 3)}


def columns_of(page: bytes | None) -> dict[str, list[object]]:
    """Return the columns of a page that must be there."""
    assert page is not None
    found: dict[str, list[object]] = json.loads(page)["columns"]
    return found


def body_of(request: Request | None) -> dict[str, int]:
    """Return the body of a request that must be there."""
    assert request is not None
    found: dict[str, int] = json.loads(request.body)
    return found


def test_a_full_page_leads_to_the_next() -> None:
    """`startRow` moves by the rows read until a page is not full, or has no rows at all."""
    work = work_of("queries")
    first = connector.ask(work, SMALL)
    step = connector.read(work, SMALL, first, respond(answer(row("a", "b"), row("a", "c"))))
    assert body_of(step.next) == {**json.loads(first.body), "startRow": 2}
    assert step.next is not None
    last = connector.read(work, SMALL, step.next, respond(answer()))
    assert (last.next, last.page is not None) == (None, True)
    short = connector.read(work, SMALL, step.next, respond(answer(row("a", "d"))))
    assert short.next is None


def test_a_list_without_end_is_refused() -> None:
    """Ten times more rows than Google exposes can only be the same rows again."""
    work = work_of("queries")
    request = connector.ask(work, SMALL)
    far = Request(
        "POST", request.path, body=json.dumps(body_of(request) | {"startRow": 500_000}).encode()
    )
    full = respond(answer(row("a", "b"), row("a", "c")))
    with pytest.raises(CursorRejected):
        connector.read(work, SMALL, far, full)


def test_the_page_is_kept_by_column() -> None:
    """Dimensions are named, numbers stay byte for byte, undeclared fields go."""
    body = b"""{"rows": [{"keys": ["2026-11-01"], "clicks": 12.0, "impressions": 3.4E2, "ctr": 0.03529411764705882,
        "position": 6.2352941176470588235294117, "email": "x@y.example"}], "new": 1,
        "responseAggregationType": "byProperty", "metadata": {"firstIncompleteDate": "2026-11-01"}}"""
    step = read(body, work_of("site_totals"))
    assert step.page is not None
    for kept in (b"3.4E2", b"6.2352941176470588235294117", b'"firstIncompleteDate":"2026-11-01"'):
        assert kept in step.page
    for gone in (b"email", b"new", b"original"):
        assert gone not in step.page
    names = ["date", "clicks", "impressions", "ctr", "position"]
    assert list(columns_of(step.page)) == names
    assert step.pseudonyms == {}


def test_a_row_without_its_keys_gets_nulls() -> None:
    """Silver refuses it alone."""
    step = read(answer(row("2026-11-01"), row("2026-11-01", "shoes")), work_of("queries"))
    assert columns_of(step.page)["query"] == [None, "shoes"]


def test_what_is_personal_does_not_get_into_the_page() -> None:
    """Queries and addresses are cleaned; what they were is a pseudonym, different for each."""
    rows = [
        row("2026-11-01", "jane@x.example login", f"{SITE}a", "aut", "MOBILE"),
        row("2026-11-01", "shoes", f"{SITE}a?token=Ab", "aut", "MOBILE"),
        row("2026-11-01", "shoes", f"{SITE}a?token=aB", "aut", "MOBILE"),
        row("2026-11-01", "shoes", f"{SITE}a", "aut", "MOBILE"),
    ]
    step = read(answer(*rows))
    assert step.page is not None
    stored = pseudonymize(step.page, step.pseudonyms, b"key")
    kept = columns_of(stored)
    assert kept["query"] == ["(personal)", "shoes", "shoes", "shoes"]
    assert kept["page"] == [f"{SITE}a"] * 4
    first, second, third, last = json.loads(stored)["original"]
    assert [len(text["keys"]) for text in (first, second, third)] == [64] * 3
    assert (first != second != third, last) == (True, None)
    for secret in (b"jane", b"token", b"6a616e65"):
        assert secret not in stored


def test_kept_parameters_stay() -> None:
    """The allow-list is the operator's."""
    page = row("2026-11-01", f"{SITE}a?id=7&email=j%40x.example#top")
    step = read(answer(page), work_of("pages"), GscOptions(page_parameters=("id",)))
    assert columns_of(step.page)["page"] == [f"{SITE}a?id=7"]


def test_an_empty_day_is_a_page_without_rows() -> None:
    """Google leaves `rows` out; the day is covered all the same."""
    step = read(answer(), work_of("site_totals"))
    assert set(map(len, columns_of(step.page).values())) == {0}
    assert (step.next, step.warnings) == (None, ())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, ContractChanged),
        (answer({"keys": "2026-11-01"}), ContractChanged),
        (b'{"rows": [', DecodeError),
        (b'{"responseAggregationType": "\xff"}', DecodeError),
    ],
)
def test_another_shape_is_refused(body: object, error: type[Exception]) -> None:
    """An answer without its aggregation is none: Google always says how it added up."""
    with pytest.raises(error):
        read(body)


def test_a_cut_day_is_told() -> None:
    """Fifty thousand rows on one day are all that Google shows."""
    work = work_of("queries")
    request = connector.ask(work, OPTIONS)
    late = Request(
        "POST", request.path, body=json.dumps(body_of(request) | {"startRow": 50_000}).encode()
    )
    [warning] = connector.read(work, OPTIONS, late, respond(answer())).warnings
    assert "50000" in warning


@pytest.mark.parametrize(
    ("stream", "options", "warned"),
    [
        ("site_totals", OPTIONS, True),
        ("queries", OPTIONS, False),
        ("site_totals", GscOptions(warn_overlaps=False), False),
    ],
)
def test_overlaps_are_told_once(stream: str, options: GscOptions, *, warned: bool) -> None:
    """Only with the totals, and not when nobody wants to hear it."""
    info = AccountInfo(
        SITE, SITE, None, "America/Los_Angeles", {"overlaps": "sc-domain:example.com"}
    )
    step = read(answer(), work_of(stream, info=info), options)
    assert bool(step.warnings) is warned
    assert all("sc-domain:example.com" in text for text in step.warnings)


def sites(*entries: tuple[str, str]) -> dict[str, object]:
    """Return Google's list of properties."""
    return {"siteEntry": [{"siteUrl": url, "permissionLevel": level} for url, level in entries]}


def test_the_account_is_pacific_and_has_no_currency() -> None:
    """Whatever the organisation's time zone, days are those of Los Angeles."""
    body = sites((SITE, "siteRestrictedUser"), ("sc-domain:example.com", "SITE_OWNER"))
    info = connector.read_account(SITE, OPTIONS, respond(body))
    assert (info.currency, info.timezone) == (None, "America/Los_Angeles")
    assert info.facts == {"permission": "siteRestrictedUser", "overlaps": "sc-domain:example.com"}
    assert connector.ask_account(SITE, OPTIONS).path == "/webmasters/v3/sites"


@pytest.mark.parametrize(
    ("account_id", "hint"),
    [
        ("https://www.example.com", "exactly as one of: https://www.example.com/"),
        ("sc-domain:example.com", "exactly as one of: https://www.example.com/"),
        ("https://elsewhere.example/", "exactly as one of: https://unverified.example/"),
        ("https://unverified.example/", "add the service account"),
    ],
)
def test_a_misspelt_property_is_told_from_a_forbidden_one(account_id: str, hint: str) -> None:
    """The hint names what looks like it, byte for byte (gotcha 10)."""
    body = sites((SITE, "siteOwner"), ("https://unverified.example/", "siteUnverifiedUser"))
    with pytest.raises(PermissionDenied) as caught:
        connector.read_account(account_id, OPTIONS, respond(body))
    assert hint in caught.value.hint


def test_an_identity_without_any_property_is_told_what_to_do() -> None:
    """Google leaves the key out of an empty list."""
    with pytest.raises(ContractChanged) as caught:
        connector.read_account(SITE, OPTIONS, respond({}))
    assert "service account's e-mail" in caught.value.hint


def test_every_credential_is_accepted() -> None:
    """Google tells at the first token."""
    connector.check_credentials({"service_account": "{}"}, OPTIONS)
