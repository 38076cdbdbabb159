"""What DataGuard and `tactics sql` can read."""

import datetime as dt

import pytest

from tactics.config import Settings
from tactics.errors import NotFoundError
from tactics.model import Finality, Window
from tactics.pipeline import Workspace, query
from tactics.pipeline.views import COVERAGE, coverage_rows, coverage_table, open_silver, orgs_table
from tests.unit.pipeline.conftest import orgs_of
from tests.unit.pipeline.vendor import slice_of

DAY = dt.date(2026, 11, 20)


def test_every_silver_table_is_there_and_empty(workspace: Workspace):
    """Before the first row every silver table can be asked, and the ledger and organisations."""
    connection = open_silver(workspace)
    try:
        for view in ("ad_performance", "transactions", "bookings", "crm_deals", "quarantine"):
            assert connection.execute(f"SELECT count(*) FROM {view}").fetchall() == [(0,)]
        assert connection.execute("FROM coverage").fetchall() == []
        assert connection.execute("FROM orgs").fetchall() == []
    finally:
        connection.close()


def test_the_ledger_as_rows_and_as_a_table(workspace: Workspace):
    """A covered day is a row with its fetch, finality and instant."""
    request_id = workspace.store.fetches.begin(slice_of(Window(DAY, DAY)), api_version="v7")
    workspace.store.fetches.complete(request_id, days=[(DAY, Finality.FINAL)])
    instant = workspace.clock.now()
    row = ("acme", "probe", "a1", "ads", DAY, "final", request_id, instant)
    assert coverage_rows(workspace) == [row]
    table = coverage_table(workspace)
    assert table.schema == COVERAGE
    assert [tuple(one.values()) for one in table.to_pylist()] == [(*row, True)]


def test_organisations_as_a_table():
    """Each organisation has its name, currency, time zone and calendar day."""
    settings = Settings.model_validate({"orgs": orgs_of("", "acme", "beta")})
    late = dt.datetime(2026, 11, 19, 23, 30, tzinfo=dt.UTC)  # the next day in Vienna
    assert orgs_table(settings, late).to_pylist() == [
        {
            "org_id": name,
            "name": "Org",
            "currency": "EUR",
            "timezone": "Europe/Vienna",
            "today": DAY,
        }
        for name in ("acme", "beta")
    ]


def test_nothing_can_be_asked_before_the_first_generation(workspace: Workspace):
    """Until gold was published once, a question is answered with what to do."""
    with pytest.raises(NotFoundError):
        query(workspace, "SELECT 1")
