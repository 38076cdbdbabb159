"""Sitemaps and inspections: what is asked, what answers mean, and what is never kept."""

import json
from collections.abc import Mapping, Sequence

import pytest

from tactics.config import SourceSettings
from tactics.connectors import Step, options_of
from tactics.connectors.gsc import GscOptions, connector
from tactics.errors import ConfigError, ContractChanged, DecodeError, PermissionDenied
from tactics.model import AccountInfo, Slice
from tactics.transport import Request
from tests.unit.connectors.builders import respond, slice_of

SITE = "https://www.example.com/"
DOMAIN = "sc-domain:example.com"
OPTIONS = GscOptions()
REFUSED = {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "not part of it"}}


def work_of(stream: str, account_id: str = SITE) -> Slice:
    """Return a slice of a state."""
    info = AccountInfo(account_id, account_id, None, "America/Los_Angeles")
    return slice_of(stream, account_id=account_id, info=info)


def watching(*paths: str, **more: object) -> GscOptions:
    """Return the options of a connection that watches these pages of the site."""
    return GscOptions.model_validate({"inspect_urls": [SITE + path for path in paths], **more})


def sites(*urls: str) -> dict[str, object]:
    """Return Google's list of properties."""
    return {"siteEntry": [{"siteUrl": url, "permissionLevel": "siteOwner"} for url in urls]}


def inspection(**status: object) -> dict[str, object]:
    """Return what Google says of a page."""
    return {"inspectionResult": {"indexStatusResult": {"verdict": "PASS", **status}}}


def begun(options: GscOptions, account_id: str = SITE, known: Sequence[str] = (SITE,)) -> Step:
    """Return what follows once the properties are known."""
    work = work_of("url_inspections", account_id)
    request = connector.ask(work, options)
    return connector.read(work, options, request, respond(sites(*known)))


def following(step: Step) -> Request:
    """Return the request that must follow."""
    assert step.next is not None
    return step.next


def answered(
    options: GscOptions,
    request: Request,
    body: object,
    status: int = 200,
    *,
    account_id: str = SITE,
) -> Step:
    """Return what the answer about one page means."""
    work = work_of("url_inspections", account_id)
    return connector.read(work, options, request, respond(body, status))


def page_of(step: Step) -> dict[str, object]:
    """Return the page that must be kept."""
    assert step.page is not None
    found: dict[str, object] = json.loads(step.page)
    return found


@pytest.mark.parametrize(
    ("changes", "streams"),
    [
        ({}, ["sitemaps"]),
        ({"sitemaps": False}, []),
        ({"inspect_urls": [SITE]}, ["sitemaps", "url_inspections"]),
    ],
)
def test_options_choose_the_states(changes: dict[str, object], streams: list[str]) -> None:
    """Sitemaps unless somebody says no, pages only when somebody names them; both once a day."""
    found = connector.streams(GscOptions.model_validate(changes))
    states = [spec for spec in found if spec.slicing == "daily"]
    assert [spec.name for spec in states] == streams
    assert {spec.reread_hours for spec in states} <= {24}
    assert list(found)[-len(states) :] == states or not states


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inspect_urls": [f"{SITE}a?id=7"]}, "number 1 may not be kept as it is"),
        ({"inspect_urls": [SITE, f"{SITE}#top"]}, "number 2 may not be kept as it is"),
        ({"inspect_urls": [f"{SITE}jane@example.com"]}, "number 1 may not be kept as it is"),
        ({"inspect_urls": [f"{SITE}a|b"]}, "number 1 may not be kept as it is"),
        ({"inspect_urls": [SITE, f"{SITE}a", SITE]}, "number 3 stands there twice"),
        ({"inspect_urls": ["www.example.com"]}, "pattern"),
        ({"inspect_urls": ["https://www.example.com"]}, "pattern"),
        ({"inspect_urls": [f"{SITE}{number}" for number in range(201)]}, "at most 200"),
    ],
)
def test_pages_that_cannot_be_watched(changes: dict[str, object], words: str) -> None:
    """The message has the place and not the address: that may be what is personal."""
    with pytest.raises(ConfigError, match=words) as caught:
        options_of(SourceSettings.model_validate(changes), connector)
    assert "example.com" not in str(caught.value)


def test_kept_parameters_may_be_watched() -> None:
    """Those of the operator's list are no secret."""
    options = watching("a?id=7", page_parameters=["id"])
    assert json.loads(following(begun(options)).body)["inspectionUrl"] == f"{SITE}a?id=7"


@pytest.mark.parametrize(
    ("site", "segment"),
    [(SITE, "https%3A%2F%2Fwww.example.com%2F"), (DOMAIN, "sc-domain%3Aexample.com")],
)
def test_the_sitemaps_of_a_domain_are_asked_for_like_those_of_a_prefix(
    site: str, segment: str
) -> None:
    """One segment of the path, for both kinds of property (gotcha 6)."""
    request = connector.ask(work_of("sitemaps", site), OPTIONS)
    assert (request.method, request.query) == ("GET", ())
    assert request.path == f"/webmasters/v3/sites/{segment}/sitemaps"


def read_sitemaps(body: object, options: GscOptions = OPTIONS) -> Step:
    """Return what a list of sitemaps means."""
    work = work_of("sitemaps")
    return connector.read(work, options, connector.ask(work, options), respond(body))


def test_a_list_without_its_key_is_empty() -> None:
    """The day was read, and there was nothing (gotcha 9)."""
    step = read_sitemaps({})
    assert (page_of(step), step.next) == ({"sitemap": []}, None)


