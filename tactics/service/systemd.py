"""systemd, for the services of the machine or of one person: what is done with the unit.

Says nothing about what is in the unit: `units` does.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tactics.errors import ConfigError, NotFoundError
from tactics.service.accounts import make_own_folders, make_user, own_name, share_folders
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
from tactics.service.plan import NAME, SYSTEM_FOLDER, SYSTEM_HOME, Plan, Scope
from tactics.service.units import UNIT, environment_of, render_unit

LINGER = Path("/var/lib/systemd/linger")
SHOWN = (
    "LoadState,ActiveState,SubState,Result,ExecMainStatus,MainPID,NRestarts,StatusText,"
    "UnitFileState,ActiveEnterTimestampMonotonic"
)
_WORDS = {
    "active": "running",
    "reloading": "running",
    "activating": "starting",
    "deactivating": "stopping",
    "failed": "failed",
}
_DOWN = {"failed", "restarting"}
# Source: systemd.exec(5), "Process exit codes", systemd 252 (read 2026-11-22).
_REMEDIES = {
    2: "the configuration is refused, or another daemon runs on this home: `tactics service doctor`",
    70: "our own state is broken: keep the files, `tactics doctor`",
    203: "the program is gone or cannot be run: install tactics again, then the service",
    217: "the service's user is gone: `tactics service install`",
    226: "a folder that the unit names is gone: `tactics service install`",
    243: "a file of a credential is gone: put it back, or `tactics service install`",
}


def systemd_places(scope: Scope, home: Path, environment: Mapping[str, str]) -> Places:
    """Return where systemd looks for units; a person's `home` is their own."""
    if scope is Scope.SYSTEM:
        return Places(Path("/etc/systemd/system") / UNIT, SYSTEM_FOLDER, SYSTEM_HOME)
    base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Places(Path(base) / "systemd" / "user" / UNIT, Path(base) / NAME, home)


class Systemd:
    """The `Manager` of Linux."""

    def __init__(
        self, scope: Scope, places: Places, *, run: Run = run_program, euid: int | None = None
    ) -> None:
        self.scope = scope
        self.places = places
        self._run = run
        self._euid = os.geteuid() if euid is None else euid
        self._flags = [] if scope is Scope.SYSTEM else ["--user"]

    def render(self, plan: Plan) -> str:
        """Return the unit's text."""
        return render_unit(plan, self._version())

    def install(self, plan: Plan, *, start: bool) -> list[str]:
        """Write the unit, enable it and, where wanted, start or restart it.

        Raises:
            ConfigError: systemd refuses, or the service does not start.
        """
        need_root(self.scope, "install", self._euid)
        if self.scope is Scope.SYSTEM:
            make_user(plan, self._run)
            share_folders(plan)
        else:
            make_own_folders(plan)
        write_definition(self.places.definition, self.render(plan))
        self._systemctl("daemon-reload")
        self._systemctl("enable", UNIT)
        if start:
            self._begin("restart")
        return self._advice()

    def uninstall(self) -> None:
        """Stop and disable it, and remove the unit; drop-ins of somebody's own stay."""
        need_root(self.scope, "uninstall", self._euid)
        self._need_unit()
        self._systemctl("disable", "--now", UNIT)
        self.places.definition.unlink(missing_ok=True)
        self._systemctl("daemon-reload")
        self._run([*self._prefix(), "reset-failed", UNIT])  # refused where nothing had failed

    def start(self) -> None:
        """Start it; systemd waits for READY."""
        need_root(self.scope, "start", self._euid)
        self._need_unit()
        self._begin("start")

    def stop(self) -> None:
        """Stop it; systemd waits for its end."""
        need_root(self.scope, "stop", self._euid)
        self._need_unit()
        self._systemctl("stop", UNIT)

    def state(self) -> ServiceState:
        """Return how it stands."""
        self._need_unit()
        lines = self._systemctl("show", f"--property={SHOWN}", UNIT).splitlines()
        return read_state(dict(line.split("=", 1) for line in lines if "=" in line))

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        """Return a call of journalctl."""
        self._need_unit()
        command = ["journalctl", *self._flags, f"--unit={UNIT}", f"--lines={lines}"]
        return [*command, "--no-pager", "--output=short-iso", *(["--follow"] if follow else [])]

    def inside(self, words: Sequence[str], columns: int) -> Inside:
        """Return a call of systemd-run with the properties of the unit and its drop-ins."""
        need_root(self.scope, "doctor", self._euid)
        self._need_unit()
        text = self._systemctl("cat", "--no-pager", UNIT)
        options = ["--quiet", "--pipe", "--wait", "--collect", f"--setenv=COLUMNS={columns}"]
        settings = environment_of(text)
        _need_files(settings)
        properties = [f"--property={setting}" for setting in settings]
        start = _start_of(text)
        return Inside(["systemd-run", *self._flags, *options, *properties, "--", *start, *words])

    def _begin(self, verb: str) -> None:
        done = self._run([*self._prefix(), verb, UNIT])
        if done.returncode:
            state = self.state()
            hint = state.remedy or "`tactics service logs` says why, `tactics service doctor` looks"
            raise ConfigError("the service does not start", hint=hint, state=state.detail)

    def _advice(self) -> list[str]:
        if self.scope is Scope.SYSTEM or (LINGER / own_name()).exists():
            return []
        advice = "it runs while you are signed in; to have it run whenever the machine does"
        return [f"{advice}: loginctl enable-linger {own_name()}"]

    def _need_unit(self) -> None:
        if not self.places.definition.exists():
            hint = f"tactics service install --{self.scope}"
            raise NotFoundError("the service is not installed", hint=hint, unit=UNIT)

    def _version(self) -> int:
        """Return the version of systemd; 0, which no key is too new for, where it is not known."""
        found = re.match(r"systemd (\d+)", self._run(["systemctl", "--version"]).stdout)
        return int(found[1]) if found else 0

    def _prefix(self) -> list[str]:
        return ["systemctl", "--no-ask-password", *self._flags]

    def _systemctl(self, *words: str) -> str:
        return insist(self._run, [*self._prefix(), *words])


