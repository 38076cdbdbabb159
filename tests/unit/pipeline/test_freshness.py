"""How old held data is."""

import datetime as dt

from tactics.model import Finality, Window
from tactics.pipeline import Workspace, read_freshness
from tests.support import FakeClock
from tests.unit.pipeline.vendor import slice_of

DAY = dt.date(2026, 11, 20)


def test_freshness_is_the_age_of_the_last_good_fetch(workspace: Workspace, clock: FakeClock):
    """Data grows older until it is fetched again."""
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


def test_what_was_never_fetched_has_no_age(workspace: Workspace):
    """An empty home has no freshness."""
    assert read_freshness(workspace) == ()
