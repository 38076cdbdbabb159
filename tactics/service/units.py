"""The text of the systemd units. Pure: a plan in, text out; and back, for a look from inside.

Source: systemd.service(5), systemd.exec(5), systemd.syntax(7), systemd 252 (read 2026-11-22).
"""

import math
from collections.abc import Iterator
from pathlib import Path

from tactics.service.plan import Plan, Scope

UNIT = "tactics.service"
WATCHDOG_SECONDS = 120
START_SECONDS = 600  # the first start after an upgrade migrates, which may take long
AFTER_DRAIN_SECONDS = 15  # the heartbeat, the server and Python itself end after the drain
STEPS_SINCE = 254  # RestartSteps= and RestartMaxDelaySec=
VAR_LIB = Path("/var/lib")

_HEAD = f"""\
# Written by `tactics service install`, which overwrites it.
# Changes of your own: `systemctl edit {UNIT}`."""

# A daemon whose own state is broken (70) or whose configuration is wrong (2) is not helped by
# another start; everything else is, however often it takes.
_SERVICE = f"""\
Type=notify
NotifyAccess=main
WatchdogSec={WATCHDOG_SECONDS}
TimeoutStartSec={START_SECONDS}
KillMode=mixed
OOMPolicy=continue
Restart=on-failure
RestartPreventExitStatus=2 70
LimitCORE=0
UMask=0077"""

# What also a user's manager can do without privileges or user namespaces.
_MODEST = """\
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM"""

_HARD = """\
SystemCallFilter=~@privileged @resources
MemoryDenyWriteExecute=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
PrivateDevices=yes
PrivateIPC=yes
PrivateTmp=yes
PrivateUsers=yes
DevicePolicy=closed
KeyringMode=private
RemoveIPC=yes
RestrictNamespaces=yes"""

# What makes a service of the settings; the rest is the environment in which it runs.
_RUNNING = {
    "Type", "NotifyAccess", "WatchdogSec", "TimeoutStartSec", "TimeoutStopSec", "KillMode",
    "Restart", "RestartSec", "RestartSteps", "RestartMaxDelaySec", "RestartPreventExitStatus",
    "ExecStart", "ExecReload", "OOMPolicy",
}  # fmt: skip


def render_unit(plan: Plan, version: int) -> str:
    """Return the unit for a systemd of this version."""
    sections = {
        "Unit": _unit_lines(plan),
        "Service": _service_lines(plan, version),
        "Install": [f"WantedBy={'multi-user' if _is_system(plan) else 'default'}.target"],
    }
    blocks = [_HEAD, *("\n".join([f"[{name}]", *lines]) for name, lines in sections.items())]
    return "\n\n".join(blocks) + "\n"


def environment_of(text: str) -> list[str]:
    """Return the settings of a unit's text that make its environment, as `Key=value`.

    `text` may be what `systemctl cat` prints: the unit and, after it, its drop-ins.
    """
    section, found = "", []
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == "Service" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            if key.strip() not in _RUNNING:
                found.append(f"{key.strip()}={value.strip().replace('%%', '%')}")
    return found


def word(text: object) -> str:
    """Return a text as one quoted word of a unit, if it needs quotes."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    plain = all(letter.isalnum() or letter in "/._-=:@%+," for letter in escaped)
    return escaped if plain and escaped else f'"{escaped}"'


def _unit_lines(plan: Plan) -> list[str]:
    lines = [
        "Description=tactics: marketing data you can trust",
        f"RequiresMountsFor={word(plan.home)}",
        "StartLimitIntervalSec=0",  # never give up: nobody looks for months
    ]
    if _is_system(plan):
        lines[1:1] = ["Wants=network-online.target", "After=network-online.target time-sync.target"]
    return lines


def _service_lines(plan: Plan, version: int) -> list[str]:
    start = " ".join(word(part).replace("$", "$$") for part in plan.command("daemon", "run"))
    return [
        *_SERVICE.splitlines(),
        f"TimeoutStopSec={math.ceil(plan.drain_seconds) + AFTER_DRAIN_SECONDS}",
        *_restart_lines(version),
        f"ExecStart={start}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        *(f"Environment={word(f'{name}={text}')}" for name, text in plan.variables.items()),
        f"EnvironmentFile=-{_rest(plan.environment_file)}",
        *_secret_lines(plan),
        *_MODEST.splitlines(),
        *(_place_lines(plan) if _is_system(plan) else []),
    ]


def _restart_lines(version: int) -> list[str]:
    if version < STEPS_SINCE:
        return ["RestartSec=15"]
    return ["RestartSec=5", "RestartSteps=6", "RestartMaxDelaySec=300"]


def _secret_lines(plan: Plan) -> Iterator[str]:
    for one in plan.secrets:
        key = "LoadCredentialEncrypted" if one.encrypted else "LoadCredential"
        yield f"{key}={one.name}:{_rest(one.path)}"


def _place_lines(plan: Plan) -> list[str]:
    lines = [f"User={plan.user}", *_HARD.splitlines()]
    if plan.home.is_relative_to(VAR_LIB) and plan.home != VAR_LIB:
        lines += [f"StateDirectory={word(plan.home.relative_to(VAR_LIB))}"]
        return [*lines, "StateDirectoryMode=0700"]
    return [*lines, f"ReadWritePaths={word(plan.home)}"]


def _rest(path: Path) -> str:
    """Return a path that takes the rest of its line, so that it needs no quotes."""
    return str(path).replace("%", "%%")


def _is_system(plan: Plan) -> bool:
    return plan.scope is Scope.SYSTEM
