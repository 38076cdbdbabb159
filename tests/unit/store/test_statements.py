"""Every statement in a .sql file is valid and used."""

import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

import tactics.store
from tactics.sql import load_statements
from tactics.store import render_schema

FILES = sorted(
    entry.name
    for entry in resources.files("tactics.store").iterdir()
    if entry.name.endswith(".sql") and entry.name != "schema.sql"
)
STATEMENTS = [
    (file, name, sql)
    for file in FILES
    for name, sql in load_statements("tactics.store", file).items()
]


class _Anything(dict):
    def __missing__(self, name: str) -> str:
        return "[]"


@pytest.fixture(scope="module")
def schema() -> Iterator[sqlite3.Connection]:
    """Return a database in memory with the schema."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(render_schema())
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("file", "name", "sql"), STATEMENTS, ids=[f"{file}:{name}" for file, name, _ in STATEMENTS]
)
def test_a_statement_compiles(schema: sqlite3.Connection, file: str, name: str, sql: str) -> None:
    """SQLite accepts the statement, and its first line says what it is for."""
    positional = sql.count("?")
    parameters = ["[]"] * positional if positional else _Anything()
    assert schema.execute(f"EXPLAIN {sql}", parameters).fetchall()
    assert sql.startswith("-- ")


def test_every_statement_is_used() -> None:
    """No statement is left over."""
    folder = Path(tactics.store.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert [name for _, name, _ in STATEMENTS if f'"{name}"' not in code] == []


@pytest.mark.parametrize(
    ("file", "name", "index"),
    [
        ("bus.sql", "read_events", "events_by_topic"),
        ("bus.sql", "count_lag", "events_by_topic"),
        ("jobs.sql", "claim_jobs", "jobs_waiting"),
        ("jobs.sql", "list_dead", "jobs_discarded"),
        ("fetches.sql", "latest_marker", "fetches_by_stream"),
        ("fetches.sql", "abandon_fetches", "fetches_running"),
        ("coverage.sql", "winners", "coverage_by_request"),
        ("outbox.sql", "list_waiting", "notices_waiting"),
        ("outbox.sql", "claim_delivery", "deliveries_pending"),
        ("outbox.sql", "resolve_alerts", "alerts_open"),
    ],
)
def test_a_hot_statement_uses_its_index(
    schema: sqlite3.Connection, file: str, name: str, index: str
) -> None:
    """What runs often does not scan a table that grows."""
    sql = load_statements("tactics.store", file)[name]
    plan = schema.execute(f"EXPLAIN QUERY PLAN {sql}", _Anything()).fetchall()
    assert any(index in row[3] for row in plan), plan
