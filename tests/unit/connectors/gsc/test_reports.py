"""The silver SQL of the four reports: types, rules, sums of what became equal."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tactics.connectors.gsc import connector
from tests.unit.connectors.builders import WEEK, Silver, described, pick

DAY = "2026-11-03"
PAGE = "https://x.example/"
METRICS = ("clicks", "impressions", "ctr", "position")
DIMENSIONS = {
    "site_totals": ["date"],
    "pages": ["date", "page"],
    "queries": ["date", "query"],
    "query_pages": ["date", "query", "page", "country", "device"],
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Silver]]:
    """Return the SQL of each stream over an empty table."""
    scratch: Path = tmp_path_factory.mktemp("duck")
    found = {name: Silver(connector, name, scratch / name) for name in DIMENSIONS}
    yield found
    for silver in found.values():
        silver.connection.close()


@pytest.fixture
def silver(opened: dict[str, Silver]) -> Silver:
    """Return the queries, the simplest report with rows of its own."""
    return opened["queries"].clear()


def row(*keys: str | None, day: str = DAY, **changes: Any) -> dict[str, Any]:
    """Return a row of a report."""
    metrics = {"clicks": 12.0, "impressions": 340.0, "ctr": 0.0353, "position": 6.235294117647059}
    return {"keys": [day, *keys], **metrics, **changes}


def page(
    *rows: dict[str, Any], stream: str = "queries", without: int = 0, **more: object
) -> dict[str, Any]:
    """Return rows as a page is kept, without some of the last dimensions."""
    names = DIMENSIONS[stream][: len(DIMENSIONS[stream]) - without]
    columns: dict[str, list[object]] = {
        name: [row["keys"][place] for row in rows] for place, name in enumerate(names)
    }
    columns |= {name: [row[name] for row in rows] for name in METRICS}
    kept = {"responseAggregationType": "byProperty", "metadata": {}, "columns": columns, **more}
    if any("original" in row for row in rows):
        texts = [row.get("original") for row in rows]
        kept["original"] = [text and {"keys": text} for text in texts]
    return kept


def test_a_row_is_typed_without_floats(silver: Silver) -> None:
    """Counts are whole, the position is a decimal, and its weight is exact (gotcha 8)."""
    silver.add(page(row("shoes")))
    found = silver.row()
    names = ["entity_id", "report", "query", "clicks", "impressions", "quality_score", "rule"]
    assert pick(found, names) == ["query|shoes", "query", "shoes", 12, 340, 100, None]
    assert (found["average_position"], found["position_weight"]) == (
        Decimal("6.2353"),
        Decimal("2120.0000"),
    )
    assert pick(found, ["aggregation", "is_final", "is_truncated"]) == ["by_property", True, False]
    assert pick(found, ["page_url", "country", "device"]) == [None, None, None]


@pytest.mark.parametrize(
    ("stream", "keys", "found"),
    [
        ("site_totals", (), ["site", None, None, None, None]),
        ("pages", (PAGE,), [f"page|{PAGE}", None, PAGE, None, None]),
        (
            "query_pages",
            ("a|b", PAGE, "aut", "MOBILE"),
            [f"query_page|AUT|MOBILE|{PAGE}|a|b", "a|b", PAGE, "AUT", "MOBILE"],
        ),
    ],
)
def test_each_report_has_its_own_grain(
    opened: dict[str, Silver], stream: str, keys: tuple[str, ...], found: list[str]
) -> None:
    """The key has every dimension, so that no finer row replaces a coarser one (gotcha 2)."""
    silver = opened[stream].clear()
    silver.add(page(row(*keys), stream=stream))
    names = ["entity_id", "query", "page_url", "country", "device"]
    assert pick(silver.row(), names) == found


def test_the_breakdown_may_be_missing(opened: dict[str, Silver]) -> None:
    """The page says what its keys are, the SQL does not guess."""
    silver = opened["query_pages"].clear()
    silver.add(page(row("shoes", PAGE), stream="query_pages", without=2))
    assert pick(silver.row(), ["country", "device", "rule"]) == [None, None, None]


def test_the_search_type_is_the_connections(silver: Silver) -> None:
    """It stands in the options beside the page."""
    silver.add(page(row("shoes")), request=described({"search_type": "image"}))
    assert silver.row()["search_type"] == "image"


@pytest.mark.parametrize(
    ("incomplete", "final", "quality"),
    [(None, True, 100), ("2026-11-04", True, 100), (DAY, False, 70), ("2026-11-02", False, 70)],
)
def test_fresh_days_are_marked(
    silver: Silver, incomplete: str | None, *, final: bool, quality: int
) -> None:
    """From the first incomplete day on nothing is final (gotcha 5)."""
    silver.add(page(row("shoes"), metadata={"firstIncompleteDate": incomplete}))
    silver.add(page(row("boots")))
    assert [pick(found, ["is_final", "quality_score"]) for found in silver.rows()] == [
        [final, quality],
        [final, quality],
    ]


def test_the_same_keys_without_what_was_personal_are_added_up(silver: Silver) -> None:
    """Nothing is lost, and the position is weighted by impressions."""
    silver.add(
        page(
            row("(personal)", clicks=2.0, impressions=10.0, position=4.0, original="one"),
            row("(personal)", clicks=1.0, impressions=20.0, position=1.0, original="two"),
        )
    )
    silver.add(page(row("(personal)", clicks=0.0, impressions=1.0, position=50.0)))
    found = silver.row()
    assert pick(found, ["clicks", "impressions", "position_weight"]) == [3, 31, Decimal(110)]
    assert found["average_position"] == Decimal("3.5484")


def test_a_repeated_row_stays_a_duplicate(silver: Silver) -> None:
    """Of a row that the next page repeats the last one counts, whole; the lake drops the other."""
    tie = row("(personal)", clicks=1.0, impressions=10.0, position=1.0, original="one")
    silver.add(page(row("shoes"), row("(personal)", impressions=5.0, original="two"), tie))
    silver.add(page(tie, row("shoes")))
    rows = [(found["entity_id"], found["impressions"]) for found in silver.rows()]
    assert rows == [
        ("query|shoes", 340),
        ("query|(personal)", 10),
        ("query|(personal)", 15),
        ("query|shoes", 340),
    ]


def test_other_fetches_are_not_mixed_in(silver: Silver) -> None:
    """The same day fetched twice is two sets of rows; the lake chooses."""
    silver.add(page(row("(personal)", original="one")), request_id="r1")
    silver.add(page(row("(personal)", original="two")), request_id="r2")
    assert [found["impressions"] for found in silver.rows()] == [340, 340]


@pytest.mark.parametrize(("rows", "cut"), [(49_999, False), (50_000, True)])
def test_a_day_at_the_cap_is_marked(silver: Silver, rows: int, *, cut: bool) -> None:
    """Fifty thousand rows of one day, over all pages of the fetch."""
    half = rows // 2
    for first, last in ((0, half), (half, rows)):
        silver.add(page(*(row(f"q{number}") for number in range(first, last))))
    sql = f"SELECT is_truncated, quality_score, count(*) FROM ({silver.sql}) GROUP BY ALL"
    assert silver.connection.execute(sql).fetchall() == [(cut, 80 if cut else 100, rows)]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"keys": [DAY, None]}, "keys_missing"),
        ({"keys": [None, "shoes"]}, "date_not_a_date"),
        ({"keys": ["yesterday", "shoes"]}, "date_not_a_date"),
        ({"keys": ["2026-13-01", "shoes"]}, "date_not_a_date"),
        ({"keys": ["2026-10-31", "shoes"]}, "date_outside_window"),
        ({"clicks": "N/A"}, "clicks_not_a_count"),
        ({"clicks": 0.5}, "clicks_not_a_count"),
        ({"clicks": -1.0}, "clicks_not_a_count"),
        ({"clicks": None}, "clicks_not_a_count"),
        ({"impressions": "1_000"}, "impressions_not_a_count"),
        ({"impressions": 1e30}, "impressions_not_a_count"),
        ({"position": None}, "position_not_a_number"),
        ({"position": "infinity"}, "position_not_a_number"),
        ({"position": 1e9}, "position_not_a_number"),
    ],
)
def test_a_bad_row_is_refused_alone(silver: Silver, changes: dict[str, object], rule: str) -> None:
    """Its neighbours stay, its record is kept without its pseudonym."""
    bad = row("shoes", **{"original": "secret", **changes})
    silver.add(page(row("boots"), bad, bad), window=WEEK)
    found = silver.rows()
    assert [one["rule"] for one in found] == [None, rule, rule]
    assert "secret" not in found[1]["record"]


@pytest.mark.parametrize(
    ("text", "clicks"), [("12", 12), ("12.0", 12), ("1.2E1", 12), ("2.5e3", 2500), ("0", 0)]
)
def test_whole_numbers_in_any_spelling(silver: Silver, text: str, clicks: int) -> None:
    """Doubles come with a point, an exponent, or neither."""
    columns = f"""{{"date": ["{DAY}"], "query": ["q"], "clicks": [{text}], "impressions": [5000.0],
        "position": [1.23456789012345678901234567890]}}"""
    silver.add(f'{{"responseAggregationType": "BY_PROPERTY", "columns": {columns}}}')
    found = silver.row()
    assert pick(found, ["clicks", "rule", "aggregation"]) == [clicks, None, "by_property"]
    assert found["average_position"] == Decimal("1.2346")


def test_a_row_that_nobody_saw_has_no_position(silver: Silver) -> None:
    """There is nothing to divide by."""
    silver.add(page(row("shoes", clicks=0.0, impressions=0.0, position=0.0)))
    assert pick(silver.row(), ["average_position", "position_weight", "rule"]) == [None, 0, None]


def test_a_day_without_rows_makes_none(silver: Silver) -> None:
    """The calendar is the coverage; no zero rows are made up."""
    silver.add(page())
    assert silver.rows() == []
