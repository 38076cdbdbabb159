"""What one source brings home, and what its failures cost."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tactics.errors import IntegrityError
from tactics.model import StreamKey
from tactics.pipeline import Outcome, Scope, Silent, SourceOutcome, Workspace
from tactics.pipeline.ingest import Ingest, SourceFetch, start_ingest
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.probe import connector
from tests.unit.pipeline.vendor import PAGE, Answer, Vendor, open_vendor

pytestmark = pytest.mark.usefixtures("_installed")


def run(workspace: Workspace) -> SourceOutcome:
    """Fetch the only source."""
    [chosen] = Scope().chosen(workspace.settings)
    return SourceFetch(workspace, chosen, Silent(), threading.Event()).run()


def codes(outcome: SourceOutcome) -> list[tuple[str, str, str]]:
    """Return what went wrong, and where."""
    return [(one.account_id, one.stream, one.code) for one in outcome.problems]


def refuse(path: str, error: str) -> Callable[[Answer], Answer]:
    """Return a vendor that answers one path with an error."""
    return lambda asked: {"error": error} if asked["path"] == path else PAGE


@pytest.fixture
def at(open_workspace: Open) -> Callable[..., Workspace]:
    """Return a function that opens a workspace whose only source is a vendor."""

    def open_one(vendor: Vendor, **source: Any) -> Workspace:
        return open_workspace(orgs=orgs_of(vendor.url, **source), transport={"max_retries": 0})

    return open_one


def test_every_due_slice_is_fetched(at: Callable[..., Workspace]):
    """A first sync brings the history in slices, and says how many pages came."""
    with open_vendor(PAGE) as vendor:
        workspace = at(vendor, history_days=9)
        outcome = run(workspace)
    assert (outcome.outcome, outcome.slices, outcome.pages) == (Outcome.OK, 3, 3)
    key = StreamKey("acme", "probe", "probe", "ads")
    assert len(workspace.store.coverage.days(key, dt.date(2026, 11, 1), dt.date.max)) == 10


def test_each_account_is_fetched(at: Callable[..., Workspace]):
    """Accounts are asked who they are, and then for their days, one after the other."""
    with open_vendor(PAGE) as vendor:
        run(at(vendor, accounts=["a1", "a2"]))
    assert vendor.said("path") == [("/a1",), ("/a2",), ("/a1/ads",), ("/a2/ads",)]


def test_the_newest_days_of_all_come_before_any_history(at: Callable[..., Workspace]):
    """Whoever waits for a long first sync has today's numbers of every account soon."""
    with open_vendor(PAGE) as vendor:
        run(at(vendor, accounts=["a1", "a2"], history_days=20))
    asked = [entry for entry in vendor.asked if entry["path"].endswith("/ads")]
    assert [entry["path"] for entry in asked[:2]] == ["/a1/ads", "/a2/ads"]
    assert {entry["until"] for entry in asked[:2]} == {max(entry["until"] for entry in asked)}
    assert len(asked) > 2


def test_the_day_is_the_accounts_own(at: Callable[..., Workspace], clock: FakeClock):
    """Where it is tomorrow already, tomorrow is fetched."""
    clock.advance(14.5 * 3600)  # 23:30 UTC
    with open_vendor({**PAGE, "timezone": "Asia/Tokyo"}, PAGE) as vendor:
        run(at(vendor))
    assert vendor.asked[-1]["until"] == "2026-11-22"


def test_what_the_vendor_does_not_say_the_org_does(at: Callable[..., Workspace]):
    """Without a time zone and a currency of its own, an account has those of its organisation."""
    with open_vendor(PAGE) as vendor:
        workspace = at(vendor)
        run(workspace)
    held = workspace.store.accounts.get("acme", "probe", "probe")
    assert held is not None
    assert (held[0].timezone, held[0].currency) == ("Europe/Vienna", "EUR")


