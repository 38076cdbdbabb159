"""Reads the euro reference rates of the European Central Bank from a file that the operator keeps.

Fetches nothing: whoever wants rates puts the file there.
"""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

from tactics.errors import ConfigError
from tactics.gold import RateRow

HINT = "take eurofxref-hist.csv from the European Central Bank, unpacked, as it is"
# Source: the ECB's euro foreign exchange reference rates, eurofxref-hist.csv (2026-11-21).
_NO_RATE = frozenset({"", "N/A"})
_RATE = re.compile(r"\d{1,9}(\.\d{1,10})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_SMALLEST = Decimal("0.00000001")  # gold keeps so many decimals


def read_rates(path: Path | None) -> list[RateRow]:
    """Return the rates of a file; none without one.

    Raises:
        ConfigError: the file cannot be read, or is no file of reference rates.
    """
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError("the exchange rates cannot be read", hint=HINT, file=path) from exc
    return parse_rates(text, origin=path)


def parse_rates(text: str, *, origin: object = "") -> list[RateRow]:
    """Return (day, currency, what a euro costs) in the order of the file; `N/A` is no rate.

    Raises:
        ConfigError: a column, day or rate is not one; the line is named.
    """
    try:
        head, *lines = list(csv.reader(io.StringIO(text))) or [[]]
    except csv.Error as exc:
        raise ConfigError("the exchange rates cannot be read", hint=HINT, file=origin) from exc
    currencies = _read_head(head, origin)
    rows: list[RateRow] = []
    seen: set[dt.date] = set()
    for line, cells in enumerate(lines, start=2):
        if any(cell.strip() for cell in cells):
            day = _read_day(cells[0], line, origin)
            if day in seen:
                _refuse(f"{day} stands twice", line, origin)
            seen.add(day)
            rows += _read_line(day, cells[1:], currencies, place=(line, origin))
    if not rows:
        raise ConfigError("there are no exchange rates in the file", hint=HINT, file=origin)
    return rows


def _read_head(cells: Sequence[str], origin: object) -> list[str]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:  # every line of the file ends with a comma
        names.pop()
    if len(names) < 2 or names[0] != "Date":  # noqa: PLR2004 - a day and a rate
        _refuse("the head must be Date,USD,JPY,…", 1, origin)
    currencies = names[1:]
    for name in currencies:
        if not _CURRENCY.fullmatch(name):
            _refuse(f"no currency: {name!r}", 1, origin)
    if len(set(currencies)) != len(currencies):
        _refuse("a currency stands twice", 1, origin)
    return currencies


def _read_day(cell: str, line: int, origin: object) -> dt.date:
    try:
        return dt.date.fromisoformat(cell.strip())
    except ValueError:
        _refuse(f"no day: {cell.strip()[:40]!r}, wants 2026-11-20", line, origin)


def _read_line(
    day: dt.date, cells: Sequence[str], currencies: Sequence[str], *, place: tuple[int, object]
) -> Iterator[RateRow]:
    values = [cell.strip() for cell in cells]
    if len(values) < len(currencies) or any(values[len(currencies) :]):
        _refuse(f"wants {len(currencies)} rates, got {len(values)}", *place)
    for currency, value in zip(currencies, values, strict=False):
        if value in _NO_RATE:
            continue
        rate = Decimal(value) if _RATE.fullmatch(value) else Decimal(0)
        if rate < _SMALLEST:
            _refuse(f"no rate of {currency}: {value!r}", *place)
        yield day, currency, rate


def _refuse(problem: str, line: int, origin: object) -> NoReturn:
    raise ConfigError(f"line {line}: {problem}", hint=HINT, file=origin)
