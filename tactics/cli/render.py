"""Everything that reaches the terminal: tables of 80 columns, JSON, CSV, and talk on stderr.

Colour only ever repeats what a word says already. Decides nothing about data.
"""

import csv
import datetime as dt
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tactics.cli.words import NOTHING, folded, visible
from tactics.errors import ConfigError

Row = Mapping[str, object]
Level = Literal["good", "notice", "bad", "quiet"]


class Form(StrEnum):
    """How data is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def choose_form(as_json: bool, as_csv: bool = False) -> Form:
    """Return the form that the flags ask for.

    Raises:
        ConfigError: both are set.
    """
    if as_json and as_csv:
        raise ConfigError("--json and --csv exclude each other", hint="give one of them")
    return Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: which field, under which heading, shown how."""

    name: str
    title: str
    show: Callable[[Any], str | Text] = lambda value: NOTHING if value is None else str(value)
    right: bool = False
    shrink: Literal["no", "cut", "fold"] = "no"  # what happens when the terminal is too narrow


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows with what a reader needs to understand them."""

    kind: str
    rows: Sequence[Row]
    columns: Sequence[Column]
    generated_at: dt.datetime
    as_of: dt.date | dt.datetime | None = None
    empty: str = "nothing to show"


def console() -> Console:
    """Return stdout: plain when it is not a terminal or NO_COLOR is set."""
    return Console(highlight=False, markup=False, emoji=False)


def emit(*blocks: RenderableType, soft_wrap: bool = False) -> None:
    """Print blocks to stdout; a pipe gets no blanks at the ends of lines."""
    out = console()
    with out.capture() as captured:
        out.print(*blocks, sep="\n", soft_wrap=soft_wrap)
    text = captured.get()
    if not out.is_terminal:
        text = "\n".join(line.rstrip() for line in text.split("\n"))
    sys.stdout.write(text)


def show(listing: Listing, form: Form = Form.TABLE) -> None:
    """Print a listing to stdout in the form that was asked for."""
    if form is Form.JSON:
        write_json(envelope(listing.kind, listing.rows, listing.generated_at, listing.as_of))
    elif form is Form.CSV:
        write_csv(listing.rows)
    elif listing.rows:
        emit(as_table(listing.rows, listing.columns))
    else:
        say("", listing.empty)


def as_table(rows: Iterable[Row], columns: Sequence[Column], *, gap: int = 2) -> Table:
    """Return a borderless table; where it is too wide, the columns that may shrink do so."""
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    cells = [
        [_cell(column.show(row.get(column.name)), column) for column in columns] for row in rows
    ]
    some_shrink = any(column.shrink != "no" for column in columns)
    for number, column in enumerate(columns):
        widest = max([len(column.title), *(row[number].cell_len for row in cells)])
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            overflow="fold",
            min_width=len(column.title),
            width=widest if some_shrink and column.shrink == "no" else None,
        )
    for row in cells:
        table.add_row(*row)
    return table


def as_records(rows: Sequence[Row], columns: Sequence[Column]) -> Text:
    """Return each row as a block of `name  value` lines, for rows too wide for a table."""
    width = max(len(column.title) for column in columns)
    text = Text()
    for number, row in enumerate(rows, start=1):
        text.append(f"row {number}\n", style="dim")
        for column in columns:
            text.append(f"{column.title:<{width}}  ", style="bold")
            text.append(_cell(column.show(row.get(column.name)), column)).append("\n")
    text.rstrip()
    return text


def fits(rows: Sequence[Row], columns: Sequence[Column], width: int, *, gap: int = 2) -> bool:
    """Return whether a table of these rows needs no folding in `width` columns."""
    shown = [[column.show(row.get(column.name)) for row in rows] for column in columns]
    widest = [
        max([len(column.title), *(cell_len(str(value)) for value in values)])
        for column, values in zip(columns, shown, strict=True)
    ]
    return sum(widest) + gap * (len(columns) - 1) <= width


def _cell(value: str | Text, column: Column) -> Text:
    text = value if isinstance(value, Text) else Text(visible(value))
    if column.shrink == "cut":
        text.no_wrap, text.overflow = True, "ellipsis"
    return text


def envelope(
    kind: str,
    rows: Sequence[Row],
    generated_at: dt.datetime,
    as_of: dt.date | dt.datetime | None = None,
) -> dict[str, object]:
    """Return the shape that every `--json` has."""
    return {"kind": kind, "generated_at": generated_at, "as_of": as_of, "rows": list(rows)}


def write_json(value: object) -> None:
    """Print `value` to stdout as JSON."""
    sys.stdout.write(json.dumps(jsonable(value), indent=2, ensure_ascii=False) + "\n")


def write_csv(rows: Sequence[Row], fields: Sequence[str] = ()) -> None:
    """Print rows to stdout as CSV with a heading; an empty cell is NULL."""
    names = list(fields) or list(rows[0] if rows else ())
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if names:
        writer.writerow(names)
    for row in rows:
        writer.writerow([plain_text(row.get(name)) for name in names])


def plain_text(value: object) -> str:
    """Return a value as one cell of text: as `--json` words it, decimals with all their digits."""
    match value:
        case None:
            return ""
        case Decimal() if value.is_finite():
            return format(value, "f")
        case _:
            told = jsonable(value)
            return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def jsonable(value: object) -> object:
    """Return `value` as JSON can carry it: times in UTC with `Z`, no infinities, exact decimals."""
    match value:
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item) for item in value]
        case str() | bool() | int() | None:
            return value
        case float() | Decimal():
            return _number(value)
        case _:
            return _text(value)


def _text(value: object) -> str:
    match value:
        case dt.datetime() if value.tzinfo is not None:
            return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
        case dt.datetime():  # SQL's TIMESTAMP has no zone, and is not given this machine's
            return value.isoformat()
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", errors="replace")
        case _:
            return str(value)


def _number(value: float | Decimal) -> float | str | None:
    if not math.isfinite(value):
        return None
    number = float(value)
    # A number as long as it is the same number; beyond 15 digits the text, never a rounded cent.
    same = isinstance(value, float) or Decimal(repr(number)) == value
    return number if same else str(value)


def say(label: str, text: str = "", *, style: str = "") -> None:
    """Print one line of talk to stderr, `label` in colour; a terminal gets it folded at words."""
    talk = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    words = visible(text)
    if talk.is_terminal:
        words = folded(label + words, talk.width).removeprefix(label.rstrip())
        label = label.rstrip()
    talk.print(Text.assemble((label, style), words))


def verdict(word: str, level: Level) -> Text:
    """Return a word in the colour of its level; the word alone says it all."""
    styles = {"good": "green", "notice": "yellow", "bad": "bold red", "quiet": "dim"}
    return Text(visible(word), style=styles[level])
