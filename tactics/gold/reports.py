"""Answers from a published generation: the CLI's reports, and a person's own SQL.

Reads only. Imports no engine but DuckDB.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from tactics import duck
from tactics.errors import ConfigError, NotFoundError
from tactics.gold.catalog import PACKAGE, REPORTS, arguments, fill, load_report, metrics_of
from tactics.gold.engine import mapped
from tactics.sql import header_facts, load_statements

Row: TypeAlias = dict[str, Any]
ADS = "ad_performance"  # what a report is made of unless its head names other `tables`
OLDER = "gold was made by an older tactics, which had no such thing"
REMAKE = "`tactics sync --offline` makes it anew from what is held"


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query; `truncated` says that there are more than were asked for."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of a report, and how fresh they are.

    `as_of` is the oldest data watermark of what it is made of; `freshness` has one row per stream.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    as_of: dt.date | None
    generation: int
    freshness: list[Row] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON knows; nothing is rounded."""
        return {
            "kind": self.name,
            "generation": self.generation,
            "as_of": plain(self.as_of),
            "rows": [{name: plain(value) for name, value in row.items()} for row in self.rows],
            "freshness": [
                {name: plain(value) for name, value in row.items()} for row in self.freshness
            ],
        }


def read_report(
    connection: duck.Connection, name: str, *, org_id: str | None, now: dt.datetime, generation: int
) -> Report:
    """Return a report as it reads on `now`.

    Raises:
        NotFoundError: there is no such report, or it needs a metric that is not in this generation.
    """
    if name not in REPORTS:
        raise NotFoundError("no such report", hint="one of " + ", ".join(REPORTS), report=name)
    statements = load_statements(PACKAGE, "tables.sql")
    definitions = dict(connection.execute(statements["select_metrics"]).fetchall())
    if not metrics_of(load_report(name)) <= definitions.keys():
        raise NotFoundError(OLDER, hint=REMAKE, report=name)
    orgs = connection.execute(statements["select_orgs"]).fetchall()
    days = {
        "org_ids": [org for org, _ in orgs],
        "todays": [now.astimezone(ZoneInfo(timezone)).date() for _, timezone in orgs],
    }
    connection.execute(statements["create_reading_days"], days)
    zones = [zone for (zone,) in connection.execute(statements["select_zones"]).fetchall()]
    todays = [now.astimezone(ZoneInfo(zone)).date() for zone in zones]
    connection.execute(statements["create_zone_days"], {"timezones": zones, "todays": todays})

    def rows_of(report: str) -> tuple[tuple[str, ...], list[Row]]:
        sql = fill(load_report(report), definitions)
        answer = fetch(connection, sql, arguments(sql, {"org_id": org_id}))
        return answer.columns, [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    columns, rows = rows_of(name)
    freshness = rows if name == "freshness" else rows_of("freshness")[1]
    tables = header_facts(load_report(name)).get("tables", ADS).split(", ")
    return Report(name, columns, rows, watermark(freshness, tables), generation, freshness)


def watermark(
    freshness: Sequence[Mapping[str, Any]], tables: Sequence[str] = (ADS,)
) -> dt.date | None:
    """Return the oldest watermark of the streams of some tables that have one; None when none has."""
    days = [row["watermark"] for row in freshness if row["table_name"] in tables]
    return min((day for day in days if day is not None), default=None)


def show_views(connection: duck.Connection, views: Mapping[str, str]) -> None:
    """Lay views (`silver.bookings`: its SELECT) beside the tables of gold."""
    for name, sql in views.items():
        schema, _, _ = name.rpartition(".")
        if schema:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS memory.{schema}")
        connection.execute(f"CREATE VIEW memory.{name if schema else 'main.' + name} AS {sql}")


def tables_of(connection: duck.Connection, sql: str) -> set[str]:
    """Return the tables that a query names, in small letters; none if DuckDB cannot tell (USING)."""
    try:
        named = connection.get_table_names(sql, qualified=True)  # such as `silver.orders AS o`
    except duck.DuckError:
        return set()
    return {name.partition(" AS ")[0].lower() for name in named}


def own_tables(connection: duck.Connection) -> set[str]:
    """Return the names of the tables of the generation that is open."""
    statements = load_statements(PACKAGE, "tables.sql")
    return {name for (name,) in connection.execute(statements["select_tables"]).fetchall()}


def run_query(
    connection: duck.Connection,
    sql: str,
    params: Sequence[object] | Mapping[str, object],
    *,
    max_rows: int | None,
) -> Answer:
    """Return the rows of one statement that only reads.

    Raises:
        ConfigError: it is not one SELECT (SHOW, DESCRIBE and SUMMARIZE are), or DuckDB refuses it.
    """
    with mapped(refused=ConfigError):
        kinds = [statement.type.name for statement in connection.extract_statements(sql)]
        if kinds != ["SELECT"]:
            raise ConfigError(
                "one statement that reads is wanted",
                hint="SELECT, FROM, WITH, SHOW TABLES, DESCRIBE or SUMMARIZE",
                got=", ".join(kinds) or "nothing",
            )
        return fetch(connection, sql, params, max_rows=max_rows)


def fetch(
    connection: duck.Connection,
    sql: str,
    params: Sequence[object] | Mapping[str, object],
    *,
    max_rows: int | None = None,
) -> Answer:
    """Return the rows of a SELECT; instants are aware, UTC."""
    if max_rows is not None:
        # DuckDB has to know: to sort all of ten million rows takes twelve times as long.
        sql = f"FROM ({sql.rstrip().rstrip(';')}\n) LIMIT {max_rows + 1}"
    connection.execute(sql, params)
    columns = tuple(column[0] for column in connection.description or ())
    rows = connection.fetchall()
    truncated = max_rows is not None and len(rows) > max_rows
    return Answer(columns, rows[:max_rows], truncated)


def plain(value: object) -> object:
    """Return `value` as JSON has it: dates and instants as ISO text, decimals as numbers."""
    match value:
        case dt.date():  # datetime is one too
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value


def generation_path(current: Path | None) -> Path:
    """Return the published file.

    Raises:
        NotFoundError: nothing has been published yet.
    """
    if current is None:
        raise NotFoundError("there is no report yet", hint="run `tactics sync` first")
    return current
