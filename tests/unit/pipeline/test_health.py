"""What health is judged by, read from a real store."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tactics.analytics import CheckState, HealthCheck, HealthState
from tactics.errors import CredentialError, SinkUnavailable, StoreCorrupt
from tactics.home import Home
from tactics.model import TOPIC_CLEANED, TOPIC_RAW, AccountInfo, Finality, RunStatus, Window
from tactics.pipeline import (
    Parts,
    Workspace,
    read_health,
    read_metrics,
    read_vitals,
    unreadable_health,
)
from tactics.pipeline.cost import CONSUMER
from tactics.pipeline.health import is_held
from tactics.pipeline.lock import CommitLock
from tactics.store import RunLatency, RunSource, Store
from tests.support import FakeClock
from tests.unit.analytics.exposition import parse
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import KEY, slice_of

pytestmark = pytest.mark.usefixtures("_installed")
TODAY = dt.date(2026, 11, 21)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL


@pytest.fixture
def probed(open_workspace: Open) -> Workspace:
    """Return a workspace that reads one account of the probe, both of its streams."""
    return open_workspace(orgs=orgs_of("http://127.0.0.1:1", accounts=["a1"], read=["ads"]))


def run(workspace: Workspace, status: RunStatus = RunStatus.SUCCEEDED, **result: Any) -> str:
    """Record a run that has just ended."""
    runs = workspace.store.runs
    run_id = runs.start("sync", {})
    runs.finish(run_id, status, result)
    return run_id


def hold(workspace: Workspace, *days: int) -> None:
    """Hold some days of November of the probe's stream."""
    window = Window(TODAY.replace(day=days[0]), TODAY.replace(day=days[-1]))
    request_id = workspace.store.fetches.begin(slice_of(window), api_version="v7")
    held = [(TODAY.replace(day=number), Finality.FINAL) for number in days]
    workspace.store.fetches.complete(request_id, days=held)


def checks(workspace: Workspace, name: str) -> dict[str, HealthCheck]:
    """Return the lines of one check by subject."""
    health = read_health(workspace, workspace.clock.now())
    return {check.subject: check for check in health.checks if check.name == name}


def test_a_home_that_was_just_synced_is_well(probed: Workspace):
    """Yesterday is held, the run is good, nothing waits."""
    hold(probed, 18, 19, 20)
    run(probed)
    health = read_health(probed, probed.clock.now())
    assert health.state is HealthState.OK, health
    assert health.to_json()["state"] == "ok"


def test_a_new_home_wants_its_first_sync(probed: Workspace):
    """Nothing was synced and nothing is held; that is no failure."""
    assert checks(probed, "last_run")[""].reason == "nothing was ever synced here"
    assert checks(probed, "freshness")["acme/probe"].reason == "acme/probe has no data yet"


def test_a_validation_is_no_run(probed: Workspace):
    """Checking data does not make it any newer."""
    run_id = probed.store.runs.start("validate", {})
    probed.store.runs.finish(run_id, RunStatus.SUCCEEDED, {})
    assert read_vitals(probed, probed.clock.now()).last_run is None


def test_freshness_is_that_of_the_data(probed: Workspace, clock: FakeClock):
    """Runs that bring nothing make nothing fresh; the account's time zone counts."""
    hold(probed, 18, 19, 20)
    info = AccountInfo("a1", "Acme", "USD", "America/Los_Angeles")
    probed.store.accounts.put("acme", "probe", info)
    clock.advance(4 * 86400)
    run(probed)
    vitals = read_vitals(probed, clock.now())
    [age] = vitals.sources
    assert age.worst.data_at == dt.datetime(2026, 11, 21, 8, tzinfo=dt.UTC)
    [line] = checks(probed, "freshness").values()
    assert (line.subject, line.state) == ("acme/probe", WARN)


def test_a_failed_run_says_why(probed: Workspace):
    """The first problem of its stages is the reason; what was cut off is no failure."""
    problem = {"code": "sink_unavailable", "message": "the disk is full", "hint": ""}
    run(probed, RunStatus.FAILED, stages=[{"name": "gold", "problems": [problem]}])
    [line] = checks(probed, "last_run").values()
    assert (line.state, line.reason) == (FAIL, "the last sync failed 0 s ago: the disk is full")
    probed.clock.sleep(1)
    problem = {"code": "interrupted", "message": "KeyboardInterrupt", "hint": ""}
    run(probed, RunStatus.FAILED, stages=[{"name": "integrity", "problems": [problem]}])
    assert checks(probed, "last_run")[""].state is WARN


