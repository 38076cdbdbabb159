"""The end of a run: what it raises and resolves, and that it never fails by it."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tactics.errors import DecodeError, SinkUnavailable
from tactics.guard import load_checks
from tactics.model import RunStatus, StreamKey
from tactics.pipeline import (
    PipelineResult,
    Scope,
    Workspace,
    after_run,
    between_runs,
    sync,
)
from tactics.pipeline.alert import observe, tell
from tactics.pipeline.notify import LOG_NAME
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import Answer, open_vendor
from tests.unit.transport.server import closed_port, http, serve

pytestmark = pytest.mark.usefixtures("_installed")

KEY = StreamKey("acme", "probe", "a1", "ads")
OTHER_CHECKS = [check.name for check in load_checks() if check.name != "missing_dates"]


PLENTY = {"disk_warn_bytes": 0, "disk_fail_bytes": 0}  # however full this machine's disk is


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace without sources."""
    return open_workspace(health=PLENTY)


def result(
    clock: FakeClock, status: RunStatus = RunStatus.SUCCEEDED, **facts: Any
) -> PipelineResult:
    """Return the result of a run."""
    return PipelineResult("run-1", status, clock.now(), clock.now(), **facts)


def logged(workspace: Workspace) -> list[tuple[str, str]]:
    """Return what the log says."""
    path = workspace.home.root / LOG_NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["key"], line["event"]) for line in lines]


def test_trouble_is_raised_once_and_resolved_once(workspace: Workspace, clock: FakeClock):
    """Two bad runs are one alert; the good one ends it."""
    open_breaker(workspace)
    key = "breakers:probe_breaker"
    assert after_run(workspace, result(clock)).raised == (key,)
    assert after_run(workspace, result(clock)).raised == ()
    assert workspace.store.outbox.list_alerts()[0].seen == 2
    workspace.store.breakers.reset("probe_breaker")
    assert after_run(workspace, result(clock)).resolved == (key,)
    assert after_run(workspace, result(clock)).resolved == ()
    assert logged(workspace) == [(key, "raised"), (key, "resolved")]


def open_breaker(workspace: Workspace) -> None:
    """Open a breaker for five minutes."""
    now = workspace.clock.now()
    until = now + dt.timedelta(minutes=5)
    workspace.store.breakers.open_until("probe_breaker", until=until, reason="503", now=now)


def test_an_open_breaker_says_until_when_and_how_to_reset(workspace: Workspace, clock: FakeClock):
    """What a person wants to know first."""
    open_breaker(workspace)
    after_run(workspace, result(clock))
    [held] = workspace.store.outbox.list_alerts()
    assert "2026-11-21 09:05 UTC" in held.alert.body
    assert held.alert.command == "tactics breakers reset probe_breaker"


@pytest.mark.parametrize(
    ("used", "credential"),
    [
        ({}, "token"),
        ({"token": "x"}, "token"),
        ({"client_id": "x", "client_secret": "y"}, "client_secret"),
    ],
)
def test_the_command_names_the_credential_in_use(
    open_workspace: Open, clock: FakeClock, used: dict[str, str], credential: str
):
    """Of the alternatives, the one that this connection signs in with."""
    workspace = open_workspace(orgs=orgs_of("http://127.0.0.1:1"))
    workspace.store.sightings.note("acme", "probe", used)
    [watched] = observe(workspace, result(clock)).watched
    assert watched.name == "acme/probe"
    assert watched.renew == f"tactics auth set acme probe {credential}"


def test_what_the_store_knows_is_gathered(workspace: Workspace, clock: FakeClock):
    """Health, and the dead letters by cause."""
    open_breaker(workspace)
    for error in (DecodeError("cut"), DecodeError("cut off"), SinkUnavailable("full")):
        workspace.store.jobs.discard_now("ingest", KEY, error)
    seen = observe(workspace, result(clock))
    assert seen.health.find("breakers", "probe_breaker") is not None
    assert seen.dead_letters == {"decode_error": 2, "sink_unavailable": 1}


def test_an_unknown_kind_of_source_is_left_to_the_run(open_workspace: Open, clock: FakeClock):
    """A kind that nobody provides raises nothing here."""
    orgs = orgs_of("http://127.0.0.1:1", kind="no_such_kind")
    assert observe(open_workspace(orgs=orgs), result(clock)).watched == ()


def test_a_good_run_gives_a_sign_of_life(open_workspace: Open, clock: FakeClock):
    """One GET to the address, and nothing else."""
    with serve(http(b"OK")) as server:
        url = f"{server.url}/ping/planted-uuid-0123456789"
        workspace = open_workspace(alerts={"heartbeat_url": url})
        assert after_run(workspace, result(clock)).warnings == ()
    assert [(seen.method, seen.body) for seen in server.seen] == [("GET", b"")]


