"""Jobs, done in this process."""

import pytest

from tactics.daemon.work import Done, Ending, Job, Verb, perform
from tactics.model import RunStatus
from tactics.pipeline import Scope, Silent, Workspace
from tests.unit.daemon.conftest import Open, orgs_of


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace with one source that has no credential."""
    return open_workspace(orgs=orgs_of(acme__stripe=None))


def test_a_sync_tells_how_its_run_ended(workspace: Workspace):
    """State, run, exit code and the first problem."""
    done = perform(workspace, Job(Verb.SYNC), Silent())
    assert (done.outcome, done.exit_code) == ("degraded", 6)
    assert done.message.startswith("no credential for acme.stripe")
    assert workspace.store.runs.get(done.run_id).command == "sync"
    assert ("acme", "stripe") in workspace.store.visits.by_source()


def test_a_flush_asks_nobody(workspace: Workspace):
    """It works on what is held, and is recorded as what it is."""
    done = perform(workspace, Job(Verb.FLUSH), Silent())
    assert (done.outcome, done.message) == ("succeeded", "")
    assert workspace.store.runs.get(done.run_id).command == "flush"
    assert workspace.store.visits.by_source() == {}


def test_maintenance_has_no_result_of_a_run(workspace: Workspace):
    """It is done, or it raises."""
    assert perform(workspace, Job(Verb.MAINTAIN), Silent()) == Done(Ending.DONE)


def test_a_run_that_was_stopped_is_no_failure(workspace: Workspace):
    """Whoever asked it to stop hears that it did."""
    workspace.stopping.set()
    done = perform(workspace, Job(Verb.SYNC, Scope(offline=True)), Silent())
    assert done.outcome == Ending.STOPPED
    assert workspace.store.runs.get(done.run_id).status is RunStatus.FAILED
