"""What Google says of sitemaps and pages: two tables, and the notes of the seo report."""

from typing import Any

import pytest

from tests.unit.gold.pillars import INSPECTIONS, SEARCH, SITEMAPS, Pillars, at, org_of
from tests.unit.gold.silver import NOW, day

SITE = "https://acme.example/"
READ = "11-20"


@pytest.fixture
def site(pillars: Pillars) -> Pillars:
    """Return an organisation whose property was read yesterday, and has searches."""
    pillars.orgs = (org_of(SEARCH, SITEMAPS, INSPECTIONS),)
    pillars.plant("search_performance", "11-16")
    pillars.load(READ, READ, SITEMAPS, INSPECTIONS)
    return pillars


def sitemap(site: Pillars, name: str, on: str = READ, **facts: Any) -> None:
    """Plant a sitemap."""
    site.plant("sitemaps", on, path=f"{SITE}{name}.xml", **facts)


def page(site: Pillars, name: str, on: str = READ, **facts: Any) -> None:
    """Plant an inspected page."""
    known = {"google_canonical": SITE + name, "user_canonical": None}
    site.plant("url_inspections", on, page_url=SITE + name, **{**known, **facts})


def report(site: Pillars) -> dict[str, Any]:
    """Return the only row of the report."""
    site.build()
    (row,) = site.gold.report("seo", now=NOW).rows
    return row


def notes(site: Pillars) -> list[str]:
    """Return the notes of the only row."""
    told = report(site)["notes"]
    return [] if told is None else told.replace(SITE, "").split(" | ")


@pytest.mark.parametrize(
    ("read", "sent", "days"),
    [
        (at("11-18"), at("05-05"), 2),
        (None, at("11-01"), 19),
        (at("11-18").replace(hour=7), None, 3),  # still the seventeenth in California
        (at("11-20").replace(hour=23), None, 0),
        (None, None, None),
    ],
)
def test_how_long_a_sitemap_was_not_read(
    site: Pillars, read: object, sent: object, days: int | None
) -> None:
    """Since the last download, else since the submission, in Pacific days."""
    sitemap(site, "a", last_downloaded=read, last_submitted=sent)
    site.build()
    assert site.one("SELECT unread_days FROM seo_sitemaps") == {"unread_days": days}


@pytest.mark.parametrize(
    ("verdict", "indexed"),
    [("PASS", True), ("FAIL", False), ("NEUTRAL", False), ("PARTIAL", None)],
)
def test_what_is_indexed(site: Pillars, verdict: str, *, indexed: bool | None) -> None:
    """Verdicts that say neither are not known."""
    page(site, "a", verdict=verdict)
    site.build()
    assert site.one("SELECT is_indexed FROM seo_urls") == {"is_indexed": indexed}


@pytest.mark.parametrize(
    ("google", "user", "kept"),
    [
        (f"{SITE}a", None, True),
        (f"{SITE}b", None, False),
        (f"{SITE}b", f"{SITE}b", True),
        (f"{SITE}a", f"{SITE}b", False),
        (f"{SITE}gr%C3%B6%C3%9Fe", f"{SITE}größe", True),
        (f"{SITE}50%", f"{SITE}50%", True),
        (None, f"{SITE}b", None),
    ],
)
def test_whose_canonical_counts(
    site: Pillars, google: str | None, user: str | None, *, kept: bool | None
) -> None:
    """What the page declares, or else the page itself; the same address in two spellings is one."""
    page(site, "a", google_canonical=google, user_canonical=user)
    site.build()
    assert site.one("SELECT is_canonical_kept FROM seo_urls") == {"is_canonical_kept": kept}


def test_nothing_wrong_is_not_told(site: Pillars) -> None:
    """Counts are there; no word is."""
    sitemap(site, "a")
    page(site, "")
    row = report(site)
    assert (row["sitemaps"], row["sitemap_problems"], row["urls_inspected"]) == (1, 0, 1)
    assert (row["url_problems"], row["notes"], row["clicks"]) == (0, None, 100)


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"errors": 3, "warnings": 1}, "sitemap a.xml: 3 errors, 1 warning"),
        ({"errors": 1}, "sitemap a.xml: 1 error"),
        ({"warnings": 12}, "sitemap a.xml: 12 warnings"),
        ({"last_downloaded": at("10-20")}, "sitemap a.xml: not read by Google for 31 days"),
        (
            {"last_downloaded": None, "last_submitted": at("10-01")},
            "sitemap a.xml: not read by Google since it was submitted, 50 days ago",
        ),
    ],
)
def test_a_sitemap_with_problems(site: Pillars, facts: dict[str, object], note: str) -> None:
    """Errors, warnings, and what Google does not come for."""
    sitemap(site, "a", **facts)
    assert notes(site) == [note]


