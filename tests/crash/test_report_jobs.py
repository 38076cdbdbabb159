"""kill -9 while a vendor's report job runs: the next sync goes on with the same job."""

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tactics.home import Home
from tactics.model import RunStatus
from tactics.sandbox import World, serve
from tactics.sandbox.api import Call, Reply
from tests import ledger
from tests.lab import TODAY, Lab, troubles

pytestmark = pytest.mark.crash

DAYS = 5
ROOT = Path(__file__).parents[2]
META_ACCOUNT = "act_1000000001"
OPTIONS = "TACTICS_ORGS__ACME__SOURCES__"
Matches = Callable[[Call], bool]


@dataclass(frozen=True)
class Reports:
    """How a vendor's report jobs look from outside.

    `jobs` is how many slices are read, one after another: two streams of one ad account at Meta
    (two accounts would start side by side), three of the shop. `orphans` is how many jobs are lost with the answer
    that names one, where the vendor has no list of jobs to find it in (docs/connectors/meta.md).
    `options` make the connection ask for reports although the days are few, and for one `account`.
    """

    source: str
    jobs: int
    starts: Matches
    polls: Matches
    reads: Matches
    orphans: int = 0
    account: str = ""
    options: tuple[tuple[str, str], ...] = ()


REPORTS = (
    Reports(
        "meta",
        jobs=2,
        starts=lambda call: call.method == "POST" and call.path.endswith("/insights"),
        polls=lambda call: call.path.rpartition("/")[2].isdecimal(),
        reads=lambda call: call.method == "GET" and call.path.endswith("/insights"),
        orphans=1,
        account=META_ACCOUNT,
        options=(
            (f"{OPTIONS}META__REPORT_MODE", "async"),
            (f"{OPTIONS}META__ACCOUNTS", f'["{META_ACCOUNT}"]'),
        ),
    ),
    Reports(
        "dv360",
        jobs=1,
        starts=lambda call: call.path.endswith(":run"),
        polls=lambda call: call.path.rpartition("/reports/")[2].isdecimal(),
        reads=lambda call: call.path.startswith("/storage/"),
    ),
    Reports(
        "ttd",
        jobs=1,
        starts=lambda call: call.method == "POST" and call.path.endswith("/reportschedule"),
        polls=lambda call: "/reportexecution/query/" in call.path,
        reads=lambda call: "/download/" in call.path,
    ),
    Reports(
        "shopify",
        jobs=3,
        starts=lambda call: b'"StartBulk"' in call.body,
        polls=lambda call: b'"PollBulk"' in call.body,
        reads=lambda call: call.path.startswith("/files/"),
        options=((f"{OPTIONS}SHOPIFY__BULK_OVER_DAYS", "1"),),
    ),
)


class DeadlyWorld(World):
    """Vendors that do what a call asks for and then, once, kill whoever asked."""

    def __init__(self, source: str) -> None:
        super().__init__(today=TODAY, days=DAYS, orgs=("acme",), sources=(source,))
        self.calls: list[Call] = []
        self._deadly: Matches | None = None
        self._victims: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()

    def kill_at(self, deadly: Matches) -> None:
        """Kill the next process that makes such a call."""
        self._deadly = deadly

    def expose(self, process: subprocess.Popen[str]) -> None:
        """Name the process that is to be killed."""
        self._victims.put(process)

    def answer(self, call: Call) -> Reply:
        """Answer; the answer to a deadly call finds nobody any more."""
        reply = super().answer(call)
        self.calls.append(call)
        if self._deadly is not None and self._deadly(call):
            self._deadly = None
            victim = self._victims.get(timeout=60)
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait(timeout=60)
        return reply


@contextmanager
def open_deadly(reports: Reports, folder: Path) -> Iterator[tuple[DeadlyWorld, Lab]]:
    """Serve deadly vendors to an empty home whose connection works by reports."""
    world = DeadlyWorld(reports.source)
    with serve(world) as sandbox:
        home = Home(folder / "home").create()
        yield world, Lab(world, sandbox, home, extra=dict(reports.options))


def sync_until_killed(world: DeadlyWorld, lab: Lab, deadly: Matches) -> None:
    """Sync in a process that dies at a call."""
    world.kill_at(deadly)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.sync_child"],
        env=lab.process_environment(),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    world.expose(process)
    _, err = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, err


def sync_to_the_end(lab: Lab, only: str = "") -> None:
    """Sync, which must succeed and bring every row of the ledger's accounts home, once."""
    result = lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    assert all(receipt.balances() for receipt in result.receipts)
    wanted = ledger.of_vendors(lab).items()
    ledger.assert_same(
        ledger.of_silver(lab),
        {place: rows for place, rows in wanted if only in ("", place.account_id)},
    )


def started(world: DeadlyWorld, reports: Reports) -> int:
    """Return how many jobs the vendor was asked for, and took."""
    return sum(map(reports.starts, world.calls))


@pytest.mark.parametrize("reports", REPORTS, ids=lambda reports: reports.source)
def test_a_killed_sync_leaves_its_job_to_the_next(tmp_path: Path, reports: Reports):
    """Killed as a job starts, at a poll, and while its rows come, no slice has a second job."""
    with open_deadly(reports, tmp_path) as (world, lab):
        sync_until_killed(world, lab, reports.starts)
        assert started(world, reports) == 1
        sync_until_killed(world, lab, reports.polls)
        assert started(world, reports) == 1 + reports.orphans
        sync_until_killed(world, lab, reports.reads)
        assert started(world, reports) == 1 + reports.orphans
        sync_to_the_end(lab, reports.account)
        assert started(world, reports) == reports.jobs + reports.orphans
