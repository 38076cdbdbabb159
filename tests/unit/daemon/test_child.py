"""Jobs in processes of their own: how they end, and how they are ended."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tactics.clock import SystemClock
from tactics.daemon.child import ChildWorker
from tactics.daemon.work import Done, Ending, Job, Verb
from tactics.errors import IntegrityError
from tests.unit.daemon.conftest import ignore

SYNC = Job(Verb.SYNC)
GOOD = 'print(\'{"done": {"outcome": "succeeded", "run_id": "r1"}}\', flush=True)'
WAIT = "sys.stdin.read()"  # until its input is closed
HANG = "threading.Event().wait()"


def worker_of(*lines: str, stall_seconds: float = 30.0) -> ChildWorker:
    """Return a worker whose process runs these lines."""
    code = "; ".join(("import sys, threading, json", "sys.stdin.readline()", *lines))
    command = (sys.executable, "-c", code)
    return ChildWorker({}, SystemClock(), stall_seconds=stall_seconds, command=command)


def test_a_job_that_ends_well():
    """What it achieves is heard, what a library prints is passed over, and its end is told."""
    beats: list[str] = []
    worker = worker_of('print(\'{"beat": "gold"}\')', "print('nanobind: leaked')", GOOD)
    assert worker.run(SYNC, beats.append) == Done("succeeded", "r1")
    assert beats == ["gold"]
    assert not worker.busy


def test_a_job_that_dies(caplog: pytest.LogCaptureFixture):
    """A process that dies without a word has crashed; the log has a warning."""
    with caplog.at_level(logging.INFO, "tactics.daemon"):
        done = worker_of("sys.exit(3)").run(SYNC, ignore)
    assert (done.outcome, done.exit_code) == (Ending.CRASHED, 3)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_process_that_cannot_hear():
    """One that dies before it has read its job has crashed, too."""
    worker = ChildWorker(
        {},
        SystemClock(),
        stall_seconds=30,
        command=(sys.executable, "-c", "import sys; sys.exit(1)"),
    )
    assert worker.run(SYNC, ignore).outcome == Ending.CRASHED


def test_a_job_without_progress_is_ended():
    """A run that hangs is killed, and the daemon goes on."""
    assert worker_of(HANG, stall_seconds=0.2).run(SYNC, ignore).outcome == Ending.STALLED


def test_a_broken_state_is_raised():
    """When the process says that our own state is broken, the daemon must stop."""
    says = '{"done": {"outcome": "refused", "exit_code": 70, "message": "damaged"}}'
    with pytest.raises(IntegrityError, match="damaged"):
        worker_of(f"print('{says}')").run(SYNC, ignore)


@contextmanager
def running(worker: ChildWorker) -> Iterator[list[Done]]:
    """Have a job done in a thread; yield what comes of it, and wait for its end."""
    begun = threading.Event()
    found: list[Done] = []
    thread = threading.Thread(
        target=lambda: found.append(worker.run(SYNC, lambda _: begun.set())), daemon=True
    )
    thread.start()
    assert begun.wait(10)
    yield found
    thread.join(10)
    assert not thread.is_alive()


BEGUN = 'print(\'{"beat": "fetches"}\', flush=True)'


def test_a_job_that_is_asked_stops_by_itself():
    """Its input is closed; it ends by itself and says how."""
    worker = worker_of(BEGUN, WAIT, GOOD)
    with running(worker) as found:
        assert worker.busy
        worker.stop(30)
    assert found == [Done("succeeded", "r1")]


def test_a_job_that_does_not_stop_in_time_is_ended():
    """After its time it is killed: what it had not made durable is due again."""
    worker = worker_of(BEGUN, HANG)
    with running(worker) as found:
        worker.stop(0.1)
    assert [done.outcome for done in found] == [Ending.STOPPED]


def test_no_job_begins_after_the_stop():
    """Who comes later, or was waiting for its turn, hears that it is over."""
    worker = worker_of(BEGUN, WAIT)
    with running(worker):
        waiting: list[Done] = []
        heard = threading.Event()
        second = threading.Thread(
            target=lambda: waiting.append(worker.run(SYNC, lambda _: heard.set()))
        )
        second.start()
        assert heard.wait(10)
        worker.stop(0.1)
        second.join(10)
    assert worker.run(SYNC, ignore).outcome == Ending.STOPPED
    assert [done.outcome for done in waiting] == [Ending.STOPPED]


def test_a_shifted_clock_goes_on_in_the_process():
    """With TACTICS_NOW the process begins where the daemon's clock stands now."""
    says = "print(json.dumps({'beat': os.environ.get('TACTICS_NOW', 'none')}))"
    command = (sys.executable, "-c", f"import os, json, sys; sys.stdin.readline(); {says}")
    beats: list[str] = []
    for environment in ({"TACTICS_NOW": "2020-01-01T00:00:00Z"}, {}):
        worker = ChildWorker(environment, SystemClock(), stall_seconds=30, command=command)
        worker.run(SYNC, beats.append)
    assert beats[0] > "2020-01-01T00:00:01"
    assert beats[1] == "none"
