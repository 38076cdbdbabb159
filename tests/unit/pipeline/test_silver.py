"""Complete requests on their way from bronze to the typed tables."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from tactics import duck
from tactics.errors import CountMismatch
from tactics.lake import SilverLoad, SilverResult
from tactics.model import TOPIC_PROCESSED, Finality, Receipt, StreamKey, Window
from tactics.pipeline import StageReport, Workspace
from tactics.pipeline.bronze import bronze_stage
from tactics.pipeline.silver import _receipt, silver_stage
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.sheet import read_sheet
from tests.unit.pipeline.vendor import KEY, slice_of

pytestmark = pytest.mark.usefixtures("_installed")
DAY = dt.date(2026, 11, 20)
ROW = {"id": "c1", "day": DAY.isoformat(), "spend": "1.50"}
NAMED = replace(KEY, source="renamed")


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace that knows the probe, also under another name."""
    orgs = orgs_of("", "acme", "beta")
    orgs["beta"]["sources"]["second"] = {"kind": "probe"}
    return open_workspace(orgs=orgs)


def log(workspace: Workspace, *rows: object, key: StreamKey = KEY, whole: bool = True) -> None:
    """Log a request of one page."""
    fetches = workspace.store.fetches
    request_id = fetches.begin(slice_of(Window(DAY, DAY), key), api_version="v7")
    described = {"account": {"timezone": "Europe/Vienna"}, "options": {}}
    body = json.dumps({"rows": rows}).encode()
    fetches.append_page(request_id, body, request=json.dumps(described))
    if whole:
        fetches.complete(request_id, days=[(DAY, Finality.PROVISIONAL)])


def land(workspace: Workspace, *rows: object, **more: Any) -> None:
    """Log a request of one page, and carry all there is to bronze."""
    log(workspace, *rows, **more)
    bronze_stage(workspace).drain()


def drain(workspace: Workspace) -> tuple[StageReport, list[Receipt]]:
    """Carry everything to silver."""
    receipts: list[Receipt] = []
    stage = silver_stage(workspace, receipts)
    stage.drain()
    return stage.report(), receipts


def told(workspace: Workspace) -> list[tuple[str, str, str | None]]:
    """Return what gold is told: org, source, first day that changed."""
    events = workspace.store.bus.read(TOPIC_PROCESSED, "gold", 9)
    return [(e.header["org_id"], e.header["source"], e.header["start"]) for e in events]


def test_a_whole_request_is_typed(workspace: Workspace):
    """Rows of a complete request are written, with a receipt and word to gold."""
    land(workspace, ROW, {**ROW, "id": "c2", "spend": "N/A"})
    report, [receipt] = drain(workspace)
    assert report.rows == 1
    assert (receipt.received, receipt.written, receipt.quarantined) == (2, 1, 1)
    assert receipt.key == StreamKey("acme", "probe", "", "ads")
    assert told(workspace) == [("acme", "probe", "2026-11-20")]


def test_an_interrupted_request_never_counts(workspace: Workspace):
    """Pages of a request that did not end stay in bronze."""
    land(workspace, ROW, whole=False)
    report, receipts = drain(workspace)
    assert (report.rows, receipts, told(workspace)) == (0, [], [])


def test_each_stream_has_its_load(workspace: Workspace):
    """Several streams in one batch are one commit and one receipt each, by the kind they name."""
    land(workspace, ROW)
    land(workspace, ROW, key=StreamKey("beta", "second", "a1", "ads"))
    report, receipts = drain(workspace)
    assert report.rows == 2
    assert [receipt.key.source for receipt in receipts] == ["probe", "second"]


def test_the_same_rows_again_change_nothing(workspace: Workspace):
    """A second fetch with equal rows tells gold that no day changed."""
    land(workspace, ROW)
    drain(workspace)
    land(workspace, ROW)
    drain(workspace)
    assert told(workspace)[1:] == [("acme", "probe", None)]


