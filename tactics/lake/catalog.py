"""The Iceberg catalog: one SQLite file that names the current metadata file of each table.

It has the layout of pyiceberg's `SqlCatalog`, and each opens what the other made. Without SQLAlchemy,
which took a quarter of the time in which a sync starts. Knows nothing of pages or rows.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from pyiceberg.catalog import Catalog as IcebergCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NoSuchTableError,
    TableAlreadyExistsError,
)
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile, ToOutputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import TableRequirement, TableUpdate, update_table_metadata
from pyiceberg.typedef import Identifier

from tactics.lake.durable import DurableFileIO, sync_file
from tactics.sql import load_statements

IO = DurableFileIO()
_STATEMENTS = load_statements("tactics.lake", "catalog.sql")


@dataclass(frozen=True, slots=True)
class Entry:
    """A table as the catalog names it; `location` is its metadata file."""

    namespace: str
    name: str
    location: str

    @property
    def warehouse(self) -> Path:
        """Return the folder that the table was made in: `<warehouse>/<namespace>/<name>/metadata`."""
        return Path(self.location).parents[3]


class Catalog:
    """An open catalog file: what our tables need of pyiceberg's catalogs. Close it.

    Its methods raise `sqlite3.Error`, `OSError`, and pyiceberg's exceptions as far as they are named.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 5.0) -> None:
        # Without an isolation level each statement is a transaction of its own.
        self._sqlite = sqlite3.connect(
            path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
        )
        self._held: dict[Identifier, Table] = {}

    @classmethod
    def create(cls, path: Path, *, busy_seconds: float) -> Self:
        """Open a catalog to write to it, made first if need be."""
        catalog = cls(path, busy_seconds=busy_seconds)
        try:
            catalog._sqlite.execute("PRAGMA journal_mode = WAL")
            catalog._sqlite.execute("PRAGMA synchronous = FULL")
            catalog._run("create_tables")
            catalog._run("create_namespaces")
            sync_file(path)
        except BaseException:
            catalog.close()
            raise
        return catalog

    def close(self) -> None:
        """Let go of the file; again is a no-op."""
        self._sqlite.close()

    def entries(self) -> list[Entry]:
        """Return all tables."""
        return [Entry(*row) for row in self._run("select_entries")]

    def load_table(self, identifier: Identifier) -> Table:
        """Return a table as it is now; its metadata is read only when another file is the current one.

        Raises:
            NoSuchTableError: there is no such table.
        """
        location = self._location(identifier)
        if location is None:
            raise NoSuchTableError(f"Table does not exist: {'.'.join(identifier)}")
        held = self._held.get(identifier)
        if held is None or held.metadata_location != location:
            # Of its catalog a table asks for no more than we have.
            ours = cast("IcebergCatalog", self)
            held = Table(identifier, read_metadata(location), location, IO, ours)
            self._held[identifier] = held
        return held

    def create_table(
        self,
        identifier: Identifier,
        *,
        schema: Schema,
        location: Path,
        partition_spec: PartitionSpec,
        properties: Mapping[str, str],
    ) -> Table:
        """Make a table in the folder `location`, and its namespace if need be.

        Raises:
            TableAlreadyExistsError: somebody else has made it.
        """
        metadata = new_table_metadata(
            schema, partition_spec, UNSORTED_SORT_ORDER, str(location), dict(properties)
        )
        target = _write(metadata, number=0)
        namespace, _ = identifier
        self._run("insert_namespace", namespace=namespace)
        try:
            self._run_for("insert_table", identifier, new=target)
        except sqlite3.IntegrityError as exc:
            raise TableAlreadyExistsError(f"Table exists: {'.'.join(identifier)}") from exc
        return self.load_table(identifier)

    def commit_table(
        self,
        table: Table,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> CommitTableResponse:
        """Write the changed metadata and make it the current one, as `Table` asks for it.

        Raises:
            CommitFailedException: somebody else committed in between.
            NoSuchTableError: there is no such table.
        """
        current = self.load_table(table.name())
        old = current.metadata_location
        for requirement in requirements:
            requirement.validate(current.metadata)
        metadata = update_table_metadata(current.metadata, updates, metadata_location=old)
        new = _write(metadata, number=int(Path(old).name.partition("-")[0]) + 1)
        if not self._run_for("commit_table", table.name(), old=old, new=new).rowcount:
            raise CommitFailedException(f"somebody else committed to {'.'.join(table.name())}")
        return CommitTableResponse(metadata=metadata, metadata_location=new)

    _delete_old_metadata = staticmethod(IcebergCatalog._delete_old_metadata)  # noqa: SLF001  # a table asks for it

    def relocate(self, moves: Iterable[tuple[Entry, str]]) -> None:
        """Give each table its new metadata file, all or none."""
        with (
            self._sqlite
        ):  # a full disk ends the transaction by itself: to roll back would hide why
            self._sqlite.execute("BEGIN IMMEDIATE")
            for entry, new in moves:
                identifier = (entry.namespace, entry.name)
                self._run_for("relocate_table", identifier, old=entry.location, new=new)

    def _location(self, identifier: Identifier) -> str | None:
        row = self._run_for("select_location", identifier).fetchone()
        return None if row is None else str(row[0])

    def _run_for(self, statement: str, identifier: Identifier, **values: str) -> sqlite3.Cursor:
        namespace, name = identifier
        return self._run(statement, namespace=namespace, name=name, **values)

    def _run(self, statement: str, **values: str) -> sqlite3.Cursor:
        return self._sqlite.execute(_STATEMENTS[statement], values)


def read_metadata(location: str) -> TableMetadata:
    """Return the metadata of a table, as one file holds it."""
    return FromInputFile.table_metadata(IO.new_input(location))


def _write(metadata: TableMetadata, *, number: int) -> str:
    """Write the metadata to a new file of the table and return its path."""
    folder = load_location_provider(metadata.location, metadata.properties)
    target = folder.new_table_metadata_file_location(number)
    ToOutputFile.table_metadata(metadata, IO.new_output(target))
    return target
