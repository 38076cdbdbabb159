"""Syncs in a process that may be killed, on a clock that does not wait: `-m tests.crash.sync_child`."""

import os

from tactics.config import load_settings
from tactics.home import find_config, find_home
from tactics.pipeline import Workspace, sync
from tests.support import FakeClock


def main() -> None:
    """Sync everything that the environment's configuration names."""
    settings = load_settings(find_config())
    with Workspace.open(settings, find_home(), FakeClock(), environment=os.environ) as workspace:
        sync(workspace)


if __name__ == "__main__":
    main()
