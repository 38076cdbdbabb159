"""Finds the files that hold given rows, and says how to read them in SQL.

Rows are never read here: DuckDB does that, several times faster than Iceberg's own scan. Planning
is ours, too: a run looks at the same snapshot dozens of times, and pyiceberg reads and judges its
manifests anew at each look, 10 ms even for a few files.
"""

import datetime as dt
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile, ManifestEntry, ManifestFile
from pyiceberg.table import Table
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


@dataclass(frozen=True, slots=True)
class Condition:
    """A column between two values, both inclusive (None: open)."""

    column: str
    start: int | str | dt.date | None
    end: int | str | dt.date | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A manifest of a snapshot, the entries of it that are not deletions, and their files."""

    manifest: ManifestFile
    entries: Sequence[ManifestEntry]
    files: Sequence[HeldFile]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the newest snapshot seen of a table lists; manifests by their paths."""

    metadata_location: str
    files: tuple[HeldFile, ...]
    manifests: Mapping[str, Listing]


_seen: dict[str, _Seen] = {}  # by the folder of the table


def held_files(table: Table | None, *conditions: Condition) -> list[HeldFile]:
    """Return the files that may hold rows which meet all `conditions`, in a stable order."""
    if table is None or table.metadata.current_snapshot_id is None:
        return []
    tests = [_test(table, condition) for condition in conditions]
    return [held for held in _look(table).files if all(test(held.data_file) for test in tests)]


def listings(table: Table) -> list[Listing]:
    """Return every manifest of the table's snapshot with what it lists."""
    return list(_look(table).manifests.values())


def equal(**values: str) -> list[Condition]:
    """Return one condition per column and value."""
    return [Condition(column, value, value) for column, value in values.items()]


def between(column: str, start: int | dt.date | None, end: int | dt.date | None) -> list[Condition]:
    """Return the condition that keeps `column` within both bounds (None: open)."""
    return [Condition(column, start, end)]


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


def _look(table: Table) -> _Seen:
    """Return what the table's snapshot lists: a manifest never changes, so each is read once."""
    seen = _seen.get(table.location(), _Seen("", (), {}))
    if seen.metadata_location != table.metadata_location:
        snapshot = table.current_snapshot()
        listed = snapshot.manifests(table.io) if snapshot else []
        known = seen.manifests
        manifests = {
            manifest.manifest_path: known[manifest.manifest_path]
            if manifest.manifest_path in known
            else _read(table, manifest)
            for manifest in listed
        }
        found = itertools.chain(*(listing.files for listing in manifests.values()))
        files = sorted(found, key=lambda file: file.path)
        seen = _Seen(table.metadata_location, tuple(files), manifests)
        _seen[table.location()] = seen
    return seen


def _read(table: Table, manifest: ManifestFile) -> Listing:
    entries = manifest.fetch_manifest_entry(table.io)
    return Listing(manifest, entries, [_held(table, entry.data_file) for entry in entries])


def _test(table: Table, condition: Condition) -> Callable[[DataFile], bool]:
    """Return whether a file's bounds leave room for the condition; unknown bounds do.

    Iceberg cuts the bounds of texts, the lower one down and the upper one up: both stay bounds.
    """
    field = table.schema().find_field(condition.column)
    read: Callable[[bytes], Any] = functools.partial(from_bytes, field.field_type)

    def may_hold(file: DataFile) -> bool:
        lower = (file.lower_bounds or {}).get(field.field_id)
        upper = (file.upper_bounds or {}).get(field.field_id)
        start, end = _comparable(condition.start), _comparable(condition.end)
        too_early = upper is not None and start is not None and read(upper) < start
        too_late = lower is not None and end is not None and read(lower) > end
        return not (too_early or too_late)

    return may_hold


def _comparable(value: int | str | dt.date | None) -> int | str | None:
    """Return a value as Iceberg stores it: days since 1970."""
    return (value - _EPOCH).days if isinstance(value, dt.date) else value


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
