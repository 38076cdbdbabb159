"""A warm process that forks a child for each run: a kill without two seconds of imports before it.

Started as `python -m tests.crash.nursery`, it reads one order a line and answers one line. It opens
nothing and starts no thread of its own, so that each child begins as clean as a new process.
"""

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx  # noqa: F401 - what a run would import late is imported once, before the fork
import keyring  # noqa: F401

import tactics.gold.gold  # noqa: F401
import tactics.lake.lake  # noqa: F401
from tactics.config import load_settings
from tactics.home import find_config, find_home
from tactics.metrics import Registry
from tactics.model import RunStatus
from tactics.pipeline import Workspace, flush, sync
from tests.support import FakeClock

ROOT = Path(__file__).parents[2]
COMMANDS = {"sync": sync, "flush": flush}
IMPERFECT = 1
BROKEN = 70


class Ended(NamedTuple):
    """How a child ended: killed by a signal, or with an exit code; what it said."""

    signal: int
    code: int
    said: str


class Nursery:
    """The parent of all children, seen from outside."""

    def __init__(self, folder: Path) -> None:
        self._talk = folder / "said.txt"
        environment = {k: text for k, text in os.environ.items() if not k.startswith("TACTICS_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, environment: dict[str, str], now: dt.datetime) -> Ended:
        """Run a command in a child of its own and return how that ended."""
        order = {
            "command": command,
            "environment": environment,
            "now": now.isoformat(),
            "talk": str(self._talk),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery has ended"
        status = int(answer)
        said = self._talk.read_text(encoding="utf-8")
        if os.WIFSIGNALED(status):
            return Ended(os.WTERMSIG(status), 0, said)
        return Ended(0, os.WEXITSTATUS(status), said)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=60)


def main() -> None:
    """Fork a child for each order until there are no more."""
    Registry.load()  # compiled once for all
    for line in sys.stdin:
        assert threading.active_count() == 1, threading.enumerate()
        child = os.fork()
        if child == 0:
            os._exit(_obey(json.loads(line)))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def _obey(order: dict[str, Any]) -> int:
    """Run one command as the process that the order describes; return its exit code."""
    talk = os.open(order["talk"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(talk, 1)
    os.dup2(talk, 2)
    os.environ.update(order["environment"])
    clock = FakeClock(dt.datetime.fromisoformat(order["now"]))
    try:
        settings = load_settings(find_config())
        with Workspace.open(settings, find_home(), clock, environment=os.environ) as workspace:
            result = COMMANDS[order["command"]](workspace)
    except BaseException:  # noqa: BLE001 - a forked child must not run on into its parent's loop
        os.write(2, traceback.format_exc().encode())
        return BROKEN
    os.write(1, json.dumps(result.to_json()).encode())
    good = result.status is RunStatus.SUCCEEDED and all(r.balances() for r in result.receipts)
    return 0 if good else IMPERFECT


if __name__ == "__main__":
    main()
