"""What is worth telling, and what is over."""

import datetime as dt
from dataclasses import replace

import pytest

from tactics.analytics import CheckState, Health, HealthCheck
from tactics.errors import StoreCorrupt
from tactics.model import Alert, AlertSeverity, RunStatus
from tactics.pipeline import (
    Outcome,
    PipelineResult,
    Problem,
    SourceOutcome,
    unreadable_health,
)
from tactics.pipeline.alarms import RULES, TOLD, Observed, Watched, alerts_of, keys_over

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
RENEW = "tactics auth set acme meta access_token"
META = Watched("acme", "meta", "Meta Ads", "v25.0", None, RENEW)
OK, WARN, FAIL = CheckState
INFO, WARNING, CRITICAL = AlertSeverity
CLOCK = HealthCheck("clock", OK, "2026-11-21 09:00 UTC")
SPEND = {
    "check": "negative_spend",
    "severity": "error",
    "org_id": "acme",
    "message": "spend is negative",
    "hint": "look at the platform",
    "rows": 3,
    "examples": [{"campaign": "private"}],
}


def check(name: str, state: CheckState = WARN, subject: str = "", **more: object) -> HealthCheck:
    """Return a line of health."""
    facts = {"reason": f"{name} is not well", "command": f"tactics mend {name}", **more}
    return HealthCheck(name, state, subject=subject, **facts)


def seen(*checks: HealthCheck, guard: object = None, **facts: object) -> Observed:
    """Return a run that has ended, the health after it, and what lies beside them."""
    result = PipelineResult("run-1", RunStatus.SUCCEEDED, NOW, NOW, guard=guard or {})
    return Observed(result, Health.of([CLOCK, *checks], NOW), **{"watched": (META,), **facts})


def only(*checks: HealthCheck, **facts: object) -> Alert:
    """Return the one alert that there is."""
    [alert] = alerts_of(seen(*checks, **facts))
    return alert


def test_when_all_is_well_there_is_nothing_to_tell():
    """Good lines disturb nobody."""
    well = [check(name, OK) for name in TOLD]
    assert alerts_of(seen(*well, guard={"findings": []})) == []


REFUSED = Problem("contract_changed", "v25.0 is retired", "install a newer tactics", "act_1")


def ended(*problems: Problem, outcome: Outcome = Outcome.FAILED) -> Observed:
    """Return a run that asked Meta only."""
    sources = (SourceOutcome("acme", "meta", outcome, problems=problems),)
    well = seen()
    return replace(well, result=replace(well.result, sources=sources))


def test_what_a_vendor_refuses_is_told_at_once():
    """With the vendor's words and the hint; what may pass by itself is not."""
    [alert] = alerts_of(ended(Problem("rate_limited", "slower"), REFUSED, REFUSED))
    assert (alert.key, alert.severity) == ("refused:acme/meta", WARNING)
    assert alert.body == "v25.0 is retired\ninstall a newer tactics"
    assert alert.facts == {"error_type": "contract_changed", "streams": 2}
    assert alerts_of(ended(Problem("rate_limited", "slower"))) == []


@pytest.mark.parametrize(
    ("outcome", "over"), [(Outcome.OK, True), (Outcome.FAILED, True), (Outcome.OFFLINE, False)]
)
def test_a_refusal_is_over_when_the_source_was_asked_again(outcome: Outcome, *, over: bool):
    """An offline run, and one of another source, ends none."""
    keys = ["refused:acme/meta", "refused:acme/stripe"]
    run = ended(outcome=outcome)
    assert keys_over(run, keys, alerts_of(run)) == keys[:1] * over


def test_a_line_of_health_is_told_as_it_is():
    """Its reason, its command, its facts; and under a key that says which check of what."""
    late = check("freshness", subject="acme/meta", facts={"late_seconds": 60})
    assert only(late) == Alert(
        "freshness:acme/meta",
        WARNING,
        "acme/meta is stale",
        "freshness is not well",
        "tactics mend freshness",
        org_id="acme",
        source="meta",
        facts={"late_seconds": 60},
    )


@pytest.mark.parametrize("name", [name for name, one in TOLD.items() if one.least is WARN])
def test_a_warning_becomes_critical_when_it_fails(name: str):
    """The same key, so that it is told as having become worse."""
    mild, bad = only(check(name)), only(check(name, FAIL))
    assert (mild.key, mild.severity) == (name, WARNING)
    assert (bad.key, bad.severity) == (name, CRITICAL)


@pytest.mark.parametrize("name", [name for name, one in TOLD.items() if one.least is FAIL])
def test_what_may_pass_by_itself_is_told_when_it_fails(name: str):
    """A warning of it is for those who look."""
    assert alerts_of(seen(check(name))) == []
    assert only(check(name, FAIL)).severity is CRITICAL


@pytest.mark.parametrize("name", ["backlog", "quota", "dead_letters", "quality", "something_new"])
def test_other_checks_are_for_those_who_look(name: str):
    """Some are told in more detail below, some have time."""
    assert alerts_of(seen(check(name, FAIL))) == []


def test_an_open_breaker_has_no_organisation():
    """It is shared by all of them."""
    alert = only(check("breakers", subject="meta_breaker"))
    assert (alert.key, alert.title) == ("breakers:meta_breaker", "meta_breaker is open")
    assert (alert.org_id, alert.source) == ("", "")


