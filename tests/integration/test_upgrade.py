"""A home that an older tactics wrote works with this one: store, gold, and what is said about it."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tactics import duck
from tactics.duck import DuckLimits
from tactics.home import Home
from tactics.model import RunStatus
from tactics.sql import load_text
from tactics.store import APPLICATION_ID, Store, find_damage, list_migrations
from tests.lab import Lab, open_lab, result_of
from tests.support import FakeClock

NEWEST = len(list_migrations())
AT = "2026-11-01T00:00:00.000000Z"
OPENERS = 6

# One row per table, as the migration that made the table knew it. A table without one fails
# test_every_table_has_a_row: whoever adds a migration adds a row here.
ROWS = {
    "events": "(topic, header, created_at, size_bytes, body) VALUES ('t', '{}', $at, 3, x'010203')",
    "positions": "VALUES ('t', 'bronze', 1, $at)",
    "fetches": "(request_id, org_id, source, account_id, stream, window_start, window_end,"
    " api_version, state, created_at, finalized_at)"
    " VALUES ('r', 'acme', 'meta', 'a', 's', '2026-10-01', '2026-10-02', 'v1', 'completed', $at, $at)",
    "coverage": "VALUES ('acme', 'meta', 'a', 's', '2026-10-01', 'final', 'r', $at)",
    "report_jobs": "VALUES ('acme', 'meta', 'a', 's', '2026-10-01', '2026-10-02', 'job', $at)",
    "jobs": "(stage, state, attempt, max_attempts, error_type, error_message, error_hint,"
    " transient, errors, created_at, scheduled_at, finalized_at, payload_bytes, payload)"
    " VALUES ('ingest', 'discarded', 1, 4, 'decode_error', 'cut off', '', 0, '[]', $at, $at, $at,"
    " 2, x'7b7d')",
    "breakers": "(name, state, failures, reason) VALUES ('meta_breaker', 'closed', 2, '503')",
    "runs": "VALUES ('run', 'sync', '{}', 'succeeded', '{}', $at, $at)",
    "run_stages": "VALUES ('run', 'bronze', 3, 1.5, '{}', $at)",
    "sync_requests": "(scope, created_at) VALUES ('{}', $at)",
    "accounts": "VALUES ('acme', 'meta', 'a', 'Acme', 'EUR', 'Europe/Vienna', '{}', $at)",
    "api_calls": "VALUES ('2026-10-01', 'acme', 'meta', 'a', '/x', 200, 3, 1, 999, 0.5)",
    "credentials": "VALUES ('acme', 'meta', 'token', 'f', $at)",
    "alerts": "(key, severity, org_id, source, title, body, command, facts, seen, created_at,"
    " last_seen_at, notified_at) VALUES ('k', 'info', 'acme', 'meta', 't', 'b', 'c', '{}', 1, $at,"
    " $at, $at)",
    "deliveries": "(channel, idempotency_key, content, attempt, created_at, scheduled_at,"
    " attempted_at) VALUES ('log', 'i', '{}', 1, $at, $at, $at)",
    "notices": "(alert_id, channel, event, created_at, scheduled_at)"
    " VALUES (1, 'log', 'raised', $at, $at)",
    "run_sources": "VALUES ('run', 'acme', 'meta', 'ok', '[]', 3, 0.5)",
    "latencies": "VALUES ('run', 'acme', 'meta', 'bronze', 1.5, 2)",
    "daemon_heartbeats": "VALUES (1, 'here', $at, $at, NULL, '{}')",
    "source_visits": "VALUES ('acme', 'meta', $at, 'ok', 0, 0)",
    "letter_changes": "(job_id, action, user_name, host, changed_at, stage, error_type,"
    " error_message, scheduled_at) VALUES (1, 'retry', 'ada', 'here', $at, 'ingest', 'decode_error',"
    " 'cut off', $at)",
}


def build_store(path: Path, version: int) -> dict[str, list[tuple[Any, ...]]]:
    """Make the store of an older tactics, with a row in each table; return all rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    for migration in list_migrations()[:version]:
        for statement in migration.statements():
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")
    tables = [table for table in tables_of(connection) if table in ROWS]
    for table in tables:
        connection.execute(f"INSERT INTO {table} {ROWS[table]}".replace("$at", f"'{AT}'"))
    rows = {table: rows_of(connection, table) for table in tables}
    connection.close()
    return rows


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """Return the tables, in the order in which they were made."""
    query = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " ORDER BY rowid"
    )
    return [name for (name,) in connection.execute(query)]


def rows_of(
    connection: sqlite3.Connection, table: str, width: int | None = None
) -> list[tuple[Any, ...]]:
    """Return the rows of a table, the first columns of it."""
    return [row[:width] for row in connection.execute(f"SELECT * FROM {table}")]


