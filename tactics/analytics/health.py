"""One model of health: the worst of all checks, each with a reason and the command that mends it.

Takes values and returns values. What each check looks at stands in `checks.py`.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tactics.analytics.spoken import iso


class CheckState(StrEnum):
    """How one check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class HealthState(StrEnum):
    """How the whole stands: all is well, somebody should look, or it does not do its work."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"


_SEVERITY = {CheckState.OK: 0, CheckState.WARN: 1, CheckState.FAIL: 2}
_STATES = (HealthState.OK, HealthState.DEGRADED, HealthState.FAILING)
_COMMAND = re.compile(r"`(tactics [^`]+)`")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One check of one thing: `subject` tells several lines of a check apart (`acme/meta`).

    `reason` is a sentence, `command` what a person runs (empty when nothing is to be done).
    """

    name: str
    state: CheckState
    reason: str
    command: str = ""
    subject: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> int:
        """Return 0 for ok, 1 for warn, 2 for fail."""
        return _SEVERITY[self.state]


@dataclass(frozen=True, slots=True)
class Health:
    """How everything stands at one instant, the worst first."""

    state: HealthState
    checks: tuple[HealthCheck, ...]
    checked_at: dt.datetime

    @classmethod
    def of(cls, checks: Iterable[HealthCheck], now: dt.datetime) -> "Health":
        """Return the health that these checks add up to."""
        ordered = sorted(checks, key=lambda check: -check.severity)
        worst = max((check.severity for check in ordered), default=0)
        return cls(_STATES[worst], tuple(ordered), now)

    @property
    def exit_code(self) -> int:
        """Return what `tactics health` exits with: 0 ok, 6 degraded, 1 failing."""
        return {HealthState.OK: 0, HealthState.DEGRADED: 6, HealthState.FAILING: 1}[self.state]

    def find(self, name: str, subject: str = "") -> HealthCheck | None:
        """Return the line of a check, if there is one."""
        found = (one for one in self.checks if (one.name, one.subject) == (name, subject))
        return next(found, None)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        checks = [{**asdict(check), "state": check.state.value} for check in self.checks]
        return {"state": self.state.value, "checked_at": iso(self.checked_at), "checks": checks}


def command_in(hint: str) -> str:
    """Return the first command that an error's hint names, empty when it has to be filled in."""
    found = _COMMAND.search(hint)
    return found[1] if found and "<" not in found[1] else ""
