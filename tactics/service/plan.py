"""What a service is: whose, of which program, on which home, with which secrets. Values only.

Decides and refuses; writes nothing and starts nothing.
"""

import re
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tactics.errors import ConfigError

NAME = "tactics"
SYSTEM_HOME = Path("/var/lib/tactics")
SYSTEM_FOLDER = Path("/etc/tactics")
ENCRYPTED = ".cred"  # as `systemd-creds encrypt` writes it
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 (from the hardened unit)
_SECRET = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Scope(StrEnum):
    """Whose service it is: one person's, or the machine's."""

    USER = "user"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Secret:
    """A file with one credential, named `<org>.<source>.<name>`; encrypted for this machine or not."""

    name: str
    path: Path
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a unit or a plist says. `user` is empty for a person's own service."""

    scope: Scope
    python: Path
    home: Path
    config: Path
    folder: Path
    user: str = ""
    drain_seconds: float = 30.0
    secrets: tuple[Secret, ...] = ()

    @property
    def environment_file(self) -> Path:
        """Return the file with more variables, which need not exist."""
        return self.folder / "environment"

    @property
    def secrets_folder(self) -> Path:
        """Return where credentials lie, one file each."""
        return self.folder / "credentials"

    @property
    def variables(self) -> dict[str, str]:
        """Return what the service's environment says, in the order of its lines."""
        more = {  # the machine's service has no keyring: its errors name the folder instead
            "TACTICS_CREDENTIALS_FOLDER": str(self.secrets_folder),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        return {
            "TACTICS_HOME": str(self.home),
            "TACTICS_CONFIG": str(self.config),
            "PYTHONSAFEPATH": "1",  # the working directory holds no code
            "PYTHONFAULTHANDLER": "1",  # who is ended by the watchdog says where it hung
        } | (more if self.scope is Scope.SYSTEM else {})

    def command(self, *words: str) -> list[str]:
        """Return the command line of `tactics …` in this installation."""
        return [str(self.python), "-m", "tactics", *words]


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in a folder of credentials: to pass on, to look at, and to leave alone."""

    secrets: tuple[Secret, ...] = ()
    exposed: tuple[Path, ...] = ()
    ignored: tuple[Path, ...] = ()


def find_secrets(folder: Path) -> Found:
    """Return the credentials of a folder, in the order of their names.

    Raises:
        ConfigError: the folder cannot be read.
    """
    try:
        paths = sorted(folder.iterdir()) if folder.exists() else []
        modes = {path: path.stat().st_mode for path in paths}
    except OSError as exc:
        hint = "that of the machine is root's: sudo tactics service …"
        message = "the folder of credentials cannot be read"
        raise ConfigError(message, hint=hint, folder=folder) from exc
    named = [Secret(p.name.removesuffix(ENCRYPTED), p, p.suffix == ENCRYPTED) for p in paths]
    secrets = [one for one in named if _SECRET.fullmatch(one.name)]
    name, times = max(Counter(one.name for one in secrets).items(), key=_times, default=("", 0))
    if times > 1:
        hint = "keep one of the two files"
        raise ConfigError("a credential lies there twice", hint=hint, name=name)
    exposed = [one.path for one in secrets if modes[one.path] & _OTHERS and not one.encrypted]
    ignored = [one.path for one in named if one not in secrets]
    return Found(tuple(secrets), tuple(exposed), tuple(ignored))


def refuse_unfit(plan: Plan, program: Iterable[Path]) -> None:
    """Refuse what could not work: `program` are the folders that the program runs from.

    Raises:
        ConfigError: a path is not one that a unit can name, or that the service could not see.
    """
    own = [plan.python, plan.home, plan.config, *(one.path for one in plan.secrets)]
    for path in own:
        if not path.is_absolute() or _CONTROL.search(str(path)):
            raise ConfigError("a service needs plain, absolute paths", path=repr(str(path)))
    if plan.scope is Scope.USER:
        return
    for path in (plan.home, plan.config):
        if _is_hidden(path):
            hint = f"keep it in {SYSTEM_HOME} or {SYSTEM_FOLDER}, or install with --user"
            raise ConfigError(
                "the service of the machine sees no such folder", hint=hint, path=path
            )
    for path in (plan.python, *program):
        if _is_hidden(path):
            raise ConfigError(
                "this tactics is installed where the service of the machine cannot see it",
                hint="install it for everybody, with a Python of the system:"
                " python3 -m venv /opt/tactics; or install the service with --user",
                path=path,
            )


def _times(counted: tuple[str, int]) -> int:
    return counted[1]


def _is_hidden(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in HIDDEN)
