"""Keeps the lake small: retention, merged page files, expired snapshots, files nobody refers to.

Deletes a file only when no kept snapshot refers to it and it is older than any write in flight.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from tactics.lake.bronze import new_page_file, page_file, write_table
from tactics.lake.durable import removed_on_failure
from tactics.lake.scan import HeldFile, between, held_files, listings
from tactics.lake.schemas import PAGES
from tactics.lake.values import MaintenanceReport
from tactics.lake.warehouse import Change, Warehouse

GRACE = dt.timedelta(hours=1)  # longer than any load; younger files may be about to be committed
COMPACT_FROM = 8  # files of one closed day that are worth one
COMPACT_BYTES = 128 * 2**20  # per merged file; larger ones are left alone


def retire(warehouse: Warehouse, table: Table, before: dt.date) -> MaintenanceReport:
    """Remove the files whose youngest row is older than `before`."""
    old = [
        file
        for file in held_files(table, *between("date", None, before))
        if file.last_day is not None and file.last_day < before
    ]
    if not old:
        return MaintenanceReport()
    expired = warehouse.commit(table, Change(removed=[file.data_file for file in old]))
    return MaintenanceReport(expired_snapshots=expired, retired_files=len(old))


def compact_pages(warehouse: Warehouse, today: dt.date) -> MaintenanceReport:
    """Merge the page files of days before `today`, one commit per organisation and day.

    Row groups are copied one by one, so that memory does not depend on the size of a day.
    """
    report = MaintenanceReport()
    table = warehouse.find(PAGES)
    for (org_id, day), files in sorted(_small_files(table, today).items()):
        table = warehouse.table(PAGES)
        target = new_page_file(table, org_id, day)
        schema = schema_to_pyarrow(table.schema(), include_field_ids=True)
        with removed_on_failure([target]):
            write_table(target, _row_groups(files, schema), schema)
            added = [page_file(table, target)]
        removed = [file.data_file for file in files]
        expired = warehouse.commit(table, Change(added, removed))
        report += MaintenanceReport(expired_snapshots=expired, compacted_files=len(files))
    return report


def sweep(table: Table, now: dt.datetime) -> MaintenanceReport:
    """Delete the files in the table's folder that no kept snapshot refers to."""
    referenced = set(_referenced(table))
    limit = (now - GRACE).timestamp()
    files = size_bytes = 0
    for path in Path(table.location()).rglob("*"):
        if path.is_dir() or str(path) in referenced:
            continue
        status = path.stat()
        if status.st_mtime < limit:
            path.unlink()
            files += 1
            size_bytes += status.st_size
    return MaintenanceReport(swept_files=files, swept_bytes=size_bytes)


def _small_files(table: Table | None, today: dt.date) -> dict[tuple[str, dt.date], list[HeldFile]]:
    days: dict[tuple[str, dt.date], list[HeldFile]] = defaultdict(list)
    for file in held_files(table, *between("date", None, today - dt.timedelta(days=1))):
        if file.first_day is not None and file.data_file.file_size_in_bytes < COMPACT_BYTES:
            days[file.data_file.partition[0], file.first_day].append(file)
    chosen = {key: _fitting(files) for key, files in days.items()}
    return {key: files for key, files in chosen.items() if len(files) >= COMPACT_FROM}


def _fitting(files: list[HeldFile]) -> list[HeldFile]:
    chosen, room = [], COMPACT_BYTES
    for file in sorted(files, key=lambda f: f.data_file.file_size_in_bytes):
        room -= file.data_file.file_size_in_bytes
        if room < 0:
            break
        chosen.append(file)
    return chosen


def _row_groups(files: list[HeldFile], schema: pa.Schema) -> Iterator[pa.Table]:
    for file in files:
        with pq.ParquetFile(file.path) as pages:
            for number in range(pages.num_row_groups):
                yield pages.read_row_group(number).cast(schema)


def _referenced(table: Table) -> Iterator[str]:
    yield table.metadata_location
    for older in table.metadata.metadata_log:
        yield older.metadata_file
    known = {listing.manifest.manifest_path: listing.entries for listing in listings(table)}
    seen: set[str] = set()
    for snapshot in table.metadata.snapshots:
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield manifest.manifest_path
            entries = known.get(manifest.manifest_path)
            if entries is None:
                entries = manifest.fetch_manifest_entry(table.io)
            for entry in entries:
                yield entry.data_file.file_path
