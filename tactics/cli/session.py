"""What one command was started with: the home, the configuration, the clock.

Opens the store or the whole workspace for a command, and nothing before it is asked to. Reads no
data itself.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tactics.clock import Clock, clock_from_environment
from tactics.errors import NotFoundError
from tactics.home import Home, find_config, find_home

if TYPE_CHECKING:
    from tactics.config import Settings
    from tactics.pipeline import Workspace
    from tactics.store import Store


@dataclass(frozen=True, slots=True)
class Session:
    """The environment with the command line laid over it."""

    environment: Mapping[str, str]
    chosen_home: Path | None = None  # by --home

    @classmethod
    def begin(cls, *, home: Path | None, config: Path | None) -> "Session":
        """Return a session in which `--home` and `--config` win over the environment."""
        environment = dict(os.environ)
        if home is not None:
            environment["TACTICS_HOME"] = str(home.expanduser().absolute())
        if config is not None:
            environment["TACTICS_CONFIG"] = str(config.expanduser().absolute())
        return cls(environment, home)

    def with_environment(self, more: Mapping[str, str]) -> "Session":
        """Return the session with more variables, for credentials that are not the person's."""
        return replace(self, environment={**self.environment, **more})

    @property
    def root(self) -> Path:
        """Return the home's folder."""
        return find_home(self.environment).root

    @property
    def home(self) -> Home:
        """Return the home."""
        return find_home(self.environment)

    @property
    def config_path(self) -> Path:
        """Return the configuration file that is read, whether or not it exists."""
        return find_config(self.environment)

    def clock(self) -> Clock:
        """Return the clock, which `TACTICS_NOW` may have moved."""
        return clock_from_environment()

    def settings(self) -> "Settings":
        """Return the configuration, read and checked."""
        from tactics.config import load_settings

        return load_settings(self.config_path, self.environment)

    @contextmanager
    def store(self, *, readonly: bool = True) -> Iterator["Store"]:
        """Open the store of a home that has one.

        Raises:
            NotFoundError: nothing was ever stored in this home.
        """
        from tactics.store import Store

        path = self.root / "tactics.db"
        if not path.exists():
            raise NotFoundError(
                "nothing is stored here yet",
                hint="run `tactics sync` first, or name the right home with --home",
                home=self.root,
            )
        store = Store.open(path, self.clock(), readonly=readonly)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def workspace(self) -> Iterator["Workspace"]:
        """Open everything the pipeline needs; the engines load when they are used."""
        from tactics.pipeline import Workspace

        settings = self.settings()
        home = self.home.create()
        with Workspace.open(
            settings, home, self.clock(), environment=self.environment
        ) as workspace:
            yield workspace
