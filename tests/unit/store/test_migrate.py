"""Which files are ours, and how they get the schema of this version."""

import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.errors import (
    ConfigError,
    IntegrityError,
    NotFoundError,
    SchemaVersionError,
    SinkUnavailable,
    StoreBusy,
    StoreCorrupt,
)
from tactics.home import Home
from tactics.sql import load_text
from tactics.store import APPLICATION_ID, Store, list_migrations, migrate, render_schema
from tactics.store.migrate import number_migrations
from tests.support import FakeClock


def _run(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _pragma(store: Store, name: str) -> object:
    return store.database.read(f"PRAGMA {name}")[0][0]


def test_the_schema_file_is_what_the_migrations_add_up_to() -> None:
    """schema.sql is current; after a new migration write `render_schema()` into it."""
    assert load_text("tactics.store", "schema.sql") == render_schema()


def test_migrations_are_numbered_without_gaps() -> None:
    """The n-th migration has number n."""
    versions = [migration.version for migration in list_migrations()]
    assert versions == list(range(1, len(versions) + 1))


def test_other_files_beside_migrations_do_not_count() -> None:
    """Only .sql files are migrations, whatever order the folder lists them in."""
    names = ["0002_add_colour.sql", "__init__.py", "0001_create_things.sql"]
    files = [migration.file for migration in number_migrations(names)]
    assert files == ["0001_create_things.sql", "0002_add_colour.sql"]


@pytest.mark.parametrize(
    "names",
    [
        ["0002_create_things.sql"],
        ["0001_create_things.sql", "0001_add_colour.sql"],
        ["0001_create_things.sql", "0003_add_colour.sql"],
        ["1_create_things.sql"],
        ["0001.sql"],
    ],
)
def test_a_misnumbered_migration_is_refused(names: list[str]) -> None:
    """A gap, a double or a misnamed file would leave two stores of one version that differ."""
    with pytest.raises(IntegrityError, match="0001_verb_noun"):
        number_migrations(names)


def test_a_migration_is_applied_once(store: Store) -> None:
    """Whoever waited for another process's migration finds it done."""
    with pytest.raises(IntegrityError, match="already exists"):
        store.database.command(next(list_migrations()[0].statements()))
    assert migrate._apply(store.database, list_migrations()[0]) == 0


class ReleasingClock(FakeClock):
    """A clock that lets the other process go on while we wait."""

    def __init__(self, other: sqlite3.Connection, after: int) -> None:
        super().__init__()
        self.other = other
        self.after = after

    def sleep(self, seconds: float) -> None:
        """Advance, and release the lock in time."""
        super().sleep(seconds)
        if len(self.slept) == self.after:
            self.other.rollback()


@pytest.fixture
def prepared_by_other(home: Home, clock: FakeClock) -> Iterator[sqlite3.Connection]:
    """Return a connection that reads a migrated store which is not in WAL mode yet."""
    Store.open(home.database, clock).close()
    connection = sqlite3.connect(home.database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN")
    connection.execute("SELECT count(*) FROM events")
    yield connection
    connection.close()


def test_the_switch_to_wal_waits_for_others(
    home: Home, prepared_by_other: sqlite3.Connection
) -> None:
    """A process that starts at the same moment is waited for, although SQLite would not."""
    clock = ReleasingClock(prepared_by_other, after=3)
    with Store.open(home.database, clock, busy_timeout_seconds=0.001) as store:
        assert _pragma(store, "journal_mode") == "wal"
    assert len(clock.slept) == 3


@pytest.mark.usefixtures("prepared_by_other")
def test_the_switch_to_wal_gives_up(home: Home, clock: FakeClock) -> None:
    """A file that stays locked is a busy store after five seconds."""
    with pytest.raises(StoreBusy, match="cannot be prepared"):
        Store.open(home.database, clock, busy_timeout_seconds=0.001)
    assert sum(clock.slept) == pytest.approx(5)


def test_a_new_store_has_the_settings_of_the_design(store: Store) -> None:
    """WAL, full sync, 16 KB pages, foreign keys, our application_id and the newest version."""
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "page_size": 16384,
        "foreign_keys": 1,
        "application_id": APPLICATION_ID,
        "user_version": len(list_migrations()),
    }
    assert {name: _pragma(store, name) for name in wanted} == wanted


def test_every_table_is_strict(store: Store) -> None:
    """SQLite checks the type of every value."""
    tables = store.database.read("PRAGMA table_list")
    ours = [row for row in tables if row[0] == "main" and not row[1].startswith("sqlite_")]
    assert len(ours) > 10
    assert all(row[5] for row in ours), ours


def test_files_are_private(store: Store, home: Home) -> None:
    """The file and what SQLite puts beside it are for this user only."""
    store.bus.append("t", header={})
    files = sorted(home.root.glob("tactics.db*"))
    assert [file.name for file in files] == ["tactics.db", "tactics.db-shm", "tactics.db-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_readable_file_is_made_private(home: Home, clock: FakeClock) -> None:
    """A file that an older umask left readable is tightened."""
    Store.open(home.database, clock).close()
    home.database.chmod(0o644)
    Store.open(home.database, clock).close()
    assert home.database.stat().st_mode & 0o777 == 0o600


def test_what_was_stored_is_there_again(home: Home, clock: FakeClock) -> None:
    """A store keeps its rows over a restart."""
    with Store.open(home.database, clock) as store:
        store.bus.append("t", header={"n": 1})
    with Store.open(home.database, clock) as store:
        assert [event.header for event in store.bus.read("t", "c", 10)] == [{"n": 1}]


def half_migrated(path: Path) -> None:
    """Make a store of the first schema."""
    _run(
        path,
        *list_migrations()[0].statements(),
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 1",
    )


def test_a_half_migrated_file_goes_on(home: Home, clock: FakeClock) -> None:
    """A process killed between two migrations leaves a file that the next one finishes."""
    half_migrated(home.database)
    with Store.open(home.database, clock) as store:
        assert _pragma(store, "user_version") == len(list_migrations())
        assert _pragma(store, "journal_mode") == "wal"


def test_a_newer_file_is_refused(home: Home, clock: FakeClock) -> None:
    """A file that a newer tactics wrote is not touched."""
    Store.open(home.database, clock).close()
    _run(home.database, "PRAGMA user_version = 99")
    with pytest.raises(SchemaVersionError, match=r"newer tactics.*version=99") as caught:
        Store.open(home.database, clock)
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "statement",
    ["PRAGMA application_id = 42", "CREATE TABLE theirs (a)", "PRAGMA user_version = 3"],
)
def test_another_applications_file_is_refused(home: Home, clock: FakeClock, statement: str) -> None:
    """A database with another application_id, or with tables but none, is not ours."""
    _run(home.database, statement)
    before = home.database.read_bytes()
    with pytest.raises(SchemaVersionError, match="another application"):
        Store.open(home.database, clock)
    assert home.database.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database, " * 5000, b"SQLite format 3\0" + b"\7" * 5000]
)
def test_a_file_that_is_no_database_is_corrupt(
    home: Home, clock: FakeClock, content: bytes
) -> None:
    """Garbage where the store should be stops the process and is kept as it is."""
    home.database.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="the store is damaged"):
        Store.open(home.database, clock)
    assert home.database.read_bytes() == content


