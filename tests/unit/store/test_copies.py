"""Copies of SQLite files as they were at one instant."""

import sqlite3
import threading
from pathlib import Path

import pytest

from tactics.errors import StoreBusy, StoreCorrupt
from tactics.store import Store, count_rows, file_version, find_damage, freeze, list_migrations
from tests.unit.store.builders import KEY


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Return another database, with one row."""
    path = tmp_path / "catalog.db"
    write(path, "PRAGMA journal_mode = WAL", "CREATE TABLE tables (name)")
    write(path, "INSERT INTO tables VALUES ('pages')")
    return path


def write(path: Path, *statements: str) -> None:
    """Change a file as another process does, without waiting for a lock."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_copies_are_of_the_instant_whatever_happens_since(
    store: Store, catalog: Path, tmp_path: Path
) -> None:
    """Writes after the thaw are in none of the copies, made before or after."""
    store.bus.append("t", header={"n": 1})
    with freeze(store.database.path, catalog) as frozen:
        frozen.thaw()
        store.bus.append("t", header={"n": 2})
        write(catalog, "INSERT INTO tables VALUES ('later')")
        frozen.copy(store.database.path, tmp_path / "store.copy")
        frozen.copy(catalog, tmp_path / "catalog.copy")
    assert count_rows(tmp_path / "store.copy")["events"] == 1
    assert count_rows(tmp_path / "catalog.copy") == {"tables": 1}
    assert count_rows(store.database.path)["events"] == 2


def test_nobody_writes_the_first_file_before_the_thaw(store: Store, catalog: Path) -> None:
    """What the others hold can have no consequence in it yet; readers go on."""
    with freeze(store.database.path, catalog) as frozen:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            write(store.database.path, "DELETE FROM events")
        assert store.bus.lag("t", "c") == 0
        frozen.thaw()
        write(store.database.path, "DELETE FROM events")


def test_a_writer_in_another_thread_waits_for_the_thaw(store: Store) -> None:
    """A sync is held up for that instant only, and sees no error."""
    done = threading.Event()

    def append() -> None:
        store.bus.append("t", header={})
        done.set()

    writer = threading.Thread(target=append)
    with freeze(store.database.path) as frozen:
        writer.start()
        assert not done.is_set()
        frozen.thaw()
        assert done.wait(10)
    writer.join()


def test_a_store_that_is_being_written_is_busy(store: Store, tmp_path: Path) -> None:
    """Whoever holds the lock for too long is named as the cause."""
    with store.transaction():
        store.bus.append("t", header={})
        with (
            pytest.raises(StoreBusy, match="locked"),
            freeze(store.database.path, busy_timeout_seconds=0.01),
        ):
            pytest.fail("frozen")


def test_a_copy_is_private_and_opens_as_a_store(store: Store, tmp_path: Path, clock) -> None:
    """Nobody else reads it, and it has the schema of the original."""
    store.bus.append("t", key=KEY, header={}, body=b"x" * 5000)
    copy = tmp_path / "copy.db"
    with freeze(store.database.path) as frozen:
        frozen.copy(store.database.path, copy)
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert file_version(copy) == len(list_migrations())
    assert find_damage(copy) == []
    with Store.open(copy, clock) as opened:
        assert opened.bus.get(1).body == b"x" * 5000


def test_what_is_no_database_is_corrupt(store: Store, tmp_path: Path) -> None:
    """Neither frozen nor counted, and the file is named."""
    path = tmp_path / "garbage.db"
    path.write_bytes(b"not a database, " * 5000)
    with pytest.raises(StoreCorrupt, match="garbage"), freeze(store.database.path, path):
        pytest.fail("frozen")
    with pytest.raises(StoreCorrupt):
        count_rows(path)


def test_damage_is_found_and_told(store: Store, tmp_path: Path) -> None:
    """A page that was overwritten, and a row that refers to nothing."""
    for number in range(50):
        store.bus.append("t", header={"n": number, "text": "x" * 2000})
    copy = tmp_path / "copy.db"
    with freeze(store.database.path) as frozen:
        frozen.copy(store.database.path, copy)
    write(copy, "INSERT INTO run_stages VALUES ('nobody', 'bronze', 1, 1.0, '{}', 'now')")
    assert find_damage(copy) == ["run_stages: row 1 refers to nothing"]
    with copy.open("r+b") as file:
        file.seek(16384 * (copy.stat().st_size // 16384 - 6))
        file.write(b"\xff" * 16384 * 4)
    assert find_damage(copy)


def test_thawing_again_takes_nothing_back(store: Store, tmp_path: Path) -> None:
    """Who thaws twice loses neither the copy nor what others wrote since."""
    copy = tmp_path / "copy.db"
    with freeze(store.database.path) as frozen:
        frozen.thaw()
        store.bus.append("t", header={})
        frozen.thaw()
        frozen.copy(store.database.path, copy)
    assert (count_rows(copy)["events"], count_rows(store.database.path)["events"]) == (0, 1)
