"""The process of a job, from its one line of input to its end."""

import json
import os
import subprocess
import sys
import threading

import pytest

from tactics.clock import SystemClock
from tactics.daemon.wire import encode_job
from tactics.daemon.work import Done, Ending, Job, Verb
from tactics.daemon.worker import Mouth, StoppableClock, _do
from tactics.errors import Interrupted
from tactics.home import Home
from tactics.pipeline import CommitLock
from tests.support import FakeClock

CONFIG = '[orgs.acme]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "Europe/Vienna"\n'


@pytest.fixture
def environment(home: Home) -> dict[str, str]:
    """Return the environment of a home with an organisation and no source."""
    config = home.root / "tactics.toml"
    config.write_text(CONFIG)
    return {**os.environ, "TACTICS_HOME": str(home.root), "TACTICS_CONFIG": str(config)}


def do(job: Job, environment: dict[str, str]) -> tuple[Done, int, str]:
    """Have a job done; return how it ended, the exit code and what was said beside it."""
    command = [sys.executable, "-m", "tactics.daemon.worker"]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(encode_job(job))
        process.stdin.flush()  # and it stays open: nobody wants it to stop
        lines = process.stdout.read().splitlines()
        said = process.stderr.read().decode()
    return Done(**json.loads(lines[-1])["done"]), process.returncode, said


def test_a_job_is_done(environment: dict[str, str], home: Home):
    """A round of maintenance in a process of its own; nothing else is said, not even at the end."""
    done, code, said = do(Job(Verb.MAINTAIN), environment)
    assert (done.outcome, code, said) == ("done", 0, "")
    assert home.database.exists()


def test_a_wrong_configuration_is_refused(environment: dict[str, str], home: Home):
    """The process says what is wrong and what to do, and does nothing."""
    (home.root / "tactics.toml").write_text("[nonsense]")
    done, code, _ = do(Job(Verb.SYNC), environment)
    assert (done.outcome, code) == (Ending.REFUSED, 2)
    assert "nonsense" in done.message
    assert done.hint


class Line(list[bytes]):
    """A stream that keeps what is written, or whose reader has gone."""

    broken = False

    def write(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        self.append(data)

    def flush(self) -> None:
        """Do nothing."""


def test_signs_of_life_are_rare(clock: FakeClock):
    """However much happens, a line a second is enough; a stage is told at once."""
    line = Line()
    mouth = Mouth(line, clock, threading.Event())
    mouth.stage("bronze")
    for _ in range(100):
        mouth.begin("acme", "meta", slices=3)
        mouth.advance("acme", "meta", pages=1)
        clock.advance(0.1)
    mouth.done()
    assert 10 <= len(line) <= 12
    assert line[1] == b'{"beat": "bronze: fetches acme/meta: 3 slices"}\n'


def test_a_daemon_that_has_died_stops_its_jobs(clock: FakeClock):
    """Nobody hears any more: the job ends at the next safe place."""
    line, stopping = Line(), threading.Event()
    line.broken = True
    Mouth(line, clock, stopping).stage("bronze")
    assert stopping.is_set()


def test_nobody_sleeps_through_a_stop():
    """A wait for a vendor ends at once when the process is to stop."""
    stopping = threading.Event()
    inner = SystemClock()
    clock = StoppableClock(inner, stopping, Mouth(Line(), inner, stopping))
    clock.sleep(0.001)
    assert clock.now() >= clock.now().replace(year=2020)
    assert clock.monotonic() >= 0
    stopping.set()
    with pytest.raises(Interrupted):
        clock.sleep(3600)


def test_what_a_job_comes_to(environment: dict[str, str], home: Home, clock: FakeClock):
    """A job that is done, one that cannot begin, one that is stopped and one that is our fault."""
    stopping = threading.Event()
    mouth = Mouth(Line(), clock, stopping)
    mine = StoppableClock(SystemClock(), stopping, mouth)

    def outcome(job: object) -> str:
        return _do(job, environment, mine, mouth=mouth, stopping=stopping).outcome  # type: ignore[arg-type]

    assert outcome(Job(Verb.FLUSH)) == "succeeded"
    assert outcome("no job") == Ending.CRASHED
    with CommitLock(home.lock) as other:
        other.try_acquire()
        stopping.set()
        assert outcome(Job(Verb.FLUSH)) == Ending.STOPPED
    (home.root / "tactics.toml").unlink()
    assert outcome(Job(Verb.SYNC)) == Ending.REFUSED
