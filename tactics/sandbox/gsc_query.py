"""Reads the body of a search analytics query as strictly as Google does, or more so.

Source: contract sheet "Google Search Console API", section 3 (2026-11-21). Knows no data.
"""

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from tactics.model import Window
from tactics.sandbox.gsc_errors import refuse

MOST_ROWS = 25_000

_DIMENSIONS = ("date", "query", "page", "country", "device")
_TYPES = ("web", "image", "video", "news", "discover", "googlenews")
_AGGREGATIONS = ("auto", "byproperty", "bypage")
_STATES = ("final", "all")
_FIELDS = {
    "startDate",
    "endDate",
    "dimensions",
    "type",
    "searchType",
    "aggregationType",
    "dataState",
    "rowLimit",
    "startRow",
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query that makes sense."""

    window: Window
    dimensions: tuple[str, ...]
    search_type: str
    by_page: bool
    fresh: bool
    row_limit: int
    start_row: int


def parse_query(body: bytes) -> Query:
    """Return the query in a request's body.

    Enums are read in the form of the discovery document (`BY_PAGE`) and in that of the reference
    (`byPage`).

    Raises:
        Refused: it is no JSON, or something in it is unknown, missing or contradictory.
    """
    asked = read_object(body, _FIELDS)
    dimensions = tuple(
        _word(name, _DIMENSIONS, "dimensions") for name in asked.get("dimensions", ())
    )
    if len(set(dimensions)) < len(dimensions):
        refuse("Duplicate dimension")
    aggregation = _word(asked.get("aggregationType", "auto"), _AGGREGATIONS, "aggregationType")
    if "page" in dimensions and aggregation == "byproperty":
        refuse("'BY_PROPERTY' is not a valid aggregation type in the context of the request")
    kind = asked.get("type", asked.get("searchType", "web"))
    return Query(
        window=_window(asked),
        dimensions=dimensions,
        search_type=_word(kind, _TYPES, "type"),
        by_page=aggregation == "bypage" or "page" in dimensions,
        fresh=_word(asked.get("dataState", "final"), _STATES, "dataState") == "all",
        row_limit=_count(asked, "rowLimit", 1000, least=1, most=MOST_ROWS),
        start_row=_count(asked, "startRow", 0, least=0, most=2**31 - 1),
    )


def read_object(body: bytes, fields: Collection[str]) -> dict[str, Any]:
    """Return a request's body, an object with some of these fields and no others.

    Raises:
        Refused: it is something else.
    """
    try:
        asked = json.loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        refuse("Invalid JSON payload received.")
    for name in asked.keys() - set(fields):
        refuse(f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    return asked


def _word(value: object, known: tuple[str, ...], field: str) -> str:
    word = str(value).replace("_", "").lower()
    if word not in known:
        refuse(f"Invalid value at '{field}', \"{value}\"")
    return word


def _window(asked: dict[str, Any]) -> Window:
    try:
        start, end = (dt.date.fromisoformat(asked[name]) for name in ("startDate", "endDate"))
    except (KeyError, TypeError, ValueError):
        refuse("startDate and endDate are required, in YYYY-MM-DD format")
    if start > end:
        refuse("startDate must be on or before endDate")
    return Window(start, end)


def _count(asked: dict[str, Any], name: str, default: int, *, least: int, most: int) -> int:
    value = asked.get(name, default)
    if type(value) is not int or not least <= value <= most:
        refuse(f"{name} must be between {least} and {most}")
    return value
