"""The silver tables and the ledger as relations that DataGuard, gold and `tactics sql` read."""

import datetime as dt
from collections.abc import Sequence
from typing import TypeAlias
from zoneinfo import ZoneInfo

import pyarrow as pa

from tactics import duck
from tactics.config import Settings
from tactics.pipeline.facts import org_facts
from tactics.pipeline.workspace import Workspace

CoverageRow: TypeAlias = tuple[str, str, str, str, dt.date, str, str, dt.datetime]

COVERAGE = pa.schema([
    ("org_id", pa.string()),
    ("source", pa.string()),
    ("account_id", pa.string()),
    ("stream", pa.string()),
    ("day", pa.date32()),
    ("finality", pa.string()),
    ("request_id", pa.string()),
    ("fetched_at", pa.timestamp("us", tz="UTC")),
    ("can_miss_days", pa.bool_()),
])


ORGS = pa.schema([
    *((name, pa.string()) for name in ("org_id", "name", "currency", "timezone")),
    ("today", pa.date32()),  # the calendar day where the organisation lives
])


SMALL_BYTES = 2_000_000  # of Parquet, some 100,000 rows


def open_silver(workspace: Workspace) -> duck.Connection:
    """Return an in-memory DuckDB with a relation per silver table, `coverage` and `orgs`.

    They are read many times, so that small tables are held.

    Raises:
        SinkUnavailable: the lake cannot be reached.
    """
    connection = duck.connect(None, workspace.gold_limits, folders=workspace.lake.folders())
    workspace.lake.show_silver(connection, small_bytes=SMALL_BYTES)
    duck.show(connection, "coverage", coverage_table(workspace))
    duck.show(connection, "orgs", orgs_table(workspace.settings, workspace.clock.now()))
    return connection


def coverage_rows(workspace: Workspace) -> list[CoverageRow]:
    """Return the coverage ledger, one row per stream and day."""
    return [
        (
            covered.key.org_id,
            covered.key.source,
            covered.key.account_id,
            covered.key.stream,
            covered.day,
            covered.finality.value,
            covered.request_id,
            covered.fetched_at,
        )
        for covered in workspace.store.coverage.all_rows()
    ]


def coverage_table(workspace: Workspace) -> pa.Table:
    """Return the coverage ledger as a table; `can_miss_days` says where a gap is one."""
    no_gaps = _streams_without_gaps(workspace)
    rows = [(*row, (row[0], row[1], row[3]) not in no_gaps) for row in coverage_rows(workspace)]
    return _table(rows, COVERAGE)


def _streams_without_gaps(workspace: Workspace) -> set[tuple[str, str, str]]:
    return {
        (org.org_id, facts.source, facts.stream)
        for org in org_facts(workspace)
        for facts in org.streams
        if facts.snapshot
    }


def orgs_table(settings: Settings, now: dt.datetime) -> pa.Table:
    """Return the configured organisations as they are on `now`."""
    rows = [
        (key, org.name, org.currency, org.timezone, now.astimezone(ZoneInfo(org.timezone)).date())
        for key, org in settings.orgs.items()
    ]
    return _table(rows, ORGS)


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    values = [dict(zip(schema.names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(values, schema=schema)