@pytest.mark.parametrize(
    "facts",
    [
        {"last_downloaded": at("10-21")},
        {"last_downloaded": None, "last_submitted": at("11-19"), "is_pending": True},
        {"errors": None, "warnings": None, "last_downloaded": None, "last_submitted": None},
    ],
)
def test_a_sitemap_without_problems(site: Pillars, facts: dict[str, object]) -> None:
    """Thirty days are not long, a new one has time, and what is not known is no problem."""
    sitemap(site, "a", **facts)
    assert notes(site) == []


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"verdict": "FAIL", "coverage_state": "Not found (404)"}, "not indexed: Not found (404)"),
        ({"verdict": "NEUTRAL", "coverage_state": None}, "not indexed"),
        ({"google_canonical": f"{SITE}b"}, "Google prefers b"),
    ],
)
def test_a_page_with_problems(site: Pillars, facts: dict[str, object], note: str) -> None:
    """What is not in the index, and what is there under another address."""
    page(site, "a", **facts)
    assert notes(site) == [f"page a: {note}"]


def test_the_worst_two_are_told_and_the_rest_counted(site: Pillars) -> None:
    """Errors before age before warnings, sitemaps before pages."""
    sitemap(site, "warned", warnings=900)
    sitemap(site, "old", last_downloaded=at("01-01"), warnings=1)
    sitemap(site, "broken", errors=1)
    sitemap(site, "good")
    for name in ("a", "b", "c", "d"):
        page(site, name, verdict="FAIL", coverage_state="Not found (404)")
    page(site, "other", google_canonical=SITE)
    row = report(site)
    assert (row["sitemaps"], row["sitemap_problems"]) == (4, 3)
    assert (row["urls_inspected"], row["url_problems"]) == (5, 5)
    assert notes(site) == [
        "sitemap broken.xml: 1 error",
        "sitemap old.xml: 1 warning, not read by Google for 323 days (and 1 more)",
        "page a: not indexed: Not found (404)",
        "page b: not indexed: Not found (404) (and 3 more)",
    ]


def test_only_the_newest_reading_counts(site: Pillars) -> None:
    """A sitemap that is gone was removed: its errors are nobody's any more."""
    site.load("11-19", "11-19", SITEMAPS, INSPECTIONS)
    sitemap(site, "gone", "11-19", errors=3)
    page(site, "gone", "11-19", verdict="FAIL")
    row = report(site)
    assert (row["sitemaps"], row["urls_inspected"], row["notes"]) == (None, None, None)


def test_a_property_that_nobody_finds(site: Pillars) -> None:
    """It has no searches; its problems are told all the same, and only those."""
    site.rows["search_performance"].clear()
    sitemap(site, "a", errors=3)
    row = report(site)
    assert (row["org_id"], row["account_id"]) == ("acme", "sc-domain:acme.example")
    assert (row["search_type"], row["clicks"], row["freshness"]) == (None, None, "no data")
    assert notes(site) == ["sitemap a.xml: 3 errors"]
    site.rows["sitemaps"].clear()
    sitemap(site, "a")
    site.build()
    assert site.gold.report("seo", now=NOW).rows == []


def test_properties_are_apart(site: Pillars) -> None:
    """Each has its own newest reading, and another organisation sees nothing of it."""
    sitemap(site, "a", errors=3)
    sitemap(site, "b", errors=1, account_id="sc-domain:acme.test")
    site.coverage["acme", "gsc", "sc-domain:acme.test", "sitemaps", day(READ)] = ("final", NOW)
    site.build()
    rows = site.gold.report("seo", now=NOW).rows
    assert [(row["account_id"], row["sitemaps"]) for row in rows] == [
        ("sc-domain:acme.example", 1),
        ("sc-domain:acme.test", 1),
    ]
    assert site.gold.report("seo", org_id="beta", now=NOW).rows == []
