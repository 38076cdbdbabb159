"""How old held data is."""

import datetime as dt

import pytest

from tactics.model import Finality, Window
from tactics.pipeline import Workspace, read_freshness
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import slice_of

DAY = dt.date(2026, 11, 20)


def test_freshness_is_the_age_of_the_last_good_fetch(open_workspace: Open, clock: FakeClock):
    """Data grows older until it is fetched again."""
    workspace = open_workspace(orgs=orgs_of("http://127.0.0.1:1", accounts=["a1"]))
    fetched_at = clock.now()
    request_id = workspace.store.fetches.begin(slice_of(Window(DAY, DAY)), api_version="v7")
    workspace.store.fetches.complete(request_id, days=[(DAY, Finality.PROVISIONAL)])
    clock.advance(3600.24)
    [fresh] = read_freshness(workspace)
    assert (fresh.org_id, fresh.source, fresh.account_id, fresh.stream) == (
        "acme",
        "probe",
        "a1",
        "ads",
    )
    assert (fresh.newest_day, fresh.finality) == (DAY, "provisional")
    assert (fresh.fetched_at, fresh.age_seconds) == (fetched_at, 3600.2)


@pytest.mark.parametrize(
    ("source", "accounts", "ages"),
    [("probe", ["a1"], 1), ("probe", ["a2"], 0), ("probe2", ["a1"], 0), ("probe", [], 0)],
)
def test_what_left_the_configuration_has_no_age(
    open_workspace: Open, source: str, accounts: list[str], ages: int
):
    """An account or a connection that is gone is never read again: it does not grow old."""
    facts = {"name": "Org", "currency": "EUR", "timezone": "Europe/Vienna"}
    sources = {source: {"kind": "probe", "accounts": accounts}}
    workspace = open_workspace(orgs={"acme": {**facts, "sources": sources}})
    request_id = workspace.store.fetches.begin(slice_of(Window(DAY, DAY)), api_version="v7")
    workspace.store.fetches.complete(request_id, days=[(DAY, Finality.FINAL)])
    assert len(read_freshness(workspace)) == ages


def test_what_was_never_fetched_has_no_age(workspace: Workspace):
    """An empty home has no freshness."""
    assert read_freshness(workspace) == ()
