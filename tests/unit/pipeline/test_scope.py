"""What a run was asked to do."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.config import Settings
from tactics.errors import NotFoundError
from tactics.model import Window
from tactics.pipeline import Scope, Silent

ORG = {"name": "Org", "currency": "EUR", "timezone": "UTC"}
SETTINGS = Settings.model_validate({
    "orgs": {
        "acme": {**ORG, "sources": {"meta": {}, "stripe": {"enabled": False}}},
        "beta": {**ORG, "sources": {"meta": {}, "shop": {"kind": "stripe"}}},
    }
})
names = st.sets(st.sampled_from(["a", "b", "c"])).map(sorted).map(tuple)
scopes = st.builds(Scope, orgs=names, sources=names, offline=st.booleans())
known = st.builds(
    Scope,
    orgs=st.sampled_from([(), ("acme", "beta"), ("beta",)]),
    sources=st.sampled_from([(), ("meta",), ("meta", "shop")]),
)


def chosen(scope: Scope) -> set[tuple[str, str]]:
    """Return the sources of a scope."""
    return {(one.org_id, one.source) for one in scope.chosen(SETTINGS)}


def test_all_enabled_sources_are_chosen():
    """Without a name every enabled source is in scope."""
    assert chosen(Scope()) == {("acme", "meta"), ("beta", "meta"), ("beta", "shop")}


def test_names_restrict():
    """An org and a source restrict what is chosen."""
    assert chosen(Scope(orgs=("beta",), sources=("meta",))) == {("beta", "meta")}


def test_the_kind_is_the_name_unless_it_is_given():
    """A source is read by the connector of its own name, or by the one it names."""
    kinds = {(one.source, one.kind) for one in Scope(orgs=("beta",)).chosen(SETTINGS)}
    assert kinds == {("meta", "meta"), ("shop", "stripe")}


@pytest.mark.parametrize(
    ("scope", "message", "hint"),
    [
        (Scope(orgs=("gamma",)), "no such org: gamma", "acme, beta"),
        (Scope(sources=("x", "y")), "no such source: x, y", "meta, shop, stripe"),
        (Scope(orgs=("acme",), sources=("shop",)), "no such source: shop", "meta, stripe"),
    ],
)
def test_an_unknown_name_is_refused(scope: Scope, message: str, hint: str):
    """A name that the configuration does not have is answered with those it has."""
    with pytest.raises(NotFoundError, match=message) as caught:
        list(scope.chosen(SETTINGS))
    assert caught.value.hint == f"configured: {hint}"


def test_an_empty_configuration_says_so():
    """Where nothing is configured, the hint says none."""
    with pytest.raises(NotFoundError) as caught:
        list(Scope(orgs=("acme",)).chosen(Settings()))
    assert caught.value.hint == "configured: none"


@given(scopes)
def test_a_scope_covers_itself(scope: Scope):
    """Covering is reflexive."""
    assert scope.covers(scope)


@given(scopes, scopes, scopes)
def test_covering_is_transitive(one: Scope, two: Scope, three: Scope):
    """What covers a scope covers all that this one covers."""
    if one.covers(two) and two.covers(three):
        assert one.covers(three)


@given(known, known)
def test_covering_means_fetching_at_least_as_much(one: Scope, two: Scope):
    """A run of the covering scope fetches every source of the covered one."""
    if one.covers(two):
        assert chosen(one) >= chosen(two)


def test_an_offline_run_covers_no_fetch():
    """A run that fetched nothing does not serve a request to fetch; the other way round it does."""
    assert not Scope(offline=True).covers(Scope())
    assert Scope().covers(Scope(offline=True))


@given(scopes)
def test_json_brings_a_scope_back(scope: Scope):
    """What `to_json` writes, `from_json` reads."""
    assert Scope.from_json(scope.to_json()) == scope


def test_silent_progress_says_nothing(capsys: pytest.CaptureFixture[str]):
    """Progress that nobody watches prints nothing."""
    silent = Silent()
    silent.begin("acme", "meta", slices=1)
    silent.advance("acme", "meta", pages=1)
    silent.stage("gold")
    silent.done()
    assert capsys.readouterr() == ("", "")


def test_a_run_of_chosen_days_covers_only_the_same():
    """It did not do what is due, and another run did not do those days."""
    window = Window(dt.date(2026, 11, 1), dt.date(2026, 11, 3))
    chosen = Scope(window=window)
    assert chosen.covers(Scope(window=window))
    assert not chosen.covers(Scope())
    assert not Scope().covers(chosen)
    assert Scope.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
