"""A month of one laptop: the daemon's own services, stepped on a clock that a test moves.

Time passes in ticks of many seconds, in which every service has one turn. A run is done the way the
worker process does it, here or in a process of its own that may be killed.
"""

import datetime as dt
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tactics.config import load_settings
from tactics.daemon import worker
from tactics.daemon.board import Board
from tactics.daemon.child import ChildWorker
from tactics.daemon.flusher import Flusher
from tactics.daemon.heartbeat import Heartbeat
from tactics.daemon.maintainer import Maintainer
from tactics.daemon.notifier import AlarmedWorker, Notifier
from tactics.daemon.scheduler import Scheduler
from tactics.daemon.service import Loop
from tactics.daemon.systemd import Systemd
from tactics.daemon.work import Beat, Done, Job, Worker
from tactics.pipeline import Silent
from tests.lab import Lab

HOUR, QUICK = 3600, 300  # seconds of a tick when nothing goes on, and when something does
TICKS_AT = 600  # seconds after the full hour
REAL_SECONDS = 60.0  # pass on the clock while a real process does something
MEBIBYTE = 2**20


class Entry(NamedTuple):
    """One line of the diary: what a person was told, and when."""

    at: dt.datetime
    event: str
    key: str
    title: str
    body: str

    def __str__(self) -> str:
        why = "" if self.event == "resolved" else f": {self.body.splitlines()[0]}"
        return f"{self.at:%a %d %b %H:%M}  {self.event:9}  {self.title}{why}"


@dataclass
class Hands:
    """A worker that does its jobs as the worker process does, or once in one that is to be killed."""

    lab: Lab
    doomed_at: str = ""  # the crash point at which the next run dies
    done: list[tuple[dt.datetime, Job, Done]] = field(default_factory=list)
    busy: bool = False

    def run(self, job: Job, beat: Beat) -> Done:
        """Do a job."""
        beat(job.verb.value)
        started_at = self.lab.clock.now()
        doomed_at, self.doomed_at = self.doomed_at, ""
        done = self._in_a_child(job, beat, doomed_at) if doomed_at else self._here(job)
        self.done.append((started_at, job, done))
        return done

    def _here(self, job: Job) -> Done:
        environment = self.lab.process_environment()
        return worker._do(  # the worker process without the process
            job,
            environment,
            self.lab.clock,  # type: ignore[arg-type]
            mouth=Silent(),  # type: ignore[arg-type]
            stopping=threading.Event(),
        )

    def _in_a_child(self, job: Job, beat: Beat, doomed_at: str) -> Done:
        environment = self.lab.process_environment(TACTICS_CRASH_AT=doomed_at)
        child = ChildWorker(environment, self.lab.clock, stall_seconds=600)
        done = child.run(job, beat)
        self.lab.clock.advance(REAL_SECONDS)
        return done


class Services:
    """The services of one daemon, from its start to its end."""

    def __init__(self, lab: Lab, hands: Worker) -> None:
        self.lab = lab
        self._opened = lab.workspace()
        workspace = self._opened.__enter__()
        self.workspace = workspace
        self.board = Board(lab.clock)
        clock, store, settings = lab.clock, workspace.store, workspace.settings
        alarmed = AlarmedWorker(hands, workspace)
        self.heartbeat = Heartbeat(settings, store, self.board, systemd=Systemd({}))
        self.heartbeat.begin()
        common: Mapping[str, Any] = {"clock": clock, "beat": lambda _: None}
        services = (
            self.heartbeat,
            Scheduler(self._settings, store, alarmed, **common),
            Flusher(settings, workspace.home, store, alarmed, **common),
            Maintainer(workspace, alarmed, beat=lambda _: None),
            Notifier(workspace, self.board),
        )
        self.loops = [Loop(service, self.board, clock) for service in services]

    def turn(self) -> None:
        """Let each service do a step; a fault of ours fails the test."""
        for loop in self.loops:
            loop.turn()
        assert self.board.doom is None, self.board.doom
        assert self.board.stuck() == ()
        broken = [line for line in self.board.to_json().values() if line["error"].isidentifier()]
        assert broken == []  # the name of an exception class: no error that we know

    def end(self) -> None:
        """Stop, as when told to."""
        self.heartbeat.end()
        self._opened.__exit__(None, None, None)

    def _settings(self) -> Any:
        return load_settings(self.lab.config, self.lab.extra)


class Laptop:
    """A computer with a daemon on it; its vendors live on the same calendar.

    `day` counts on from the first of the month in which its clock began.
    """

    def __init__(self, lab: Lab, *, small_disk: bool) -> None:
        self.lab = lab
        self.small_disk = small_disk
        self.hands = Hands(lab)
        self.services = Services(lab, self.hands)
        self.fired: dict[str, int] = {}  # how often each fault that was injected has struck
        self._first = self.now.replace(day=1, hour=0, minute=0)

    @property
    def now(self) -> dt.datetime:
        """Return the time."""
        return self.lab.clock.now()

    def awake_until(self, day: int, hour: int, minute: int = 10, *, tick: int = HOUR) -> None:
        """Let time pass until then, a tick at a time."""
        until = self._moment(day, hour, minute)
        while self.now < until:
            passed = (self.now - self._first).total_seconds() - TICKS_AT
            self._pass(min(tick - passed % tick, (until - self.now).total_seconds()))
            self.services.turn()

    def asleep_until(self, day: int, hour: int, minute: int = 10) -> None:
        """Let time pass without the daemon, as under a closed lid; then wake up."""
        self.off_until(day, hour, minute)
        self.services.turn()

    def off_until(self, day: int, hour: int, minute: int = 10) -> None:
        """Let time pass while no daemon runs."""
        self._pass((self._moment(day, hour, minute) - self.now).total_seconds())

    def start(self) -> None:
        """Start a daemon after one that has ended."""
        self.services = Services(self.lab, self.hands)
        self.services.turn()

    def by_hand(self, *arguments: str) -> None:
        """Run `tactics …` as a process of its own, which must succeed."""
        done = self.lab.command(*arguments)
        assert done.returncode == 0, done.stderr
        self.lab.clock.advance(REAL_SECONDS)

    @contextmanager
    def faulty(self, name: str, api: str, **options: Any) -> Iterator[None]:
        """Let a vendor misbehave for the block, and note how often it did."""
        fault = self.lab.plant(name, api, **options)
        yield
        self.fired[f"{api} {name}"] = fault.fired
        self.lab.world.faults.clear()

    def diary(self) -> list[Entry]:
        """Return everything that a person was told, from `alerts.log`."""
        path = self.lab.home.root / "alerts.log"
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        return [
            Entry(
                dt.datetime.fromisoformat(line["at"]),
                line["event"],
                line["key"],
                line["title"],
                line["body"],
            )
            for line in lines
        ]

    def _pass(self, seconds: float) -> None:
        self.lab.clock.advance(seconds)
        world = self.lab.world
        world.advance((self.now.date() - world.today).days)

    def _moment(self, day: int, hour: int, minute: int) -> dt.datetime:
        return self._first + dt.timedelta(days=day - 1, hours=hour, minutes=minute)


@contextmanager
def disk_of_its_own(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small file system at `folder` where that is allowed; yield whether it was."""
    folder.mkdir(mode=0o700)
    if os.geteuid() != 0:
        yield False
        return
    size = f"size={megabytes}m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_disk(path: Path, *, leave: int = 0) -> None:
    """Let a file grow until so many bytes are free."""
    folder = path.parent
    with path.open("ab") as file:
        room = shutil.disk_usage(folder).free - leave
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size + room)
    return path
