"""The background services of one home: one file each, and the process that holds them.

Started by `tactics daemon run`. Runs of the pipeline are done by processes of their own.
"""

import importlib
from typing import TYPE_CHECKING

from tactics.daemon.instance import Announcement, DaemonLock, read_token

if TYPE_CHECKING:
    from tactics.daemon.main import run_daemon

__all__ = ["Announcement", "DaemonLock", "read_token", "run_daemon"]


def __getattr__(name: str) -> object:
    if name != "run_daemon":
        raise AttributeError(name)
    return importlib.import_module("tactics.daemon.main").run_daemon  # the web libraries come along
