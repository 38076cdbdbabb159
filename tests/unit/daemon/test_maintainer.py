"""The daily round and the WAL."""

import random

import pytest

from tactics.daemon.maintainer import WAL_BYTES, Maintainer, MaintainerReport
from tactics.daemon.work import Verb
from tactics.pipeline import Scope, Workspace
from tests.support import FakeClock
from tests.unit.daemon.conftest import Hand, ignore

DAY = 86400


@pytest.fixture
def hand() -> Hand:
    """Return a worker that does nothing."""
    return Hand()


@pytest.fixture
def maintainer(workspace: Workspace, hand: Hand) -> Maintainer:
    """Return a maintainer of a home in which a run has been maintained."""
    run_id = workspace.store.runs.start("sync", Scope().to_json())
    workspace.store.runs.stage(run_id, "maintain", rows=0, seconds=0.0)
    return Maintainer(workspace, hand, beat=ignore)


def test_within_a_day_nothing_is_done(maintainer: Maintainer, hand: Hand, clock: FakeClock):
    """Runs maintain the home themselves; the daemon has nothing to add."""
    clock.advance(DAY - 1)
    assert maintainer.step(clock.now()) == MaintainerReport()
    assert hand.jobs == []


def test_after_a_day_without_a_run_a_round_is_done(
    maintainer: Maintainer, hand: Hand, clock: FakeClock
):
    """Retention does not wait for a source that is never due; the report tells what it gave back."""
    clock.advance(DAY)
    report = maintainer.step(clock.now())
    assert [job.verb for job in hand.jobs] == [Verb.MAINTAIN]
    assert report.before is not None
    assert report.after is not None


def test_a_new_home_needs_no_maintenance(workspace: Workspace, hand: Hand, clock: FakeClock):
    """Where nothing ever ran there is nothing to keep small."""
    assert Maintainer(workspace, hand, beat=ignore).step(clock.now()) == MaintainerReport()


def test_a_large_wal_is_emptied(maintainer: Maintainer, workspace: Workspace, clock: FakeClock):
    """What many writes have left in the WAL goes into the file, and the WAL is short again."""
    for _ in range(5):
        body = random.Random(1).randbytes(2**20)
        workspace.store.bus.append("t", header={}, body=body)
    assert workspace.store.health().wal_bytes > WAL_BYTES
    report = maintainer.step(clock.now())
    assert report.wal_emptied
    assert report.before is not None
    assert report.before.wal_bytes > WAL_BYTES
    assert workspace.store.health().wal_bytes == 0


def test_a_run_is_not_disturbed(maintainer: Maintainer, hand: Hand, clock: FakeClock):
    """While a run is on nothing is done."""
    hand.busy = True
    clock.advance(2 * DAY)
    assert maintainer.step(clock.now()) == MaintainerReport()
