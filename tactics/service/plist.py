"""The property list for launchd. Pure: a plan in, bytes out.

launchd has neither a watchdog nor exit codes that end the restarts: what cannot work is tried once
a minute. Source: launchd.plist(5), macOS 14 (read 2026-11-22).
"""

import math
import plistlib
from pathlib import Path
from typing import Any

from tactics.service.plan import Plan, Scope

LABEL = "tactics.daemon"
THROTTLE_SECONDS = 60
AFTER_DRAIN_SECONDS = 15  # the default of 20 s in all would cut the drain off
SEARCH_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"  # what launchd itself gives
OWNER_ONLY = 0o077


def render_plist(plan: Plan) -> bytes:
    """Return the property list as XML."""
    return plistlib.dumps(build_plist(plan), sort_keys=False)


def build_plist(plan: Plan) -> dict[str, Any]:
    """Return the keys of the property list."""
    log = str(log_of(plan.home))
    keys: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": plan.command("daemon", "run"),
        "EnvironmentVariables": {"PATH": SEARCH_PATH, **plan.variables, **_secret_files(plan)},
        "WorkingDirectory": str(plan.home),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": THROTTLE_SECONDS,
        "ExitTimeOut": math.ceil(plan.drain_seconds) + AFTER_DRAIN_SECONDS,
        "ProcessType": "Background",
        "Umask": OWNER_ONLY,
        "HardResourceLimits": {"Core": 0},
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    return keys | ({"UserName": plan.user} if plan.scope is Scope.SYSTEM else {})


def log_of(home: Path) -> Path:
    """Return the file that launchd writes the daemon's talk to."""
    return home / "daemon.log"


def _secret_files(plan: Plan) -> dict[str, str]:
    """Return the variables that name the files of credentials: launchd passes none on itself."""
    return {
        f"TACTICS_{one.name.replace('.', '_')}_FILE".upper(): str(one.path)
        for one in plan.secrets
        if not one.encrypted
    }
