"""The worst check is the health of the whole."""

import json

import pytest

from tactics.analytics import CheckState, Health, HealthCheck, HealthState, command_in
from tests.unit.analytics.builders import NOW

STATES = [CheckState.OK, CheckState.WARN, CheckState.FAIL]


def checks(*states: CheckState) -> list[HealthCheck]:
    """Return checks that came out like this."""
    return [HealthCheck(f"c{n}", state, "why", f"tactics {n}") for n, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "state", "exit_code"),
    [
        ([], HealthState.OK, 0),
        (STATES[:1], HealthState.OK, 0),
        (STATES[:2], HealthState.DEGRADED, 6),
        (STATES, HealthState.FAILING, 1),
    ],
)
def test_the_worst_check_counts(states, state, exit_code):
    """One failure makes it failing, one warning degraded; the exit code says so."""
    health = Health.of(checks(*states), NOW)
    assert (health.state, health.exit_code) == (state, exit_code)


def test_the_worst_stands_first():
    """Checks of one severity keep their order."""
    health = Health.of(checks(CheckState.OK, CheckState.FAIL, CheckState.OK), NOW)
    assert [check.name for check in health.checks] == ["c1", "c0", "c2"]


def test_health_is_plain_json():
    """Every field of a check is there, instants are UTC."""
    told = json.loads(json.dumps(Health.of(checks(CheckState.WARN), NOW).to_json()))
    assert told == {
        "state": "degraded",
        "checked_at": "2026-11-21T09:00:00Z",
        "checks": [
            {
                "name": "c0",
                "state": "warn",
                "reason": "why",
                "command": "tactics 0",
                "subject": "",
                "facts": {},
            }
        ],
    }


def test_a_line_is_found_by_name_and_subject():
    """What is not there is None."""
    one = HealthCheck("freshness", CheckState.OK, "fine", subject="acme/meta")
    health = Health.of([one], NOW)
    assert health.find("freshness", "acme/meta") is one
    assert health.find("freshness") is None


@pytest.mark.parametrize(
    ("hint", "command"),
    [
        (
            "run `tactics auth set acme meta token` (needs token)",
            "tactics auth set acme meta token",
        ),
        ("`tactics auth set <org> <source> <name>`", ""),
        ("wait", ""),
    ],
)
def test_a_command_in_a_hint_can_be_pasted(hint, command):
    """A command with a gap to fill in is none."""
    assert command_in(hint) == command
