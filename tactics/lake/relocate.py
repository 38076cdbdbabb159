"""Makes a lake work where it lies now: Iceberg names every file by its absolute path.

Writes the metadata of each table anew, snapshot by snapshot with all that they remember (load ids),
and moves the catalog to it in one transaction. Touches no data file.
"""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pyiceberg.avro.codecs import AvroCompressionCodec
from pyiceberg.manifest import (
    ManifestEntry,
    ManifestEntryStatus,
    ManifestFile,
    write_manifest,
    write_manifest_list,
)
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import TableProperties
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from tactics.errors import StoreCorrupt
from tactics.lake.catalog import IO, Catalog, Entry, read_metadata
from tactics.lake.failures import mapped_errors
from tactics.lake.inventory import read_manifests

_PATH, _LENGTH, _FILE_PATH = 0, 1, 1  # positions in Iceberg's records


@dataclass(frozen=True, slots=True)
class Relocation:
    """What was moved: tables, and where they believed to be (None: all were at home)."""

    tables: int = 0
    made_in: Path | None = None


@dataclass(slots=True)
class _Move:
    """One table on its way: paths below `old` become paths below `new`, where the files lie."""

    entry: Entry
    new: Path
    manifests: dict[str, ManifestFile] = field(default_factory=dict)
    replaced: list[Path] = field(default_factory=list)

    def here(self, path: str) -> Path:
        """Return where a file lies now, which its metadata looks for elsewhere."""
        return self.new / Path(path).relative_to(self.entry.warehouse)


def relocate_lake(lake: Path) -> Relocation:
    """Make the lake in the folder `lake` name its files by where they are; again is a no-op.

    Killed at any instant, it leaves the lake as it was or as it should be; what it had written by
    then is an orphan, and swept as one. Only for the holder of the commit lock.

    Raises:
        StoreCorrupt: a file that the lake needs is not there.
    """
    catalog = lake / "catalog.db"
    if not catalog.exists():  # nothing was ever written
        return Relocation()
    with mapped_errors(), closing(Catalog(catalog)) as opened:
        return _relocate(opened, lake / "warehouse")


def _relocate(catalog: Catalog, files: Path) -> Relocation:
    moves = [_Move(entry, files) for entry in catalog.entries() if entry.warehouse != files]
    if not moves:
        return Relocation()
    catalog.relocate([(move.entry, _write_table(move)) for move in moves])
    for path in (path for move in moves for path in move.replaced):
        path.unlink(missing_ok=True)
    return Relocation(len(moves), moves[0].entry.warehouse)


def _write_table(move: _Move) -> str:
    """Write the metadata of a table for its new place, and return the file's path."""
    old = move.here(move.entry.location)
    metadata = read_metadata(str(old))
    snapshots = [_write_snapshot(move, metadata, snapshot) for snapshot in metadata.snapshots]
    earlier = [move.here(log.metadata_file) for log in metadata.metadata_log]
    moved = metadata.model_copy(
        update={
            "location": str(move.here(metadata.location)),
            "snapshots": snapshots,
            "metadata_log": [],
        }
    )
    number = int(old.name.partition("-")[0]) + 1
    target = old.with_name(f"{number:05d}-{uuid.uuid4()}.metadata.json")
    ToOutputFile.table_metadata(moved, IO.new_output(str(target)))
    move.replaced += [old, *earlier]
    return str(target)


def _write_snapshot(move: _Move, metadata: TableMetadata, snapshot: Snapshot) -> Snapshot:
    old = move.here(snapshot.manifest_list)
    manifests = [_moved(move, metadata, manifest) for manifest in read_manifests(old)]
    target = old.with_name(f"snap-{snapshot.snapshot_id}-0-{uuid.uuid4()}.avro")
    with write_manifest_list(
        metadata.format_version,
        IO.new_output(str(target)),
        snapshot.snapshot_id,
        snapshot.parent_snapshot_id,
        snapshot.sequence_number,
        _codec(metadata),
    ) as writer:
        writer.add_manifests(manifests)
    move.replaced.append(old)
    return snapshot.model_copy(update={"manifest_list": str(target)})


def _moved(move: _Move, metadata: TableMetadata, manifest: ManifestFile) -> ManifestFile:
    """Return a manifest for the new place; snapshots share them, so each is written once."""
    known = move.manifests.get(manifest.manifest_path)
    if known is None:
        known = move.manifests[manifest.manifest_path] = _write_manifest(move, metadata, manifest)
    return known


def _write_manifest(move: _Move, metadata: TableMetadata, manifest: ManifestFile) -> ManifestFile:
    old = move.here(manifest.manifest_path)
    target = old.with_name(f"{uuid.uuid4()}-m0.avro")
    output = IO.new_output(str(target))
    moved = ManifestFile(*(manifest[position] for position in range(len(manifest))))
    moved[_PATH] = str(old)
    entries = list(_moved_entries(move, moved.fetch_manifest_entry(IO, discard_deleted=False)))
    assert manifest.added_snapshot_id is not None  # required since format version 2
    with write_manifest(
        metadata.format_version,
        metadata.specs()[manifest.partition_spec_id],
        metadata.schema(),
        output,
        manifest.added_snapshot_id,
        _codec(metadata),
    ) as writer:
        for entry in entries:
            writer.add_entry(entry)
    moved[_PATH], moved[_LENGTH] = str(target), len(output)
    move.replaced.append(old)
    return moved


def _moved_entries(move: _Move, entries: list[ManifestEntry]) -> Iterator[ManifestEntry]:
    for entry in entries:
        path = move.here(entry.data_file.file_path)
        if entry.status != ManifestEntryStatus.DELETED and not path.is_file():
            raise StoreCorrupt(
                "the lake lacks a file", hint="restore a backup of this home", file=path
            )
        entry.data_file[_FILE_PATH] = str(path)
        yield entry


def _codec(metadata: TableMetadata) -> AvroCompressionCodec:
    name, usual = (
        TableProperties.WRITE_AVRO_COMPRESSION,
        TableProperties.WRITE_AVRO_COMPRESSION_DEFAULT,
    )
    return cast("AvroCompressionCodec", metadata.properties.get(name, usual))
