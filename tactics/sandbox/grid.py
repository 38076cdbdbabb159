"""A spreadsheet as its API shows it: cells, A1 ranges, ragged rows.

Cells are Python values; a date becomes a serial number or text only when it is asked for. Knows
nothing of bookings.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

Cell: TypeAlias = str | int | float | bool | Decimal | dt.date | None
Row: TypeAlias = list[Cell]

_EPOCH = dt.date(1899, 12, 30)
_DATE_FORMATS = {"en_GB": "%d/%m/%Y", "en_US": "%m/%d/%Y"}
_CORNERS = re.compile(
    r"^\$?(?P<left>[A-Za-z]{1,3})?\$?(?P<top>\d+)?(?::\$?(?P<right>[A-Za-z]{1,3})?\$?(?P<bottom>\d+)?)?$"
)


class RangeRefused(Exception):
    """The range names no tab or cells that exist; the text is what the API answers."""


@dataclass(slots=True)
class Tab:
    """One sheet of a workbook."""

    sheet_id: int
    title: str
    rows: list[Row] = field(default_factory=list)
    hidden: bool = False
    columns: int = 26

    @property
    def row_count(self) -> int:
        """Return the height of the grid, which is taller than what is filled in."""
        return max(1000, len(self.rows) + 100)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of a tab, 0-based, ends excluded."""

    tab: Tab
    top: int
    left: int
    bottom: int
    right: int

    @property
    def text(self) -> str:
        """Return the range in A1 notation, as the API echoes it."""
        corners = f"{letters(self.left)}{self.top + 1}:{letters(self.right - 1)}{self.bottom}"
        return f"{quote_title(self.tab.title)}!{corners}"


def letters(column: int) -> str:
    """Return the name of a 0-based column: A, B, Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def quote_title(title: str) -> str:
    """Return a tab's title as it stands in a range."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", title):
        return title
    return "'" + title.replace("'", "''") + "'"


def parse_range(text: str, tabs: Sequence[Tab]) -> Area:
    """Return the cells that an A1 range means.

    Raises:
        RangeRefused: no tab or cell is called that.
    """
    title, corners = _split_title(text, tabs)
    tab = next((tab for tab in tabs if tab.title.casefold() == title.casefold()), None)
    found = _CORNERS.match(corners)
    if tab is None or found is None:
        raise RangeRefused(f"Unable to parse range: {text}")
    left, top, right, bottom = found.group("left", "top", "right", "bottom")
    single = ":" not in corners and corners
    area = Area(
        tab,
        int(top or 1) - 1,
        _column(left or "A"),
        int(bottom or (top if single and top else tab.row_count)),
        _column(right or (left if single and left else letters(tab.columns - 1))) + 1,
    )
    if area.top >= tab.row_count or area.left >= tab.columns:
        limits = f"Max rows: {tab.row_count}, max columns: {tab.columns}"
        raise RangeRefused(f"Range ({text}) exceeds grid limits. {limits}")
    return Area(
        tab, area.top, area.left, min(area.bottom, tab.row_count), min(area.right, tab.columns)
    )


def read_cells(area: Area, *, render: str, dates: str, locale: str) -> list[list[object]]:
    """Return the values of an area; empty cells and rows at the end are left out."""
    rows = []
    for row in area.tab.rows[area.top : area.bottom]:
        cells = [
            _show(cell, render=render, dates=dates, locale=locale)
            for cell in row[area.left : area.right]
        ]
        while cells and cells[-1] == "":
            cells.pop()
        rows.append(cells)
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _split_title(text: str, tabs: Sequence[Tab]) -> tuple[str, str]:
    if text.startswith("'"):
        found = re.match(r"^'((?:[^']|'')*)'(?:!(.*))?$", text)
        return (found[1].replace("''", "'"), found[2] or "") if found else (text, "")
    title, mark, corners = text.rpartition("!")
    if mark:
        return title, corners
    if any(tab.title.casefold() == text.casefold() for tab in tabs):
        return text, ""  # a bare tab name means the whole tab, also when it looks like a cell
    return (tabs[0].title, text) if ":" in text or re.fullmatch(_CORNERS, text) else (text, "")


def _column(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _show(cell: Cell, *, render: str, dates: str, locale: str) -> object:
    match cell:
        case None:
            return ""
        case dt.date() if render != "FORMATTED_VALUE" and dates == "SERIAL_NUMBER":
            return (cell - _EPOCH).days
        case dt.date():
            return cell.strftime(_DATE_FORMATS[locale])
        case bool() | str():
            return (
                str(cell).upper() if cell in {True, False} and render == "FORMATTED_VALUE" else cell
            )
        case _:
            number = float(cell) if isinstance(cell, Decimal) else cell
            return _formatted(number) if render == "FORMATTED_VALUE" else number


def _formatted(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:,.2f}"
