"""Copies of SQLite files: several of them as they were at one instant, then counted and checked.

Knows no table; works for any SQLite file of ours, also for the lake's catalog.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tactics.store.database import map_errors

BUSY_TIMEOUT_SECONDS = 10.0


class Frozen:
    """What several files held at the instant at which `freeze` opened them.

    The first file takes no writes until `thaw`; the copies are of that instant whenever they are
    made.
    """

    def __init__(self, gate: sqlite3.Connection, readers: dict[Path, sqlite3.Connection]) -> None:
        self._gate = gate
        self._readers = readers

    def thaw(self) -> None:
        """Let others write the first file again."""
        if self._gate.in_transaction:
            self._gate.execute("ROLLBACK")

    def copy(self, path: Path, target: Path) -> None:
        """Write what `path` held to the new file `target`, for this user only."""
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with _mapped(path), closing(_connect(target, "rw")) as out:
            out.execute("PRAGMA synchronous = OFF")  # whoever wants it durable syncs the file
            self._readers[path].backup(out)


@contextmanager
def freeze(
    first: Path, *others: Path, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
) -> Iterator[Frozen]:
    """Hold SQLite files as they are at one instant, the same for all of them.

    While the lock of the first is held nobody can tell it what became of the others: the copies are
    what a process that is killed at that instant leaves behind.

    Raises:
        StoreBusy: somebody has been writing the first for longer than that.
        StoreCorrupt: one of them is no database.
    """
    with ExitStack() as stack:
        with _mapped(first):
            gate = stack.enter_context(closing(_connect(first, "rw", busy_timeout_seconds)))
            gate.execute("BEGIN IMMEDIATE")
        readers = {path: stack.enter_context(closing(_reader(path))) for path in (first, *others)}
        yield Frozen(gate, readers)


def count_rows(path: Path) -> dict[str, int]:
    """Return the number of rows of every table of a file."""
    with _mapped(path), closing(_connect(path, "ro")) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY name"
        ).fetchall()
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for (name,) in tables
        }


def file_version(path: Path) -> int:
    """Return the schema version of a file."""
    with _mapped(path), closing(_connect(path, "ro")) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def find_damage(path: Path) -> list[str]:
    """Return what SQLite's own check of the whole file complains about; nothing when it is sound."""
    with _mapped(path), closing(_connect(path, "ro")) as connection:
        try:
            told = [text for (text,) in connection.execute("PRAGMA integrity_check(10)")]
        except sqlite3.DatabaseError as exc:  # too damaged to be checked
            return [str(exc)]
        loose = connection.execute("PRAGMA foreign_key_check").fetchall()
    found = [text for text in told if text != "ok"]
    return found + [f"{table}: row {row} refers to nothing" for table, row, *_ in loose]


def _reader(path: Path) -> sqlite3.Connection:
    with _mapped(path):
        connection = _connect(path, "ro")
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the instant is now
        return connection


def _connect(path: Path, mode: str, timeout: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise map_errors(exc, path) from exc
