"""Which service manager this machine has, and whose service is meant."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tactics.clock import Clock, SystemClock
from tactics.errors import ConfigError
from tactics.service.launchd import Launchd, launchd_places
from tactics.service.manager import Manager
from tactics.service.plan import Scope
from tactics.service.systemd import Systemd, systemd_places

BOOTED = Path("/run/systemd/system")  # Source: sd_booted(3), systemd 252 (read 2026-11-22)


def find_manager(
    scope: Scope | None,
    home: Path,
    environment: Mapping[str, str] = os.environ,
    *,
    clock: Clock | None = None,
    platform: str = sys.platform,
    running: bool = True,
) -> Manager:
    """Return the manager of this machine for the service of `scope`.

    Without a scope: the one that is installed, the person's own first; where none is, root means
    the machine's. `running` False is for looking at what would be written.

    Raises:
        ConfigError: there is neither systemd nor launchd.
    """
    if platform != "darwin" and running and not BOOTED.is_dir():
        hint = "let your supervisor run `tactics daemon run`; SIGTERM drains, 2 and 70 are final"
        raise ConfigError("this machine runs neither systemd nor launchd", hint=hint)
    waits = clock or SystemClock()

    def make(scope: Scope) -> Manager:
        if platform == "darwin":
            return Launchd(scope, launchd_places(scope, home, environment), clock=waits)
        return Systemd(scope, systemd_places(scope, home, environment))

    if scope is not None:
        return make(scope)
    both = [make(one) for one in (Scope.USER, Scope.SYSTEM)]
    installed = [one for one in both if one.places.definition.exists()]
    return installed[0] if installed else both[os.geteuid() == 0]
