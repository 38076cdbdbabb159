"""Tabs and A1 ranges: what the configuration names, and how to ask for it.

Knows no cell.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tactics.model import AccountInfo

HEADER_ROWS = 20  # the header stands somewhere in the first 20 rows

_CORNERS = re.compile(
    r"(?P<left>[A-Z]{1,3})(?P<top>[1-9]\d*)?:(?P<right>[A-Z]{1,3})(?P<bottom>[1-9]\d*)?"
)
_BY_ID = re.compile(r"#(?P<id>\d+)(?:!(?P<corners>.*))?")
_QUOTED = re.compile(r"'(?P<title>(?:[^']|'')+)'(?:!(?P<corners>.*))?")


class Tab(msgspec.Struct, frozen=True):
    """One tab: `id` never changes, the title may."""

    id: int
    title: str
    rows: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """What `bookings_range` says: a tab by title or by `#id`, and perhaps columns of it."""

    title: str = ""
    tab_id: int | None = None
    left: str = ""
    right: str = ""
    top: int = 1
    bottom: int | None = None

    def a1(self, title: str) -> str:
        """Return the whole range in tab `title`; the title is always quoted."""
        if not self.left:
            return quote_title(title)
        bottom = "" if self.bottom is None else str(self.bottom)
        return f"{quote_title(title)}!{self.left}{self.top}:{self.right}{bottom}"

    def rows(self, title: str, first: int, last: int) -> str:
        """Return some rows of the range."""
        return f"{quote_title(title)}!{self.left}{first}:{self.right}{last}"


def parse_range(text: str) -> Range:
    """Return what a range means: `Bookings`, `Bookings!A1:Z`, `'Q1 ''26'!B3:K`, `#0` or `#0!A:K`.

    Raises:
        ValueError: the cells after the `!` are no range of columns.
    """
    if found := _BY_ID.fullmatch(text):
        return _with_corners(found["corners"], title="", tab_id=int(found["id"]))
    if found := _QUOTED.fullmatch(text):
        return _with_corners(found["corners"], title=found["title"].replace("''", "'"))
    title, mark, corners = text.rpartition("!")
    if mark and _CORNERS.fullmatch(corners):
        return _with_corners(corners, title=title)
    if not text.strip():
        raise ValueError("a range needs the name of a tab")
    return Range(title=text)  # a tab may be called `Wow! Sheet`


def quote_title(title: str) -> str:
    """Return a tab's title as it stands in a range."""
    return "'" + title.replace("'", "''") + "'"


def read_tabs(account: AccountInfo) -> tuple[Tab, ...]:
    """Return the tabs that the account's facts list."""
    return tuple(msgspec.json.decode(account.facts.get("tabs", "[]"), type=list[Tab]))


def find_tab(tabs: Sequence[Tab], wanted: Range) -> Tab | None:
    """Return the tab that a range is about."""
    if wanted.tab_id is not None:
        return next((tab for tab in tabs if tab.id == wanted.tab_id), None)
    return next((tab for tab in tabs if tab.title == wanted.title), None)


def start_of(echoed: str) -> int:
    """Return the first row of a range as the API echoes it (`Bookings!A21:Z520`)."""
    found = re.match(r"\$?[A-Z]*\$?(\d+)", echoed.rpartition("!")[2])
    return int(found[1]) if found else 1


def _with_corners(corners: str | None, *, title: str, tab_id: int | None = None) -> Range:
    if not corners:
        return Range(title=title, tab_id=tab_id)
    found = _CORNERS.fullmatch(corners)
    if found is None:
        raise ValueError(f"cells must be written like A1:K or B3:K500, got {corners}")
    return Range(
        title=title,
        tab_id=tab_id,
        left=found["left"],
        right=found["right"],
        top=int(found["top"] or 1),
        bottom=int(found["bottom"]) if found["bottom"] else None,
    )
