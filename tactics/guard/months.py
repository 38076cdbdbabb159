"""What was found in months that have not changed since, so that only the others are looked at.

A check whose head names a `month` column judges the rows of a dated table by rows of their own month
alone. Its findings are remembered by month, under a digest of the files that hold the month's rows: a
file never changes. Remembers no finding of any other check.
"""

import datetime as dt
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from tactics import __version__
from tactics.duck import Connection
from tactics.guard.check import PACKAGE, Check
from tactics.sql import load_statements

# Whose rows stand on a day for good. In the others a change replaces a record, whatever its date.
DATED = (
    "ad_performance",
    "ad_account_totals",
    "web_traffic",
    "search_performance",
    "sitemaps",
    "url_inspections",
    "email_performance",
    "email_subscribers",
    "email_revenue",
    "transactions",
)
UNDATED = ("orders", "order_refunds", "customers", "products", "bookings", "crm_deals")

Part: TypeAlias = tuple[str, int, list[dict[str, Any]]]  # org, offending rows, the first of them
Found: TypeAlias = dict[str, list[Part]]  # by check


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month from `start` to `end` (None: and all before, and all after), and its files."""

    first: dt.date
    start: dt.date | None
    end: dt.date | None
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Months:
    """The dated tables by month, in order and without a gap, and where findings are remembered.

    `relation` gives the SQL of a table's rows between two days. The file of `memory` may be lost at
    any time: then every month is looked at.
    """

    months: tuple[Month, ...]
    relation: Callable[[str, dt.date | None, dt.date | None], str]
    memory: Path


def recall(months: Months, checks: Sequence[Check], limits: object) -> tuple[list[Month], "Memory"]:
    """Return the months to be looked at by `checks`, and what is known of the others."""
    common = (__version__, [(check.name, check.sql) for check in checks], limits)
    keys = {month.first: _digest(common, month) for month in months.months}
    held = _read(months.memory)
    known = {
        month.first: held[keys[month.first]] for month in months.months if keys[month.first] in held
    }
    return [month for month in months.months if month.first not in known], Memory(keys, known)


@dataclass(frozen=True, slots=True)
class Memory:
    """The findings of each month, by its first day; `keys` says what they depend on."""

    keys: dict[dt.date, str]
    found: dict[dt.date, Found]

    def add(self, check: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Note what a check found: organisation, month, offending rows, the first of them."""
        for org_id, month, *part in rows:
            self.found.setdefault(month, {}).setdefault(check, []).append((org_id, *part))

    def parts(self, check: str) -> list[Part]:
        """Return what a check found in all months."""
        return [part for found in self.found.values() for part in found.get(check, ())]

    def save(self, path: Path) -> None:
        """Put all that is known into a file, at once."""
        found = {key: self.found.get(month, {}) for month, key in self.keys.items()}
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        aside.write_text(json.dumps(found, default=_encode), encoding="utf-8")
        aside.replace(path)


@contextmanager
def showing(connection: Connection, relations: dict[str, str]) -> Iterator[None]:
    """Let other rows stand for some views while the block runs."""
    connection.execute("CREATE SCHEMA memory.pieces")
    for table, sql in relations.items():
        connection.execute(f"CREATE VIEW memory.pieces.{table} AS FROM {sql}")
    _look_at(connection, "memory.pieces,memory.main")
    yield
    _look_at(connection, "memory.main")
    connection.execute("DROP SCHEMA memory.pieces CASCADE")


def rows_of(months: Months, wanted: Sequence[Month]) -> dict[str, str]:
    """Return the rows of some months: of the dated tables, and none of the undated ones."""
    spans = _spans(months.months, wanted)
    dated = {
        table: "(" + " UNION ALL ".join(f"FROM {months.relation(table, *s)}" for s in spans) + ")"
        for table in DATED
    }
    return dated | {table: f"(FROM memory.main.{table} LIMIT 0)" for table in UNDATED}


def rows_of_no_month() -> dict[str, str]:
    """Return the rows that are left: those of the undated tables."""
    return {table: f"(FROM memory.main.{table} LIMIT 0)" for table in DATED}


def merge(parts: Sequence[Part], examples: int) -> list[Part]:
    """Return one part per organisation, with the first examples of all."""
    merged = []
    for org_id, group in itertools.groupby(sorted(parts, key=lambda p: p[0]), lambda p: p[0]):
        held = list(group)
        rows = sorted((row for part in held for row in part[2]), key=_order)
        merged.append((org_id, sum(part[1] for part in held), rows[:examples]))
    return merged


def _spans(
    months: Sequence[Month], wanted: Sequence[Month]
) -> list[tuple[dt.date | None, dt.date | None]]:
    """Return the wanted months as few spans of days."""
    groups = itertools.groupby(months, lambda month: month in wanted)
    runs = [list(run) for is_wanted, run in groups if is_wanted]
    return [(run[0].start, run[-1].end) for run in runs]


def _look_at(connection: Connection, path: str) -> None:
    connection.execute(f"SET search_path = '{path}'")
    connection.execute(load_statements(PACKAGE, "guard.sql")["create_entities"])


def _order(row: dict[str, Any]) -> tuple[tuple[bool, Any], ...]:
    """Return what rows are sorted by, as DuckDB sorts them: column by column, NULL last."""
    return tuple((value is None, value) for value in row.values())


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _read(path: Path) -> dict[str, Found]:
    """Return the findings by key; what cannot be read is forgotten: all is looked at again."""
    try:
        text = path.read_text(encoding="utf-8")
        held: dict[str, Found] = json.loads(text, object_hook=_decode)
    except (OSError, ValueError):
        return {}
    return held


def _encode(value: object) -> dict[str, str]:
    assert type(value) in {dt.date, Decimal}, type(value)
    return {f"${type(value).__name__}": str(value)}


def _decode(value: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever a column holds
    match value:
        case {"$date": text}:
            return dt.date.fromisoformat(text)
        case {"$Decimal": text}:
            return Decimal(text)
        case _:
            return value
