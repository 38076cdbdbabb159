"""Search Console from HTTP to silver: what is held is the simulator's ledger, day after day."""

import datetime as dt
import json
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tactics.model import RunStatus
from tests.integration.test_faults import problems_of
from tests.integration.test_sync import assert_balanced
from tests.lab import TODAY, Lab, open_lab, troubles

QUERY = "*/query"
COLUMNS = (
    "search_type",
    "report",
    "query",
    "page_url",
    "country",
    "device",
    "clicks",
    "impressions",
    "average_position",
    "position_weight",
    "aggregation",
    "is_final",
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab of both organisations, a domain and a URL prefix, over a few days."""
    with open_lab(tmp_path, days=3, sources=("gsc",)) as lab:
        yield lab


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab of one organisation."""
    with open_lab(tmp_path, days=3, sources=("gsc",), orgs=("acme",)) as lab:
        yield lab


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab whose Google calls a day complete only after six; no test changes it."""
    folder = tmp_path_factory.mktemp("late")
    with open_lab(folder, days=6, sources=("gsc",), orgs=("acme",)) as lab:
        lab.world.actions()["gsc_lag"](days=6)
        lab.sync()
        yield lab


def held(lab: Lab) -> list[tuple[Any, ...]]:
    """Return what silver holds."""
    names = ", ".join(COLUMNS)
    rows = lab.silver(f"SELECT account_id, date, entity_id, {names} FROM silver.search_performance")
    return sorted(rows, key=itemgetter(0, 1, 2))


def ledger(lab: Lab) -> list[tuple[Any, ...]]:
    """Return what a correct sync holds."""
    rows = [
        (fact.account_id, fact.day, fact.entity_id, *(fact.values[name] for name in COLUMNS))
        for fact in lab.world.totals().facts
        if fact.table == "search_performance"
    ]
    return sorted(rows, key=itemgetter(0, 1, 2))


def states(lab: Lab, table: str) -> list[tuple[Any, ...]]:
    """Return what silver holds of today's states."""
    names = ", ".join(state_columns(lab, table))
    return lab.silver(
        f"SELECT {names} FROM silver.{table} WHERE date = '{lab.world.today}' ORDER BY 1"
    )


def state_ledger(lab: Lab, table: str) -> list[tuple[Any, ...]]:
    """Return what Google says today."""
    names = state_columns(lab, table)
    found = [fact.values for fact in lab.world.totals().facts if fact.table == table]
    return sorted((tuple(values[name] for name in names) for values in found), key=itemgetter(0))


def state_columns(lab: Lab, table: str) -> list[str]:
    """Return the columns of a state, its key first."""
    return next(list(fact.values) for fact in lab.world.totals().facts if fact.table == table)


def test_silver_is_the_ledger_and_stays_it(lab: Lab) -> None:
    """After the first sync, a second one, a restatement, and a day later (with an overlap told)."""
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert result.warnings == ()
    assert_balanced(result)
    assert held(lab) == ledger(lab)
    assert lab.sync().status is RunStatus.SUCCEEDED
    assert held(lab) == ledger(lab)
    added = lab.world.actions()["gsc_overlap"](org_id="acme")
    lab.world.restate(14)
    assert held(lab) != ledger(lab)
    assert_balanced(lab.sync())
    assert held(lab) == ledger(lab)
    lab.world.advance(1)
    lab.clock.advance(86_400)
    result = lab.sync()
    assert_balanced(result)
    assert held(lab) == ledger(lab)
    assert [str(added) in text for text in result.warnings] == [True]


def test_states_are_kept_day_by_day(lab: Lab) -> None:
    """Read once a day, of both kinds of property; yesterday's stay as they were."""
    lab.sync()
    for table in ("sitemaps", "url_inspections"):
        assert states(lab, table) == state_ledger(lab, table) != []
    before = states(lab, "sitemaps")
    lab.sandbox.clear_requests()
    lab.clock.advance(3600)
    lab.sync()
    asked = [entry.path for entry in lab.sandbox.requests]
    assert not [path for path in asked if "sitemaps" in path or "inspect" in path]
    lab.world.advance(1)
    lab.clock.advance(86_400)
    assert_balanced(lab.sync())
    for table in ("sitemaps", "url_inspections"):
        assert states(lab, table) == state_ledger(lab, table)
    assert states(lab, "sitemaps") != before
    names = ", ".join(state_columns(lab, "sitemaps"))
    kept = f"SELECT {names} FROM silver.sitemaps WHERE date = '{TODAY}' ORDER BY 1"
    assert lab.silver(kept) == before


def test_what_is_wrong_stands_in_the_report(alone: Lab) -> None:
    """`tactics report seo` names the sitemaps and pages, `--json` has their counts, too."""
    alone.sync()
    shown = " ".join(alone.command("report", "seo").stdout.split())
    assert "sitemap https://www.acme.example/feeds/products.xml: 3 errors, 12 warnings" in shown
    assert "page https://www.acme.example/drafts/offer: not indexed: URL is unknown" in shown
    [row] = json.loads(alone.command("report", "seo", "--json").stdout)["rows"]
    counts = [
        row[name] for name in ("sitemaps", "sitemap_problems", "urls_inspected", "url_problems")
    ]
    assert counts == [5, 3, 5, 3]
    assert len(row["notes"].split(" | ")) == 4


def test_days_become_final_as_google_says(late: Lab) -> None:
    """Our finality is the calendar's, `is_final` Google's; a late Google shows as a difference."""
    assert late.silver(
        "SELECT DISTINCT date, finality, is_final FROM silver.search_performance"
        " WHERE report = 'site' ORDER BY date"
    ) == [
        (TODAY - dt.timedelta(days=back), "final" if back > 3 else "provisional", False)
        for back in range(5, 0, -1)
    ]


def test_nothing_personal_is_held(late: Lab) -> None:
    """Silver says that something was hidden, bronze does not know what."""
    [(personal,)] = late.silver(
        "SELECT count(*) FROM silver.search_performance WHERE query = '(personal)'"
    )
    assert personal > 0
    payloads = "".join(text for (text,) in late.silver("SELECT payload FROM bronze.pages"))
    assert len(payloads) > 10_000
    for secret in ("jane.doe", "660 1234567", "utm_source"):
        assert secret not in payloads
        assert secret.encode().hex() not in payloads


def test_one_report_that_fails_stops_no_other(alone: Lab) -> None:
    """Each report has its own state: the next sync reads what is missing (gotcha 3)."""
    fault = alone.plant("bad_request", "gsc", path=QUERY, after=1)
    result = alone.sync()
    assert fault.fired == 1
    assert problems_of(result) == ["contract_changed"]
    assert result.status is RunStatus.DEGRADED
    assert_balanced(result)
    assert alone.sync().status is RunStatus.SUCCEEDED
    assert held(alone) == ledger(alone)


def test_a_load_quota_opens_the_breaker(alone: Lab) -> None:
    """No request leaves for a quarter of an hour; then everything is read."""
    alone.plant("quota_exceeded", "gsc", path=QUERY, times=None)
    codes = problems_of(alone.sync())
    assert "rate_limited" in codes
    assert set(codes) <= {"rate_limited", "circuit_open"}
    alone.sandbox.clear_requests()
    alone.clock.advance(890)
    assert set(problems_of(alone.sync())) == {"circuit_open"}
    assert alone.sandbox.requests == ()
    alone.world.faults.clear()
    alone.clock.advance(20)
    assert alone.sync().status is RunStatus.SUCCEEDED
    assert held(alone) == ledger(alone)
