"""What every stage works with: settings, clock and the opened rooms.

Engines are opened when they are first asked for, so that store-only work stays quick.
"""

import functools
import os
import random
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tactics.clock import Clock
from tactics.config import Settings
from tactics.duck import DuckLimits
from tactics.home import Home, read_key
from tactics.store import Store

if TYPE_CHECKING:
    from tactics.credentials import Credentials
    from tactics.gold import Gold
    from tactics.lake import Lake
    from tactics.pipeline.pressure import Valve
    from tactics.transport import Breaker


class Workspace:
    """One process's hold on a home. Use as a context manager; share it between threads."""

    def __init__(
        self, settings: Settings, home: Home, clock: Clock, *, environment: Mapping[str, str]
    ) -> None:
        self.settings = settings
        self.home = home.create()
        self.clock = clock
        self.environment = environment
        self.stopping = threading.Event()  # set: end at the next place where nothing is lost
        self.random = random.Random()  # noqa: S311 - jitter, nothing secret
        self.store = Store.open(
            home.database, clock, max_retries=settings.queue.max_retries, rng=self.random
        )

    @classmethod
    def open(
        cls,
        settings: Settings,
        home: Home,
        clock: Clock,
        *,
        environment: Mapping[str, str] = os.environ,
    ) -> Self:
        """Open the store of `home`, creating what is missing."""
        return cls(settings, home, clock, environment=environment)

    @functools.cached_property
    def lake_limits(self) -> DuckLimits:
        """Return what the DuckDB that types pages may use."""
        lake, gold = self.settings.lake, self.settings.gold
        return DuckLimits(self.home.scratch, lake.memory_limit, gold.threads)

    @functools.cached_property
    def gold_limits(self) -> DuckLimits:
        """Return what a DuckDB connection to gold, or one that only reads silver, may use."""
        gold = self.settings.gold
        return DuckLimits(self.home.scratch, gold.memory_limit, gold.threads)

    @functools.cached_property
    def lake(self) -> "Lake":
        """Return the Iceberg tables (imports pyiceberg)."""
        from tactics.lake import Lake  # noqa: PLC0415

        return Lake.open(self.home, self.settings.lake, self.lake_limits)

    @functools.cached_property
    def gold(self) -> "Gold":
        """Return the published tables."""
        from tactics.gold import Gold  # noqa: PLC0415

        return Gold(self.home, self.gold_limits, self.settings.gold)

    @functools.cached_property
    def credentials(self) -> "Credentials":
        """Return where secrets are found."""
        from tactics.credentials import Credentials  # noqa: PLC0415
        from tactics.transport import register_secret  # noqa: PLC0415

        return Credentials(self.environment, register=register_secret)

    @functools.cached_property
    def pseudonym_key(self) -> bytes:
        """Return the key of this home under which personal data is hashed."""
        return read_key(self.home.pseudonym_key)

    @functools.cached_property
    def valve(self) -> "Valve":
        """Return what every page has to pass before it is asked for."""
        from tactics.pipeline.pressure import Valve, read_pressure  # noqa: PLC0415

        high = self.settings.bus.high_watermark
        return Valve(lambda paused: read_pressure(self.store, high, paused=paused), self.clock)

    def breaker(self, name: str, connection: str | None = None) -> "Breaker":
        """Return the shared breaker `name`, behind that of one `connection` where several share it."""
        from tactics.transport import Breaker  # noqa: PLC0415

        store, settings = self.store.breakers, self.settings.breakers
        return Breaker(name, store, settings=settings, clock=self.clock, connection=connection)

    def close(self) -> None:
        """Give back what is open."""
        if "lake" in vars(self):
            self.lake.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
