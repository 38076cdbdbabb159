"""Connections to the SQLite file: one per thread, one writer at a time, errors of ours.

The only module that executes SQL. Knows no table.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tactics.errors import (
    IntegrityError,
    SinkUnavailable,
    SizeViolation,
    StoreBusy,
    StoreCorrupt,
    TacticsError,
)

Row: TypeAlias = tuple[Any, ...]
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

PAGE_SIZE_BYTES = 16384
_PRAGMAS = (
    f"PRAGMA page_size = {PAGE_SIZE_BYTES}",  # holds only while the file is still empty
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA synchronous = FULL",  # NORMAL may lose the last commits of a WAL at power loss
    "PRAGMA journal_size_limit = 67108864",
)

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNUSABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOLFS,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
}


def map_errors(error: sqlite3.Error, path: Path) -> TacticsError:
    """Return our error for one of SQLite's; what is not listed is a fault of our own."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
    if code in _BUSY:
        hint = "another tactics process is writing; try again"
        return StoreBusy("the store is locked", hint=hint, path=path)
    if code in _UNUSABLE:
        hint = "check free space and permissions of the folder"
        return SinkUnavailable("the store cannot be used", hint=hint, path=path)
    if code in _DAMAGED:
        hint = "stop tactics and keep the file: raw pages are also in the lake"
        return StoreCorrupt("the store is damaged", hint=hint, path=path)
    if code == sqlite3.SQLITE_TOOBIG:
        return SizeViolation("a value is larger than SQLite stores", path=path)
    return IntegrityError("a statement failed that never should", path=path)


class _Session(threading.local):
    """What one thread has open."""

    connection: sqlite3.Connection | None = None
    depth: int = 0
    doomed: bool = False


class Database:
    """The file, as every part of the store uses it. Safe to share between threads.

    Every method raises `StoreBusy` (locked for longer than the busy timeout), `SinkUnavailable`
    (disk full, unreadable), `StoreCorrupt`, or another `IntegrityError`; nothing else.
    """

    def __init__(self, path: Path, *, readonly: bool, busy_timeout_seconds: float) -> None:
        self.path = path
        self.readonly = readonly
        self._busy_timeout_seconds = busy_timeout_seconds
        self._session = _Session()
        # Threads queue here: SQLite's own busy handler sleeps and is not fair.
        self._writer = threading.Lock()
        self._open: dict[threading.Thread, sqlite3.Connection] = {}
        self._open_lock = threading.Lock()

    @property
    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection, opened at its first use."""
        return self._session.connection or self._connect()

    def read(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query."""
        with self._guarded():
            return self.connection.execute(sql, parameters).fetchall()

    def read_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row of a query."""
        with self._guarded():
            row: Row | None = self.connection.execute(sql, parameters).fetchone()
            return row

    def read_lazily(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Yield the rows of a query; the caller may stop early."""
        with self._guarded(), contextlib.closing(self.connection.cursor()) as cursor:
            yield from cursor.execute(sql, parameters)

    def write(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Run one statement, durable at once unless in a transaction; return what it RETURNs."""
        with self._writing(), self._guarded():
            return self.connection.execute(sql, parameters).fetchall()

    def write_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for each row, all or none."""
        with self.transaction(), self._guarded():
            self.connection.executemany(sql, rows)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make what happens inside durable as a whole; an inner transaction joins the outer.

        A step that failed inside spoils the whole transaction, even when its error was caught:
        SQLite may already have rolled back, and what follows must not become durable alone.

        Raises:
            IntegrityError: an inner error was swallowed.
        """
        session = self._session
        if session.depth:
            with self._joined():
                yield
            return
        with self._exclusive():
            self.command("BEGIN IMMEDIATE")
            session.depth, session.doomed = 1, False
            try:
                yield
                self._commit()
            except BaseException:
                self._roll_back()
                raise
            finally:
                session.depth = 0

    def command(self, sql: str) -> Row | None:
        """Run a PRAGMA or a transaction statement; return its first row."""
        return self.read_one(sql)

    def close(self) -> None:
        """Close the connections of all threads; the last one checkpoints the WAL."""
        with self._open_lock, self._guarded():
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self.readonly else "rw"  # never create: a lost file must not look empty
        with self._guarded(), self._open_lock:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                timeout=self._busy_timeout_seconds,
                isolation_level=None,
                check_same_thread=False,  # only so that close() reaches every thread's
                cached_statements=256,
            )
            try:
                for pragma in _PRAGMAS:
                    connection.execute(pragma)
            except BaseException:
                connection.close()
                raise
            self._close_left_behind()
            self._open[threading.current_thread()] = connection
        self._session.connection = connection
        return connection

    def _close_left_behind(self) -> None:
        for thread in [thread for thread in self._open if not thread.is_alive()]:
            self._open.pop(thread).close()

    def _commit(self) -> None:
        if self._session.doomed:
            raise IntegrityError("an error was swallowed inside a transaction")
        self.command("COMMIT")

    def _roll_back(self) -> None:
        if self.connection.in_transaction:  # a full disk may have rolled back already
            with self._guarded():
                self.connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            self._session.doomed = True
            raise map_errors(exc, self.path) from exc

    @contextlib.contextmanager
    def _joined(self) -> Iterator[None]:
        self._session.depth += 1
        try:
            yield
        except BaseException:
            self._session.doomed = True
            raise
        finally:
            self._session.depth -= 1

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        if not self._writer.acquire(timeout=self._busy_timeout_seconds):
            raise StoreBusy("another thread is writing", path=self.path)
        try:
            yield
        finally:
            self._writer.release()

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._session.depth else self._exclusive()
