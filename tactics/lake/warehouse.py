"""Makes the lake's tables on demand, and commits to them.

Every change of the lake goes through `Warehouse.commit`. Knows nothing of pages or rows.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.manifest import DataFile, ManifestEntry, ManifestEntryStatus, ManifestFile
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Operation, Snapshot
from pyiceberg.table.update import TableUpdate, _apply_table_update, _TableMetadataUpdateContext
from pyiceberg.table.update.snapshot import (
    ExpireSnapshots,
    _ManifestMergeManager,
    _OverwriteFiles,
)
from pyiceberg.transforms import IdentityTransform, MonthTransform
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from tactics.errors import StoreCorrupt
from tactics.lake.catalog import Catalog
from tactics.lake.durable import make_folder
from tactics.lake.inventory import refuse_moved
from tactics.lake.scan import Listing, listings
from tactics.lake.schemas import COMMON_PROPERTIES, TableSpec

LOAD_ID = "tactics.load-id"
MAX_LOG_SEQ = "tactics.max-log-seq"
REQUESTS = "tactics.requests"

_TYPES: dict[str, IcebergType] = {
    "VARCHAR": StringType(),
    "BIGINT": LongType(),
    "INTEGER": IntegerType(),
    "DOUBLE": DoubleType(),
    "BOOLEAN": BooleanType(),
    "DATE": DateType(),
    "TIMESTAMPTZ": TimestamptzType(),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One commit: files that appear, files that go, and what the snapshot remembers of it."""

    added: Sequence[DataFile] = ()
    removed: Sequence[DataFile] = ()
    summary: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


# Without a handler Python prints pyiceberg's remarks to standard error, such as that an old metadata
# file is gone already; the sweep takes care of those, and real failures are raised.
logging.getLogger("pyiceberg").addHandler(logging.NullHandler())


class Warehouse:
    """The catalog (one SQLite file) and the folder of the tables, under `folder`."""

    def __init__(self, folder: Path, *, keep_snapshots: int, busy_seconds: float) -> None:
        self.files = folder / "warehouse"
        self._keep_snapshots = keep_snapshots
        catalog = folder / "catalog.db"
        if not catalog.exists() and self.files.is_dir() and any(self.files.iterdir()):
            raise StoreCorrupt(
                "the lake has tables but no catalog", hint="restore the file", path=catalog
            )
        make_folder(self.files)
        self._catalog = Catalog.create(catalog, busy_seconds=busy_seconds)
        refuse_moved(self._catalog.entries(), folder)

    def close(self) -> None:
        """Let go of the catalog file."""
        self._catalog.close()

    def table(self, spec: TableSpec) -> Table:
        """Return the table as it is now, made first if need be, with all columns of `spec`."""
        found = self.find(spec)
        if found is not None:
            return _with_new_columns(found, spec)
        try:
            return self._catalog.create_table(
                (spec.namespace, spec.name),
                schema=_schema(spec),
                location=self.files / spec.namespace / spec.name,
                partition_spec=_partition_spec(spec),
                properties=dict((*COMMON_PROPERTIES, *spec.properties)),
            )
        except TableAlreadyExistsError:
            return self._catalog.load_table((spec.namespace, spec.name))

    def find(self, spec: TableSpec) -> Table | None:
        """Return the table as it is now, or None if nothing was ever written to it."""
        try:
            return self._catalog.load_table((spec.namespace, spec.name))
        except NoSuchTableError:
            return None

    def commit(self, table: Table, change: Change) -> int:
        """Add and remove files in one snapshot, drop the oldest ones; return how many went.

        The position in the event log that the table has reached is handed on from snapshot to
        snapshot, so that it moves with the rows or not at all.
        """
        summary = dict(change.summary)
        held = max_log_seq(table)
        if held:
            summary[MAX_LOG_SEQ] = str(max(held, int(summary.get(MAX_LOG_SEQ, 0))))
        transaction = _Transaction(table)
        old = _surplus(table, self._keep_snapshots - 1)
        if old:
            ExpireSnapshots(transaction).by_ids(old).commit()
        _add_snapshot(transaction, table, change, summary)
        transaction.commit_transaction()
        return len(old)

    def expire(self, table: Table) -> int:
        """Drop snapshots beyond those that are kept; return how many."""
        old = _surplus(table, self._keep_snapshots)
        if old:
            table.maintenance.expire_snapshots().by_ids(old).commit()
        return len(old)


def find_load(table: Table, load_id: str) -> Snapshot | None:
    """Return the snapshot that committed `load_id`, if it is one of those that are kept."""
    for snapshot in reversed(table.metadata.snapshots):
        if summary_of(snapshot).get(LOAD_ID) == load_id:
            return snapshot
    return None


def recent_requests(table: Table) -> set[str]:
    """Return the requests that the kept snapshots say they committed."""
    listed = (summary_of(snapshot).get(REQUESTS, "") for snapshot in table.metadata.snapshots)
    return {request_id for ids in listed for request_id in ids.split()}


def max_log_seq(table: Table) -> int:
    """Return the highest position of the event log that the table has seen; 0 before the first."""
    current = table.metadata.current_snapshot()
    return int(summary_of(current).get(MAX_LOG_SEQ, 0)) if current else 0


def summary_of(snapshot: Snapshot) -> dict[str, str]:
    """Return what a snapshot remembers."""
    return snapshot.summary.additional_properties if snapshot.summary else {}


