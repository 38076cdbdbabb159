"""The store: one SQLite file that remembers everything which must survive a crash.

Opens, migrates and hands out its parts. Never talks to the network, holds no secret.
"""

import contextlib
import os
import random
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tactics.clock import Clock
from tactics.errors import ConfigError, NotFoundError, SinkUnavailable
from tactics.store.accounts import Accounts
from tactics.store.breakers import Breakers
from tactics.store.bus import Bus
from tactics.store.calls import Calls
from tactics.store.coverage import Coverage
from tactics.store.database import Database
from tactics.store.fetches import Fetches
from tactics.store.heartbeats import Heartbeats
from tactics.store.history import History
from tactics.store.jobs import Jobs
from tactics.store.letters import Letters
from tactics.store.migrate import list_migrations, migrate, read_version
from tactics.store.outbox import Outbox
from tactics.store.runs import Runs, SyncRequests
from tactics.store.sightings import Sightings
from tactics.store.visits import Visits

PRIVATE_FILE = 0o600
BUSY_TIMEOUT_SECONDS = 10.0
MAX_RETRIES = 3
HISTORY_DAYS = 90


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """How the file stands; `problems` is empty when it is sound, or was not checked."""

    schema_version: int
    file_bytes: int
    wal_bytes: int
    free_bytes: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were forgotten."""

    events: int
    jobs: int
    fetches: int
    runs: int
    changes: int = 0
    alerts: int = 0


class Store:
    """One tactics.db and its parts. Safe to share between threads; each gets its connection."""

    def __init__(
        self, database: Database, clock: Clock, *, max_retries: int, rng: random.Random
    ) -> None:
        self.database = database
        self.bus = Bus(database, clock)
        self.fetches = Fetches(database, clock)
        self.coverage = Coverage(database)
        self.jobs = Jobs(database, clock, max_retries=max_retries, rng=rng)
        self.letters = Letters(database, clock)
        self.breakers = Breakers(database, clock)
        self.runs = Runs(database, clock)
        self.requests = SyncRequests(database, clock)
        self.calls = Calls(database)
        self.accounts = Accounts(database, clock)
        self.sightings = Sightings(database, clock)
        self.outbox = Outbox(database, clock, rng=rng)
        self.history = History(database)
        self.visits = Visits(database)
        self.heartbeats = Heartbeats(database, clock)

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Clock,
        *,
        readonly: bool = False,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        max_retries: int = MAX_RETRIES,
        rng: random.Random | None = None,
    ) -> Self:
        """Open the store, made first unless `readonly`, and migrated if it is an older one.

        Raises:
            NotFoundError: `readonly`, and there is no store yet.
            ConfigError: `readonly`, and an older store cannot be written.
        """
        if readonly and not path.exists():
            raise NotFoundError("there is no store yet", hint="run `tactics sync`", path=path)
        if not readonly:
            _make_private(path)
        database = Database(path, readonly=readonly, busy_timeout_seconds=busy_timeout_seconds)
        try:
            if readonly:
                _bring_up(database, clock, busy_timeout_seconds)
            else:
                migrate(database, clock)
        except BaseException:
            database.close()
            raise
        rng = rng or random.Random()  # noqa: S311  jitter is not a secret
        return cls(database, clock, max_retries=max_retries, rng=rng)

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """Return a context whose changes become durable together, or not at all."""
        return self.database.transaction()

    def prune(self, *, cache_days: int, history_days: int = HISTORY_DAYS) -> Pruned:
        """Forget what nobody needs any more; return how much."""
        return Pruned(
            events=self.bus.prune(cache_days),
            jobs=self.jobs.prune(history_days),
            fetches=self.fetches.prune(history_days),
            runs=self.runs.prune(history_days),
            changes=self.letters.prune(),
            alerts=self.outbox.prune(history_days),
        )

    def health(self, *, check: bool = False) -> StoreHealth:
        """Return the state of the file; `check` reads all of it."""
        found = self.database.read("PRAGMA quick_check(10)") if check else []
        free_pages, page_size = (
            self.database.read(f"PRAGMA {name}")[0][0] for name in ("freelist_count", "page_size")
        )
        path = self.database.path
        wal = path.with_name(path.name + "-wal")
        return StoreHealth(
            schema_version=read_version(self.database),
            file_bytes=path.stat().st_size,
            wal_bytes=wal.stat().st_size if wal.exists() else 0,
            free_bytes=free_pages * page_size,
            problems=tuple(text for (text,) in found if text != "ok"),
        )

    def checkpoint(self) -> bool:
        """Move the WAL into the file and empty it; return False where a reader still needs it."""
        row = self.database.command("PRAGMA wal_checkpoint(TRUNCATE)")
        return row is not None and row[0] == 0

    def close(self) -> None:
        """Close the connections of all threads."""
        self.database.close()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _make_private(path: Path) -> None:
    """Make the file, or what an older umask left readable, ours alone; SQLite's own files follow.

    An existing file is never opened here: closing a descriptor drops the locks that SQLite holds
    on the file in this process.

    Raises:
        SinkUnavailable: the folder is missing or cannot be written.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, PRIVATE_FILE))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            path.chmod(PRIVATE_FILE)
    except OSError as exc:
        hint = "check that the folder exists and can be written"
        raise SinkUnavailable("the store cannot be made", hint=hint, path=path) from exc


def _bring_up(reader: Database, clock: Clock, busy_timeout_seconds: float) -> None:
    """Migrate an older store for somebody who only reads: after an upgrade that may be the first.

    Raises:
        ConfigError: this user may not write it.
    """
    if read_version(reader) == len(list_migrations()):
        return
    writer = Database(reader.path, readonly=False, busy_timeout_seconds=busy_timeout_seconds)
    try:
        migrate(writer, clock)
    except SinkUnavailable as exc:
        raise ConfigError(
            "the store waits for its migration",
            hint="run `tactics runs list` as the user who owns it, with some disk space free",
            path=reader.path,
        ) from exc
    finally:
        writer.close()
