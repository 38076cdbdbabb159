"""A home that belongs to the simulators: its configuration points at them.

Refuses to touch a home that somebody set up for real data.
"""

import os
import shlex
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tactics.errors import ConfigError

MARK = "# Written by tactics for its simulators; it is overwritten at every start.\n"


def temporary_home() -> Path:
    """Return the demo's own folder, the same every time, so that a second demo is quick.

    Raises:
        ConfigError: somebody else has a folder of that name.
    """
    path = Path(tempfile.gettempdir()) / f"tactics-demo-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    facts = path.lstat()
    if path.is_symlink() or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise ConfigError(
            "the demo's folder belongs to somebody else",
            hint="choose a folder: tactics --home FOLDER demo",
            folder=path,
        )
    return path


def is_free(root: Path) -> bool:
    """Return whether the simulators may use a home: nobody does yet, or they did before."""
    config = root / "tactics.toml"
    if config.exists():
        return config.read_text(encoding="utf-8").startswith(MARK)
    return not (root / "tactics.db").exists()


def claim_home(root: Path, config: str) -> Path:
    """Write `config` into the home as its tactics.toml and return the file.

    Raises:
        ConfigError: the home is in use for real data.
    """
    path = root / "tactics.toml"
    if not is_free(root):
        raise ConfigError(
            "this home is in use", hint="choose an empty folder with --home", home=root
        )
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, MARK + config)
    return path


def write_exports(root: Path, environment: Mapping[str, str]) -> Path:
    """Write the simulators' credentials as a file for the shell and return it."""
    path = root / "credentials.env"
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    write_private(path, "".join(lines))
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
