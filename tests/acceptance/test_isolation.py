"""One failing account, source or organisation stops no other: all else arrives, to the cent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from tactics.connectors import BUILT_IN
from tactics.model import RunStatus
from tactics.pipeline import Outcome, PipelineResult
from tactics.sandbox import Fault
from tactics.store import BreakerState
from tests import ledger
from tests.lab import Lab, open_lab, result_of

DAYS = 4
ACME_ADS = ("1112223330", "1112223331")  # its two Google Ads accounts
# What is planted: how a vendor fails whom, for ever.
PLANTED = {
    "permission": ("meta", "act_1000000001"),  # one of acme's two accounts
    "auth": ("klaviyo", "acme"),
    "http_500": ("ttd", "acmead1"),
    "quota_exhausted": ("google_ads", "11122233*"),  # for eleven hours
    "rate_limit": ("stripe", "globex"),  # still there after all retries
}
PROBLEMS = {
    ("acme", "meta", "act_1000000001", "permission_denied"),
    ("acme", "klaviyo", "acme", "credential_error"),
    ("acme", "ttd", "acmead1", "upstream_unavailable"),
    ("acme", "google_ads", ACME_ADS[0], "rate_limited"),
    ("acme", "google_ads", ACME_ADS[1], "rate_limited"),
    ("globex", "stripe", "globex", "rate_limited"),
}
FAILING = {(org_id, source, account) for org_id, source, account, _ in PROBLEMS}


@dataclass
class Broken:
    """A home after a sync in which much went wrong."""

    lab: Lab
    faults: list[Fault]
    result: PipelineResult


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    """Return ten sources of two organisations, synced once while five of them fail somewhere."""
    folder = tmp_path_factory.mktemp("broken")
    with open_lab(folder, days=DAYS, sources=None) as lab:
        faults = [
            lab.plant(name, api, account=account, times=None)
            for name, (api, account) in PLANTED.items()
        ]
        yield Broken(lab, faults, lab.sync())


def open_breakers(lab: Lab) -> set[str]:
    """Return the names of the breakers that are not closed."""
    with lab.workspace() as workspace:
        breakers = workspace.store.breakers.list_all()
    return {breaker.name for breaker in breakers if breaker.state is not BreakerState.CLOSED}


def test_each_failure_is_named_where_it_happened(broken: Broken):
    """Every planted failure becomes a problem of its account, and there is no other problem."""
    assert all(fault.fired >= 1 for fault in broken.faults)
    found = [
        (source.org_id, source.source, problem.account_id, problem.code)
        for source in broken.result.sources
        for problem in source.problems
    ]
    assert len(found) == len(PROBLEMS)
    # Of two accounts asked side by side, one hears of the quota, and the other may find it known.
    assert "rate_limited" in {code for _, source, _, code in found if source == "google_ads"}
    assert {(*one[:3], one[3].replace("circuit_open", "rate_limited")) for one in found} == PROBLEMS
    failed = {
        (source.org_id, source.source)
        for source in broken.result.sources
        if source.outcome is Outcome.FAILED
    }
    assert failed == {(org_id, source) for org_id, source, _ in FAILING}


def test_the_run_is_degraded(broken: Broken):
    """A run with failed sources ends with exit code 6 and is marked stale; no stage failed."""
    result = broken.result
    assert (result.status, result.exit_code, result.stale) == (RunStatus.DEGRADED, 6, True)
    assert len(result.sources) == 2 * len(BUILT_IN)
    assert [stage.problems for stage in result.stages if stage.problems] == []
    assert all(receipt.balances() for receipt in result.receipts)


def test_everything_else_arrives(broken: Broken):
    """Silver holds all rows of every other account, also of the same source, and gold both orgs."""
    wanted = ledger.of_vendors(broken.lab)
    healthy = {place: rows for place, rows in wanted.items() if place[1:] not in FAILING}
    assert len(healthy) < len(wanted)
    assert {place.source for place in healthy} == set(BUILT_IN)
    ledger.assert_same(ledger.of_silver(broken.lab), healthy)
    assert broken.lab.silver("SELECT DISTINCT org_id FROM channel_daily ORDER BY 1") == [
        ("acme",),
        ("globex",),
    ]


def test_a_rate_limit_stops_only_its_own_organisation(broken: Broken):
    """The quota of one organisation opens its own breaker; the other one goes on being asked."""
    assert open_breakers(broken.lab) == {"google_breaker.acme", "stripe_breaker.globex"}
    broken.lab.sandbox.clear_requests()
    result = broken.lab.sync("google_ads", "stripe")
    outcomes = {(one.org_id, one.source): one.outcome for one in result.sources}
    assert outcomes == {
        ("acme", "google_ads"): Outcome.FAILED,
        ("acme", "stripe"): Outcome.OK,
        ("globex", "google_ads"): Outcome.OK,
        ("globex", "stripe"): Outcome.FAILED,
    }
    asked = " ".join(unquote(entry.path) for entry in broken.lab.sandbox.requests)
    assert "customers/4445556660" in asked
    assert not any(account in asked for account in ACME_ADS)


def kill_credential(text: str) -> str:
    """Return a credential of the right form that opens nothing any more."""
    if not text.startswith("{"):
        return f"{text[:-4]}dead"
    return json.dumps(json.loads(text) | {"client_email": "gone@elsewhere.iam.example"})


def test_an_account_that_fails_for_ever_stops_no_other_organisation(tmp_path: Path):
    """One organisation's Meta answers 500, sync after sync: the other's days still arrive."""
    with open_lab(tmp_path, days=DAYS, sources=("meta",)) as lab:
        of_acme = {row.account_id for row in lab.world.totals().of("acme").ads}
        for account in of_acme:
            lab.plant("http_500", account=account, times=None)
        for _ in range(3):
            result = lab.sync()
            outcomes = {one.org_id: one.outcome for one in result.sources}
            assert outcomes == {"acme": Outcome.FAILED, "globex": Outcome.OK}
            lab.clock.advance(60)
        assert open_breakers(lab) == {"meta_breaker.acme"}
        wanted = ledger.of_vendors(lab)
        alive = {place: rows for place, rows in wanted.items() if place.org_id == "globex"}
        ledger.assert_same(ledger.of_silver(lab), alive)
        lab.sandbox.clear_requests()
        assert lab.command("sync").returncode == 6
        asked = " ".join(unquote(entry.path) for entry in lab.sandbox.requests)
        assert not any(account in asked for account in of_acme)
        lab.world.faults.clear()
        lab.clock.advance(301)
        lab.sync()  # the test's clock runs while the trial of one account is on its way
        assert lab.sync().status is RunStatus.SUCCEEDED
        assert open_breakers(lab) == set()
        ledger.assert_same(ledger.of_silver(lab), ledger.of_vendors(lab))


def test_a_dead_organisation_stops_no_other(tmp_path: Path):
    """With every credential of one organisation dead, `tactics sync` brings the other one home."""
    # One source for each way in which a credential travels: query, bearer, Google, header.
    sources = ("meta", "stripe", "gsc", "klaviyo")
    with open_lab(tmp_path, days=DAYS, sources=sources) as lab:
        held = {name: text for name, text in lab.environment.items() if "_GLOBEX_" in name}
        lab.extra |= {name: kill_credential(text) for name, text in held.items()}
        done = lab.command("sync", "--json")
        assert done.returncode == 6, done.stderr
        lab.extra.clear()
        found = {
            (source["org_id"], source["outcome"], *{p["code"] for p in source["problems"]})
            for source in result_of(done)["sources"]
        }
        assert found == {("acme", "ok"), ("globex", "failed", "credential_error")}
        wanted = ledger.of_vendors(lab)
        alive = {place: rows for place, rows in wanted.items() if place.org_id == "acme"}
        ledger.assert_same(ledger.of_silver(lab), alive)
        assert open_breakers(lab) == set()