@pytest.mark.parametrize(
    "facts",
    [
        {"status": RunStatus.DEGRADED},
        {"status": RunStatus.HALTED},
        {"status": RunStatus.FAILED},
        {"stale": True},
    ],
)
def test_any_other_run_gives_none(open_workspace: Open, clock: FakeClock, facts: dict[str, Any]):
    """The dead man's switch is to go off, also when nothing was fetched."""
    with serve(http(b"OK")) as server:
        workspace = open_workspace(alerts={"heartbeat_url": server.url})
        after_run(workspace, result(clock, **facts))
    assert server.seen == []


@pytest.mark.parametrize("answer", [http(b"", 404), http(b"", 500), http(b"", 302, Location="/")])
def test_a_sign_that_does_not_arrive_is_a_warning(
    open_workspace: Open, clock: FakeClock, answer: bytes
):
    """Without the address."""
    with serve(answer) as server:
        workspace = open_workspace(alerts={"heartbeat_url": f"{server.url}/ping/planted-0123456"})
        [warning] = after_run(workspace, result(clock)).warnings
    assert warning.startswith("alerts: heartbeat: ")
    assert "planted" not in warning


def test_what_goes_wrong_is_a_warning_in_the_result(open_workspace: Open, clock: FakeClock):
    """The run keeps its status and its own warnings."""
    url = f"http://127.0.0.1:{closed_port()}/planted-path-0123456789"
    workspace = open_workspace(alerts={"heartbeat_url": url})
    told = tell(workspace, result(clock, warnings=("mine",)))
    assert (told.status, told.warnings[0], len(told.warnings)) == (RunStatus.SUCCEEDED, "mine", 2)
    assert "planted" not in told.warnings[1]


def test_a_fault_of_our_own_is_a_warning_too(workspace: Workspace, clock: FakeClock):
    """The run is over and recorded: nothing here undoes it."""
    broken = replace(result(clock), guard={"findings": [{}]})
    [warning] = tell(workspace, broken).warnings
    assert warning == "alerts: KeyError: 'severity'"


def test_a_home_that_is_gone_is_a_warning_too(workspace: Workspace, clock: FakeClock):
    """Whatever the disk does, the result of the run is handed on."""
    workspace.home.root.rename(workspace.home.root.with_name("moved"))
    [warning] = tell(workspace, result(clock)).warnings
    assert warning.startswith("alerts: FileNotFoundError: ")


def rows(asked: Answer) -> Answer:
    """Answer with a row for each day that is asked for, and with the account."""
    if "since" not in asked:
        return {"name": "Acme", "currency": "EUR", "timezone": "Europe/Vienna"}
    since, until = (dt.date.fromisoformat(asked[name]) for name in ("since", "until"))
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    return {"rows": [{"id": "c1", "day": day.isoformat(), "spend": "1.50"} for day in days]}


def refuse(code: str) -> Callable[[Answer], Answer]:
    """Return a vendor whose days cannot be had."""
    return lambda asked: {"error": code} if "since" in asked else rows(asked)


def test_a_sync_raises_and_resolves(open_workspace: Open, clock: FakeClock):
    """From the vendor's refusal to the line in the log, and back; the run itself has no warning."""
    quick = {"transport": {"max_retries": 0}, "guard": {"disabled": OTHER_CHECKS}}
    with open_vendor(refuse("CredentialError")) as vendor:
        workspace = open_workspace(orgs=orgs_of(vendor.url), health=PLENTY, **quick)
        bad = sync(workspace)
        assert (bad.status, bad.warnings) == (RunStatus.DEGRADED, ())
        [dead] = [
            one.alert for one in workspace.store.outbox.list_alerts() if "auth" in one.alert.key
        ]
        assert (dead.key, dead.command) == ("auth:acme/probe", "tactics auth set acme probe token")
        clock.advance(60)
        assert sync(workspace, Scope(offline=True)).status is RunStatus.SUCCEEDED
        assert "auth:acme/probe" in workspace.store.outbox.open_keys()  # nobody has signed in
        vendor.answer = rows
        clock.advance(60)
        assert sync(workspace).status is RunStatus.SUCCEEDED
    assert workspace.store.outbox.open_keys() == []
    assert [event for key, event in logged(workspace) if key == "auth:acme/probe"] == [
        "raised",
        "resolved",
    ]


def test_trouble_is_told_also_when_nothing_runs(workspace: Workspace):
    """A look between two runs raises what it sees, and resolves it."""
    open_breaker(workspace)
    assert between_runs(workspace).raised == ("breakers:probe_breaker",)
    workspace.store.breakers.reset("probe_breaker")
    assert between_runs(workspace).resolved == ("breakers:probe_breaker",)
