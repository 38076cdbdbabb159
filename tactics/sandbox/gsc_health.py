"""What Google knows of the sitemaps and pages of the pretend companies: the truth that is served.

A state of the day on which one asks; nobody knows an earlier one. Knows no request.
Source: contract sheet "Google Search Console API", sections 3 and 9 (2026-11-21).
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tactics.sandbox.gsc_search import base_of

Columns = dict[str, int | str | bool | dt.datetime | None]


@dataclass(frozen=True, slots=True)
class SiteMap:
    """One sitemap; `read_days` ago it was downloaded (None: never), `sent_days` ago submitted.

    `urls` are counts by kind of content. `kept` is its path as it may be stored.
    """

    path: str
    kept: str
    kind: str = "sitemap"
    is_index: bool = False
    errors: int = 0
    warnings: int = 0
    urls: tuple[tuple[str, int], ...] = ()
    read_days: int | None = 1
    sent_days: int = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page in Google's index, or not; `google` and `user` are its canonical addresses, as shown and kept."""

    verdict: str
    coverage: str
    crawled_days: int | None = None
    indexing: str = "INDEXING_ALLOWED"
    robots: str = "ALLOWED"
    fetch: str = "SUCCESSFUL"
    google: tuple[str, str] | None = None
    user: tuple[str, str] | None = None


def inspected_urls(site_url: str) -> list[str]:
    """Return the pages that an organisation watches."""
    base = base_of(site_url)
    return [f"{base}{path}" for path in ("/", "/services", "/prices", "/drafts/offer", "/moved")]


def contains(site_url: str, url: str) -> bool:
    """Return whether a page lies in a property: below its prefix, or on a host of its domain."""
    domain = site_url.removeprefix("sc-domain:")
    if domain == site_url:
        return url.startswith(site_url)
    host = urlsplit(url).hostname or ""
    return f".{host}".endswith(f".{domain}")


def shown_sitemaps(site_url: str, today: dt.date) -> list[dict[str, Any]]:
    """Return the sitemaps of a property as Google lists them: counts are texts."""
    return [_shown(sitemap, today) for sitemap in _sitemaps(site_url)]


def kept_states(site_url: str, today: dt.date) -> Iterator[tuple[str, str, Columns]]:
    """Yield table, entity and columns of each row that silver has of today."""
    for path, columns in _kept_sitemaps(site_url, today):
        yield "sitemaps", path, columns
    for url in inspected_urls(site_url):
        yield "url_inspections", url, _kept_inspection(url, site_url, today)


def shown_inspection(url: str, site_url: str, today: dt.date) -> dict[str, Any]:
    """Return what Google says of a page, and who links to it."""
    page, base = _page(url, base_of(site_url)), base_of(site_url)
    found = {
        "verdict": page.verdict,
        "coverageState": page.coverage,
        "robotsTxtState": page.robots,
        "indexingState": page.indexing,
        "pageFetchState": page.fetch,
        "lastCrawlTime": _text(today, page.crawled_days),
        "googleCanonical": page.google and page.google[0],
        "userCanonical": page.user and page.user[0],
        "crawledAs": "MOBILE" if page.crawled_days else "CRAWLING_USER_AGENT_UNSPECIFIED",
        "sitemap": [f"{base}/sitemap.xml"],
        "referringUrls": [f"{base}/", f"https://mail.example/?to=jane.doe@{base[8:]}"],
    }
    status = {name: value for name, value in found.items() if value is not None}
    return {
        "inspectionResult": {
            "inspectionResultLink": "https://search.google.com/search-console/inspect?id=x",
            "indexStatusResult": status,
        }
    }


def _kept_sitemaps(site_url: str, today: dt.date) -> Iterator[tuple[str, Columns]]:
    # paths that are equal without their parameters are added up
    found = _sitemaps(site_url)
    for path in dict.fromkeys(sitemap.kept for sitemap in found):
        mine = [sitemap for sitemap in found if sitemap.kept == path]
        read = [one.read_days for one in mine if one.read_days is not None]
        counts = [number for one in mine for _, number in one.urls]
        yield (
            path,
            {
                "path": path,
                "type": min(one.kind.replace("rssFeed", "rss_feed") for one in mine),
                "is_pending": any(one.read_days is None for one in mine),
                "is_index": any(one.is_index for one in mine),
                "errors": sum(one.errors for one in mine),
                "warnings": sum(one.warnings for one in mine),
                "submitted_urls": sum(counts) if counts else None,
                "last_submitted": _moment(today, min(one.sent_days for one in mine)),
                "last_downloaded": _moment(today, max(read)) if read else None,
            },
        )


