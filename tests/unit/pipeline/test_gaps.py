"""Which days are held, which are missing, and which of those can still be fetched."""

import datetime as dt

import pytest

from tactics.connectors import StreamSpec
from tactics.model import Finality, Window
from tactics.pipeline import Scope
from tactics.pipeline.gaps import Gap, find_gaps, list_days
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import slice_of

TODAY = dt.date(2026, 11, 21)
DAYS = StreamSpec("ads", "ad_performance", ("campaign_id",))
DAILY = StreamSpec("lists", "email_subscribers", ("list_id",), slicing="daily")


def day(number: int) -> dt.date:
    """Return a day of November."""
    return dt.date(2026, 11, number)


def held(*numbers: int) -> dict[dt.date, Finality]:
    """Return these days of November as final."""
    return {day(number): Finality.FINAL for number in numbers}


def found(spec: StreamSpec, *numbers: int) -> list[tuple[int, int, str]]:
    """Return the gaps of 10 to 21 November as first day, last day and reason."""
    gaps = find_gaps(spec, held(*numbers), Window(day(10), TODAY), TODAY)
    return [(gap.window.start.day, gap.window.end.day, gap.reason) for gap in gaps]


def test_holes_history_and_what_is_behind():
    """Days between held ones are holes; newer and older ones are on their way."""
    assert found(DAYS, 12, 13, 16, 18) == [
        (10, 11, "history"),
        (14, 15, "hole"),
        (17, 17, "hole"),
        (19, 20, "behind"),
    ]


def test_today_is_not_missing():
    """A day that still runs may come with the next sync."""
    assert found(DAYS, *range(10, 21)) == []


def test_nothing_held_is_history_to_come():
    """A stream that was never loaded misses everything that was asked for."""
    assert found(DAYS) == [(10, 20, "history")]


def test_a_daily_state_that_was_missed_is_gone():
    """Before the first reading there was nothing to miss; afterwards no fetch brings it back."""
    assert found(DAILY, 12, 13, 16) == [(14, 15, "missed"), (17, 20, "missed")]
    assert found(DAILY) == []


@pytest.mark.usefixtures("_installed")
def test_the_ledger_of_a_source(open_workspace: Open):
    """Each account and stream of the configuration, with what the ledger says of it."""
    workspace = open_workspace(
        orgs=orgs_of("http://127.0.0.1:1", accounts=["a1", "a2"], history_days=9)
    )
    fetches = workspace.store.fetches
    request_id = fetches.begin(slice_of(Window(day(18), day(20))), api_version="v7")
    fetches.complete(request_id, days=[(day(18), Finality.FINAL), (day(20), Finality.OPEN)])
    streams = list_days(workspace.settings, workspace.store, workspace.clock, Scope())
    ads = {one.key.account_id: one for one in streams if one.key.stream == "ads"}
    assert ads["a1"].held == {day(18): Finality.FINAL, day(20): Finality.OPEN}
    assert Gap(Window(day(19), day(19)), "hole") in ads["a1"].gaps
    assert [gap.reason for gap in ads["a2"].gaps] == ["history"]
    assert ads["a2"].fillable


def test_an_account_that_another_connection_reads_has_no_gaps(open_workspace: Open):
    """The first connection of a kind reads it: nothing of it is missing in the second one."""
    facts = {"name": "Org", "currency": "EUR", "timezone": "Europe/Vienna"}
    first = {"accounts": ["1112223330"]}
    second = {"kind": "google_ads", "accounts": ["1112223330", "4445556660"]}
    sources = {"google_ads": first, "agency": second}
    workspace = open_workspace(orgs={"acme": {**facts, "sources": sources}})
    streams = list_days(workspace.settings, workspace.store, workspace.clock, Scope())
    assert {(one.key.source, one.key.account_id) for one in streams} == {
        ("google_ads", "1112223330"),
        ("agency", "4445556660"),
    }
