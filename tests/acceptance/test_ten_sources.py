"""All ten sources of two organisations: every figure is the vendors' own, also after they restate."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tactics.connectors import BUILT_IN
from tactics.model import RunStatus
from tactics.sandbox.ledger import Fact, Totals
from tests.lab import Lab, open_lab, troubles

DAYS = 30
UNDATED = {"customers", "products"}  # their date says how old they are
STATES = (
    "email_subscribers",
    "sitemaps",
    "url_inspections",
)  # of which the vendor knows the newest
AD_SUMS = (
    "impressions", "clicks", "spend", "conversions", "conversion_value", "video_views",
)  # fmt: skip


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return a lab that has synced once, and again after a restated and busy day."""
    with open_lab(tmp_path_factory.mktemp("ten"), days=DAYS, sources=None) as lab:
        yield lab


@pytest.fixture(scope="module")
def rounds(lab: Lab) -> list[tuple[Totals, dict[str, list[tuple[Any, ...]]]]]:
    """Return, for each of two syncs, what the vendors held and every figure that we then had."""
    held = []
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert {outcome.source for outcome in result.sources} == set(BUILT_IN)
    held.append((vouched(lab), figures(lab)))
    lab.world.restate(3)
    lab.world.rename_campaign()
    lab.world.drop_rows(2)
    lab.world.advance(1)
    lab.clock.advance(dt.timedelta(days=1).total_seconds())
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    held.append((vouched(lab), figures(lab)))
    return held


def vouched(lab: Lab) -> Totals:
    """Return what the vendors hold of the days that they still vouch for."""
    totals = lab.world.totals()
    kept = totals.between(lab.world.today - dt.timedelta(days=DAYS - 1), lab.world.today)
    undated = tuple(fact for fact in totals.facts if fact.table in UNDATED)
    dated = tuple(fact for fact in kept.facts if fact.table not in UNDATED)
    return replace(kept, facts=(*dated, *undated))


def figures(lab: Lab) -> dict[str, list[tuple[Any, ...]]]:
    """Return rows of silver and gold by name, of the days that the vendors still vouch for."""
    facts = lab.world.totals().facts
    found = {table: lab.silver(silver_query(table, facts)) for table in {f.table for f in facts}}
    for name, sql in GOLD.items():
        found[name] = lab.silver(sql)
    first = lab.world.today - dt.timedelta(days=DAYS - 1)
    for name in STATES:
        found[name] = [row for row in found[name] if row[3] == lab.world.today]
    return {
        name: [row for row in rows if name in UNDATED or max(_days_of(row)) >= first]
        for name, rows in found.items()
    }


def _days_of(row: tuple[Any, ...]) -> list[dt.date]:
    """Return the row's first day: of a table of the lake, `date` stands before all others."""
    return [next(value for value in row if isinstance(value, dt.date))]


def silver_query(table: str, facts: tuple[Fact, ...]) -> str:
    """Return the SELECT of what the facts of a table are compared with."""
    return f"SELECT org_id, source, account_id, date, {', '.join(columns_of(table, facts))} FROM silver.{table}"


def columns_of(table: str, facts: tuple[Fact, ...]) -> list[str]:
    """Return the columns that the vendors vouch for."""
    return sorted({name for fact in facts if fact.table == table for name in fact.values})


GOLD = {
    "ads": (
        "SELECT org_id, source, account_id, campaign_id, date, impressions, clicks, spend, conversions,"
        " conversion_value, video_views FROM ad_daily"
    ),
    "channels": "SELECT org_id, date, sum(spend) FROM channel_daily GROUP BY ALL",
    "traffic": (
        "SELECT org_id, account_id, date, sum(sessions), sum(key_events), sum(purchase_revenue)"
        " FROM web_daily GROUP BY ALL"
    ),
    "search": "SELECT org_id, account_id, date, clicks, impressions FROM seo_daily",
    "mail": (
        "SELECT org_id, kind, date, sum(delivered), sum(conversion_value) FROM email_daily GROUP BY ALL"
    ),
    "money": ("SELECT org_id, date, currency, sum(net_minor) FROM revenue_daily GROUP BY ALL"),
    "shop": (
        "SELECT org_id, date, sum(gross_sales), sum(discounts), sum(tax), sum(shipping)"
        " FROM revenue_bridge GROUP BY ALL"
    ),
    "business": "SELECT org_id, date, spend FROM blended_daily WHERE spend IS NOT NULL",
}


