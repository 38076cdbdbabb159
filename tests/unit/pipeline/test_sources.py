"""Asking every account who it is."""

import datetime as dt

import pytest

from tactics.pipeline import Scope, check_sources
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.vendor import Answer, open_vendor

pytestmark = pytest.mark.usefixtures("_installed")


def answer(asked: Answer) -> Answer:
    """Know every account but the second one."""
    if asked["path"] == "/a2":
        return {"error": "PermissionDenied"}
    return {"name": "Acme", "currency": "EUR", "timezone": "Europe/Vienna"}


def test_each_account_answers_for_itself(open_workspace: Open):
    """An account says who it is, or what is wrong, without harm to the next one."""
    with open_vendor(answer) as vendor:
        workspace = open_workspace(orgs=orgs_of(vendor.url, accounts=["a1", "a2", "a3"]))
        first, second, third = check_sources(workspace)
    assert (first.account_id, first.name, first.currency, first.timezone, first.api_version) == (
        "a1", "Acme", "EUR", "Europe/Vienna", "v7",
    )  # fmt: skip
    assert second.problem is not None
    assert (second.problem.code, second.problem.account_id) == ("permission_denied", "a2")
    assert third.problem is None


def test_a_check_stores_nothing(open_workspace: Open):
    """One request per account is made, and nothing of the answer is kept."""
    with open_vendor(answer) as vendor:
        workspace = open_workspace(orgs=orgs_of(vendor.url))
        [check] = check_sources(workspace)
    assert (check.account_id, len(vendor.asked)) == ("probe", 1)
    assert workspace.store.accounts.get("acme", "probe", "probe") is None


def test_a_source_without_a_credential_is_a_problem_of_its_own(open_workspace: Open):
    """Where nobody can sign in, the answer says what to do, and the others are asked."""
    with open_vendor(answer) as vendor:
        environment = {"TACTICS_BETA_PROBE_TOKEN": "t-123456"}
        orgs = orgs_of(vendor.url, "acme", "beta")
        workspace = open_workspace(orgs=orgs, environment=environment)
        first, second = check_sources(workspace)
    assert first.problem is not None
    assert "tactics auth set acme probe token" in first.problem.hint
    assert second.problem is None


def test_a_scope_restricts_the_check(open_workspace: Open):
    """Only the sources in scope are asked; an unsaid currency is empty, no sunset is None."""
    with open_vendor({"timezone": "UTC"}) as vendor:
        workspace = open_workspace(orgs=orgs_of(vendor.url, "acme", "beta"))
        [check] = check_sources(workspace, Scope(orgs=("beta",)))
    assert (check.org_id, check.currency, check.timezone) == ("beta", "", "UTC")
    sunset: dt.date | None = check.sunset
    assert sunset is None


def test_what_is_known_beside_the_answer(open_workspace: Open):
    """Since when the token is in use, and how far back each stream reaches against what was asked."""
    with open_vendor(answer) as vendor:
        workspace = open_workspace(orgs=orgs_of(vendor.url, accounts=["a1"]))
        before = workspace.clock.now()
        check_sources(workspace)
        workspace.clock.sleep(3600)
        [check] = check_sources(workspace)
    assert [(used.name, used.first_used_at) for used in check.credentials] == [("token", before)]
    wanted = before.date() - dt.timedelta(days=3)
    assert {(reach.first_day, reach.wanted_from) for reach in check.streams} == {(None, wanted)}


def test_another_token_is_another_date(open_workspace: Open):
    """A secret that was replaced begins anew; the store holds no secret."""
    with open_vendor(answer) as vendor:
        orgs = orgs_of(vendor.url, accounts=["a1"])
        check_sources(open_workspace(orgs=orgs))
        workspace = open_workspace(
            orgs=orgs, environment={"TACTICS_ACME_PROBE_TOKEN": "another-planted-token"}
        )
        workspace.clock.sleep(60)
        [check] = check_sources(workspace)
    assert check.credentials[0].first_used_at == workspace.clock.now()
    assert b"planted-token" not in workspace.home.database.read_bytes()
