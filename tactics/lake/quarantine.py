"""Keeps the rows that a rule refused, each once however often its load is tried.

Judges no row itself; `silver.sql` and the stream's SQL do.
"""

from collections.abc import Sequence
from pathlib import Path

from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from tactics import crashpoint
from tactics.lake.durable import removed_on_failure
from tactics.lake.scan import between, equal, held_files
from tactics.lake.schemas import QUARANTINE
from tactics.lake.staging import Staging
from tactics.lake.values import SilverLoad, SilverRequest
from tactics.lake.warehouse import LOAD_ID, Change, Warehouse


def replace_refused(
    warehouse: Warehouse, staging: Staging, load: SilverLoad, requests: Sequence[SilverRequest]
) -> None:
    """Commit the staged refused rows in place of what an earlier try of `requests` left."""
    table = warehouse.find(QUARANTINE)
    first = min(request.first_seq for request in requests)
    last = max(request.last_seq for request in requests)
    held = held_files(table, *equal(org_id=load.org_id), *between("log_seq", first, last))
    staging.set(held_files=[file.path for file in held])
    if held and staging.run("count_quarantined") == [(0,)]:
        held = []
    if not held and staging.run("count_refused") == [(0,)]:
        return
    staging.show("view_quarantine" if held else "view_refused")
    table = table or warehouse.table(QUARANTINE)
    paths: list[Path] = []
    with removed_on_failure(paths):
        added = write_outgoing(staging, table, load.org_id, paths)
    removed = [file.data_file for file in held]
    warehouse.commit(table, Change(added, removed, {LOAD_ID: load.load_id}))
    crashpoint.reach("silver.quarantined")


def write_outgoing(
    staging: Staging, table: Table, org_id: str, paths: list[Path]
) -> list[DataFile]:
    """Write the relation `outgoing` into the table's folder, with statistics for Iceberg.

    Files that are registered without statistics vanish from filtered scans, so they are read back
    from each footer. The new paths are appended to `paths`.
    """
    field_ids = {column.name: column.field_id for column in table.schema().fields}
    folder = Path(table.location()) / "data" / org_id
    return [
        parquet_file_to_data_file(table.io, table.metadata, str(path))
        for path in staging.write(folder, field_ids, paths)
    ]
