"""Turns the cells of a tab into the page that is kept: declared columns only, by name.

Personal data goes here, before anything is stored: columns that nobody declared (contact names,
phones, notes) and e-mail addresses inside cells. Types nothing; `cells.sql` does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tactics.connectors.sheets.header import Header

_EMAIL = re.compile(r"[^\s@<>()\"',;]+@[^\s@<>()\"',;]+\.[^\s@<>()\"',;]+")
# A guess from common knowledge of locales, not looked up. It decides how `1.200` and `01/02/2026` are
# read when typed as text, so a wrong entry misreads them; real numbers and dates never depend on it.
_COMMA_LANGUAGES = re.compile(
    "af|bg|bs|ca|cs|da|de|el|es|et|eu|fi|fr|gl|hr|hu|id|is|it|lt|lv|mk|nb|nl|nn|no|pl|pt|ro|ru|sk"
    "|sl|sq|sr|sv|tr|uk|vi|en_ZA"
)
_POINT_LOCALES = re.compile("de_CH|de_LI|it_CH|es_MX|es_US|es_PR|es_GT|es_DO")
_YEAR_FIRST = re.compile("eu|hu|ja|ko|lt|mn|sv|zh|en_CA")
_MONTH_FIRST = re.compile("en_US|en_PH")


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells as the API sent them: ragged rows; `first_row` is the sheet row of the first."""

    rows: Sequence[Sequence[Any]]
    first_row: int = 1


def decimal_mark(locale: str) -> str:
    """Return what separates decimals in text of this spreadsheet locale."""
    comma = _COMMA_LANGUAGES.match(locale) and not _POINT_LOCALES.match(locale)
    return "," if comma else "."


def date_order(locale: str) -> str:
    """Return the order of day, month and year in text of this spreadsheet locale."""
    if _MONTH_FIRST.match(locale):
        return "MDY"
    return "YMD" if _YEAR_FIRST.match(locale) else "DMY"


def pick_rows(header: Header, grid: Grid) -> list[dict[str, Any]]:
    """Return each row that is not blank: its sheet row, its declared cells, its extra cells.

    A row is blank when it has nothing in the declared columns (checkboxes go on for ever).
    """
    rows = []
    for offset, cells in enumerate(grid.rows):
        if known := _pick(cells, header.columns):
            extras = _pick(cells, header.extras)
            rows.append({"row": grid.first_row + offset, "cells": known, "extras": extras})
    return rows


def encode_page(facts: Mapping[str, object], header: Header | None, rows: Sequence[Any]) -> bytes:
    """Return the page that is kept: the facts, the headers as people wrote them, the rows."""
    titles = {} if header is None else dict(header.titles)
    return msgspec.json.encode({**facts, "columns": titles, "rows": rows})


def is_blank(cell: object) -> bool:
    """Return whether a cell is empty to the eye."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _pick(cells: Sequence[Any], places: Mapping[str, int]) -> dict[str, Any]:
    """Return the filled cells by name; a row may end before a column does."""
    return {
        name: _EMAIL.sub("***", cells[place]) if isinstance(cells[place], str) else cells[place]
        for name, place in places.items()
        if place < len(cells) and not is_blank(cells[place])
    }
