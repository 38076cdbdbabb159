"""What every service manager can do for us, and the one way in which we talk to its programs.

Knows neither systemd nor launchd.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from tactics.errors import ConfigError
from tactics.service.plan import Plan, Scope

Run: TypeAlias = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

PATIENCE_SECONDS = 900.0  # longer than any start or stop that a unit allows


@dataclass(frozen=True, slots=True)
class Places:
    """Where a manager keeps what we give it, and where a service keeps its own."""

    definition: Path
    folder: Path
    home: Path


@dataclass(frozen=True, slots=True)
class ServiceState:
    """How a service stands, in words that hold for every manager; `remedy` says what to do."""

    state: str
    detail: str = ""
    remedy: str = ""
    pid: int | None = None
    since_monotonic: float | None = None
    restarts: int | None = None
    starts_by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Inside:
    """A command that runs in the environment of the service; `environment` None: in ours."""

    command: list[str]
    environment: dict[str, str] | None = field(default=None)


class Manager(Protocol):
    """systemd or launchd, for the services of one person or of the machine.

    Every method may raise `ConfigError` when the manager refuses, and, but for `render` and
    `install`, `NotFoundError` when the service is not installed. Called from one thread.
    """

    scope: Scope
    places: Places

    def render(self, plan: Plan) -> str:
        """Return what `install` would write."""
        ...

    def install(self, plan: Plan, *, start: bool) -> list[str]:
        """Write it and, where wanted, start or restart it; return what a person should know."""
        ...

    def uninstall(self) -> None:
        """Stop it and forget it; its data stays."""
        ...

    def start(self) -> None:
        """Start it; systemd waits until it works."""
        ...

    def stop(self) -> None:
        """Stop it and wait until it has drained."""
        ...

    def state(self) -> ServiceState:
        """Return how it stands."""
        ...

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """Return the command that shows what it has said."""
        ...

    def inside(self, words: Sequence[str], columns: int) -> Inside:
        """Return `tactics …` as a command in the service's own environment."""
        ...


def run_program(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a program of the service manager and return what became of it.

    Raises:
        ConfigError: it is not on this machine, or does not come to its end.
    """
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE_SECONDS,
        )
    except FileNotFoundError:
        raise ConfigError("a program is missing on this machine", program=command[0]) from None
    except subprocess.TimeoutExpired:
        raise ConfigError("the service manager does not answer", command=command[0]) from None


def insist(run: Run, command: Sequence[str]) -> str:
    """Run a program that has to succeed, and return what it printed.

    Raises:
        ConfigError: it failed; the message has its own words.
    """
    done = run(command)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise ConfigError(
            f"{Path(command[0]).name} refuses",
            hint=_hint(said),
            command=" ".join(command),
            says=said,
        )
    return done.stdout


def need_root(scope: Scope, verb: str, euid: int | None = None) -> None:
    """Refuse what only root may do.

    Raises:
        ConfigError: the service is the machine's, and we are not root.
    """
    if scope is Scope.SYSTEM and (os.geteuid() if euid is None else euid) != 0:
        raise ConfigError(
            "the service of the machine belongs to root", hint=f"sudo tactics service {verb}"
        )


def write_definition(path: Path, text: str) -> None:
    """Write a unit or a plist so that it is there whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o644)
        aside.replace(path)
    except OSError as exc:
        raise ConfigError("the service cannot be written", path=path) from exc


def left_behind(environment: Mapping[str, str]) -> list[str]:
    """Return the names of variables that are set here and that the service will not see."""
    own = {"TACTICS_HOME", "TACTICS_CONFIG", "TACTICS_NOW"}
    proxies = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"}
    return sorted(
        name
        for name in environment
        if (name.startswith("TACTICS_") and name not in own) or name.upper() in proxies
    )


def _hint(said: str) -> str:
    if "connect to bus" in said or "No medium found" in said:
        return "sign in as this user (not with su or sudo), or use the service of the machine: --system"
    if "ccess denied" in said or "authentication required" in said:
        return "sudo tactics service …"
    return ""