def test_a_source_that_nobody_reads_stops_no_other(workspace: Workspace):
    """Requests of a source that left the configuration are set aside; the others arrive."""
    log(workspace, ROW, key=NAMED)
    land(workspace, ROW)
    report, receipts = drain(workspace)
    assert (report.rows, report.dead_lettered) == (1, 1)
    assert [receipt.key.source for receipt in receipts] == ["probe"]
    [letter] = workspace.store.jobs.list_dead()
    assert letter.key is not None
    assert letter.key.source == "renamed"
    assert "dlq retry" in letter.error_hint


def test_a_page_that_needs_too_much_memory_stops_no_other(open_workspace: Open):
    """It is set aside with what to do about it, its neighbours arrive; with more memory it does, too."""
    workspace = open_workspace(lake={"memory_limit": "60MB"})
    log(workspace, *({**ROW, "id": f"c{number}"} for number in range(100_000)))
    land(workspace, ROW, key=replace(KEY, account_id="small"))
    report, receipts = drain(workspace)
    assert (report.rows, report.dead_lettered, len(receipts)) == (1, 1, 1)
    [letter] = workspace.store.jobs.list_dead()
    assert letter.error_type == "size_violation"
    assert "memory_limit in [lake]" in letter.error_hint
    workspace.close()
    roomy = open_workspace()
    roomy.store.jobs.redrive([letter.job_id])
    stage = silver_stage(roomy, receipts)
    stage.retry()
    assert stage.report().rows == 100_000


def test_a_source_of_a_built_in_kind_may_leave(workspace: Workspace):
    """A source that was named after its kind is still read when it has left the configuration."""
    land(workspace, ROW, key=replace(KEY, org_id="gone"))
    assert drain(workspace)[0].rows == 1


def test_rows_that_vanish_stop_the_process():
    """A load whose parts do not add up is our own broken state."""
    load = SilverLoad("l1", "ad_performance", "", "acme", "probe", "ads", (), ())
    assert _receipt(load, SilverResult(received=2, written=1, superseded=1)).duplicate == 1
    with pytest.raises(CountMismatch, match="load_id=l1"):
        _receipt(load, SilverResult(received=2, written=1))


def rows(workspace: Workspace, table: str) -> list[tuple[dt.date, int]]:
    """Return day and number of each row of a table of bookings."""
    relation = workspace.lake.relation_sql(table)
    sql = f"SELECT date, booked_impressions FROM {relation} ORDER BY ALL"
    connection = duck.connect(None, workspace.lake_limits, folders=workspace.lake.folders())
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_state_that_is_replaced_leaves_its_history(workspace: Workspace):
    """A sheet is as it stands now, and beside that as it stood on the day it was read on."""
    read_sheet(workspace, 1000)
    report, [receipt] = drain(workspace)
    assert (report.problems, receipt.key.stream, receipt.written) == ((), "bookings", 1)
    assert rows(workspace, "bookings") == [(dt.date(2026, 11, 1), 1000)]
    assert rows(workspace, "bookings_history") == [(dt.date(2026, 11, 21), 1000)]
    assert told(workspace) == [("acme", "sheets", "2026-11-01"), ("acme", "sheets", "2026-11-21")]


def test_readings_of_two_days_that_arrive_together_are_both_history(
    workspace: Workspace, clock: FakeClock
):
    """Silver was down over midnight: the last reading of each day is kept, the state is the newest."""
    read_sheet(workspace, 900)
    read_sheet(workspace, 1000)
    clock.advance(24 * 3600)
    read_sheet(workspace, 1500)
    _, [receipt] = drain(workspace)
    assert (receipt.received, receipt.written, receipt.duplicate) == (3, 1, 2)
    assert rows(workspace, "bookings") == [(dt.date(2026, 11, 1), 1500)]
    assert rows(workspace, "bookings_history") == [
        (dt.date(2026, 11, 21), 1000),
        (dt.date(2026, 11, 22), 1500),
    ]