def test_an_account_is_asked_once_a_day(at: Callable[..., Workspace], clock: FakeClock):
    """Who an account is is asked again only after 24 hours."""
    with open_vendor(PAGE) as vendor:
        workspace = at(vendor)
        run(workspace)
        clock.advance(3600)
        run(workspace)
        assert vendor.said("path").count(("/probe",)) == 1
        clock.advance(24 * 3600)
        run(workspace)
    assert vendor.said("path").count(("/probe",)) == 2


@pytest.mark.parametrize(
    ("global_accounts", "accounts"), [(True, ["own"]), (False, ["shared", "own"])]
)
def test_an_account_that_another_connection_reads_is_left_to_it(
    open_workspace: Open, *, global_accounts: bool, accounts: list[str]
):
    """Where ids are the vendor's, the first connection of a kind reads; labels are one's own."""
    first = {"kind": "probe", "accounts": ["shared"]}
    off = {"kind": "probe", "accounts": ["own"], "enabled": False}
    later = {"accounts": ["shared", "own", "own"]}
    facts = {"name": "Org", "currency": "EUR", "timezone": "Europe/Vienna"}
    sources = {"other": {"accounts": ["own"]}, "first": first, "off": off, "probe": later}
    workspace = open_workspace(orgs={"acme": {**facts, "sources": sources}})
    [chosen] = Scope(sources=("probe",)).chosen(workspace.settings)
    fetch = SourceFetch(workspace, chosen, Silent(), threading.Event())
    manifest = replace(connector.manifest, global_accounts=global_accounts)
    assert fetch._accounts(manifest) == accounts
    said = ["probe: account shared is read by first already"] if global_accounts else []
    assert list(fetch.warnings) == said


def test_a_failing_account_stops_no_other(at: Callable[..., Workspace]):
    """What one account refuses, another one may bring."""
    with open_vendor(refuse("/a1", "PermissionDenied")) as vendor:
        outcome = run(at(vendor, accounts=["a1", "a2"]))
    assert codes(outcome) == [("a1", "", "permission_denied")]
    assert (outcome.outcome, outcome.pages) == (Outcome.FAILED, 1)


def test_a_failing_stream_stops_no_other(at: Callable[..., Workspace]):
    """One stream of an account fails, the next one is read."""
    with open_vendor(refuse("/probe/ads", "ContractChanged")) as vendor:
        outcome = run(at(vendor, read=["ads", "sheet"]))
    assert codes(outcome) == [("probe", "ads", "contract_changed")]
    assert vendor.asked[-1]["path"] == "/probe/sheet"


@pytest.mark.parametrize("error", ["CredentialError", "NetworkUnreachable"])
def test_a_hopeless_source_is_not_asked_again(at: Callable[..., Workspace], error: str):
    """With a dead credential or no network, neither stream nor account is tried after the first."""
    with open_vendor(refuse("/a1/ads", error)) as vendor:
        outcome = run(at(vendor, accounts=["a1", "a2"], read=["ads", "sheet"]))
    assert vendor.said("path") == [("/a1",), ("/a2",), ("/a1/ads",)]
    assert outcome.outcome is Outcome.FAILED
    assert len(outcome.problems) == 1


def test_the_first_failure_ends_a_stream(at: Callable[..., Workspace]):
    """After a slice that failed no further one is fetched, so that no hole arises."""
    answers = [PAGE, PAGE, {"error": "ContractChanged"}, PAGE]
    with open_vendor(*answers) as vendor:
        outcome = run(at(vendor, history_days=20))
    assert (outcome.slices, outcome.pages) == (1, 1)
    assert len(vendor.asked) == 3


def test_a_warning_outlives_a_failure(at: Callable[..., Workspace]):
    """What a stream warned of is told even when a later slice fails."""
    answers = [PAGE, {**PAGE, "warnings": ["v7 ends"]}, {"error": "ContractChanged"}]
    with open_vendor(*answers) as vendor:
        outcome = run(at(vendor, history_days=20))
    assert outcome.warnings == ("v7 ends",)


