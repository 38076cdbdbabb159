"""launchd, for the services of the machine or of one person: what is done with the plist.

Says nothing about what is in the plist: `plist` does. Source: launchctl(1), macOS 14
(read 2026-11-22).
"""

import os
import plistlib
import re
import xml.parsers.expat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tactics.clock import Clock
from tactics.errors import ConfigError, NotFoundError
from tactics.service.accounts import (
    give_secrets,
    make_own_folders,
    need_user,
    share_folders,
)
from tactics.service.manager import (
    Inside,
    Places,
    Run,
    ServiceState,
    insist,
    need_root,
    run_program,
    write_definition,
)
from tactics.service.plan import NAME, Plan, Scope
from tactics.service.plist import LABEL, SEARCH_PATH, render_plist

SYSTEM_SUPPORT = Path("/Library/Application Support/tactics")
PAUSE_SECONDS = 0.5
_FILE = f"{LABEL}.plist"
_DAMAGED = (plistlib.InvalidFileException, xml.parsers.expat.ExpatError)


def launchd_places(scope: Scope, home: Path, environment: Mapping[str, str]) -> Places:
    """Return where launchd looks for plists; a person's `home` is their own."""
    if scope is Scope.SYSTEM:
        definition = Path("/Library/LaunchDaemons") / _FILE
        return Places(definition, SYSTEM_SUPPORT, SYSTEM_SUPPORT / "home")
    person = Path(environment.get("HOME") or Path.home())
    return Places(person / "Library/LaunchAgents" / _FILE, person / ".config" / NAME, home)


class Launchd:
    """The `Manager` of macOS."""

    def __init__(
        self,
        scope: Scope,
        places: Places,
        *,
        clock: Clock,
        run: Run = run_program,
        euid: int | None = None,
    ) -> None:
        self.scope = scope
        self.places = places
        self._clock = clock
        self._run = run
        self._euid = os.geteuid() if euid is None else euid
        self._domain = "system" if scope is Scope.SYSTEM else f"gui/{os.getuid()}"
        self._target = f"{self._domain}/{LABEL}"

    def render(self, plan: Plan) -> str:
        """Return the plist's text."""
        return render_plist(plan).decode()

    def install(self, plan: Plan, *, start: bool) -> list[str]:
        """Write the plist and load it, which starts it.

        Raises:
            ConfigError: launchd refuses.
        """
        need_root(self.scope, "install", self._euid)
        if self.scope is Scope.SYSTEM:
            need_user(plan)
            share_folders(plan)
            give_secrets(plan)
        else:
            make_own_folders(plan)
        write_definition(self.places.definition, self.render(plan))
        self._unload()
        if start:
            self._load()
        return [] if self.scope is Scope.SYSTEM else ["it runs while you are signed in"]

    def uninstall(self) -> None:
        """Stop it, forget it, and remove the plist."""
        need_root(self.scope, "uninstall", self._euid)
        self._need_plist()
        self._unload()
        self.places.definition.unlink(missing_ok=True)

    def start(self) -> None:
        """Load it if need be, and start it."""
        need_root(self.scope, "start", self._euid)
        self._need_plist()
        if self.state().state == "unloaded":
            self._load()
        else:
            insist(self._run, ["launchctl", "kickstart", self._target])

    def stop(self) -> None:
        """End it and wait for its end; one with 0 is not followed by a start."""
        need_root(self.scope, "stop", self._euid)
        if self.state().pid is not None:
            insist(self._run, ["launchctl", "kill", "SIGTERM", self._target])
            self._wait_for(lambda: self.state().pid is None)

    def state(self) -> ServiceState:
        """Return how it stands."""
        self._need_plist()
        done = self._run(["launchctl", "print", self._target])
        return ServiceState("unloaded") if done.returncode else read_printed(done.stdout)

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """Return a call of tail on the file that launchd writes."""
        log = str(self._plist()["StandardErrorPath"])
        return ["tail", "-n", str(lines), *(["-F"] if follow else []), log]

    def inside(self, words: Sequence[str], columns: int) -> Inside:
        """Return a command with the variables of the plist and those that launchd adds; no others.

        launchd has no way to run a command as a service would run, so this is its environment
        alone.
        """
        need_root(self.scope, "doctor", self._euid)
        keys = self._plist()
        person = {name: os.environ[name] for name in ("HOME", "USER") if name in os.environ}
        wanted = {"PATH": SEARCH_PATH, **person, **keys["EnvironmentVariables"]}
        sudo = ["sudo", "-u", keys["UserName"], "-E"] if "UserName" in keys else []
        command = [*sudo, *keys["ProgramArguments"][:-2], *words]
        return Inside(command, wanted | {"COLUMNS": str(columns)})

    def _unload(self) -> None:
        """End and forget it; launchd refuses to load what still drains."""
        self._run(["launchctl", "bootout", self._target])  # refused where it is not loaded
        self._wait_for(lambda: self.state().state == "unloaded")

    def _wait_for(self, met: Callable[[], bool]) -> None:
        """Wait as long as the drain may last.

        Raises:
            ConfigError: it does not come to its end.
        """
        limit = self._clock.monotonic() + float(self._plist()["ExitTimeOut"])
        while not met():
            if self._clock.monotonic() >= limit:
                hint = f"launchctl kill SIGKILL {self._target}"
                raise ConfigError("the service does not come to its end", hint=hint)
            self._clock.sleep(PAUSE_SECONDS)

    def _load(self) -> None:
        insist(self._run, ["launchctl", "enable", self._target])
        insist(self._run, ["launchctl", "bootstrap", self._domain, str(self.places.definition)])

    def _need_plist(self) -> None:
        if not self.places.definition.exists():
            hint = f"tactics service install --{self.scope}"
            raise NotFoundError("the service is not installed", hint=hint, service=LABEL)

    def _plist(self) -> dict[str, Any]:
        self._need_plist()
        try:
            with self.places.definition.open("rb") as file:
                keys: dict[str, Any] = plistlib.load(file)
        except (OSError, ValueError, *_DAMAGED) as exc:
            path = self.places.definition
            raise ConfigError(
                "the plist cannot be read", hint="tactics service install", path=path
            ) from exc
        return keys


def read_printed(text: str) -> ServiceState:
    """Return what `launchctl print` says of a service; its form is not promised to stay."""
    facts = dict(re.findall(r"^\t([a-z ]+) = (.+)$", text, re.MULTILINE))
    code = facts.get("last exit code", "").split(":")[0]
    failed = code.isdigit() and code != "0"
    running = facts.get("state") == "running"
    return ServiceState(
        "running" if running else "failed" if failed else "stopped",
        detail=f"exit code {code}" if failed and not running else "",
        remedy="`tactics service logs`" if failed and not running else "",
        pid=int(facts["pid"]) if facts.get("pid", "").isdigit() else None,
        restarts=max(int(facts["runs"]) - 1, 0) if facts.get("runs", "").isdigit() else None,
        starts_by_itself=True,
    )