def test_a_run_that_was_killed(probed: Workspace):
    """It says that it is running, but nobody holds the lock."""
    run(probed)
    probed.clock.sleep(1)
    probed.store.runs.start("sync", {})
    assert "cut off" in checks(probed, "last_run")[""].reason
    with CommitLock(probed.home.lock) as lock:
        lock.try_acquire()
        assert "another is going on" in checks(probed, "last_run")[""].reason
    probed.store.runs.abandon_running()
    assert checks(probed, "last_run")[""].state is WARN


def test_looking_at_the_lock_does_not_take_it(home: Home):
    """Whoever looks is in nobody's way, and makes no file."""
    assert not is_held(home.lock)
    assert not home.lock.exists()
    with CommitLock(home.lock) as lock:
        assert lock.try_acquire()
        assert is_held(home.lock)
    assert not is_held(home.lock)
    assert CommitLock(home.lock).try_acquire()


def test_troubles_are_those_of_configured_sources(probed: Workspace):
    """One line of each kind of trouble: the first credential, the first right, the first other."""
    problems = tuple(
        {"code": code, "message": f"{code} {n}", "hint": "", "account_id": "", "stream": ""}
        for code in ("rate_limited", "credential_error", "permission_denied")
        for n in range(2)
    )
    failed = [
        RunSource("acme", "probe", "failed", problems),
        RunSource("acme", "gone", "failed", problems),
    ]
    probed.store.history.record(run(probed, RunStatus.DEGRADED), failed, ())
    health = read_health(probed, probed.clock.now())
    assert health.state is HealthState.FAILING
    told = [(c.name, c.state, c.facts["code"]) for c in health.checks if "code" in c.facts]
    assert told == [
        ("auth", FAIL, "credential_error"),
        ("last_run", WARN, "rate_limited"),
        ("auth", WARN, "permission_denied"),
    ]


def test_a_refused_configuration_is_told(open_workspace: Open):
    """A kind that nobody provides, or an option that the connector refuses."""
    orgs = orgs_of("http://127.0.0.1:1", accounts=["a1"], colour="red")
    orgs["acme"]["sources"]["other"] = {"kind": "nobody"}
    found = checks(open_workspace(orgs=orgs), "config")
    assert {subject: line.state for subject, line in found.items()} == {
        "acme/probe": FAIL,
        "acme/other": FAIL,
    }


def test_the_last_guard_report_counts(probed: Workspace):
    """A halted organisation is a failure until a later report finds nothing."""
    finding = {"severity": "error", "message": "revenue is negative"}
    guard = {"checks_run": 3, "errors": 1, "warnings": 0, "halted_orgs": ["acme"]}
    run(probed, RunStatus.HALTED, guard={**guard, "findings": [finding]})
    assert checks(probed, "quality")[""].reason.endswith("revenue is negative")
    probed.clock.sleep(1)
    run(probed, guard={**guard, "errors": 0, "halted_orgs": [], "findings": []})
    assert checks(probed, "quality")[""].state is OK


def test_queue_backlog_and_dead_letters(probed: Workspace, clock: FakeClock):
    """Retries, letters and events that wait are counted by stage."""
    jobs = probed.store.jobs
    jobs.enqueue("gold", None, KEY, SinkUnavailable("full"))
    jobs.discard_now("silver", KEY, CredentialError("no"))
    probed.store.bus.append(TOPIC_CLEANED, header={})
    clock.advance(3600)
    assert checks(probed, "queue")[""].facts == {"waiting": 1, "oldest_seconds": 3600}
    assert "credential_error" in checks(probed, "dead_letters")[""].reason
    assert checks(probed, "backlog")["silver"].state is WARN


def test_breakers_of_sources_and_sinks(probed: Workspace):
    """What stands before our own storage is worse."""
    for name in ("probe_breaker", "gold_breaker"):
        probed.breaker(name).open_for(300, "no")
    times = {"now": probed.clock.now(), "threshold": 5, "cooldown_seconds": 300}
    probed.store.breakers.fail("counting_breaker", owner="me", reason="once", **times)
    states = {subject: line.state for subject, line in checks(probed, "breakers").items()}
    assert states == {"probe_breaker": WARN, "gold_breaker": FAIL}


