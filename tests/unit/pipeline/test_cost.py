"""What a run takes: time for each stage, CPU, calls, bytes."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tactics.analytics import Stage
from tactics.home import Home
from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_READY, Finality, Window
from tactics.pipeline import Scope, Silent, Workspace, read_cost, read_latency, sync
from tactics.pipeline.cost import (
    CONSUMER,
    cpu_seconds,
    measure_latency,
    read_quotas,
    read_totals,
    stored_bytes,
)
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import KEY, Answer, open_vendor, slice_of

pytestmark = pytest.mark.usefixtures("_installed")
DAY = dt.date(2026, 11, 20)


def rows(asked: Answer) -> Answer:
    """Answer with a row for each day that is asked for, and with the account."""
    if "since" not in asked:
        return {"name": "Acme", "currency": "EUR", "timezone": "Europe/Vienna"}
    since, until = (dt.date.fromisoformat(asked[name]) for name in ("since", "until"))
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    return {"rows": [{"id": "c1", "day": day.isoformat(), "spend": "1.50"} for day in days]}


@dataclass
class Slow(Silent):
    """Progress that lets time pass when a stage begins."""

    clock: FakeClock
    seconds: dict[str, float] = field(default_factory=dict)

    def stage(self, name: str) -> None:
        self.clock.advance(self.seconds.get(name, 0.0))


@pytest.fixture
def synced(open_workspace: Open, clock: FakeClock) -> Callable[..., Workspace]:
    """Return a function that syncs the probe, each stage as slow as a test says."""

    def run(**seconds: float) -> Workspace:
        with open_vendor(rows) as vendor:
            orgs = orgs_of(vendor.url, accounts=["a1"])
            workspace = open_workspace(orgs=orgs, guard={"disabled": []})
            sync(workspace, progress=Slow(clock, seconds))
        return workspace

    return run


def seconds_of(result: dict[str, Any]) -> dict[str, float]:
    """Return the seconds of each stage of a result."""
    return {one["stage"]: one["seconds"] for one in result["latency"]}


def test_every_run_measures_its_latency(synced: Callable[..., Workspace], clock: FakeClock):
    """From the request to what readers see, in the run's result and in the history."""
    workspace = synced(silver=60, validate=30, gold=10)
    run = workspace.store.runs.latest()
    assert run is not None
    assert run.result is not None
    assert seconds_of(run.result) == {
        "source_to_bronze": 0.0,
        "bronze_to_silver": 60.0,
        "silver_to_gold": 40.0,
        "gold_to_dashboard": 0.0,
        "end_to_end": 100.0,
    }
    lines = read_latency(workspace.store, clock.now(), days=1)
    assert {line.stage: line.worst_seconds for line in lines}[Stage.END_TO_END] == 100.0
    assert [line.source for line in lines] == ["probe"] * 5


def test_a_generation_is_measured_once(workspace: Workspace, clock: FakeClock):
    """What a killed run has published is measured by the next one; an old event cannot be."""
    bus, fetches = workspace.store.bus, workspace.store.fetches
    request_id = fetches.begin(slice_of(Window(DAY, DAY)), api_version="v7")
    fetches.complete(request_id, days=[(DAY, Finality.FINAL)])
    clock.advance(5)
    bus.append(TOPIC_READY, header={"generation": 1})
    bus.append(TOPIC_CLEANED, key=KEY, header={"request_ids": [request_id]})
    bus.append(TOPIC_PROCESSED, key=KEY, header={"load_id": "l1"})
    bus.append(TOPIC_READY, header={"generation": 2, "built_at": clock.now().isoformat()})
    assert {one.stage: one.seconds for one in measure_latency(workspace.store)} == {
        Stage.SOURCE_TO_BRONZE: 5.0,
        Stage.BRONZE_TO_SILVER: 0.0,
        Stage.SILVER_TO_GOLD: 0.0,
        Stage.GOLD_TO_DASHBOARD: 0.0,
        Stage.END_TO_END: 5.0,
    }
    assert workspace.store.bus.lag(TOPIC_READY, CONSUMER) == 0
    assert measure_latency(workspace.store) == ()


def test_a_run_without_news_measures_nothing(open_workspace: Open):
    """Nothing was published, so nothing was late."""
    workspace = open_workspace()
    assert sync(workspace, Scope(offline=True)).latency == ()


def test_what_a_run_took_is_counted(synced: Callable[..., Workspace], clock: FakeClock):
    """Calls, bytes and CPU time of the days that are reported, and of no others."""
    workspace = synced()
    [probe] = read_cost(workspace, clock.now(), days=1).sources
    assert (probe.org_id, probe.source, probe.calls, probe.failed) == ("acme", "probe", 2, 0)
    assert probe.received_bytes > 0
    run = workspace.store.runs.latest()
    assert run is not None
    assert run.result is not None
    assert 0 < run.result["cpu_seconds"] < cpu_seconds()
    assert probe.cpu_seconds == pytest.approx(run.result["cpu_seconds"], abs=0.002)
    everything_stored(workspace.home)
    clock.advance(2 * 86400)
    assert read_cost(workspace, clock.now(), days=1).sources == ()
    assert read_cost(workspace, clock.now(), days=3).sources == (probe,)
    assert read_totals(workspace, clock.now()).sources[0].calls == 2


def everything_stored(home: Home) -> None:
    """Check that the store, each table by organisation, and gold are all that lies in the home."""
    stored = list(stored_bytes(home))
    assert {(one.place, one.table, one.org_id) for one in stored if one.size_bytes} >= {
        ("store", "tactics.db", None),
        ("lake", "bronze.pages", "acme"),
        ("lake", "silver.ad_performance", "acme"),
        ("gold", "generations", None),
    }
    kept = [*home.root.glob("tactics.db*"), *home.lake.rglob("*"), *home.gold.rglob("*")]
    wanted = sum(path.stat().st_size for path in kept if path.is_file())
    assert sum(one.size_bytes for one in stored) == wanted


def test_an_empty_home_holds_nothing(home: Home):
    """Before the first sync every place is empty; a file that a sweep just took holds nothing."""
    (home.gold / "generation-000001.duckdb").symlink_to(home.gold / "gone")
    assert sum(one.size_bytes for one in stored_bytes(home)) == 0


def test_only_calls_of_the_quota_count(open_workspace: Open, clock: FakeClock):
    """Klaviyo limits its reports to 225 a day, and nothing else."""
    orgs = orgs_of("http://127.0.0.1:1")
    orgs["acme"]["sources"] = {"klaviyo": {}, "stripe": {}, "odd": {"kind": "nobody"}}
    workspace = open_workspace(orgs=orgs)
    calls = [
        _Call("POST api/api/campaign-values-reports", clock.now()),
        _Call("POST api/api/flow-series-reports", clock.now()),
        _Call("GET api/api/campaigns", clock.now()),
    ]
    for source in ("klaviyo", "stripe", "gone"):
        workspace.store.calls.record_many("acme", source, calls)
    [(key, use)] = read_quotas(workspace, clock.now()).items()
    assert (key, use.limit, use.used) == (("acme", "klaviyo"), 225, 2)
    assert read_cost(workspace, clock.now(), days=1).sources[1].quota == use


@dataclass(frozen=True)
class _Call:
    """An attempt as transport records it."""

    endpoint: str
    at: dt.datetime
    account_id: str = "a1"
    status: int = 200
    attempt: int = 1
    size_bytes: int = 10
    seconds: float = 0.1