def test_a_broken_state_of_ours_is_raised(at: Callable[..., Workspace]):
    """An integrity error is nobody's outcome: it stops the run."""
    with open_vendor(refuse("/probe/ads", "IntegrityError")) as vendor:
        workspace = at(vendor)
        with pytest.raises(IntegrityError):
            run(workspace)


def test_an_unknown_kind_fails_its_source(open_workspace: Open):
    """A source that no connector reads is a problem of that source."""
    outcome = run(open_workspace(orgs=orgs_of("", kind="nothing")))
    assert codes(outcome) == [("", "", "config_error")]


def test_an_unchanged_sheet_costs_no_page(at: Callable[..., Workspace], clock: FakeClock):
    """Within a day the change marker is shown; after a day everything is read in any case."""
    marked = {**PAGE, "marker": "m1"}

    def answer(asked: Answer) -> Answer:
        return {"unchanged": True} if "marker" in asked else marked

    with open_vendor(answer) as vendor:
        workspace = at(vendor, read=["sheet"])
        vendor.answer = lambda asked: PAGE if asked["path"] == "/probe" else answer(asked)
        outcomes = [run(workspace).outcome]
        for hours in (1, 24):
            clock.advance(hours * 3600 - 60)
            outcomes.append(run(workspace).outcome)
    assert outcomes == [Outcome.OK, Outcome.UNCHANGED, Outcome.OK]


def test_sources_are_fetched_beside_each_other(open_workspace: Open):
    """Each source has a thread of its own: two that wait for each other both end."""
    both = threading.Barrier(2, timeout=10)

    def answer(asked: Answer) -> Answer:
        if asked["path"] == "/probe/ads":
            both.wait()
        return PAGE

    with open_vendor(answer) as vendor, ThreadPoolExecutor(2) as pool:
        workspace = open_workspace(orgs=orgs_of(vendor.url, "acme", "beta"))
        ingest = start_ingest(workspace, Scope(), Silent(), pool)
        outcomes = ingest.outcomes()
    assert [(one.org_id, one.outcome) for one in outcomes] == [("acme", "ok"), ("beta", "ok")]
    assert not ingest.running()


def test_accounts_are_fetched_beside_each_other(
    at: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
):
    """As many accounts as the vendor allows wait for each other, and all pages are counted."""
    manifest = replace(connector.manifest, accounts_at_once=2)
    monkeypatch.setattr(type(connector), "manifest", manifest)
    both = threading.Barrier(2, timeout=10)

    def answer(asked: Answer) -> Answer:
        if asked["path"].endswith("/ads"):
            both.wait()
        return PAGE

    with open_vendor(answer) as vendor:
        outcome = run(at(vendor, accounts=["a1", "a2", "a3", "a4"]))
    assert (outcome.outcome, outcome.slices, outcome.pages) == (Outcome.OK, 4, 4)


def test_waiting_ends_when_a_slice_has_landed():
    """Whoever carries pages on is woken by a slice, once."""
    landed = threading.Event()
    ingest = Ingest([Future()], landed)
    landed.set()
    ingest.wait(60)
    assert not landed.is_set()
    assert ingest.running()


def test_who_is_told_to_stop_asks_nobody(at: Callable[..., Workspace]):
    """No account is asked for any more, and nothing has failed: the next run goes on."""
    with open_vendor(PAGE) as vendor:
        workspace = at(vendor, accounts=["a1", "a2"])
        workspace.stopping.set()
        outcome = run(workspace)
    assert vendor.asked == []
    assert (outcome.outcome, outcome.problems) == (Outcome.UNCHANGED, ())


def test_a_dead_credential_is_shown_once(at: Callable[..., Workspace]):
    """When the first account finds out, no other one is asked who it is."""
    with open_vendor(refuse("/a1", "CredentialError")) as vendor:
        outcome = run(at(vendor, accounts=["a1", "a2"]))
    assert vendor.said("path") == [("/a1",)]
    assert codes(outcome) == [("a1", "", "credential_error")]
