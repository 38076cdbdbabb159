"""What DataGuard and `tactics sql` can read."""

import datetime as dt
from contextlib import closing

import pytest

from tactics.config import Settings
from tactics.errors import NotFoundError
from tactics.model import Finality, Window
from tactics.pipeline import Workspace, query
from tactics.pipeline.views import coverage_rows, open_silver, org_columns
from tests.unit.pipeline.conftest import orgs_of
from tests.unit.pipeline.vendor import slice_of

DAY = dt.date(2026, 11, 20)


def test_every_silver_table_is_there_and_empty(workspace: Workspace):
    """Before the first row every silver table can be asked, and the ledger and organisations."""
    with closing(open_silver(workspace)) as silver:
        for view in ("ad_performance", "transactions", "bookings", "crm_deals", "quarantine"):
            assert silver.execute(f"SELECT count(*) FROM {view}").fetchall() == [(0,)]
        assert silver.execute("FROM coverage").fetchall() == []
        assert silver.execute("FROM orgs").fetchall() == []


def test_the_ledger_as_rows_and_as_a_table(workspace: Workspace):
    """A covered day is a row with its fetch, finality and instant."""
    request_id = workspace.store.fetches.begin(slice_of(Window(DAY, DAY)), api_version="v7")
    workspace.store.fetches.complete(request_id, days=[(DAY, Finality.FINAL)])
    instant = workspace.clock.now()
    row = ("acme", "probe", "a1", "ads", DAY, "final", request_id, instant)
    assert coverage_rows(workspace) == [row]
    with closing(open_silver(workspace)) as silver:
        assert silver.execute("FROM coverage").fetchall() == [(*row, True)]


def test_organisations_by_column():
    """Each organisation has its name, currency, time zone and calendar day."""
    settings = Settings.model_validate({"orgs": orgs_of("", "acme", "beta")})
    late = dt.datetime(2026, 11, 19, 23, 30, tzinfo=dt.UTC)  # the next day in Vienna
    assert org_columns(settings, late) == {
        "org_ids": ["acme", "beta"],
        "names": ["Org"] * 2,
        "currencies": ["EUR"] * 2,
        "timezones": ["Europe/Vienna"] * 2,
        "todays": [DAY] * 2,
    }


def test_nothing_can_be_asked_before_the_first_generation(workspace: Workspace):
    """Until gold was published once, a question is answered with what to do."""
    with pytest.raises(NotFoundError):
        query(workspace, "SELECT 1")
