"""The catalog file: pyiceberg opens ours and we open its; nobody's commit is lost."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from tactics.lake.catalog import Catalog, Entry

PAGES = ("bronze", "pages")
SCHEMA = Schema(NestedField(1, "log_seq", LongType(), required=False))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the catalog is."""
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path: Path) -> Iterator[Catalog]:
    """Return an empty catalog."""
    with closing(Catalog.create(path, busy_seconds=1)) as made:
        yield made


def make(catalog: Catalog, folder: Path):
    """Make the table of pages."""
    return catalog.create_table(
        PAGES, schema=SCHEMA, location=folder, partition_spec=PartitionSpec(), properties={"a": "1"}
    )


def change(table, value: str) -> None:
    """Commit a property."""
    table.transaction().set_properties({"a": value}).commit_transaction()


def test_pyiceberg_opens_what_we_made(catalog: Catalog, path: Path, tmp_path: Path):
    """Its own catalog finds our table, and what either commits the other one reads."""
    ours = make(catalog, tmp_path / "pages")
    change(ours, "2")
    theirs = SqlCatalog("tactics", uri=f"sqlite:///{path}")
    assert theirs.list_namespaces() == [("bronze",)]
    assert theirs.list_tables("bronze") == [PAGES]
    table = theirs.load_table(PAGES)
    assert table.properties == {"a": "2"}
    assert table.metadata == ours.metadata
    change(table, "3")
    theirs.close()
    assert catalog.load_table(PAGES).properties == {"a": "3"}


def test_we_open_what_pyiceberg_made(path: Path, tmp_path: Path):
    """A home of an earlier version goes on where it was left."""
    theirs = SqlCatalog("tactics", uri=f"sqlite:///{path}", warehouse=str(tmp_path / "files"))
    theirs.create_namespace("bronze")
    made = theirs.create_table(PAGES, SCHEMA)
    with closing(Catalog.create(path, busy_seconds=1)) as ours:
        assert ours.entries() == [Entry(*PAGES, made.metadata_location)]
        change(ours.load_table(PAGES), "2")
    assert theirs.load_table(PAGES).properties == {"a": "2"}
    theirs.close()


def test_a_table_that_nobody_changed_is_read_once(catalog: Catalog, path: Path, tmp_path: Path):
    """The same object comes back until somebody commits, here or elsewhere."""
    table = make(catalog, tmp_path / "pages")
    assert catalog.load_table(PAGES) is table
    with closing(Catalog(path)) as other:
        change(other.load_table(PAGES), "2")
    assert table.properties == {"a": "1"}
    assert catalog.load_table(PAGES).properties == {"a": "2"}


def test_a_commit_to_an_older_state_fails(catalog: Catalog, path: Path, tmp_path: Path):
    """Between reading the catalog and writing it, another process commits: its commit stands."""
    table = make(catalog, tmp_path / "pages")
    with closing(Catalog(path)) as other:
        theirs = other.load_table(PAGES)

        class Overtaken:
            """A requirement that is met, but takes its time."""

            def validate(self, _metadata) -> None:
                change(theirs, "2")

        with pytest.raises(CommitFailedException, match=r"bronze\.pages"):
            catalog.commit_table(table, (Overtaken(),), ())
        assert other.load_table(PAGES).properties == {"a": "2"}


def test_two_make_the_same_table(catalog: Catalog, path: Path, tmp_path: Path):
    """The second one is told, and finds the first one's."""
    first = make(catalog, tmp_path / "pages")
    with closing(Catalog(path)) as other:
        with pytest.raises(TableAlreadyExistsError):
            make(other, tmp_path / "pages")
        assert other.load_table(PAGES).metadata.table_uuid == first.metadata.table_uuid


def test_a_table_that_is_not_there(catalog: Catalog):
    """It is named."""
    with pytest.raises(NoSuchTableError, match=r"bronze\.pages"):
        catalog.load_table(PAGES)


def test_tables_move_together_or_not_at_all(catalog: Catalog, tmp_path: Path):
    """A move that fails half way leaves every table where it was."""
    make(catalog, tmp_path / "pages")
    before = catalog.entries()

    def moves():
        yield before[0], "elsewhere"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        catalog.relocate(moves())
    assert catalog.entries() == before


def test_a_transaction_that_sqlite_ended_tells_why(catalog: Catalog, tmp_path: Path):
    """As it does on a full disk: the first error is the one that is told."""
    make(catalog, tmp_path / "pages")
    before = catalog.entries()

    def moves():
        yield before[0], "elsewhere"
        catalog._sqlite.execute("ROLLBACK")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        catalog.relocate(moves())
    assert catalog.entries() == before


def test_what_is_no_catalog_is_let_go(path: Path):
    """A file that SQLite cannot read is refused, and left as it is."""
    path.write_bytes(b"this was a database" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        Catalog.create(path, busy_seconds=1)
    assert path.read_bytes() == b"this was a database" * 1000
