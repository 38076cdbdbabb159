"""The lake as the pipeline sees it: append pages, load silver, find files, keep it small.

Foreign exceptions end here. One committer at a time (the holder of the pipeline's lock); readers
need no lock.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tactics.config import LakeSettings
from tactics.duck import Connection, DuckLimits
from tactics.home import Home
from tactics.lake import bronze, changes, maintenance, silver
from tactics.lake.failures import mapped_errors
from tactics.lake.scan import HeldFile, between, equal, held_files, relation_sql
from tactics.lake.schemas import TABLES, Columns, TableSpec, find_table
from tactics.lake.staging import Engine
from tactics.lake.values import BronzeLoad, MaintenanceReport, SilverLoad, SilverResult
from tactics.lake.warehouse import Warehouse
from tactics.model import RawPage


class Lake:
    """Iceberg tables under `home.lake`; made by `Lake.open`, closed by `close` or `with`.

    Its methods raise `SinkUnavailable` (disk full, path unusable, catalog locked), `CommitConflict`,
    `CommitUnknown`, `MappingError` (the stream's SQL does not fit) or an `IntegrityError`.
    """

    def __init__(self, warehouse: Warehouse, settings: LakeSettings, limits: DuckLimits) -> None:
        self._warehouse = warehouse
        self._settings = settings
        self._engine = Engine(limits, warehouse.files)

    @classmethod
    def open(
        cls, home: Home, settings: LakeSettings, limits: DuckLimits, *, busy_seconds: float = 5.0
    ) -> Self:
        """Open the lake of `home`, made first if need be; wait that long for a locked catalog."""
        with mapped_errors():
            warehouse = Warehouse(
                home.lake, keep_snapshots=settings.keep_snapshots, busy_seconds=busy_seconds
            )
        return cls(warehouse, settings, limits)

    def close(self) -> None:
        """Let go of the catalog and of DuckDB."""
        self._engine.close()
        self._warehouse.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def append_pages(self, pages: Sequence[RawPage], load_id: str) -> BronzeLoad:
        """Append to `bronze.pages` what it does not hold; a load id that is known is a no-op."""
        with mapped_errors():
            return bronze.append_pages(self._warehouse, pages, load_id)

    def load_silver(self, load: SilverLoad) -> SilverResult:
        """Write what `load` brings; safe to repeat at any point."""
        with mapped_errors():
            if load.slicing == "changes":
                return changes.load_changes(self._warehouse, self._engine, load)
            return silver.load_silver(self._warehouse, self._engine, load)

    def files(
        self,
        table: str,
        *,
        org_id: str | None = None,
        start: dt.date | None = None,
        end: dt.date | None = None,
    ) -> list[str]:
        """Return the local Parquet files that may hold these rows; none for an unused table."""
        return [file.path for file in self._held(table, org_id, start, end)]

    def _held(
        self, table: str, org_id: str | None, start: dt.date | None, end: dt.date | None
    ) -> list[HeldFile]:
        with mapped_errors():
            conditions = equal(org_id=org_id) if org_id is not None else []
            return held_files(
                self._warehouse.find(find_table(table)), *conditions, *between("date", start, end)
            )

    def relation_sql(
        self,
        table: str,
        *,
        org_id: str | None = None,
        start: dt.date | None = None,
        end: dt.date | None = None,
    ) -> str:
        """Return a SELECT in parentheses with exactly these rows, to be read by DuckDB.

        It has all columns of the table, typed, also when there is no row.
        """
        held = self._held(table, org_id, start, end)
        return relation_sql(find_table(table), held, org_id=org_id, start=start, end=end)

    def show_silver(self, connection: Connection, *, small_bytes: int = 0) -> None:
        """Make a view of each silver table; files that are gone are noticed here.

        Tables of up to `small_bytes` are read at once: to plan a scan costs more than to read them.
        """
        with mapped_errors():
            for table, spec in TABLES.items():
                if spec.namespace == "silver":
                    held = self._held(table, None, None, None)
                    size = sum(file.data_file.file_size_in_bytes for file in held)
                    kind = "TABLE" if size <= small_bytes else "VIEW"
                    relation = relation_sql(spec, held)
                    connection.execute(f"CREATE {kind} {table} AS FROM {relation}")

    def columns(self, table: str) -> Columns:
        """Return the names and DuckDB types of the table's columns."""
        return find_table(table).columns

    def folders(self) -> list[Path]:
        """Return the folders that DuckDB must be allowed to read."""
        return [self._warehouse.files]

    def maintain(self, now: dt.datetime) -> MaintenanceReport:
        """Apply retention, merge page files of closed days, expire snapshots, sweep orphans."""
        with mapped_errors():
            report = MaintenanceReport()
            for spec in TABLES.values():
                report += self._retire(spec, now.date())
            report += maintenance.compact_pages(self._warehouse, now.date())
            for spec in TABLES.values():
                report += self._expire_and_sweep(spec, now)
            return report

    def _retire(self, spec: TableSpec, today: dt.date) -> MaintenanceReport:
        table = self._warehouse.find(spec)
        if table is None or spec.retention is None:
            return MaintenanceReport()
        days = getattr(self._settings, spec.retention)
        return maintenance.retire(self._warehouse, table, today - dt.timedelta(days=days))

    def _expire_and_sweep(self, spec: TableSpec, now: dt.datetime) -> MaintenanceReport:
        table = self._warehouse.find(spec)
        if table is None:
            return MaintenanceReport()
        expired = MaintenanceReport(expired_snapshots=self._warehouse.expire(table))
        return expired + maintenance.sweep(self._warehouse.table(spec), now)
