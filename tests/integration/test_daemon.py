"""The daemon as a process, and its services over an hour, a night and ten thousand ticks."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tactics.daemon.board import Board
from tactics.daemon.flusher import Flusher
from tactics.daemon.heartbeat import Heartbeat
from tactics.daemon.maintainer import Maintainer
from tactics.daemon.notifier import Notifier
from tactics.daemon.scheduler import Scheduler
from tactics.daemon.service import Loop, Service
from tactics.daemon.systemd import Systemd
from tactics.daemon.vitals import Vitals, read_vitals
from tactics.daemon.work import Beat, Done, Job, perform
from tactics.model import RunStatus
from tactics.pipeline import Scope, Silent, Workspace
from tactics.store import Run, Store, Visit
from tests.integration.test_outage import unusable_warehouse
from tests.integration.test_sync import assert_home_equals_vendors
from tests.lab import Lab, open_lab

MEBIBYTE = 2**20
QUICK = {"TACTICS_DAEMON__PORT": "0", "TACTICS_DAEMON__HEARTBEAT_SECONDS": "1"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation and ten days of history."""
    with open_lab(tmp_path, days=10, orgs=("acme",)) as lab:
        yield lab


@dataclass
class Running:
    """A daemon in a process of its own."""

    lab: Lab
    process: subprocess.Popen[str]
    log: Path

    @property
    def url(self) -> str:
        """Return where it answers."""
        return str(json.loads((self.lab.home.root / "daemon.json").read_text())["url"])

    def ask(self, path: str) -> tuple[int, str]:
        """Ask its server with the token."""
        token = (self.lab.home.root / "token").read_text().strip()
        request = urllib.request.Request(
            self.url + path, headers={"authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def wait_for(self, met: Callable[[], object], seconds: float = 90) -> None:
        """Return once something is so; a daemon that dies meanwhile fails the test."""
        limit = time.monotonic() + seconds
        while not met():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < limit, self.log.read_text()
            time.sleep(0.05)  # noqa: TID251 - a real process takes real time

    def runs(self) -> list[Run]:
        """Return the runs that have ended, the newest first."""
        with Store.open(self.lab.home.database, self.lab.clock, readonly=True) as store:
            return [run for run in store.runs.list_runs(99) if run.finalized_at]

    def end(self) -> int:
        """Stop it as a service manager does; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@contextmanager
def daemon_of(lab: Lab, **environment: str) -> Iterator[Running]:
    """Run a daemon on the lab's home until it answers, and for the block."""
    log = lab.home.root.with_name("daemon.log")
    announced = lab.home.root / "daemon.json"
    announced.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tactics", "daemon", "run"]
    with log.open("a") as said:
        process = subprocess.Popen(
            command,
            env=lab.process_environment(**QUICK | environment),
            stdout=said,
            stderr=said,
            text=True,
        )
        running = Running(lab, process, log)
        try:
            running.wait_for(announced.exists)
            yield running
        finally:
            process.kill()
            process.wait()


def test_from_start_to_stop(small: Lab):
    """It syncs what is due, answers, lets no second one in, and ends with 0 when it is told to."""
    with daemon_of(small) as daemon:
        daemon.wait_for(daemon.runs)
        assert outcomes(daemon) == [("sync", RunStatus.SUCCEEDED)]
        assert daemon.ask("/healthz") == (200, '{"status":"ok"}')
        status, text = daemon.ask("/api/health/system")
        assert (status, json.loads(text)["daemon"]["pid"]) == (200, daemon.process.pid)
        assert "tactics_daemon_memory_bytes" in daemon.ask("/metrics")[1]
        second = small.command("daemon", "run")
        assert second.returncode == 2
        assert f"pid={daemon.process.pid}" in second.stderr
        told = json.loads(small.command("daemon", "status", "--json").stdout)["rows"][0]
        assert (told["pid"], told["url"]) == (daemon.process.pid, daemon.url)
        assert daemon.end() == 0
    assert small.command("daemon", "status").returncode == 4
    with Store.open(small.home.database, small.clock, readonly=True) as store:
        beat = store.heartbeats.latest()
    assert beat is not None
    assert beat.stopped_at is not None
    assert "Traceback" not in daemon.log.read_text()


def test_the_next_time_of_a_schedule(small: Lab):
    """When the hour of a source comes it is asked again, and a restart before asks nobody."""
    hour = {"TACTICS_DAEMON__SCHEDULE": "0 * * * *"}
    with daemon_of(small, TACTICS_NOW="2026-11-21T08:30:00Z", **hour) as daemon:
        daemon.wait_for(daemon.runs)
        assert daemon.end() == 0
    with daemon_of(small, TACTICS_NOW="2026-11-21T08:59:55Z", **hour) as daemon:

        def awake() -> bool:
            daemon.process.send_signal(signal.SIGHUP)  # looks at once, and reads the configuration
            return len(daemon.runs()) == 2

        daemon.wait_for(awake)
        newest = daemon.runs()[0]
        assert daemon.end() == 0
    assert newest.created_at.hour == 9


def is_fetching(daemon: Running) -> bool:
    """Return whether pages have come in while a run is going on."""
    with Store.open(daemon.lab.home.database, daemon.lab.clock, readonly=True) as store:
        latest = store.runs.latest()
        return bool(latest and latest.status is RunStatus.RUNNING and store.bus.get(1))


def outcomes(daemon: Running) -> list[tuple[str, RunStatus]]:
    """Return what ran, and how it ended."""
    return [(run.command, run.status) for run in daemon.runs()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_of_a_sync(small: Lab, number: signal.Signals):
    """Told to stop it drains in time with 0; killed or not, the next one brings everything home."""
    small.plant("latency", times=None, seconds=0.2)
    with daemon_of(small) as daemon:
        daemon.wait_for(lambda: is_fetching(daemon))
        daemon.process.send_signal(number)
        code = daemon.process.wait(30)
    assert code == (-number if number is signal.SIGKILL else 0)
    small.world.faults.clear()
    with daemon_of(small) as daemon:
        daemon.wait_for(lambda: ("sync", RunStatus.SUCCEEDED) in outcomes(daemon))
        assert daemon.end() == 0
    assert_home_equals_vendors(small)


def test_a_sync_by_hand_beside_the_daemon(small: Lab):
    """Somebody types `tactics sync` while the daemon syncs: it follows, and both are well."""
    small.plant("latency", times=None, seconds=0.05)
    with daemon_of(small) as daemon:
        daemon.wait_for(lambda: is_fetching(daemon))
        by_hand = small.command("sync", "--json")
        assert by_hand.returncode == 0, by_hand.stderr
        assert json.loads(by_hand.stdout)["followed"]
        assert daemon.end() == 0
    assert {run.status for run in daemon.runs()} == {RunStatus.SUCCEEDED}


def test_an_idle_daemon_is_small(small: Lab):
    """After a sync the engines' memory is given back: the daemon itself never loads them."""
    with daemon_of(small) as daemon:
        daemon.wait_for(daemon.runs)
        for path in ("/api/health/system", "/metrics"):
            assert daemon.ask(path)[0] == 200
        maps = Path(f"/proc/{daemon.process.pid}/maps").read_text()
        assert "libarrow" not in maps
        status = Path(f"/proc/{daemon.process.pid}/status").read_text()
        assert daemon.end() == 0
    memory = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(memory) * 1024 < 150 * MEBIBYTE


@dataclass
class Here:
    """A worker that does its jobs in this process."""

    workspace: Workspace
    busy: bool = False

    def run(self, job: Job, beat: Beat) -> Done:
        """Do a job."""
        beat(job.verb.value)
        return perform(self.workspace, job, Silent())


def test_a_dead_sink_heals_without_a_person(small: Lab):
    """The lake is gone for an hour: writes wait, die, are probed, and are home when it is back."""
    with small.workspace() as workspace:
        worker = Here(workspace)
        flusher = Flusher(
            workspace.settings,
            workspace.home,
            workspace.store,
            worker,
            clock=small.clock,
            beat=lambda _: None,
        )

        def pass_time(seconds: float) -> None:
            limit = small.clock.monotonic() + seconds
            while small.clock.monotonic() < limit:
                flusher.step(small.clock.now())
                small.clock.advance(flusher.seconds)

        perform(workspace, Job.from_json({"verb": "sync", "scope": Scope().to_json()}), Silent())
        small.world.restate(7)
        with unusable_warehouse(small):
            small.clock.advance(3600)
            small.sync()
            pass_time(3600)
            assert waiting(workspace)
        pass_time(900)
        assert waiting(workspace) == {}
    assert_home_equals_vendors(small)


def waiting(workspace: Workspace) -> dict[str, int]:
    """Return the writes that are not home, and what no stage has taken from the log."""
    counts = {
        f"{count.stage} {count.state}": count.jobs
        for count in workspace.store.jobs.stats()
        if count.state not in {"completed", "cancelled"}
    }
    lag = workspace.store.bus.lag("connector.data.raw", "bronze")
    return counts | ({"raw": lag} if lag else {})


@dataclass
class Visitor:
    """A worker that only notes that it was there."""

    workspace: Workspace
    busy: bool = False
    runs: int = 0

    def run(self, job: Job, beat: Beat) -> Done:
        """Note a visit to every source, and a run with its maintenance."""
        beat("visits")
        self.runs += 1
        store, now = self.workspace.store, self.workspace.clock.now()
        run_id = store.runs.start(job.verb.value, job.scope.to_json())
        for chosen in job.scope.chosen(self.workspace.settings):
            store.visits.note(Visit(chosen.org_id, chosen.source, now, "ok"))
        store.runs.stage(run_id, "maintain", rows=0, seconds=0.0)
        store.runs.finish(run_id, RunStatus.SUCCEEDED, {})
        return Done("succeeded", run_id)


def services_of(workspace: Workspace, worker: Any, board: Board) -> list[Service]:
    """Return all five services of a daemon."""
    clock = workspace.clock
    settings, home, store = workspace.settings, workspace.home, workspace.store
    return [
        Scheduler(lambda: settings, store, worker, clock=clock, beat=lambda _: None),
        Flusher(settings, home, store, worker, clock=clock, beat=lambda _: None),
        Maintainer(workspace, worker, beat=lambda _: None),
        Notifier(workspace, board),
        Heartbeat(settings, store, board, systemd=Systemd({})),
    ]


@dataclass
class Ticks:
    """What ten thousand ticks left behind, and how it stood after the first thousand."""

    stuck: tuple[str, ...]
    failures: set[int]
    runs: int
    memory_bytes: tuple[int, int]
    open_files: tuple[int, int]
    wal_bytes: int


def tick_away(folder: Path) -> Ticks:
    """Let all services tick ten thousand times in a home of their own."""
    with open_lab(folder, days=10, orgs=("acme",)) as lab, lab.workspace() as workspace:
        board, worker = Board(lab.clock), Visitor(workspace)
        loops = [Loop(one, board, lab.clock) for one in services_of(workspace, worker, board)]

        def tick(times: int) -> Vitals:
            for _ in range(times):
                lab.clock.advance(30)
                for loop in loops:
                    loop.turn()
            return read_vitals()

        first, last = tick(1000), tick(9000)
        return Ticks(
            board.stuck(),
            {line["failures"] for line in board.to_json().values()},
            worker.runs,
            (first.memory_bytes, last.memory_bytes),
            (first.open_files, last.open_files),
            workspace.store.health().wal_bytes,
        )


def test_ten_thousand_ticks_leave_nothing_behind(tmp_path: Path):
    """Three and a half days of ticks: memory, open files and the WAL stay as they were.

    In a process of their own: what other tests of this one gave back would hide, or feign, growth.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        left = pool.submit(tick_away, tmp_path).result()
    assert left.stuck == ()
    assert left.failures == {0}
    assert left.runs == pytest.approx(10_000 * 30 / 1800, abs=2)
    assert left.open_files[1] == left.open_files[0]
    assert left.memory_bytes[1] - left.memory_bytes[0] < 4 * MEBIBYTE
    assert left.wal_bytes < 20 * MEBIBYTE


def test_a_night_asleep(small: Lab):
    """A laptop that slept for ten hours syncs once when it wakes, and then by its schedule."""
    with small.workspace() as workspace:
        board = Board(small.clock)
        scheduler, *_ = services_of(workspace, Here(workspace), board)
        scheduler.step(small.clock.now())
        small.clock.advance(10 * 3600)
        small.world.restate(7)
        for _ in range(20):
            scheduler.step(small.clock.now())
            small.clock.advance(30)
        runs = workspace.store.runs.list_runs(99)
    assert [run.status for run in runs] == [RunStatus.SUCCEEDED] * 2
    assert_home_equals_vendors(small)
