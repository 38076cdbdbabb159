"""Raises an alert in a process that will be killed: `alert_child.py HOME URL raise|deliver`."""

import os
import sys
from pathlib import Path

from tactics.config import Settings
from tactics.home import Home
from tactics.model import Alert, AlertSeverity
from tactics.pipeline import Workspace, deliver_due, raise_alerts
from tests.support import FakeClock

SETTINGS = Settings.model_validate({"alerts": {"webhook": "info", "webhook_format": "json"}})


def open_workspace(root: Path, url: str, clock: FakeClock) -> Workspace:
    """Open a home whose webhook is on."""
    environment = {"TACTICS_ALERTS_WEBHOOK_URL": url}
    return Workspace.open(SETTINGS, Home(root), clock, environment=environment)


def main(root: str, url: str, what: str) -> None:
    """Raise it, say so, and deliver it or wait to be killed; the address says who sends."""
    with open_workspace(Path(root), f"{url}/{os.getpid()}", FakeClock()) as workspace:
        raise_alerts(workspace, [Alert("disk", AlertSeverity.CRITICAL, "the disk is full")])
        sys.stdout.write("raised\n")
        sys.stdout.flush()
        if what == "deliver":
            deliver_due(workspace)
        else:
            sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
