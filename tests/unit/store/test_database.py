"""Connections, transactions, and how SQLite's errors become ours."""

import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest

from tactics.errors import (
    IntegrityError,
    NotFoundError,
    SinkUnavailable,
    SizeViolation,
    StoreBusy,
    StoreCorrupt,
    TacticsError,
)
from tactics.home import Home
from tactics.store import Store
from tactics.store.database import map_errors
from tests.support import FakeClock


def _positions(store: Store) -> int:
    return len(store.bus.positions())


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    """What an error interrupts leaves no trace."""
    with pytest.raises(NotFoundError), store.transaction():  # noqa: PT012
        store.bus.acknowledge("t", "one", 1)
        store.bus.append("t", header={})
        store.jobs.get(99)
    assert _positions(store) == 0
    assert store.bus.lag("t", "one") == 0


def test_an_inner_transaction_joins_the_outer(store: Store) -> None:
    """Nothing of an inner transaction is durable when the outer fails."""
    with pytest.raises(NotFoundError), store.transaction():  # noqa: PT012
        with store.transaction():
            store.bus.acknowledge("t", "one", 1)
        store.jobs.get(99)
    assert _positions(store) == 0


def test_a_swallowed_error_spoils_the_transaction(store: Store) -> None:
    """A step that failed inside cannot be ignored: what follows must not become durable alone."""

    def swallow() -> None:
        with store.transaction():
            store.bus.acknowledge("t", "one", 1)
            with contextlib.suppress(NotFoundError), store.transaction():
                store.jobs.get(99)

    with pytest.raises(IntegrityError, match="an error was swallowed inside a transaction"):
        swallow()
    assert _positions(store) == 0


def test_a_failed_statement_spoils_the_transaction(store: Store) -> None:
    """A statement that SQLite refused cannot be ignored either."""

    def swallow() -> None:
        with store.transaction():
            store.bus.acknowledge("t", "one", 1)
            with contextlib.suppress(IntegrityError):
                store.database.write("INSERT INTO positions VALUES ('t', 'one', -1, '')")

    with pytest.raises(IntegrityError, match="swallowed"):
        swallow()
    assert _positions(store) == 0


def test_the_store_works_on_after_a_failed_transaction(store: Store) -> None:
    """The next transaction starts clean."""
    with pytest.raises(IntegrityError):
        store.database.write("INSERT INTO positions VALUES ('t', 'one', -1, '')")
    with store.transaction():
        store.bus.acknowledge("t", "one", 1)
    assert _positions(store) == 1


def test_threads_write_side_by_side(store: Store) -> None:
    """Each thread has its connection, and no event is lost or numbered twice."""
    seqs: list[int] = []

    def work() -> None:
        for _ in range(20):
            seqs.extend(store.bus.append_many("t", [(None, {}, b"x")] * 3))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seqs) == list(range(1, 241))


def test_a_dead_threads_connection_is_closed(store: Store) -> None:
    """Connections do not pile up when threads come and go."""
    for _ in range(5):
        thread = threading.Thread(target=store.bus.positions)
        thread.start()
        thread.join()
    assert len(store.database._open) == 2


def test_a_thread_waits_for_a_writing_thread_only_so_long(home: Home, clock: FakeClock) -> None:
    """A write gives up with StoreBusy when another thread's transaction does not end."""
    with Store.open(home.database, clock, busy_timeout_seconds=0.01) as store:
        errors: list[TacticsError] = []

        def work() -> None:
            try:
                store.bus.acknowledge("t", "one", 1)
            except StoreBusy as error:
                errors.append(error)

        with store.transaction():
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert [str(error) for error in errors] == [
        f"another thread is writing: path={home.database}",
    ]


def test_a_vanished_file_is_not_made_anew(home: Home, clock: FakeClock) -> None:
    """A store whose file is gone says so, instead of starting with an empty one."""
    with Store.open(home.database, clock) as store:
        store.close()
        home.database.unlink()
        thread_error: list[TacticsError] = []

        def work() -> None:
            try:
                store.bus.positions()
            except SinkUnavailable as error:
                thread_error.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(thread_error) == 1
    assert not home.database.exists()


def test_a_closed_store_is_a_fault_of_ours(store: Store) -> None:
    """Using a closed store is an integrity error, not a foreign exception."""
    store.close()
    with pytest.raises(IntegrityError, match="closed database"):
        store.bus.positions()


def _error(code: int | None) -> sqlite3.Error:
    error = sqlite3.OperationalError("reason")
    if code is not None:
        error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_BUSY, StoreBusy),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreBusy),
        (sqlite3.SQLITE_LOCKED, StoreBusy),
        (sqlite3.SQLITE_FULL, SinkUnavailable),
        (sqlite3.SQLITE_READONLY_DBMOVED, SinkUnavailable),
        (sqlite3.SQLITE_CANTOPEN, SinkUnavailable),
        (sqlite3.SQLITE_IOERR_FSYNC, SinkUnavailable),
        (sqlite3.SQLITE_CORRUPT, StoreCorrupt),
        (sqlite3.SQLITE_NOTADB, StoreCorrupt),
        (sqlite3.SQLITE_TOOBIG, SizeViolation),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, IntegrityError),
        (None, IntegrityError),
    ],
)
def test_an_error_code_maps_to_who_acts_next(
    code: int | None, expected: type[TacticsError]
) -> None:
    """Each of SQLite's result codes, extended ones too, becomes the error of who acts next."""
    assert type(map_errors(_error(code), Path("tactics.db"))) is expected


def test_every_error_class_is_mapped() -> None:
    """No exception class of sqlite3 comes through as it is."""
    classes = [sqlite3.Error]
    for kind in classes:
        classes.extend(kind.__subclasses__())
    assert len(classes) > 5
    for kind in classes:
        assert isinstance(map_errors(kind("reason"), Path("tactics.db")), TacticsError)
