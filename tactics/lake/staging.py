"""The DuckDB side of a silver load: one session, its temporary tables, its Parquet files.

Runs the statements of `silver.sql`; knows nothing of Iceberg but the ids of the columns.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tactics import duck
from tactics.errors import MappingError
from tactics.lake.durable import make_folder, sync_file
from tactics.lake.planning import RequestWeight, cut_parts
from tactics.lake.scan import quote
from tactics.lake.schemas import TableSpec
from tactics.lake.values import SilverLoad, SilverRequest
from tactics.model import CoveredDay, Window
from tactics.sql import load_statements

STATEMENTS = load_statements("tactics.lake", "silver.sql")
_EXTRA = (
    ("page", "BIGINT"),
    ("position", "BIGINT"),
    ("record", "VARCHAR"),
    ("rule", "VARCHAR"),
)
_GIVEN_BY_LAKE = {"finality"}
_OPTIONAL = {"page"}


class Staging:
    """Temporary tables of one load. One thread, one load, then `close`.

    `small` is set before anything is shown, and stays: DuckDB reads a view anew, down to the footers of its
    files, for each statement that names it, which takes longer than to hold a few rows.
    """

    def __init__(self, connection: duck.Connection) -> None:
        self._duck = connection
        self.small = False
        self.run("create_staging")

    def run(self, name: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement of `silver.sql` and return its rows."""
        return self._duck.execute(STATEMENTS[name], values).fetchall()

    def show(self, name: str) -> None:
        """Lay a relation of `silver.sql` beside the tables; of a small load it is read at once."""
        kind = "TEMP TABLE" if self.small else "TEMP VIEW"
        self._duck.execute(STATEMENTS[name].replace("TEMP VIEW", kind, 1))

    def set(self, **variables: object) -> None:
        """Set the variables that the statements read."""
        for name, value in variables.items():
            self._duck.execute(f"SET VARIABLE {name} = $value", {"value": value})

    def weigh(self, requests: Sequence[SilverRequest], files: Sequence[str]) -> list[RequestWeight]:
        """Return what the bronze `files` hold of `requests`."""
        if not files or not requests:
            return []
        found = self.run(
            "weigh_requests",
            {
                "files": list(files),
                "first_seq": min(request.first_seq for request in requests),
                "last_seq": max(request.last_seq for request in requests),
                "request_ids": [request.request_id for request in requests],
            },
        )
        return [
            RequestWeight(request_id, pages, size, Window(start, end))
            for request_id, pages, size, start, end in found
        ]

    def ask(
        self,
        requests: Sequence[SilverRequest],
        weights: Mapping[str, RequestWeight],
        *,
        windows: bool,
        committed: Collection[str],
    ) -> None:
        """Note the requests of the load: the days asked for if those bind, and known ones."""
        spans = [weights[request.request_id].window if windows else None for request in requests]
        self.run(
            "ask",
            {
                "request_ids": [request.request_id for request in requests],
                "replayed": [request.request_id in committed for request in requests],
                "starts": [span and span.start for span in spans],
                "ends": [span and span.end for span in spans],
            },
        )

    def elect(self, winners: Sequence[CoveredDay], *, snapshot: bool) -> None:
        """Note what is overwritten: accounts and days, or whole accounts."""
        self.run(
            "elect",
            {
                "account_ids": [winner.key.account_id for winner in winners],
                "days": [None if snapshot else winner.day for winner in winners],
                "request_ids": [winner.request_id for winner in winners],
                "finalities": [winner.finality.value for winner in winners],
            },
        )

    def stage(
        self,
        spec: TableSpec,
        load: SilverLoad,
        block: Sequence[SilverRequest],
        files: Sequence[str],
    ) -> None:
        """Type and judge the records of a block of requests; `files` hold their pages."""
        self.prepare(spec)
        self.set(block=[request.request_id for request in block])
        self._type_records(spec, load.sql.strip().rstrip(";"), _pages_sql(load, block, files))
        self.run("drop_strangers")
        if load.as_of_fetch:
            self.run("drop_refused")
            self.run("date_by_fetch")
        self.run("refuse_outside_window")

    def prepare(self, spec: TableSpec) -> None:
        """Make an empty staging table with the columns of `spec`."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind in (*spec.columns, *_EXTRA))
        self._duck.execute(f"CREATE OR REPLACE TEMP TABLE staged ({columns})")

    def write(self, folder: Path, field_ids: Mapping[str, int], paths: list[Path]) -> list[Path]:
        """Write the relation `outgoing` to durable Parquet files by span of days.

        Paths are added to `paths` before the file is opened, so that a failure can be undone.
        """
        written = []
        for span in cut_parts(self.run("count_days")):
            target = folder / f"{span.start:%Y-%m}" / f"{uuid.uuid4().hex}.parquet"
            make_folder(target.parent)
            paths.append(target)
            self._copy(span, target, field_ids)
            sync_file(target)
            written.append(target)
        return written

    def _copy(self, span: Window, target: Path, field_ids: Mapping[str, int]) -> None:
        ids = ", ".join(f'"{name}": {number}' for name, number in field_ids.items())
        path = str(target).replace("'", "''")
        self._duck.execute(
            f"COPY (SELECT * FROM outgoing WHERE date BETWEEN DATE '{span.start}'"
            f" AND DATE '{span.end}') TO '{path}'"
            f" (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, FIELD_IDS {{{ids}}})"
        )

    def _type_records(self, spec: TableSpec, sql: str, pages: str) -> None:
        """Fill `staged`. DuckDB reads a stream's SQL once: no view, which it would read again.

        Raises:
            DuckError: the SQL fails.
            MappingError: it fails because it returns other columns.
        """
        # REPLACE fails for a column that is missing, BY NAME for one too many, a second finality among them.
        required = ", ".join(f'"{name}" AS "{name}"' for name in _required(spec))
        relation = f"(WITH pages AS NOT MATERIALIZED ({pages})\nSELECT * FROM ({sql}\n))"
        try:
            self._duck.execute(
                "WITH records AS NOT MATERIALIZED"
                f" (SELECT * REPLACE ({required}), NULL AS finality FROM {relation})"
                f" {STATEMENTS['stage']}"
            )
        except duck.DuckError:
            self._check_columns(spec, relation)
            raise

    def _check_columns(self, spec: TableSpec, relation: str) -> None:
        described = self._duck.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        given = {row[0] for row in described}
        known = {name for name, _ in (*spec.columns, *_EXTRA)}
        missing = set(_required(spec)) - given
        surplus = given - known | given & _GIVEN_BY_LAKE
        if missing or surplus:
            raise MappingError(
                "the stream's SQL does not return the columns of its table",
                table=spec.name,
                missing=sorted(missing),
                surplus=sorted(surplus),
            )


def _required(spec: TableSpec) -> list[str]:
    """Return the columns that the SQL of a stream of `spec` has to return."""
    names = (name for name, _ in (*spec.columns, *_EXTRA))
    return [name for name in names if name not in _GIVEN_BY_LAKE | _OPTIONAL]


def _pages_sql(load: SilverLoad, block: Sequence[SilverRequest], files: Sequence[str]) -> str:
    """Return the relation `pages` that a stream's SQL reads.

    Only comparisons with literals that the Parquet reader itself applies: a filter or join above it
    would gather 2,048 pages (half a gigabyte) before it passes them on. Pages of other requests
    that lie between are emptied instead, which costs no parsing (in words DuckDB does not turn into
    a join, as it does with IN).
    """
    listed = ", ".join(quote(path) for path in files)
    requests = quote("|" + "".join(f"{request.request_id}|" for request in block))
    first = min(request.first_seq for request in block)
    last = max(request.last_seq for request in block)
    return (
        "SELECT log_seq, org_id, source, account_id, stream, request_id, window_start, window_end,"
        " page, fetched_at, api_version, request,"
        f" CASE WHEN contains({requests}, '|' || request_id || '|') THEN payload END AS payload"
        f" FROM read_parquet([{listed}])"
        f" WHERE log_seq >= {first} AND log_seq <= {last} AND org_id = {quote(load.org_id)}"
        f" AND source = {quote(load.source)} AND stream = {quote(load.stream)}"
    )


class Engine:
    """DuckDB in memory, able to reach `folder` and the scratch folder only; opened at first use.

    To open one costs as much as a small load. Loads share it and see nothing of each other.
    """

    def __init__(self, limits: duck.DuckLimits, folder: Path) -> None:
        self._limits = limits
        self._folder = folder
        self._duck: duck.Connection | None = None

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """Open a session for one load; its temporary tables go with it."""
        self._duck = self._duck or duck.connect(None, self._limits, folders=[self._folder])
        session = self._duck.cursor()
        try:
            yield Staging(session)
        finally:
            session.close()

    def close(self) -> None:
        """Give the memory back."""
        if self._duck is not None:
            self._duck.close()
            self._duck = None
