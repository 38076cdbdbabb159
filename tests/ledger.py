"""Every row that the vendors hold, and every row of silver, in one shape, so that they compare."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tactics.gold.reports import fetch
from tactics.pipeline.views import open_silver
from tests.lab import Lab

Row: TypeAlias = tuple[Any, ...]

UNDATED = frozenset({"customers", "products", "bookings", "crm_deals"})  # no day that is read again
STATES = frozenset({"email_subscribers", "sitemaps", "url_inspections"})  # no day but the newest
AD_COLUMNS = (
    "date", "campaign_id", "impressions", "clicks", "spend", "conversions", "conversion_value",
    "video_views",
)  # fmt: skip
MONEY_COLUMNS = ("date", "entity_id", "currency", "amount_minor", "fee_minor", "net_minor")
SHEET_COLUMNS = {
    "bookings": ("booking_id", "booking_revenue"),
    "crm_deals": ("deal_id", "amount"),
}


class Place(NamedTuple):
    """Whose rows they are, and in which table."""

    table: str
    org_id: str
    source: str
    account_id: str


Held: TypeAlias = Mapping[Place, Counter[Row]]


def of_vendors(lab: Lab) -> Held:
    """Return what each account holds of the days that its vendor still vouches for."""
    used = {simulator.name for simulator in lab.world._sources}
    rows = ((place, row) for place, row in _vendor_rows(lab) if place.source in used)
    return _grouped(rows, _first_day(lab))


def of_silver(lab: Lab) -> Held:
    """Return the same of silver."""
    return _grouped(_silver_rows(lab), _first_day(lab))


def assert_same(found: Held, wanted: Held) -> None:
    """Compare place by place, and show a few rows of the first place that differs."""
    assert found.keys() == wanted.keys()
    for place, rows in wanted.items():
        lacking, strange = rows - found[place], found[place] - rows
        shown = [sorted(map(str, some))[:2] for some in (lacking, strange)]
        assert (place, *shown) == (place, [], [])


def _first_day(lab: Lab) -> dt.date:
    return lab.world.today - dt.timedelta(days=lab.world._scene.days - 1)


def _grouped(rows: Iterator[tuple[Place, Row]], first: dt.date) -> Held:
    held: dict[Place, Counter[Row]] = {}
    for place, row in rows:
        if place.table in UNDATED or row[0] >= first:
            held.setdefault(place, Counter())[row] += 1
    return held


def _vendor_rows(lab: Lab) -> Iterator[tuple[Place, Row]]:
    totals = lab.world.totals()
    for ad in totals.ads:
        numbers = (getattr(ad, name) for name in AD_COLUMNS[1:])
        yield Place("ad_performance", ad.org_id, ad.source, ad.account_id), (ad.day, *numbers)
    for move in totals.movements:
        place = Place("transactions", move.org_id, move.source, move.account_id)
        money = (move.amount_minor, move.fee_minor, move.net_minor)
        yield place, (move.day, move.txn_id, move.currency.upper(), *money)
    columns = _fact_columns(lab)
    for fact in totals.facts:
        values = (fact.values.get(name) for name in columns[fact.table])
        yield Place(fact.table, fact.org_id, fact.source, fact.account_id), (fact.day, *values)
    for line in totals.bookings:
        place = Place("bookings", line.org_id, "sheets", line.account_id)
        yield place, (line.booking.booking_id, line.booking.booking_revenue)
    for entry in totals.deals:
        place = Place("crm_deals", entry.org_id, "sheets", entry.account_id)
        yield place, (entry.deal.deal_id, entry.deal.amount)


def _silver_rows(lab: Lab) -> Iterator[tuple[Place, Row]]:
    tables: dict[str, Sequence[str]] = {
        **{table: ("date", *names) for table, names in _fact_columns(lab).items()},
        **SHEET_COLUMNS,
        "ad_performance": AD_COLUMNS,
        "transactions": MONEY_COLUMNS,
    }
    # The vendor knows no state but the newest; ours of earlier days are kept.
    newest = f" WHERE date = '{lab.world.today}'"
    with lab.workspace() as workspace, open_silver(workspace) as silver:
        for table, columns in tables.items():
            names = ", ".join((*Place._fields[1:], *columns))
            only = newest if table in STATES else ""
            for found in fetch(silver, f"SELECT {names} FROM {table}{only}", ()).rows:
                yield Place(table, *found[:3]), found[3:]


def _fact_columns(lab: Lab) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for fact in lab.world.totals().facts:
        found.setdefault(fact.table, set()).update(fact.values)
    return {table: sorted(names) for table, names in found.items()}
