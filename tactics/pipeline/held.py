"""What a look at a home needs: settings, folders, store. No engine, and nothing that writes."""

from dataclasses import dataclass
from typing import Protocol

from tactics.config import Settings
from tactics.credentials import Credentials
from tactics.home import Home
from tactics.store import Store


class Held(Protocol):
    """What is looked at: a `Workspace`, or `Parts` of one whose store is open for reading only."""

    @property
    def settings(self) -> Settings:
        """Return the configuration."""
        ...

    @property
    def home(self) -> Home:
        """Return where everything lies."""
        ...

    @property
    def store(self) -> Store:
        """Return the open store."""
        ...

    @property
    def credentials(self) -> Credentials:
        """Return where secrets are found; a look reads none."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a command that only looks has opened."""

    settings: Settings
    home: Home
    store: Store
    credentials: Credentials