def _kept_inspection(url: str, site_url: str, today: dt.date) -> Columns:
    page = _page(url, base_of(site_url))
    return {
        "page_url": url,
        "verdict": page.verdict,
        "coverage_state": page.coverage,
        "indexing_state": _known(page.indexing),
        "robots_state": _known(page.robots),
        "fetch_state": _known(page.fetch),
        "last_crawl": page.crawled_days and _moment(today, page.crawled_days),
        "google_canonical": page.google and page.google[1],
        "user_canonical": page.user and page.user[1],
        "crawled_as": "MOBILE" if page.crawled_days else None,
    }


def _sitemaps(site_url: str) -> tuple[SiteMap, ...]:
    base = base_of(site_url)
    feed = f"{base}/feeds/products.xml"
    both = (("web", 120), ("image", 340))
    return (
        SiteMap(f"{base}/sitemap.xml", f"{base}/sitemap.xml", is_index=True, urls=both),
        SiteMap(f"{feed}?token=Ab", feed, errors=2, warnings=12, urls=(("web", 40),)),
        SiteMap(f"{feed}?token=aB", feed, errors=1, urls=(("web", 3),), read_days=4),
        SiteMap(f"{base}/news.rss", f"{base}/news.rss", kind="rssFeed", warnings=3, urls=both[:1]),
        SiteMap(f"{base}/old.xml", f"{base}/old.xml", urls=(("web", 7),), read_days=90),
        SiteMap(f"{base}/new.xml", f"{base}/new.xml", read_days=None, sent_days=1),
    )


def _page(url: str, base: str) -> Page:
    def same(address: str) -> tuple[str, str]:
        return (address, address)

    secret = f"{base}/contact?email=jane.doe%40{base[8:]}", f"{base}/contact"
    known = {
        f"{base}/": Page("PASS", "Submitted and indexed", 2, google=same(url), user=same(url)),
        f"{base}/services": Page("PASS", "Indexed, not submitted in sitemap", 9, google=same(url)),
        f"{base}/prices": Page(
            "NEUTRAL",
            "Duplicate, Google chose different canonical than user",
            5,
            google=secret,
            user=same(url),
        ),
        f"{base}/moved": Page(
            "FAIL", "Not found (404)", 30, indexing="INDEXING_STATE_UNSPECIFIED", fetch="NOT_FOUND"
        ),
    }
    unknown = Page(
        "NEUTRAL",
        "URL is unknown to Google",
        indexing="INDEXING_STATE_UNSPECIFIED",
        robots="ROBOTS_TXT_STATE_UNSPECIFIED",
        fetch="PAGE_FETCH_STATE_UNSPECIFIED",
    )
    return known.get(url, unknown)


def _shown(sitemap: SiteMap, today: dt.date) -> dict[str, Any]:
    found = {
        "path": sitemap.path,
        "lastSubmitted": _text(today, sitemap.sent_days),
        "isPending": sitemap.read_days is None,
        "isSitemapsIndex": sitemap.is_index,
        "type": sitemap.kind,
        "lastDownloaded": _text(today, sitemap.read_days),
        "warnings": str(sitemap.warnings),
        "errors": str(sitemap.errors),
        "contents": [
            {"type": kind, "submitted": str(number), "indexed": "0"}
            for kind, number in sitemap.urls
        ],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def _known(state: str) -> str | None:
    return None if state.endswith("_UNSPECIFIED") else state


def _moment(today: dt.date, days: int) -> dt.datetime:
    return dt.datetime.combine(today - dt.timedelta(days=days), dt.time(4, 5, 6), dt.UTC)


def _text(today: dt.date, days: int | None) -> str | None:
    return None if days is None else f"{_moment(today, days):%Y-%m-%dT%H:%M:%S}.000Z"
