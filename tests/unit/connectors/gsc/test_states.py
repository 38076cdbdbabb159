"""The silver SQL of sitemaps and inspections: types, rules, sums of what became equal."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactics.connectors.gsc import connector
from tests.unit.connectors.builders import Silver, pick

SITEMAP = "https://x.example/sitemap.xml"
PAGE = "https://x.example/"
MOMENT = "2026-11-20T04:05:06.789Z"
AT = dt.datetime(2026, 11, 20, 4, 5, 6, 789_000, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Silver]]:
    """Return the SQL of both streams over an empty table."""
    scratch: Path = tmp_path_factory.mktemp("duck")
    names = ("sitemaps", "url_inspections")
    found = {name: Silver(connector, name, scratch / name) for name in names}
    yield found
    for silver in found.values():
        silver.connection.close()


@pytest.fixture
def sitemaps(opened: dict[str, Silver]) -> Silver:
    """Return the SQL of sitemaps over no pages."""
    return opened["sitemaps"].clear()


@pytest.fixture
def inspections(opened: dict[str, Silver]) -> Silver:
    """Return the SQL of inspections over no pages."""
    return opened["url_inspections"].clear()


def listed(*changes: dict[str, Any]) -> dict[str, Any]:
    """Return a list of sitemaps that are in order, but for some fields."""
    known = {
        "path": SITEMAP,
        "type": "sitemap",
        "isPending": False,
        "isSitemapsIndex": True,
        "errors": "0",
        "warnings": "12",
        "lastSubmitted": "2026-05-05T04:05:06Z",
        "lastDownloaded": MOMENT,
        "contents": [{"type": "web", "submitted": "120"}, {"type": "image", "submitted": "340"}],
    }
    return {"sitemap": [{**known, **change} for change in changes]}


def inspected(url: str | None = PAGE, **changes: Any) -> dict[str, Any]:
    """Return a page that is indexed, but for some fields."""
    known = {
        "verdict": "PASS",
        "coverageState": "Submitted and indexed",
        "robotsTxtState": "ALLOWED",
        "indexingState": "INDEXING_ALLOWED",
        "pageFetchState": "SUCCESSFUL",
        "lastCrawlTime": MOMENT,
        "googleCanonical": PAGE,
        "userCanonical": PAGE,
        "crawledAs": "MOBILE",
    }
    return {"pageUrl": url, "indexStatusResult": {**known, **changes}}


def test_a_sitemap_is_typed(sitemaps: Silver) -> None:
    """Counts are whole, times are instants, and all kinds of content count."""
    sitemaps.add(listed({}))
    found = sitemaps.row()
    names = ["entity_id", "path", "type", "is_pending", "is_index", "errors", "warnings"]
    assert pick(found, names) == [SITEMAP, SITEMAP, "sitemap", False, True, 0, 12]
    assert pick(found, ["submitted_urls", "quality_score", "rule"]) == [460, 100, None]
    assert found["last_downloaded"] == AT
    assert found["date"] == dt.date(2026, 11, 1)


@pytest.mark.parametrize(
    ("text", "kind"), [("rssFeed", "rss_feed"), ("RSS_FEED", "rss_feed"), ("SITEMAP", "sitemap")]
)
def test_kinds_have_one_spelling(sitemaps: Silver, text: str, kind: str) -> None:
    """The service writes them in another way than its description."""
    sitemaps.add(listed({"type": text}))
    assert sitemaps.row()["type"] == kind


def test_what_google_leaves_out_is_not_known(sitemaps: Silver) -> None:
    """A new sitemap has no download and no contents; without counts it is worth less."""
    absent = dict.fromkeys(("errors", "warnings", "isPending", "contents", "lastDownloaded"))
    sitemaps.add(listed(absent))
    names = ["errors", "warnings", "is_pending", "submitted_urls", "last_downloaded"]
    assert pick(sitemaps.row(), names) == [None] * 5
    assert pick(sitemaps.row(), ["quality_score", "rule"]) == [80, None]


def test_sitemaps_that_became_equal_are_added_up(sitemaps: Silver) -> None:
    """No error is lost, and the oldest download stands."""
    old = "2026-01-01T00:00:00Z"
    sitemaps.add(
        listed(
            {"errors": "2"},
            {"path": "https://x.example/b.xml"},
            {"errors": "1", "lastDownloaded": old, "isPending": True, "contents": None},
        )
    )
    first, second = sitemaps.rows()
    names = ["position", "errors", "warnings", "submitted_urls", "is_pending"]
    assert pick(first, names) == [0, 3, 24, 460, True]
    assert first["last_downloaded"] == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert pick(second, ["position", "errors"]) == [1, 0]


def test_two_readings_are_not_mixed(sitemaps: Silver) -> None:
    """The lake chooses between them."""
    sitemaps.add(listed({"errors": "2"}), request_id="r1")
    sitemaps.add(listed({"errors": "1"}), request_id="r2")
    assert [row["errors"] for row in sitemaps.rows()] == [2, 1]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"path": None}, "path_missing"),
        ({"path": " "}, "path_missing"),
        ({"errors": "N/A"}, "errors_not_a_count"),
        ({"errors": "-1"}, "errors_not_a_count"),
        ({"warnings": "1_000"}, "warnings_not_a_count"),
        ({"contents": [{"submitted": "many"}]}, "submitted_not_a_count"),
        ({"lastSubmitted": "yesterday"}, "last_submitted_not_a_time"),
        ({"lastDownloaded": "2026-13-01T00:00:00Z"}, "last_downloaded_not_a_time"),
        ({"lastDownloaded": "2026-11-20"}, "last_downloaded_not_a_time"),
    ],
)
def test_a_bad_sitemap_is_refused_alone(
    sitemaps: Silver, changes: dict[str, object], rule: str
) -> None:
    """Its neighbours stay; two bad ones are two."""
    sitemaps.add(listed({"path": "https://x.example/b.xml"}, changes, changes))
    found = sitemaps.rows()
    assert [row["rule"] for row in found] == [None, rule, rule]
    assert found[1]["record"] is not None


def test_a_property_without_sitemaps_has_no_rows(sitemaps: Silver) -> None:
    """The day is covered (gotcha 9)."""
    sitemaps.add({"sitemap": []})
    assert sitemaps.rows() == []


def test_a_page_is_typed(inspections: Silver) -> None:
    """States as Google writes them, and the instant of the last visit."""
    inspections.add(inspected())
    found = inspections.row()
    names = ["entity_id", "page_url", "verdict", "coverage_state", "indexing_state"]
    assert pick(found, names) == [PAGE, PAGE, "PASS", "Submitted and indexed", "INDEXING_ALLOWED"]
    names = ["robots_state", "fetch_state", "crawled_as", "google_canonical", "user_canonical"]
    assert pick(found, names) == ["ALLOWED", "SUCCESSFUL", "MOBILE", PAGE, PAGE]
    assert (found["last_crawl"], found["rule"], found["quality_score"]) == (AT, None, 100)


def test_what_is_not_specified_is_not_known(inspections: Silver) -> None:
    """A page that Google never saw has a verdict and nothing else."""
    inspections.add(
        inspected(
            verdict="NEUTRAL",
            coverageState=None,
            robotsTxtState="ROBOTS_TXT_STATE_UNSPECIFIED",
            indexingState="INDEXING_STATE_UNSPECIFIED",
            pageFetchState="PAGE_FETCH_STATE_UNSPECIFIED",
            crawledAs="CRAWLING_USER_AGENT_UNSPECIFIED",
            lastCrawlTime=None,
            googleCanonical=None,
            userCanonical=None,
        )
    )
    found = inspections.row()
    names = ["robots_state", "indexing_state", "fetch_state", "crawled_as", "last_crawl"]
    assert pick(found, names) == [None] * 5
    assert pick(found, ["verdict", "quality_score", "rule"]) == ["NEUTRAL", 80, None]


@pytest.mark.parametrize(
    ("page", "rule"),
    [
        (inspected(url=None), "page_url_missing"),
        (inspected(verdict=None), "verdict_missing"),
        ({"pageUrl": PAGE, "indexStatusResult": None}, "verdict_missing"),
        (inspected(lastCrawlTime="never"), "last_crawl_not_a_time"),
    ],
)
def test_a_bad_page_is_refused_alone(
    inspections: Silver, page: dict[str, object], rule: str
) -> None:
    """Each page is an answer of its own."""
    inspections.add(page)
    inspections.add(inspected())
    assert inspections.rules() == [rule, None]
    assert inspections.rows()[0]["record"] is not None
