"""Where state and configuration live on this machine.

Imports nothing heavy: commands that only read the store owe their start-up to that.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """Where state lives: directories 0700, files 0600."""

    root: Path

    @property
    def database(self) -> Path:
        """Return the SQLite file."""
        return self.root / "tactics.db"

    @property
    def lake(self) -> Path:
        """Return the folder of the Iceberg catalog and warehouse."""
        return self.root / "lake"

    @property
    def gold(self) -> Path:
        """Return the folder of the DuckDB generations."""
        return self.root / "gold"

    @property
    def scratch(self) -> Path:
        """Return the folder for DuckDB's spilled data."""
        return self.root / "tmp"

    @property
    def lock(self) -> Path:
        """Return the file whose flock makes a process the one committer."""
        return self.root / "pipeline.lock"

    @property
    def pseudonym_key(self) -> Path:
        """Return the file with the key under which personal data is hashed."""
        return self.root / "pseudonym.key"

    def create(self) -> "Home":
        """Make the folders, readable by this user only."""
        for folder in (self.root, self.lake, self.gold, self.scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self


def read_key(path: Path) -> bytes:
    """Return the 32 random bytes of `path`, made when they are first asked for.

    Two processes that ask at once get the same key: it is written aside, and linked to its name by
    whoever is first.
    """
    with suppress(FileNotFoundError):
        return path.read_bytes()
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
    return path.read_bytes()


def find_home(environment: Mapping[str, str] = os.environ) -> Home:
    """Return `$TACTICS_HOME`, or the platform's data folder."""
    if chosen := environment.get("TACTICS_HOME"):
        return Home(Path(chosen).expanduser().absolute())
    if sys.platform == "darwin":
        return Home(Path.home() / "Library" / "Application Support" / "tactics")
    data = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Home(Path(data) / "tactics")


def find_config(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the file to read: `$TACTICS_CONFIG`, ./tactics.toml, or the one in the home."""
    if chosen := environment.get("TACTICS_CONFIG"):
        return Path(chosen).expanduser()
    here = Path("tactics.toml")
    return here if here.exists() else find_home(environment).root / "tactics.toml"
