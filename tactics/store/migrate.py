"""Brings the file to the schema this version knows, forward only.

Recognises our file by its application_id and refuses any other. Knows no table.
"""

import functools
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources

from tactics.clock import Clock
from tactics.errors import IntegrityError, SchemaVersionError, StoreBusy
from tactics.sql import load_text
from tactics.store.database import Database

APPLICATION_ID = 0x54414354  # "TACT"
PACKAGE = "migrations.state"
_FILE_NAME = re.compile(r"(\d{4})_[a-z]+(_[a-z]+)+\.sql")
# One statement, so one state of the file: another process may be making it at this moment.
_FACTS = (
    "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
    " FROM pragma_application_id, pragma_user_version"
)
_WAL_ATTEMPTS = 100
_WAL_WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; its number is the user_version it leaves behind."""

    version: int
    file: str

    def statements(self) -> Iterator[str]:
        """Yield its statements, in order."""
        pending = ""
        for line in load_text(PACKAGE, self.file).splitlines(keepends=True):
            pending += line
            if sqlite3.complete_statement(pending):
                yield pending
                pending = ""
        assert not pending.strip(), f"{self.file} ends inside a statement"


@functools.cache
def list_migrations() -> tuple[Migration, ...]:
    """Return the migrations shipped with this version, oldest first."""
    return number_migrations(entry.name for entry in resources.files(PACKAGE).iterdir())


def number_migrations(names: Iterable[str]) -> tuple[Migration, ...]:
    """Return the migrations among file names, oldest first.

    Raises:
        IntegrityError: a file is misnamed, or a number is missing or used twice.
    """
    files = sorted(name for name in names if name.endswith(".sql"))
    for expected, file in enumerate(files, start=1):
        match = _FILE_NAME.fullmatch(file)
        if match is None or int(match[1]) != expected:
            raise IntegrityError("migrations must be 0001_verb_noun.sql, 0002_…", file=file)
    return tuple(Migration(version, file) for version, file in enumerate(files, start=1))


def read_version(database: Database) -> int:
    """Return the schema version of the file, 0 when it is still empty.

    Raises:
        SchemaVersionError: another application's file, or written by a newer tactics.
    """
    row = database.read_one(_FACTS)
    assert row is not None
    application_id, version, objects = row
    if (application_id, version, objects) == (0, 0, 0):
        return 0
    if application_id != APPLICATION_ID:
        raise SchemaVersionError(
            "this file belongs to another application",
            hint="point TACTICS_HOME at another folder",
            path=database.path,
            application_id=application_id,
        )
    known = len(list_migrations())
    if version > known:
        raise SchemaVersionError(
            "the store was written by a newer tactics",
            hint="upgrade this tactics, too; or `tactics restore` a backup from before",
            path=database.path,
            version=version,
            known=known,
        )
    return int(version)


def migrate(database: Database, clock: Clock) -> int:
    """Apply what is missing, each migration in its own transaction; return how many were.

    Two processes may start at once: each step looks at the version again under the lock.
    """
    applied = 0
    while (version := read_version(database)) < len(list_migrations()):
        applied += _apply(database, list_migrations()[version])
    if database.command("PRAGMA journal_mode") != ("wal",):
        _switch_to_wal(database, clock)
    return applied


def render_schema() -> str:
    """Return the schema that all migrations add up to, as `schema.sql` holds it."""
    connection = sqlite3.connect(":memory:")
    try:
        for migration in list_migrations():
            for statement in migration.statements():
                connection.execute(statement)
        rows = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " ORDER BY tbl_name, type DESC, name"
        ).fetchall()
    finally:
        connection.close()
    head = f"-- What migrations/state adds up to (version {len(list_migrations())}); generated."
    return "\n\n".join([head, *(f"{sql};" for (sql,) in rows)]) + "\n"


def _apply(database: Database, migration: Migration) -> int:
    with database.transaction():
        if read_version(database) != migration.version - 1:
            return 0
        for statement in migration.statements():
            database.command(statement)
        database.command(f"PRAGMA application_id = {APPLICATION_ID}")
        database.command(f"PRAGMA user_version = {migration.version}")
    return 1


def _switch_to_wal(database: Database, clock: Clock) -> None:
    # SQLite does not call its busy handler here: a second process that starts at the same
    # moment would see "locked" at once.
    for _ in range(_WAL_ATTEMPTS):
        try:
            database.command("PRAGMA journal_mode = WAL")
        except StoreBusy:
            clock.sleep(_WAL_WAIT_SECONDS)
        else:
            return
    raise StoreBusy("the store cannot be prepared", path=database.path)
