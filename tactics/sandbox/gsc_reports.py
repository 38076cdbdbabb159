"""Turns a day's searches into the rows that Search Console shows, and into those that silver keeps.

Source: contract sheet "Google Search Console API", sections 3 to 5 (2026-11-21). Knows no request.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tactics.sandbox.gsc_query import Query
from tactics.sandbox.gsc_search import Hit, Key, Sums, sum_up

DAY_ROWS = 50_000  # exposed by day, type and property

# What a correct sync keeps: the report's name in silver and its keys.
_REPORTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("site", ()),
    ("page", ("page",)),
    ("query", ("query",)),
    ("query_page", ("country", "device", "page", "query")),
)


def shown_rows(query: Query, day: dt.date, hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return the rows of a day as Google shows them: without rare queries, the top ones only."""
    dimensions = query.dimensions

    def key(hit: Hit) -> Key:
        found = {
            "date": day.isoformat(),
            "query": hit.query.shown,
            "page": hit.page.shown,
            "country": hit.country,
            "device": hit.device,
        }
        return tuple(found[name] for name in dimensions)

    sums = sum_up(_known(hits, dimensions), key, by_page=query.by_page)
    ordered = sorted(sums.items(), key=lambda item: (-item[1].clicks, item[0]))
    return [_row(name, found) for name, found in ordered[:DAY_ROWS]]


def kept_rows(hits: Sequence[Hit]) -> Iterator[tuple[str, dict[str, int | Decimal | str | None]]]:
    """Yield entity and columns of each row that silver has of a day.

    Personal texts are gone, and what became equal by that is added up.
    """
    for report, keys in _REPORTS:
        sums = sum_up(_known(hits, keys), _kept_key(keys), by_page="page" in keys)
        for key, found in sums.items():
            named = dict(zip(keys, key, strict=True))
            yield "|".join((report, *key)), {"report": report, **_columns(named, found)}


def _known(hits: Sequence[Hit], keys: Sequence[str]) -> list[Hit]:
    return [hit for hit in hits if "query" not in keys or not hit.query.anonymous]


def _kept_key(keys: Sequence[str]) -> Callable[[Hit], Key]:
    def key(hit: Hit) -> Key:
        found = {
            "query": hit.query.kept,
            "page": hit.page.kept,
            "country": hit.country.upper(),
            "device": hit.device,
        }
        return tuple(found[name] for name in keys)

    return key


def _row(key: Key, sums: Sums) -> dict[str, Any]:
    return {
        **({"keys": list(key)} if key else {}),
        "clicks": float(sums.clicks),
        "impressions": float(sums.impressions),
        "ctr": sums.clicks / sums.impressions,
        "position": sums.weight / sums.impressions,
    }


def _columns(keys: Mapping[str, str], sums: Sums) -> dict[str, int | Decimal | str | None]:
    position = Decimal(sums.weight) / sums.impressions
    return {
        "query": keys.get("query"),
        "page_url": keys.get("page"),
        "country": keys.get("country"),
        "device": keys.get("device"),
        "clicks": sums.clicks,
        "impressions": sums.impressions,
        "average_position": position.quantize(Decimal("0.0001"), ROUND_HALF_UP),
        "position_weight": Decimal(sums.weight),
        "aggregation": "by_page" if "page" in keys else "by_property",
    }