def schema_of(connection: sqlite3.Connection) -> str:
    """Return the schema of a file as `schema.sql` is written."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        " ORDER BY tbl_name, type DESC, name"
    )
    return "\n\n".join(f"{sql};" for (sql,) in rows) + "\n"


def tactics(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a home."""
    command = [sys.executable, "-m", "tactics", "--home", str(home.root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_every_table_has_a_row(home: Home):
    """The stores of these tests are not empty, whatever table a migration adds."""
    build_store(home.database, NEWEST)
    connection = sqlite3.connect(home.database)
    assert [table for table in tables_of(connection) if table not in ROWS] == []
    connection.close()


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_from_every_earlier_schema(home: Home, clock: FakeClock, version: int):
    """The result is schema.sql to the letter, and no row is lost or changed."""
    before = build_store(home.database, version)
    with Store.open(home.database, clock) as store:
        assert store.health(check=True).schema_version == NEWEST
        if version >= 3:
            (letter,) = store.jobs.list_dead()
            assert store.jobs.get(letter.job_id).payload == b"{}"
    assert find_damage(home.database) == []
    connection = sqlite3.connect(home.database)
    wanted = load_text("tactics.store", "schema.sql")
    assert schema_of(connection) == wanted.partition("\n\n")[2]
    for table, rows in before.items():
        assert rows_of(connection, table, len(rows[0])) == rows
    connection.close()


CHILD = """
import sys
from pathlib import Path
from tactics.clock import SystemClock
from tactics.store.database import Database
from tactics.store.migrate import migrate
print("ready", flush=True)
sys.stdin.readline()
database = Database(Path(sys.argv[1]), readonly=False, busy_timeout_seconds=30)
print(migrate(database, SystemClock()))
database.close()
"""


@pytest.fixture
def openers(home: Home) -> Iterator[list[subprocess.Popen[str]]]:
    """Return processes that will open the store of the home when they are told to."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(home.database)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(OPENERS)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    yield started
    for process in started:
        process.kill()
        process.communicate()


def test_processes_that_open_an_old_store_at_once_migrate_it_once(
    home: Home, openers: list[subprocess.Popen[str]]
):
    """Each migration is applied by one of them, and all of them can go on."""
    before = build_store(home.database, 1)
    for process in openers:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60) for process in openers]
    assert [complaint for _, complaint in told] == [""] * OPENERS
    assert sum(int(applied) for applied, _ in told) == NEWEST - 1
    connection = sqlite3.connect(home.database)
    assert rows_of(connection, "events") == before["events"]
    connection.close()


@pytest.mark.parametrize("words", [["dlq", "list"], ["runs", "list"], ["queue", "status"]])
def test_a_command_that_only_looks_works_on_an_old_store(home: Home, words: list[str]):
    """After an upgrade nobody has to sync before they may look."""
    build_store(home.database, 3)
    done = tactics(home, *words)
    assert (done.returncode, done.stderr if words != ["runs", "list"] else "") == (0, ""), done
    again = tactics(home, "doctor")
    assert "migration" not in again.stdout + again.stderr


@pytest.mark.parametrize("words", [["dlq", "list"], ["sync"], ["queue", "flush"], ["doctor"]])
def test_a_newer_store_is_refused_by_every_command(home: Home, words: list[str]):
    """Exit code 70, what is wrong, both versions, what to do; and the file is not touched."""
    build_store(home.database, NEWEST)
    connection = sqlite3.connect(home.database)
    connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    connection.close()
    (home.root / "tactics.toml").write_text("")
    before = home.database.read_bytes()
    done = tactics(home, *words)
    assert done.returncode == 70
    told = done.stdout + done.stderr
    assert "written by a newer tactics" in " ".join(told.split())
    assert "upgrade this tactics" in " ".join(told.split())
    if words != ["doctor"]:
        assert f"version={NEWEST + 1}, known={NEWEST}" in done.stderr
    assert home.database.read_bytes() == before


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation, two sources and a few days, synced once."""
    with open_lab(tmp_path, days=8, orgs=("acme",), sources=("meta", "sheets")) as lab:
        assert lab.sync().status is RunStatus.SUCCEEDED
        yield lab


def make_older(lab: Lab, *statements: str) -> None:
    """Change the published generation, as if other definitions had made it."""
    path = lab.home.gold / (lab.home.gold / "current").read_text().strip()
    connection = duck.connect(path, DuckLimits(lab.home.scratch))
    for statement in ("UPDATE generation SET fingerprint = 'older'", *statements):
        connection.execute(statement)
    connection.close()


def numbers(lab: Lab) -> list[tuple[Any, ...]]:
    """Return what gold says of the ads."""
    return lab.silver(
        "SELECT date, sum(impressions), sum(spend) FROM ad_daily GROUP BY 1 ORDER BY 1"
    )


@pytest.mark.parametrize("offline", [False, True])
def test_gold_of_other_definitions_is_made_anew(lab: Lab, offline: bool):  # noqa: FBT001
    """By the next sync, whatever it brings: every row is what this program makes of silver."""
    wanted = numbers(lab)
    make_older(lab, "UPDATE ad_daily SET impressions = 1, spend = 1")
    assert numbers(lab) != wanted
    assert lab.sync(offline=offline).status is RunStatus.SUCCEEDED
    assert numbers(lab) == wanted


def test_gold_of_these_definitions_is_left_alone(lab: Lab):
    """A sync that brings nothing publishes nothing."""
    lab.sync(offline=True)
    published = (lab.home.gold / "current").read_text()
    lab.sync(offline=True)
    assert (lab.home.gold / "current").read_text() == published


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM metric_definitions",
        "UPDATE generation SET schema_version = 0; ALTER TABLE ad_daily DROP COLUMN timezone",
    ],
)
def test_a_report_that_old_gold_cannot_answer_says_what_to_do(lab: Lab, statement: str):
    """Not a fault of ours: exit code 4 and the command that makes gold anew, which then helps."""
    make_older(lab, *statement.split("; "))
    done = lab.command("report", "channels")
    assert done.returncode == 4, done.stderr
    assert "gold was made by an older tactics" in done.stderr
    assert "tactics sync --offline" in done.stderr
    assert lab.command("sync", "--offline").returncode == 0
    assert result_of(lab.command("report", "channels", "--json"))["rows"]