def test_a_refused_credential_has_the_exact_command():
    """Ready to paste, whatever the vendor's hint says."""
    alert = only(check("auth", FAIL, "acme/meta", command="tactics auth list"))
    assert (alert.key, alert.severity) == ("auth:acme/meta", CRITICAL)
    assert alert.title == "acme/meta cannot sign in"
    assert alert.command == "tactics auth set acme meta access_token"


def test_a_credential_that_will_end_names_itself():
    """A life that runs out is told in time, with the command of health."""
    alert = only(check("auth", WARN, "acme/meta/app_secret", command="tactics auth set …"))
    assert (alert.key, alert.severity) == ("auth:acme/meta/app_secret", WARNING)
    assert alert.title == "the credential of acme/meta wants a look"
    assert (alert.org_id, alert.source, alert.command) == ("acme", "meta", "tactics auth set …")


def test_a_source_that_is_unknown_keeps_the_command_of_health():
    """One that nobody watches is told all the same."""
    alert = only(check("auth", FAIL, "acme/meta"), watched=())
    assert (alert.command, alert.org_id) == ("tactics mend auth", "")


def test_two_troubles_of_one_thing_are_one_alert():
    """The worst of them, so that it does not get worse at each run."""
    both = [check("auth", WARN, "acme/meta"), check("auth", FAIL, "acme/meta")]
    for order in (both, both[::-1]):
        assert only(*order).severity is CRITICAL


@pytest.mark.parametrize(
    ("days", "severity", "words"),
    [
        (61, None, ""),
        (60, WARNING, "in 60 days"),
        (8, WARNING, "in 8 days"),
        (7, CRITICAL, "in 7 days"),
        (0, CRITICAL, "now"),
        (-3, CRITICAL, "now"),
    ],
)
def test_a_version_that_ends(days: int, severity: AlertSeverity | None, words: str):
    """Two months ahead, and urgent in the last week; once, however many organisations use it."""
    ending = replace(META, sunset=NOW.date() + dt.timedelta(days=days))
    alerts = alerts_of(seen(watched=(ending, replace(ending, org_id="beta"))))
    assert [alert.severity for alert in alerts] == ([severity] if severity else [])
    assert all(words in alert.body and "v25.0" in alert.title for alert in alerts)


def test_dead_letters_are_counted_by_cause():
    """One alert a cause, so that another cause is news."""
    several, one = alerts_of(seen(dead_letters={"decode_error": 3, "mapping_error": 1}))
    assert several.key == "dead_letters:decode_error"
    assert several.title == "3 dead letters: decode_error"
    assert several.command == "tactics dlq list --error-type decode_error"
    assert several.facts == {"error_type": "decode_error", "count": 3}
    assert one.title == "1 dead letter: mapping_error"


def test_a_halt_of_dataguard():
    """Which check, how many rows, and the command that shows them; warnings are no alerts."""
    alert = only(guard={"findings": [SPEND, {**SPEND, "severity": "warn"}]})
    assert (alert.key, alert.severity) == ("quality:acme/negative_spend", CRITICAL)
    assert "spend is negative: 3 rows" in alert.body
    assert "look at the platform" in alert.body
    assert alert.command == "tactics validate"
    assert "private" not in str(alert)


def over(observed: Observed, *keys: str) -> list[str]:
    """Return which of the open alerts are over."""
    return keys_over(observed, keys, alerts_of(observed))


@pytest.mark.parametrize(
    "key",
    [
        *(f"{name}:acme/meta" for name in TOLD),
        "disk",
        "version_sunset:Meta Ads v24.0",
        "dead_letters:decode_error",
    ],
)
def test_what_is_found_no_more_is_over(key: str):
    """Health and the store are looked at as a whole, each time."""
    assert over(seen(), key) == [key]


def test_what_lasts_is_not_over():
    """Nor what another room has raised."""
    observed = seen(check("breakers", subject="meta_breaker"))
    assert over(observed, "breakers:meta_breaker", "channel_down:webhook", "pacing:x") == []


def test_a_halt_is_over_when_dataguard_has_run():
    """A run that did not get so far says nothing about the data."""
    key = "quality:acme/negative_spend"
    assert over(seen(), key) == []
    assert over(seen(guard={"findings": []}), key) == [key]


def test_a_store_that_cannot_be_read_ends_nothing():
    """Who could not look has not seen that it is over."""
    blind = replace(seen(), health=unreadable_health(StoreCorrupt("damaged"), NOW))
    assert over(blind, "disk", "breakers:meta_breaker") == []
    assert [alert.key for alert in alerts_of(blind)] == ["store"]


def test_the_keys_of_a_rule_begin_with_its_name():
    """So that an alert is found again by the rule that raised it."""
    observed = seen(
        *(check(name, FAIL, "acme/meta") for name in TOLD),
        watched=(replace(META, sunset=NOW.date()),),
        dead_letters={"x": 1},
        guard={"findings": [SPEND]},
    )
    result = replace(observed.result, sources=ended(REFUSED).result.sources)
    alerts = alerts_of(replace(observed, result=result))
    assert {alert.key.partition(":")[0] for alert in alerts} == RULES
    assert all(alert.command.startswith("tactics ") for alert in alerts)
    assert all("{" not in alert.title for alert in alerts)