def _with_new_columns(table: Table, spec: TableSpec) -> Table:
    """Add what a newer program knows; old files read as NULL there."""
    held = {column.name for column in table.schema().fields}
    missing = [(name, kind) for name, kind in spec.columns if name not in held]
    if not missing:
        return table
    with table.update_schema() as update:
        for name, kind in missing:
            update.add_column(name, _iceberg_type(kind))
    return table


def _surplus(table: Table, keep: int) -> list[int]:
    current = table.metadata.current_snapshot_id
    ids = [s.snapshot_id for s in table.metadata.snapshots if s.snapshot_id != current]
    return ids[: max(0, len(ids) + 1 - keep)]


class _Transaction(Transaction):
    """Works out the pending metadata once per change.

    pyiceberg 0.12 does so on every look, about twenty times a commit, each time with a deep copy of
    all snapshots: two thirds of the time of a small commit.
    """

    _known: tuple[object, object, TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        base, updates = self._table.metadata, self._updates
        if not updates:
            return base
        if self._known is None or self._known[0] is not base or self._known[1] is not updates:
            self._known = (base, updates, _updated(base, updates))
        return self._known[2]


def _updated(base: TableMetadata, updates: Sequence[TableUpdate]) -> TableMetadata:
    """Return what the updates make of `base`, which shares with it what they leave alone."""
    context = _TableMetadataUpdateContext()
    for update in updates:
        base = _apply_table_update(update, base, context)
    return base


class _ReplaceFiles(_OverwriteFiles):
    """An overwrite that knows what its manifests list, merges small ones, and forgets emptied ones.

    pyiceberg 0.12 merges manifests on append only; without this the list grows with every
    overwrite and so does the time of each commit. And it looks for the files that go with one judge
    of manifests in several threads, though the judge remembers which manifest it looks at: now and
    then it passed one over, and the commit was refused with "Missing required files to delete".
    """

    def _build_delete_files_partition_predicate(self) -> None:
        """Build none: nothing has to be looked for."""

    def _deleted_entries(self) -> list[ManifestEntry]:
        gone = self._deleted_data_files
        found = (entry for listing in self._listings() for entry in listing.entries)
        deleted = [
            self._entry(entry, ManifestEntryStatus.DELETED, self._snapshot_id)
            for entry in found
            if entry.data_file in gone
        ]
        self._validate_required_deletes(deleted)
        return deleted

    def _existing_manifests(self) -> list[ManifestFile]:
        kept = []
        for listing in self._listings():
            left = [e for e in listing.entries if e.data_file not in self._deleted_data_files]
            if len(left) == len(listing.entries):
                kept.append(listing.manifest)
            elif left:
                kept.append(self._without_the_others(listing.manifest, left))
        return kept

    def _without_the_others(
        self, manifest: ManifestFile, entries: Sequence[ManifestEntry]
    ) -> ManifestFile:
        """Write a manifest anew with these entries of it."""
        with self.new_manifest_writer(self.spec(manifest.partition_spec_id)) as writer:
            for entry in entries:
                writer.add_entry(
                    self._entry(entry, ManifestEntryStatus.EXISTING, entry.snapshot_id)
                )
        return writer.to_manifest_file()

    def _listings(self) -> list[Listing]:
        return listings(self._transaction._table)  # noqa: SLF001  # it has no other name

    @staticmethod
    def _entry(
        entry: ManifestEntry, status: ManifestEntryStatus, snapshot_id: int | None
    ) -> ManifestEntry:
        return ManifestEntry.from_args(
            status=status,
            snapshot_id=snapshot_id,
            sequence_number=entry.sequence_number,
            file_sequence_number=entry.file_sequence_number,
            data_file=entry.data_file,
        )

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        alive = [
            manifest
            for manifest in manifests
            if manifest.has_added_files()
            or manifest.has_existing_files()
            or manifest.added_snapshot_id == self._snapshot_id
        ]
        properties = self._transaction.table_metadata.properties
        merger = _ManifestMergeManager(
            target_size_bytes=int(properties["commit.manifest.target-size-bytes"]),
            min_count_to_merge=int(properties["commit.manifest.min-count-to-merge"]),
            merge_enabled=True,
            snapshot_producer=self,
        )
        return merger.merge_manifests(alive)


def _add_snapshot(
    transaction: Transaction, table: Table, change: Change, summary: dict[str, str]
) -> None:
    producer = _ReplaceFiles(
        operation=Operation.OVERWRITE if change.removed else Operation.APPEND,
        transaction=transaction,
        io=table.io,
        snapshot_properties=summary,
    )
    for data_file in change.removed:
        producer.delete_data_file(data_file)
    for data_file in change.added:
        producer.append_data_file(data_file)
    producer.commit()


def _schema(spec: TableSpec) -> Schema:
    return Schema(
        *(
            NestedField(field_id=number, name=name, field_type=_iceberg_type(kind), required=False)
            for number, (name, kind) in enumerate(spec.columns, start=1)
        )
    )


def _iceberg_type(kind: str) -> IcebergType:
    if kind.startswith("DECIMAL("):
        precision, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
        return DecimalType(int(precision), int(scale))
    return _TYPES[kind]


def _partition_spec(spec: TableSpec) -> PartitionSpec:
    return PartitionSpec(*_partition_fields(spec))


def _partition_fields(spec: TableSpec) -> Iterator[PartitionField]:
    for number, (column, transform) in enumerate(spec.partitions):
        yield PartitionField(
            source_id=spec.names.index(column) + 1,
            field_id=1000 + number,
            transform=IdentityTransform() if transform == "identity" else MonthTransform(),
            name=column if transform == "identity" else f"{column}_month",
        )
