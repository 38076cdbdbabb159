"""Finds the files that hold given rows, and says how to read them in SQL.

Rows are never read here: DuckDB does that, several times faster than Iceberg's own scan.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import (
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    LessThanOrEqual,
    Reference,
)
from pyiceberg.expressions.literals import literal
from pyiceberg.manifest import DataFile
from pyiceberg.table import ALWAYS_TRUE, Table
from pyiceberg.types import DateType, StringType

from tactics.lake.schemas import TableSpec

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A data file of a table with the bounds of its rows (None: not known)."""

    data_file: DataFile
    rows: int
    first_day: dt.date | None
    last_day: dt.date | None
    first_account: str | None
    last_account: str | None
    columns: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """Return where the file lies."""
        return self.data_file.file_path


def held_files(table: Table | None, *conditions: BooleanExpression) -> list[HeldFile]:
    """Return the files that may hold rows which meet all `conditions`, in a stable order."""
    if table is None or table.metadata.current_snapshot_id is None:
        return []
    wanted: BooleanExpression = ALWAYS_TRUE
    for condition in conditions:
        wanted = And(wanted, condition)
    tasks = table.scan(row_filter=wanted).plan_files()
    return sorted((_held(table, task.file) for task in tasks), key=lambda held: held.path)


def equal(**values: str) -> list[BooleanExpression]:
    """Return one condition per column and value."""
    return [
        EqualTo(term=Reference(column), value=literal(value)) for column, value in values.items()
    ]


def between(
    column: str, start: int | dt.date | None, end: int | dt.date | None
) -> list[BooleanExpression]:
    """Return the conditions that keep `column` within both bounds (None: open)."""
    conditions: list[BooleanExpression] = []
    if start is not None:
        conditions.append(GreaterThanOrEqual(term=Reference(column), value=literal(start)))
    if end is not None:
        conditions.append(LessThanOrEqual(term=Reference(column), value=literal(end)))
    return conditions


def relation_sql(
    spec: TableSpec,
    files: Sequence[HeldFile],
    *,
    org_id: str | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> str:
    """Return a parenthesised SELECT with all columns of `spec`; typed and empty without files."""
    known = frozenset().union(*(file.columns for file in files))
    columns = ", ".join(
        f'"{name}"' if name in known else f'CAST(NULL AS {kind}) AS "{name}"'
        for name, kind in spec.columns
    )
    if not files:
        return f"(SELECT {columns} WHERE false)"
    paths = ", ".join(quote(file.path) for file in files)
    conditions = [f"org_id = {quote(org_id)}"] if org_id is not None else []
    conditions += [f"date >= DATE '{start}'"] if start is not None else []
    conditions += [f"date <= DATE '{end}'"] if end is not None else []
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"(SELECT {columns} FROM read_parquet([{paths}], union_by_name = true){where})"


def _held(table: Table, data_file: DataFile) -> HeldFile:
    field_ids = {field.name: field.field_id for field in table.schema().fields}
    lower = data_file.lower_bounds or {}
    upper = data_file.upper_bounds or {}
    day, account = field_ids["date"], field_ids["account_id"]
    return HeldFile(
        data_file,
        data_file.record_count,
        _day(lower.get(day)),
        _day(upper.get(day)),
        _text(lower.get(account)),
        _text(upper.get(account)),
        frozenset(
            name for name, number in field_ids.items() if number in (data_file.column_sizes or {})
        ),
    )


def _day(bound: bytes | None) -> dt.date | None:
    if bound is None:
        return None
    return _EPOCH + dt.timedelta(days=int(from_bytes(DateType(), bound)))


def _text(bound: bytes | None) -> str | None:
    return None if bound is None else str(from_bytes(StringType(), bound))


def quote(text: str) -> str:
    """Return `text` as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
