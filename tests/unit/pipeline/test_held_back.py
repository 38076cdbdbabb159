"""What DataGuard halts in a run does not get into gold by that run."""

import datetime as dt

import pytest

from tactics.guard import load_checks
from tactics.model import TOPIC_PROCESSED, Finality, RunStatus, StreamKey, Window
from tactics.pipeline import Scope, Workspace, sync
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import slice_of

pytestmark = pytest.mark.usefixtures("_installed")
OTHER_CHECKS = [check.name for check in load_checks() if check.name != "missing_dates"]
DAYS = (dt.date(2026, 11, 17), dt.date(2026, 11, 19))  # and nothing of the day between


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace of two organisations, one of which misses a day."""
    guard = {"disabled": OTHER_CHECKS}
    workspace = open_workspace(orgs=orgs_of("", "acme", "beta"), guard=guard)
    request_id = workspace.store.fetches.begin(slice_of(Window(*DAYS)), api_version="v7")
    held = [(day, Finality.PROVISIONAL) for day in DAYS]
    workspace.store.fetches.complete(request_id, days=held)
    return workspace


def test_what_is_halted_stays_out_of_gold(workspace: Workspace):
    """The change of the halted organisation still waits after the run; the other's is published."""
    for org_id in ("acme", "beta"):
        header = {
            "org_id": org_id,
            "table": "ad_performance",
            "start": "2026-11-20",
            "end": "2026-11-20",
        }
        workspace.store.bus.append(
            TOPIC_PROCESSED, key=StreamKey(org_id, "probe", "", "ads"), header=header
        )
    assert sync(workspace, Scope(offline=True)).status is RunStatus.HALTED
    waiting = workspace.store.bus.read(TOPIC_PROCESSED, "gold", 9)
    assert [event.header["org_id"] for event in waiting] == ["acme"]
