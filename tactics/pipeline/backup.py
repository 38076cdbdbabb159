"""Copies a home into one file, also while a sync runs: all of its parts as they were at one instant.

What is copied is what a process that is killed at that instant leaves behind, so a restored home
goes on as any home does after a crash. Never copies a credential.
"""

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tactics import __version__
from tactics.clock import Clock
from tactics.duck import DuckLimits
from tactics.errors import NotFoundError, SinkUnavailable, StoreBusy, StoreCorrupt
from tactics.gold import Gold
from tactics.home import Home
from tactics.lake import TableContents, list_contents
from tactics.pipeline.archive import pack_files, refuse_existing
from tactics.pipeline.lock import CommitLock
from tactics.store import Frozen, count_rows, file_version, freeze

FORMAT = 1  # of the manifest
SUFFIX = ".tar.zst"
ATTEMPTS = 10
DATABASE, CATALOG, CONFIG = "tactics.db", "lake/catalog.db", "tactics.toml"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: rows by part (`store`, `lake`, `gold`) and table."""

    path: Path
    created_at: dt.datetime
    files: int
    size_bytes: int
    rows: dict[str, dict[str, int]]


@dataclass(slots=True)
class _Held:
    """The parts of a home, held still in `folder`; `files` are their names in the archive."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    lake: list[TableContents] = field(default_factory=list)
    attempts: int = 0

    def place(self, name: str) -> Path:
        """Return where to hold the file that is called `name` in the home."""
        place = self.files[name] = self.folder / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def clear(self) -> None:
        """Let go of everything, to hold it anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.files.clear()
        self.lake.clear()


def back_up(home: Home, clock: Clock, target: Path, *, config: Path | None = None) -> Backup:
    """Write everything a home needs to live elsewhere to the new file `target`.

    If `target` is a folder, a file named by the date is made in it.

    Raises:
        NotFoundError: nothing was ever stored in this home.
        ConfigError: `target` exists already, or its folder does not.
        StoreBusy: another backup is being made.
        StoreCorrupt: a file that the home refers to is missing.
        SinkUnavailable: the disk is full or cannot be written.
    """
    if not home.database.exists():
        raise NotFoundError("nothing is stored here yet", hint="run `tactics sync`", home=home.root)
    now = clock.now()
    target = target / f"tactics-{now:%Y%m%dT%H%M%SZ}{SUFFIX}" if target.is_dir() else target
    refuse_existing(target)
    with _alone(home), _held_still(home, config) as held:
        rows = _count(held, home)
        _need_room(held, target)
        facts = {
            "format": FORMAT,
            "tactics": __version__,
            "schema_version": file_version(held.files[DATABASE]),
            "created_at": f"{now.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
            "home": str(home.root),
            "rows": rows,
        }
        pack_files(target, held.files, facts)
        return Backup(target, now, len(held.files), target.stat().st_size, rows)


@contextlib.contextmanager
def _alone(home: Home) -> Iterator[None]:
    with CommitLock(home.root / "backup.lock") as lock:
        if not lock.try_acquire():
            raise StoreBusy("another backup is being made", process=lock.holder())
        yield


@contextlib.contextmanager
def _held_still(home: Home, config: Path | None) -> Iterator[_Held]:
    """Hold all parts of the home as they are at one instant, for a block."""
    held = _Held(home.create().scratch / "backup")
    try:
        while not _hold(held, home, config):
            pass
        yield held
    finally:
        held.clear()


def _hold(held: _Held, home: Home, config: Path | None) -> bool:
    """Return False if a file was cleaned away just before we held it, which is rare.

    Raises:
        StoreCorrupt: a file that the home refers to stays away.
    """
    held.clear()
    held.attempts += 1
    try:
        _hold_parts(held, home, config)
    except FileNotFoundError as exc:
        if held.attempts == ATTEMPTS:
            hint = "restore an older backup; what the vendors still have is fetched again"
            raise StoreCorrupt("a file of this home is missing", hint=hint) from exc
        return False
    return True


def _hold_parts(held: _Held, home: Home, config: Path | None) -> None:
    catalog = home.root / CATALOG
    with freeze(home.database, *([catalog] if catalog.exists() else [])) as frozen:
        _hold_gold(held, home)
        frozen.thaw()
        if catalog.exists():
            _hold_lake(held, home, frozen)
        frozen.copy(home.database, held.place(DATABASE))
    for name, path in (("pseudonym.key", home.pseudonym_key), (CONFIG, config)):
        if path is not None and path.exists():
            shutil.copyfile(path, held.place(name))


def _hold_gold(held: _Held, home: Home) -> None:
    """Hold the published generation; whoever publishes acknowledges only afterwards."""
    pointer = home.gold / "current"
    if pointer.exists():
        name = pointer.read_text(encoding="utf-8").strip()
        held.place("gold/current").write_text(f"{name}\n", encoding="utf-8")
        _link(home.gold / name, held.place(f"gold/{name}"))


def _hold_lake(held: _Held, home: Home, frozen: Frozen) -> None:
    """Hold the files that the catalog refers to: they never change, but may be cleaned away.

    Raises:
        FileNotFoundError: one was.
        SinkUnavailable: one cannot be read.
    """
    copy = held.place(CATALOG)
    frozen.copy(home.root / CATALOG, copy)
    try:
        held.lake += list_contents(copy, home.lake)
    except SinkUnavailable as exc:
        if isinstance(exc.__cause__, FileNotFoundError):
            raise exc.__cause__ from None
        raise
    for path in (path for contents in held.lake for path in contents.files):
        _link(path, held.place(str(path.relative_to(home.root))))


def _link(path: Path, place: Path) -> None:
    """Keep the data of a file under a second name; copy it where the file system has none."""
    try:
        os.link(path, place)
    except OSError:
        shutil.copyfile(path, place)  # says so if it is gone


def _count(held: _Held, home: Home) -> dict[str, dict[str, int]]:
    return {
        "store": count_rows(held.files[DATABASE]),
        "lake": {contents.table: contents.rows for contents in held.lake},
        "gold": count_gold(Home(held.folder), DuckLimits(home.scratch)),
    }


def count_gold(home: Home, limits: DuckLimits) -> dict[str, int]:
    """Return the number of rows of every table of the published generation."""
    gold = Gold(home, limits)
    if gold.current() is None:
        return {}
    names = gold.query(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'gold' ORDER BY table_name"
    ).rows
    counts = ", ".join(f'(SELECT count(*) FROM gold.main."{name}")' for (name,) in names)
    (row,) = gold.query(f"SELECT {counts}").rows
    return {str(name): int(rows) for (name,), rows in zip(names, row, strict=True)}


def _need_room(held: _Held, target: Path) -> None:
    """Say before an hour of writing that it will not fit.

    Raises:
        SinkUnavailable: the target's disk has less room than the files need at worst.
    """
    needed = sum(path.stat().st_size for path in held.files.values())
    free = shutil.disk_usage(target.parent).free if target.parent.is_dir() else needed
    if free < needed:
        hint = "name a file on another disk"
        raise SinkUnavailable("no room for the backup", hint=hint, needs=needed, free=free)
