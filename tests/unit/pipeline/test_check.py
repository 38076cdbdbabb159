"""DataGuard over what is held: all of it at once, or month by month where it is large."""

import datetime as dt

import pytest

from tactics.model import Finality, Window
from tactics.pipeline import Workspace
from tactics.pipeline.check import check_silver
from tactics.pipeline.silver import silver_stage
from tests.unit.pipeline.conftest import Open
from tests.unit.pipeline.sheet import SETTINGS, read_sheet
from tests.unit.pipeline.vendor import slice_of

DAYS = [dt.date(2026, month, 15) for month in (9, 10, 11)]


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace with a booking, and days of three months that were fetched."""
    workspace = open_workspace(orgs=SETTINGS.model_dump()["orgs"])
    read_sheet(workspace)
    silver_stage(workspace, []).drain()
    fetches = workspace.store.fetches
    request_id = fetches.begin(slice_of(Window(DAYS[0], DAYS[-1])), api_version="v7")
    fetches.complete(request_id, days=[(day, Finality.FINAL) for day in DAYS])
    return workspace


def test_month_by_month_is_found_what_is_found_at_once(workspace: Workspace):
    """The first time, and when nothing has changed since."""
    whole = check_silver(workspace).to_json()
    for _ in range(2):
        assert check_silver(workspace, large_bytes=0).to_json() == whole


def test_where_nothing_was_fetched_there_are_no_months(open_workspace: Open):
    """An empty home is checked as well, and nothing is found."""
    assert check_silver(open_workspace(), large_bytes=0).findings == ()
