"""Says what a catalog refers to: which files, and how many rows.

Reads metadata only; opens no data file, and changes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.manifest import ManifestFile, read_manifest_list
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from sqlalchemy import URL, Engine, create_engine, text

from tactics.errors import ConfigError
from tactics.lake.durable import DurableFileIO
from tactics.lake.failures import mapped_errors

IO = DurableFileIO()


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
    with mapped_errors():
        engine = open_engine(catalog)
        try:
            entries = read_entries(engine)
            refuse_moved(entries, lake)
            return [_contents(entry) for entry in entries]
        finally:
            engine.dispose()


def open_engine(catalog: Path) -> Engine:
    """Return the way into a catalog file."""
    return create_engine(URL.create("sqlite", database=str(catalog)))


def read_entries(engine: Engine) -> list[Entry]:
    """Return the tables of a catalog."""
    query = text(
        "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
        " WHERE metadata_location IS NOT NULL ORDER BY table_namespace, table_name"
    )
    with engine.connect() as connection:
        return [Entry(*row) for row in connection.execute(query)]


def find_location(engine: Engine, namespace: str, name: str) -> str | None:
    """Return the metadata file of a table, None where there is no such table."""
    query = text(
        "SELECT metadata_location FROM iceberg_tables"
        " WHERE table_namespace = :namespace AND table_name = :name"
    )
    with engine.connect() as connection:
        found = connection.execute(query, {"namespace": namespace, "name": name}).scalar()
        return None if found is None else str(found)


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


def read_metadata(path: Path) -> TableMetadata:
    """Return the metadata of a table, as one file holds it."""
    return FromInputFile.table_metadata(IO.new_input(str(path)))


def read_manifests(manifest_list: Path) -> list[ManifestFile]:
    """Return the manifests of one snapshot."""
    return list(read_manifest_list(IO.new_input(str(manifest_list))))


def _contents(entry: Entry) -> TableContents:
    metadata = read_metadata(Path(entry.location))
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
