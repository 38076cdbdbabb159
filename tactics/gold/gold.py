"""Gold, the room: builds a generation, publishes it, and answers from the published one.

Readers never block and are never blocked: they open a file that no longer changes.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tactics import crashpoint
from tactics.duck import Connection, DuckLimits
from tactics.errors import IntegrityError, NotFoundError, SinkUnavailable, StoreCorrupt
from tactics.gold.catalog import PACKAGE, compile_metrics, fingerprint, needed, schema_version
from tactics.gold.engine import REBUILD, mapped, opened, reading
from tactics.gold.generations import Generations, number_of, sync_path
from tactics.gold.reports import (
    OLDER,
    REMAKE,
    Answer,
    Report,
    generation_path,
    own_tables,
    read_report,
    run_query,
    show_views,
    tables_of,
)
from tactics.sql import load_statements

if TYPE_CHECKING:  # a report needs no settings, and none of what builds
    from tactics.config import GoldSettings
    from tactics.gold.build import Builder
    from tactics.gold.request import Generation, GoldBuild
    from tactics.home import Home

MISSING = "the published generation is missing"


@dataclass(frozen=True, slots=True)
class Made:
    """What a generation was made with: the fingerprint of all of it, and its compiled formulas.

    `formulas` is what these were compiled from and by; empty when an older tactics made it.
    """

    fingerprint: str
    formulas: str = ""
    definitions: Mapping[str, str] = field(default_factory=dict)


class Gold:
    """The generations under `home.gold`. One process builds at a time; any number read."""

    def __init__(
        self, home: "Home", limits: DuckLimits, settings: "GoldSettings | None" = None
    ) -> None:
        keep = (
            3 if settings is None else settings.keep_generations
        )  # who only reads, prunes nothing
        self._limits = limits
        self._generations = Generations(home.gold, keep=keep)

    def current(self) -> Path | None:
        """Return the published file, or None before the first one.

        Raises:
            StoreCorrupt: the pointer names no generation.
        """
        return self._generations.current()

    def build(self, build: "GoldBuild") -> "Generation":
        """Return a complete new generation: the current one with the affected parts made anew.

        Everything is made anew when asked for, when there is no readable generation, or when a
        migration, model or formula differs from those it was made with.

        Raises:
            SinkUnavailable: the disk is full, the folder cannot be written, memory is out.
            IntegrityError: silver does not have the columns or values gold relies on.
        """
        from tactics.gold.build import Builder  # noqa: PLC0415 - a report pays for none of it
        from tactics.gold.request import Generation  # noqa: PLC0415

        started = time.perf_counter()
        base, made, broken = self._look()
        definitions = _definitions(made, build.render, build.formulas)
        full = broken or _why_full(build, made, definitions)
        path = self._generations.begin(None if full else base)
        complete = False
        try:
            with opened(path, self._limits, [path.parent, *build.folders]) as connection:
                tables, orgs = _fill(
                    Builder(connection, build, definitions),
                    connection,
                    number=number_of(path),
                    previous=base if full else None,
                    full=bool(full),
                )
            with mapped(path):
                sync_path(path)
                sync_path(path.parent)
            complete = True
        finally:
            if not complete:
                self._generations.discard(path)
        crashpoint.reach("gold.built")
        seconds = time.perf_counter() - started
        return Generation(number_of(path), path, tables, seconds, full, orgs)

    def is_outdated(self, render: Callable[[str], str], formulas: str = "") -> bool:
        """Return whether what is published was made by other definitions than ours, or is broken."""
        _, made, broken = self._look()
        if made is None:
            return bool(broken)
        return made.fingerprint != fingerprint(_definitions(made, render, formulas))

    def publish(self, generation: "Generation") -> None:
        """Make a generation the one that readers open, and remove those that are too old."""
        self._generations.publish(generation.path)

    def prune(self) -> int:
        """Remove generations beyond those that are kept for slow readers; return how many."""
        held = len(self._generations.held())
        self._generations.prune()
        return held - len(self._generations.held())

    def report(self, name: str, *, org_id: str | None = None, now: dt.datetime) -> Report:
        """Return the report `name` (one of catalog.REPORTS) as it reads on `now`.

        Raises:
            NotFoundError: no such report, nothing published yet, or an older tactics published it.
            IntegrityError: the published file cannot be read.
        """
        with self.open() as (connection, number):
            try:
                with mapped(self.current()):
                    return read_report(connection, name, org_id=org_id, now=now, generation=number)
            except IntegrityError as exc:
                if not _is_older(connection):
                    raise
                raise NotFoundError(OLDER, hint=REMAKE, report=name) from exc

    def query(
        self,
        sql: str,
        params: Sequence[object] | Mapping[str, object] = (),
        *,
        max_rows: int | None = None,
        views: Mapping[str, str] | None = None,
        folders: Sequence[Path] = (),
    ) -> Answer:
        """Return the rows of one reading statement over gold and the `views` laid beside it.

        Raises:
            ConfigError: the statement does more than read, or is wrong.
            NotFoundError: nothing published yet.
        """
        with self.open(folders) as (connection, _):
            show_views(connection, views or {})
            return run_query(connection, sql, params, max_rows=max_rows)

    def answer(self, sql: str) -> Answer | None:
        """Return the rows of a statement that names tables, and none but those of gold; else None.

        Raises:
            ConfigError: the statement is such a one, and wrong.
            NotFoundError: nothing published yet.
        """
        with self.open() as (connection, _):
            names = tables_of(connection, sql)
            if not names or not names <= own_tables(connection):
                return None
            return run_query(connection, sql, (), max_rows=None)

    @contextmanager
    def open(self, folders: Sequence[Path] = ()) -> Iterator[tuple[Connection, int]]:
        """Open the published generation read-only; yield the connection and its number."""
        with ExitStack() as stack:
            path, connection = self._enter(stack, folders)
            yield connection, number_of(path)

    def _enter(self, stack: ExitStack, folders: Sequence[Path]) -> tuple[Path, Connection]:
        """Open what is published now, also when the writer prunes it just before we open it.

        Raises:
            SinkUnavailable: the file is there and cannot be opened.
            StoreCorrupt: the published file is missing.
        """
        path = generation_path(self.current())
        while True:
            try:
                return path, stack.enter_context(reading(path, self._limits, folders))
            except SinkUnavailable as exc:
                if path.exists():
                    raise
                gone, path = path, generation_path(self.current())
                if path == gone:
                    raise StoreCorrupt(MISSING, hint=REBUILD, file=path.name) from exc

    def _look(self) -> tuple[Path | None, Made | None, str]:
        """Return the generation to start from, what it was made with, and why it is not the current one."""
        try:
            path = self.current()
            return path, self._made(path) if path else None, ""
        except IntegrityError as exc:
            # Gold is derived: a broken generation is made anew, and the result says so.
            return self._newest_readable(), None, f"the current generation cannot be read ({exc})"

    def _newest_readable(self) -> Path | None:
        """Return an older generation for what silver no longer holds."""
        for path in self._generations.held():
            try:
                self._made(path)
            except IntegrityError:
                continue
            return path
        return None

    def _made(self, path: Path) -> Made:
        """Return what a generation was made with.

        Raises:
            StoreCorrupt: the file is missing, or no generation.
        """
        if not path.exists():
            raise StoreCorrupt(MISSING, hint=REBUILD, file=path.name)
        statements = load_statements(PACKAGE, "tables.sql")
        with reading(path, self._limits) as connection:
            row = connection.execute(statements["select_fingerprint"]).fetchone()
            if row is None:
                raise StoreCorrupt("a generation without its facts", hint=REBUILD, file=path.name)
            if row[1] != schema_version():  # it may not have what is read below
                return Made(str(row[0]))
            formulas = connection.execute(statements["select_formulas"]).fetchone()
            metrics = connection.execute(statements["select_metrics"]).fetchall()
        return Made(str(row[0]), str(formulas and formulas[0]), dict(metrics))


def _definitions(
    made: Made | None, render: Callable[[str], str], formulas: str
) -> Mapping[str, str]:
    """Return the expression of every metric, from the generation if it compiled the same formulas."""
    if formulas and made and made.formulas == formulas and made.definitions.keys() == needed():
        return made.definitions
    return compile_metrics(render)


def _why_full(build: "GoldBuild", made: Made | None, definitions: Mapping[str, str]) -> str:
    """Return why everything is made anew, if it is."""
    if made is None:
        return "there was no generation"
    if build.full:
        return "a full build was asked for"
    return "" if made.fingerprint == fingerprint(definitions) else "definitions changed"


def _is_older(connection: Connection) -> bool:
    """Return whether a migration is missing in what is open; False if it cannot say."""
    sql = load_statements(PACKAGE, "tables.sql")["select_schema_version"]
    try:
        with mapped():
            row = connection.execute(sql).fetchone()
    except (IntegrityError, SinkUnavailable):
        return False
    return row is not None and int(row[0]) < schema_version()


def _fill(
    builder: "Builder", connection: Connection, *, number: int, previous: Path | None, full: bool
) -> tuple[dict[str, int], tuple[str, ...]]:
    connection.execute("BEGIN")
    if full:
        builder.create_schema()
        if previous is not None:
            builder.carry_over(previous)
    builder.load_facts(number)
    changes = builder.changes(full=full)
    builder.rebuild_parts(changes)
    builder.drop_old()
    orgs = builder.rebuild_orgs(changes)
    connection.execute("COMMIT")
    connection.execute("CHECKPOINT")
    return builder.count_rows(), orgs
