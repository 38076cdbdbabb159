"""Brings a backup into an empty home, at any path, and proves that all of it is there.

The database comes last: until it is there the home is not one, and the restore can begin anew.
"""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tactics import duck
from tactics.clock import Clock
from tactics.config import LakeSettings
from tactics.duck import DuckLimits
from tactics.errors import (
    ConfigError,
    CountMismatch,
    SchemaVersionError,
    StoreBusy,
    StoreCorrupt,
)
from tactics.gold import Gold
from tactics.home import Home
from tactics.lake import TABLES, Lake, Relocation, relocate_lake
from tactics.pipeline.archive import Unpacked, unpack_files
from tactics.pipeline.backup import CATALOG, CONFIG, DATABASE, FORMAT, count_gold
from tactics.pipeline.lock import CommitLock
from tactics.store import count_rows, find_damage, list_migrations

STAGING = ".restoring"
PARTS = ("lake", "gold", "pseudonym.key", CONFIG)  # and the database, when they are all in place
REPORT = "pacing"
FACTS = {"format", "tactics", "schema_version", "created_at", "home", "rows"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought into a home, as its manifest tells."""

    home: Path
    made_in: Path
    created_at: dt.datetime
    files: int
    size_bytes: int
    rows: dict[str, dict[str, int]]


def restore_backup(source: Path, home: Home) -> Restored:
    """Bring the backup `source` into `home`, which holds nothing yet.

    Raises:
        ConfigError: the home is in use already, or there is no such backup.
        StoreBusy: a tactics is at work in this home.
        StoreCorrupt: the backup is damaged; the home is as empty as before.
        SchemaVersionError: a newer tactics made the backup.
        SinkUnavailable: the disk is full or cannot be written.
    """
    refuse_inhabited(home)
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(home):
        staging = _begin(home)
        try:
            restored = _read(unpack_files(source, staging), home)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        _move_in(home, staging)
    return restored


def relocate(home: Home) -> Relocation:
    """Make a home that was moved or copied work where it lies.

    Raises:
        StoreBusy: a tactics is at work in this home.
        StoreCorrupt: the lake lacks files.
    """
    with _alone(home):
        return relocate_lake(home.lake)


def verify(home: Home, rows: dict[str, dict[str, int]], clock: Clock) -> None:
    """Open every part of a restored home, count what it holds, and let a report answer.

    `rows` is what was saved, by part and table.

    Raises:
        StoreCorrupt: SQLite finds damage, or a part cannot be opened.
        CountMismatch: a table has other rows than were saved.
    """
    for path in (home.database, home.root / CATALOG):
        if path.exists() and (damage := find_damage(path)):
            raise StoreCorrupt("a restored file is damaged", file=path, first=damage[0])
    limits = DuckLimits(home.scratch)
    held = {
        "store": count_rows(home.database),
        "lake": _count_lake(home, limits) if rows["lake"] else {},
        "gold": count_gold(home, limits),
    }
    for part, table, saved in _each(rows):
        found = held[part].get(table)
        if found != saved:
            place = f"{part} {table}"
            raise CountMismatch("a table is not as it was", table=place, saved=saved, found=found)
    if rows["gold"]:
        Gold(home, limits).report(REPORT, now=clock.now())


def _each(rows: dict[str, dict[str, int]]) -> Iterator[tuple[str, str, int]]:
    for part, tables in rows.items():
        yield from ((part, table, saved) for table, saved in tables.items())


def refuse_inhabited(home: Home) -> None:
    """Keep what lives in the home; what a restore that was killed left there does not.

    Raises:
        ConfigError: the home holds something.
    """
    if not home.root.exists():
        return
    held = [path for path in sorted(home.root.iterdir()) if not _is_nothing(path)]
    if home.database.exists() or (held and not (home.root / STAGING).exists()):
        raise ConfigError(
            "this home is not empty",
            hint="name an empty folder with --home; nothing is ever overwritten",
            home=home.root,
            holds=(held or [home.database])[0].name,
        )


def _is_nothing(path: Path) -> bool:
    if path.is_dir():
        return path.name == STAGING or not any(child.is_file() for child in path.rglob("*"))
    return path.suffix == ".lock"


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    with CommitLock(home.lock) as lock:
        if not lock.try_acquire():
            hint = "stop it first"
            raise StoreBusy("a tactics is at work in this home", hint=hint, process=lock.holder())
        yield


def _begin(home: Home) -> Path:
    staging = home.root / STAGING
    if staging.exists():  # killed on the way: what it had moved in is not part of a home yet
        for part in PARTS:
            _remove(home.root / part)
        shutil.rmtree(staging)
    staging.mkdir(mode=0o700)
    return staging


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _read(found: Unpacked, home: Home) -> Restored:
    """Return what the manifest of an unpacked backup says.

    Raises:
        SchemaVersionError: a newer tactics made it.
        StoreCorrupt: it is some other archive.
    """
    manifest, known = found.manifest, len(list_migrations())
    if DATABASE not in manifest["files"] or not manifest.keys() >= FACTS:
        raise StoreCorrupt("this is no backup of a home")
    if manifest["format"] > FORMAT or manifest["schema_version"] > known:
        hint = f"install tactics {manifest['tactics']} or a newer one"
        facts = {"schema": manifest["schema_version"], "known": known}
        raise SchemaVersionError("a newer tactics made this backup", hint=hint, **facts)
    return Restored(
        home.root,
        Path(manifest["home"]),
        dt.datetime.fromisoformat(manifest["created_at"]),
        found.files,
        found.size_bytes,
        manifest["rows"],
    )


def _move_in(home: Home, staging: Path) -> None:
    """Put the parts into their places, the lake on its new path, and the database last.

    Raises:
        ConfigError: a tactics has made a database here in the meantime.
    """
    for part in PARTS:
        if (staging / part).exists():
            (staging / part).replace(home.root / part)
    home.create()
    relocate_lake(home.lake)
    os.sync()
    try:
        os.link(staging / DATABASE, home.database)  # unlike a rename it replaces nothing
    except FileExistsError:
        raise ConfigError(
            "a tactics was started in this home meanwhile",
            hint="stop it, empty the home, and restore again",
            home=home.root,
        ) from None
    shutil.rmtree(staging)


def _count_lake(home: Home, limits: DuckLimits) -> dict[str, int]:
    """Return the rows that the Parquet files hold, whatever the metadata says."""
    with Lake.open(home, LakeSettings(), limits) as lake:
        connection = duck.connect(None, limits, folders=lake.folders())
        try:
            return {
                f"{spec.namespace}.{name}": connection.execute(
                    f"SELECT count(*) FROM {lake.relation_sql(name)}"
                ).fetchall()[0][0]
                for name, spec in TABLES.items()
            }
        finally:
            connection.close()