def read_state(facts: Mapping[str, str]) -> ServiceState:
    """Return what the properties of a unit mean."""
    state = _WORDS.get(facts.get("ActiveState", ""), "stopped")
    if facts.get("SubState") == "auto-restart":
        state = "restarting"
    result, code = facts.get("Result", ""), int(facts.get("ExecMainStatus") or 0)
    ended = "" if result in {"", "success"} else f"{result} {code}" if code else result
    since = int(facts.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    return ServiceState(
        state,
        detail=facts.get("StatusText", "") if state in {"running", "starting"} else ended,
        remedy=_REMEDIES.get(code, "`tactics service logs`") if state in _DOWN else "",
        pid=int(facts.get("MainPID") or 0) or None,
        since_monotonic=since if state == "running" else None,
        restarts=int(facts.get("NRestarts") or 0),
        starts_by_itself=facts.get("UnitFileState") == "enabled",
    )


def _need_files(settings: Sequence[str]) -> None:
    """Refuse what systemd would refuse without a word to this terminal.

    Raises:
        ConfigError: a credential's file is gone.
    """
    for setting in settings:
        key, _, value = setting.partition("=")
        path = Path(value.partition(":")[2])
        if key.startswith("LoadCredential") and path.is_absolute() and not path.exists():
            hint = "put it back, or `tactics service install` without it"
            raise ConfigError("the file of a credential is gone", hint=hint, path=path)


def _start_of(text: str) -> list[str]:
    """Return the program of the unit's last `ExecStart=` up to `tactics`, without its verb.

    Raises:
        ConfigError: the unit was edited into something else.
    """
    import shlex  # noqa: PLC0415  only a look from inside reads a unit

    starts = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    words = shlex.split(starts[-1].replace("$$", "$").replace("%%", "%")) if starts else []
    if words[-2:] != ["daemon", "run"]:
        raise ConfigError("the unit does not start the daemon", hint="tactics service install")
    return words[:-2]
