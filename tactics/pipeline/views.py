"""The silver tables and the ledger as relations that DataGuard, gold and `tactics sql` read."""

import datetime as dt
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tactics import duck
from tactics.config import Settings
from tactics.pipeline.facts import org_facts
from tactics.pipeline.workspace import Workspace
from tactics.sql import load_statements

CoverageRow: TypeAlias = tuple[str, str, str, str, dt.date, str, str, dt.datetime]

_SQL = load_statements("tactics.pipeline", "views.sql")
SMALL_BYTES = 2_000_000  # of Parquet, some 100,000 rows


def open_silver(workspace: Workspace) -> duck.Connection:
    """Return an in-memory DuckDB with a relation per silver table, `coverage` and `orgs`.

    They are read many times, so that small tables are held.

    Raises:
        SinkUnavailable: the lake cannot be reached.
    """
    connection = duck.connect(None, workspace.gold_limits, folders=workspace.lake.folders())
    workspace.lake.show_silver(connection, small_bytes=SMALL_BYTES)
    connection.execute(_SQL["create_coverage"], coverage_columns(workspace))
    connection.execute(_SQL["create_orgs"], org_columns(workspace.settings, workspace.clock.now()))
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


def coverage_columns(workspace: Workspace) -> dict[str, object]:
    """Return the coverage ledger by column; `can_miss_days` says where a gap is one."""
    no_gaps = _streams_without_gaps(workspace)
    rows = coverage_rows(workspace)
    return {
        "org_ids": [row[0] for row in rows],
        "sources": [row[1] for row in rows],
        "account_ids": [row[2] for row in rows],
        "streams": [row[3] for row in rows],
        "days": [row[4] for row in rows],
        "finalities": [row[5] for row in rows],
        "request_ids": [row[6] for row in rows],
        "fetched_ats": [row[7] for row in rows],
        "can_miss_days": [(row[0], row[1], row[3]) not in no_gaps for row in rows],
    }


def _streams_without_gaps(workspace: Workspace) -> set[tuple[str, str, str]]:
    return {
        (org.org_id, facts.source, facts.stream)
        for org in org_facts(workspace)
        for facts in org.streams
        if facts.snapshot
    }


def org_columns(settings: Settings, now: dt.datetime) -> dict[str, object]:
    """Return the configured organisations by column; `todays` is the calendar day where they live."""
    orgs = settings.orgs
    return {
        "org_ids": list(orgs),
        "names": [org.name for org in orgs.values()],
        "currencies": [org.currency for org in orgs.values()],
        "timezones": [org.timezone for org in orgs.values()],
        "todays": [now.astimezone(ZoneInfo(org.timezone)).date() for org in orgs.values()],
    }
