"""Appends raw pages to `bronze.pages`, each exactly once.

The table is append-only. Looks into no payload.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import parquet_file_to_data_file, schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from tactics import crashpoint
from tactics.lake.durable import make_folder, removed_on_failure, sync_file
from tactics.lake.scan import between, held_files
from tactics.lake.schemas import BRONZE_ROW_GROUP, PAGES
from tactics.lake.values import BronzeLoad
from tactics.lake.warehouse import LOAD_ID, MAX_LOG_SEQ, Change, Warehouse, find_load, max_log_seq
from tactics.model import RawPage

# Dictionaries and bounds help where values repeat or are searched; for payloads they cost time.
_REPEATED = ["org_id", "source", "account_id", "stream", "request_id", "api_version", "request"]
_BULKY = {"payload", "payload_sha256", "request"}
_GROUP_BYTES = 16 * 2**20


def append_pages(warehouse: Warehouse, pages: Sequence[RawPage], load_id: str) -> BronzeLoad:
    """Append the pages that bronze does not hold, in one commit, and say how many those were."""
    table = warehouse.table(PAGES)
    fresh = [] if find_load(table, load_id) else _not_held(table, pages)
    if not fresh:
        return BronzeLoad(duplicate=len(pages))
    paths: list[Path] = []
    with removed_on_failure(paths):
        added = _write_pages(table, fresh, paths)
        crashpoint.reach("bronze.files_written")
    last_seq = max(page.log_seq for page in fresh)
    summary = {
        LOAD_ID: load_id,
        MAX_LOG_SEQ: str(max(last_seq, max_log_seq(table))),
    }
    warehouse.commit(table, Change(added, summary=summary))
    crashpoint.reach("bronze.committed")
    return BronzeLoad(written=len(fresh), duplicate=len(pages) - len(fresh))


def write_table(target: Path, rows: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables to one durable Parquet file, in row groups that silver reads well."""
    searched = [name for name in schema.names if name not in _BULKY]
    with pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=_REPEATED,
        write_statistics=searched,
        store_decimal_as_integer=True,
    ) as writer:
        for piece in rows:
            for start, count in cut_groups(piece["payload_bytes"].to_pylist()):
                writer.write_table(piece.slice(start, count), row_group_size=count)
    sync_file(target)


def cut_groups(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield start and length of each row group for pages of these sizes.

    DuckDB reads the pages of a group at once, which takes some ten times their size.
    """
    start = held = 0
    for at, size in enumerate(sizes):
        if at > start and (at - start == BRONZE_ROW_GROUP or held + size > _GROUP_BYTES):
            yield start, at - start
            start, held = at, 0
        held += size
    if sizes:
        yield start, len(sizes) - start


def new_page_file(table: Table, org_id: str, day: dt.date) -> Path:
    """Return where a new file of a partition goes; its folder exists."""
    folder = Path(table.location()) / "data" / org_id / day.isoformat()
    make_folder(folder)
    return folder / f"{uuid.uuid4().hex}.parquet"


def page_file(table: Table, path: Path) -> DataFile:
    """Return what Iceberg has to know of a page file."""
    return parquet_file_to_data_file(table.io, table.metadata, str(path))


def _not_held(table: Table, pages: Sequence[RawPage]) -> list[RawPage]:
    known = {(page.request_id, page.page): page for page in reversed(pages)}
    first, last = (f(page.log_seq for page in pages) for f in (min, max)) if pages else (0, 0)
    if first <= max_log_seq(table):
        for held in held_files(table, *between("log_seq", first, last)):
            rows = pq.read_table(held.path, columns=["request_id", "page"], partitioning=None)
            for request_id, number in zip(*(column.to_pylist() for column in rows), strict=True):
                known.pop((request_id, number), None)
    return list(known.values())


def _write_pages(table: Table, pages: list[RawPage], paths: list[Path]) -> list[DataFile]:
    def partition(page: RawPage) -> tuple[str, dt.date]:
        return page.key.org_id, page.fetched_at.astimezone(dt.UTC).date()

    added = []
    # Within a partition the pages of a request lie together, so that silver skips the others.
    ordered = sorted(pages, key=lambda p: (partition(p), p.key, p.request_id, p.page))
    for (org_id, day), members in groupby(ordered, key=partition):
        target = new_page_file(table, org_id, day)
        paths.append(target)
        rows = _rows(list(members), day)
        schema = schema_to_pyarrow(table.schema(), include_field_ids=True)
        write_table(target, [rows.cast(schema)], schema)
        added.append(page_file(table, target))
    return added


def _rows(pages: list[RawPage], day: dt.date) -> pa.Table:
    return pa.table({
        "log_seq": [page.log_seq for page in pages],
        "org_id": [page.key.org_id for page in pages],
        "source": [page.key.source for page in pages],
        "account_id": [page.key.account_id for page in pages],
        "stream": [page.key.stream for page in pages],
        "request_id": [page.request_id for page in pages],
        "window_start": [page.window.start for page in pages],
        "window_end": [page.window.end for page in pages],
        "page": [page.page for page in pages],
        "date": [day] * len(pages),
        "fetched_at": pa.array([page.fetched_at for page in pages], pa.timestamp("us", tz="UTC")),
        "api_version": [page.api_version for page in pages],
        "request": [page.request for page in pages],
        "payload": _texts([page.payload for page in pages]),
        "payload_sha256": [hashlib.sha256(page.payload).hexdigest() for page in pages],
        "payload_bytes": [len(page.payload) for page in pages],
    })


def _texts(payloads: list[bytes]) -> pa.Array:
    try:
        return pa.array(payloads, pa.binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        # One page is not UTF-8. Its neighbours must not suffer, and its checksum tells; the stream's
        # SQL then refuses what cannot be parsed.
        return pa.array(
            [payload.decode("utf-8", "replace") for payload in payloads], pa.large_string()
        )