@pytest.mark.parametrize("number", [0, 1])
def test_silver_is_what_the_vendors_hold(rounds: list[Any], number: int):
    """Every row of traffic, search, shop and mail, column by column."""
    totals, found = rounds[number]
    tables = {fact.table for fact in totals.facts}
    assert len(tables) == 11
    for table in tables:
        names = columns_of(table, totals.facts)
        wanted = Counter(
            (f.org_id, f.source, f.account_id, f.day, *(f.values.get(name) for name in names))
            for f in totals.facts
            if f.table == table
        )
        rows = Counter(found[table])
        assert (table, sorted(map(str, wanted - rows))[:3], sorted(map(str, rows - wanted))[:3]) == (
            table, [], [],
        )  # fmt: skip


@pytest.mark.parametrize("number", [0, 1])
def test_ads_are_what_the_platforms_hold(rounds: list[Any], number: int):
    """Four platforms, to the cent; channels add up to the same spend a day, and so does the business."""
    totals, found = rounds[number]
    by = ("org_id", "source", "account_id", "campaign_id", "day")
    wanted = {
        key: tuple(getattr(total, name) for name in AD_SUMS)
        for key, total in totals.ad_sums(*by).items()
    }
    assert {row[:5]: row[5:] for row in found["ads"]} == wanted
    spend = {key: total.spend for key, total in totals.ad_sums("org_id", "day").items()}
    assert {row[:2]: row[2] for row in found["channels"]} == spend
    business = {row[:2]: row[2] for row in found["business"]}
    assert business == {key: spend.get(key, 0) for key in business}
    assert len(business) >= 2 * (DAYS - 1)


@pytest.mark.parametrize("number", [0, 1])
def test_gold_adds_up_to_the_ledgers(rounds: list[Any], number: int):
    """Traffic, search, mail, money and shop: the sums of each day are the vendors' own."""
    totals, found = rounds[number]
    traffic = totals.fact_sums(
        "web_traffic",
        "sessions",
        "key_events",
        "purchase_revenue",
        by=("org_id", "account_id", "day"),
    )
    assert {row[:3]: row[3:] for row in found["traffic"]} == traffic
    site = [
        f for f in totals.facts if f.table == "search_performance" and f.values["report"] == "site"
    ]
    search = Totals(facts=tuple(site)).fact_sums(
        "search_performance", "clicks", "impressions", by=("org_id", "account_id", "day")
    )
    known = {row[:3]: row[3:] for row in found["search"] if row[3] is not None}
    assert known == search
    mail = totals.fact_sums(
        "email_performance", "delivered", "conversion_value", by=("org_id", "kind", "day")
    )
    assert {row[:3]: row[3:] for row in found["mail"]} == mail
    money: dict[tuple[str, dt.date, str], int] = {}
    for move in totals.movements:
        key = (move.org_id, move.day, move.currency.upper())
        moved = 0 if move.type.startswith("payout") else move.net_minor  # own money, on its way
        money[key] = money.get(key, 0) + moved
    assert {row[:3]: row[3] for row in found["money"]} == money


@pytest.mark.parametrize("number", [0, 1])
def test_the_bridge_begins_with_the_shops_gross(rounds: list[Any], number: int):
    """Orders that are no tests, by the day they were processed."""
    totals, found = rounds[number]
    orders = [f for f in totals.facts if f.table == "orders" and not f.values["is_test"]]
    gross: dict[tuple[str, dt.date], Decimal] = {}
    for fact in orders:
        key = (fact.org_id, fact.day)
        gross[key] = gross.get(key, Decimal(0)) + Decimal(fact.values["gross"] or 0)
    bridge = {row[:2]: row[2] for row in found["shop"] if row[2]}
    assert bridge == {key: value for key, value in gross.items() if value}


def test_another_sync_changes_nothing(lab: Lab, rounds: list[Any]):
    """No row comes twice, anywhere."""
    before = figures(lab)
    assert lab.sync().status is RunStatus.SUCCEEDED
    after = figures(lab)
    assert {name: Counter(rows) for name, rows in after.items()} == {
        name: Counter(rows) for name, rows in before.items()
    }
    assert rounds
