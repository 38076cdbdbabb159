"""Says what a catalog refers to: which files, and how many rows.

Reads metadata only; opens no data file, and changes nothing.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.manifest import ManifestFile, read_manifest_list

from tactics.errors import ConfigError
from tactics.lake.catalog import IO, Catalog, Entry, read_metadata
from tactics.lake.failures import mapped_errors


@dataclass(frozen=True, slots=True)
class TableContents:
    """One table: how many rows it holds now, and the files of every snapshot that is kept."""

    table: str
    rows: int
    files: tuple[Path, ...]


def list_contents(catalog: Path, lake: Path) -> list[TableContents]:
    """Return what each table of a catalog file consists of; the catalog is that of `lake`.

    Raises:
        ConfigError: the lake was moved.
        SinkUnavailable: a file cannot be read, or is gone.
        StoreCorrupt: the catalog is damaged.
    """
    with mapped_errors(), closing(Catalog(catalog)) as opened:
        entries = opened.entries()
        refuse_moved(entries, lake)
        return [_contents(entry) for entry in entries]


def refuse_moved(entries: Iterable[Entry], lake: Path) -> None:
    """Refuse a lake that lies elsewhere than it was made: a copy would write into its original.

    Raises:
        ConfigError: Iceberg's metadata names the files by another folder.
    """
    for entry in entries:
        if entry.warehouse != lake / "warehouse":
            raise ConfigError(
                "this home was moved or copied, and Iceberg keeps absolute paths",
                hint="`tactics restore --in-place` makes it work here; or put it back",
                made_in=entry.warehouse.parent.parent,
                found_in=lake.parent,
            )


def read_manifests(manifest_list: Path) -> list[ManifestFile]:
    """Return the manifests of one snapshot."""
    return list(read_manifest_list(IO.new_input(str(manifest_list))))


def _contents(entry: Entry) -> TableContents:
    metadata = read_metadata(entry.location)
    files: dict[str, None] = {entry.location: None}
    alive: dict[str, list[tuple[str, int]]] = {}
    rows = 0
    for snapshot in metadata.snapshots:
        files[snapshot.manifest_list] = None
        for manifest in read_manifests(Path(snapshot.manifest_list)):
            path = manifest.manifest_path
            if path not in alive:
                alive[path] = list(_alive(manifest))
            files |= dict.fromkeys((path, *(name for name, _ in alive[path])))
            if snapshot.snapshot_id == metadata.current_snapshot_id:
                rows += sum(count for _, count in alive[path])
    paths = tuple(Path(name) for name in files)
    return TableContents(f"{entry.namespace}.{entry.name}", rows, paths)


def _alive(manifest: ManifestFile) -> Iterator[tuple[str, int]]:
    for entry in manifest.fetch_manifest_entry(IO, discard_deleted=True):
        yield entry.data_file.file_path, entry.data_file.record_count