def test_a_sitemap_is_kept_byte_for_byte_but_for_its_address() -> None:
    """Counts stay texts; parameters, the deprecated count and new fields go."""
    step = read_sitemaps({
        "sitemap": [
            {
                "path": f"{SITE}feed.xml?token=Ab&lang=de#top",
                "errors": "3",
                "lastDownloaded": "2026-11-20T04:05:06.000Z",
                "contents": [{"type": "web", "submitted": "7", "indexed": "0", "new": 1}],
                "submitter": "jane@example.com",
            }
        ]
    }, GscOptions(page_parameters=("lang",)))  # fmt: skip
    [kept] = page_of(step)["sitemap"]  # type: ignore[misc]
    assert {name: value for name, value in kept.items() if value is not None} == {
        "path": f"{SITE}feed.xml?lang=de",
        "errors": "3",
        "lastDownloaded": "2026-11-20T04:05:06.000Z",
        "contents": [{"type": "web", "submitted": "7"}],
    }


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"sitemap": {}}, ContractChanged),
        ({"sitemap": [{"path": 1}]}, ContractChanged),
        (b'{"sitemap": [', DecodeError),
    ],
)
def test_sitemaps_of_another_shape_are_refused(body: object, error: type[Exception]) -> None:
    """Nobody guesses."""
    with pytest.raises(error):
        read_sitemaps(body)


def test_pages_are_inspected_one_after_the_other() -> None:
    """The properties first, then a request for each page; the last one ends the day."""
    options = watching("", "a", "b")
    step, asked = begun(options), []
    while step.next is not None:
        body = json.loads(step.next.body)
        assert (body["siteUrl"], body["languageCode"]) == (SITE, "en-US")
        asked.append(body["inspectionUrl"])
        step = answered(options, step.next, inspection())
        assert page_of(step)["pageUrl"] == asked[-1]
    assert asked == [SITE, f"{SITE}a", f"{SITE}b"]
    assert step.warnings == ()


def test_a_property_asks_for_its_own_pages() -> None:
    """Of the pages of two properties each takes its own; a domain also those of its hosts."""
    options = GscOptions(inspect_urls=("https://www.example.org/", SITE))
    known = (SITE, DOMAIN, "sc-domain:example.org")
    for account_id in (SITE, DOMAIN):
        step = begun(options, account_id, known)
        assert json.loads(following(step).body)["inspectionUrl"] == SITE
        last = answered(options, following(step), inspection(), account_id=account_id)
        assert (last.next, step.warnings) == (None, ())


def test_a_page_of_no_property_is_told() -> None:
    """Three are named, the others counted; nothing is asked where nothing is left."""
    nowhere = [f"https://www.example.org/{number}" for number in range(5)]
    step = begun(GscOptions(inspect_urls=tuple(nowhere)))
    assert step.next is None
    assert step.warnings == (
        f"gsc: no property contains {', '.join(nowhere[:3])} and 2 more: not inspected",
    )


def test_a_property_that_is_gone_is_refused_before_any_page() -> None:
    """The list is asked anew for each day."""
    with pytest.raises(PermissionDenied):
        begun(watching(""), known=("https://www.example.org/",))


def test_an_inspection_is_kept_without_who_links_to_the_page() -> None:
    """Declared states only; canonicals lose their parameters as pages do."""
    options = watching("")
    status: Mapping[str, object] = {
        "coverageState": "Submitted and indexed",
        "googleCanonical": f"{SITE}a?session=1",
        "userCanonical": f"{SITE}jane@example.com/",
        "referringUrls": ["https://mail.example.com/?to=jane"],
        "sitemap": [f"{SITE}sitemap.xml"],
        "new": 1,
    }
    step = answered(options, following(begun(options)), inspection(**status))
    kept = page_of(step)
    assert kept.pop("pageUrl") == SITE
    found = kept.pop("indexStatusResult")
    assert isinstance(found, dict)
    assert {name: value for name, value in found.items() if value is not None} == {
        "verdict": "PASS",
        "coverageState": "Submitted and indexed",
        "googleCanonical": f"{SITE}a",
        "userCanonical": f"{SITE}(personal)/",
    }
    assert kept == {}


def test_refused_pages_are_counted_to_the_end() -> None:
    """The others are kept, and one warning names those that are not."""
    options = watching("", "a", "b")
    first = answered(options, following(begun(options)), REFUSED, 403)
    assert first.page is None
    second = answered(options, following(first), inspection())
    last = answered(options, following(second), {"error": {"status": "INVALID_ARGUMENT"}}, 400)
    assert last.next is None
    assert last.warnings == (f"gsc: google refuses to inspect {SITE}, {SITE}b in {SITE}",)


def test_a_property_whose_pages_are_all_refused_fails() -> None:
    """Google says the same of a page outside and of a property that is not ours."""
    options = watching("", "a")
    first = answered(options, following(begun(options)), REFUSED, 403)
    with pytest.raises(PermissionDenied):
        answered(options, following(first), REFUSED, 403)


@pytest.mark.parametrize("body", [{}, {"inspectionResult": []}, {"inspectionResult": None}])
def test_another_shape_of_an_inspection_is_refused(body: object) -> None:
    """It ends the stream, and is no refused page."""
    options = watching("", "a")
    with pytest.raises(ContractChanged):
        answered(options, following(begun(options)), body)


def test_inspections_have_a_daily_quota() -> None:
    """2,000 a day; other calls do not count."""
    quota = connector.manifest.daily_quota
    assert quota is not None
    assert quota.calls == 2000
    assert quota.counts("POST api/v1/urlInspection/index:inspect")
    assert not quota.counts("GET api/webmasters/v3/sites/{id}/sitemaps")