def test_the_last_latencies_count(probed: Workspace):
    """A source that is no longer configured has none."""
    slow = [RunLatency("acme", source, "end_to_end", 9999.0, 1) for source in ("probe", "gone")]
    probed.store.history.record(run(probed), (), slow)
    assert {subject: c.state for subject, c in checks(probed, "latency").items()} == {
        "acme/probe": WARN
    }


def test_a_credential_with_a_known_life(open_workspace: Open, clock: FakeClock):
    """The Trade Desk's token lives a year; it is as old as it has been in use here."""
    orgs = orgs_of("http://127.0.0.1:1", accounts=["a1"])
    orgs["acme"]["sources"] = {
        "ttd": {"accounts": ["x1"], "partner_id": "p", "report_template_id": 1}
    }
    workspace = open_workspace(orgs=orgs)
    workspace.store.sightings.note("acme", "ttd", {"token": "fingerprint"})
    assert "auth" not in {c.name for c in read_health(workspace, clock.now()).checks if c.severity}
    clock.advance(345 * 86400)
    told = checks(workspace, "auth")["acme/ttd/token"]
    assert (told.facts["days_left"], told.command) == (20, "tactics auth set acme ttd token")


def test_an_account_that_another_connection_reads(open_workspace: Open):
    """It is not missed in the second one, which leaves it out."""
    orgs = orgs_of("http://127.0.0.1:1")
    both = {"accounts": ["1234567890"], "login_account": "1112223334"}
    again = {**both, "kind": "google_ads"}
    orgs["acme"]["sources"] = {"stripe": {}, "google_ads": both, "second": again}
    vitals = read_vitals(open_workspace(orgs=orgs), dt.datetime(2026, 11, 21, tzinfo=dt.UTC))
    assert [(age.source, age.missing) for age in vitals.sources] == [
        ("google_ads", 1),
        ("stripe", 1),
    ]


def test_disk_thresholds_are_configured(open_workspace: Open):
    """A disk is never large enough for whoever asks for more."""
    workspace = open_workspace(health={"disk_warn_bytes": 2**60})
    assert checks(workspace, "disk")[""].state is WARN


def test_a_clock_that_went_back(probed: Workspace, clock: FakeClock):
    """What the store has seen is later than now."""
    probed.store.bus.append(TOPIC_RAW, header={})
    clock.advance(-86400)
    assert checks(probed, "clock")[""].state is FAIL


def test_a_store_that_cannot_be_read_is_the_health(probed: Workspace):
    """The command is the one of the error's hint; metrics tell it, too."""
    probed.store.database.write("DROP TABLE events")
    health = read_health(probed, probed.clock.now())
    assert (health.state, [check.name for check in health.checks]) == (
        HealthState.FAILING,
        ["store"],
    )
    text = read_metrics(probed, probed.clock.now())
    assert parse(text)["tactics_health_state"].samples[(("state", "failing"),)] == 1
    hinted = StoreCorrupt("older", hint="run `tactics sync`")
    assert unreadable_health(hinted, probed.clock.now()).checks[0].command == "tactics sync"


def test_a_read_only_store_is_enough(probed: Workspace, clock: FakeClock, home: Home):
    """Parts of a workspace are looked at like the whole, and nothing is written."""
    hold(probed, 20)
    with Store.open(home.database, clock, readonly=True) as store:
        parts = Parts(probed.settings, home, store, probed.credentials)
        found, same = (read_health(held, clock.now()) for held in (parts, probed))
        assert [(c.name, c.state) for c in found.checks] == [(c.name, c.state) for c in same.checks]
        families = parse(read_metrics(parts, clock.now()))
    assert "tactics_data_age_seconds" in families
    assert CONSUMER not in {position.consumer for position in probed.store.bus.positions()}


def test_health_is_json(probed: Workspace, tmp_path: Path):
    """What a web page gets can be written as it is."""
    text = json.dumps(read_health(probed, probed.clock.now()).to_json())
    assert json.loads(text)["state"] == "degraded"
    assert str(tmp_path) not in text