def test_a_damaged_page_is_corruption(home: Home, clock: FakeClock) -> None:
    """A page overwritten on disk is found when it is read, and by the health check."""
    with Store.open(home.database, clock) as store:
        for number in range(50):
            store.bus.append("t", header={"n": number, "text": "x" * 2000})
    content = bytearray(home.database.read_bytes())
    content[16384 * 20 :] = b"\xff" * len(content[16384 * 20 :])
    home.database.write_bytes(content)
    with Store.open(home.database, clock) as store:
        with pytest.raises(StoreCorrupt):
            store.bus.read("t", "c", 100)
        assert store.health(check=True).problems


def test_a_missing_folder_is_an_unusable_sink(tmp_path: Path, clock: FakeClock) -> None:
    """Where nothing can be made, the store says so with the path."""
    with pytest.raises(SinkUnavailable, match="the store cannot be made"):
        Store.open(tmp_path / "nowhere" / "tactics.db", clock)


def test_a_reader_needs_a_store(home: Home, clock: FakeClock) -> None:
    """Opening for reading does not make a file."""
    with pytest.raises(NotFoundError, match="there is no store yet"):
        Store.open(home.database, clock, readonly=True)
    assert not home.database.exists()


def test_a_reader_reads_and_cannot_write(home: Home, clock: FakeClock) -> None:
    """A reader sees what is stored, also without a writer around, and changes nothing."""
    with Store.open(home.database, clock) as store:
        store.bus.append("t", header={})
    with Store.open(home.database, clock, readonly=True) as reader:
        assert reader.bus.lag("t", "c") == 1
        with pytest.raises(SinkUnavailable, match="readonly"):
            reader.bus.acknowledge("t", "c", 1)


def test_a_reader_brings_an_older_store_up_first(home: Home, clock: FakeClock) -> None:
    """After an upgrade whoever comes first migrates, also if it only wants to look."""
    half_migrated(home.database)
    with Store.open(home.database, clock, readonly=True) as reader:
        assert _pragma(reader, "user_version") == len(list_migrations())
        assert reader.jobs.list_dead() == []
        with pytest.raises(SinkUnavailable, match="readonly"):
            reader.bus.acknowledge("t", "c", 1)


def test_a_reader_that_cannot_bring_it_up_says_who_can(home: Home, clock: FakeClock) -> None:
    """On a full disk, or without the right to write, the hint names a command."""
    half_migrated(home.database)
    before = home.database.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(ConfigError, match="waits for its migration") as caught:
            Store.open(home.database, clock, readonly=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "tactics runs list" in caught.value.hint
    assert home.database.read_bytes() == before
