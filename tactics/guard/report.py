"""Runs the checks and says what they found.

Reads views that the pipeline has put on the connection (`VIEWS`), and never changes them.
"""

import datetime as dt
import tomllib
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from tactics.config import GuardSettings
from tactics.duck import Connection, DuckError
from tactics.errors import IntegrityError
from tactics.guard.check import PACKAGE, Check, choose_checks
from tactics.model import Finding, Severity
from tactics.sql import load_statements, load_text

EXAMPLES = 10
VIEWS = (
    "ad_performance",
    "ad_account_totals",
    "web_traffic",
    "search_performance",
    "orders",
    "order_refunds",
    "customers",
    "products",
    "email_performance",
    "email_subscribers",
    "email_revenue",
    "transactions",
    "bookings",
    "crm_deals",
    "quarantine",
    "coverage",
    "orgs",
)


@dataclass(frozen=True, slots=True)
class GuardReport:
    """What DataGuard found, errors first, one finding per check and org."""

    findings: tuple[Finding, ...]
    checks_run: int

    @property
    def halted_orgs(self) -> frozenset[str]:
        """Return the orgs with an error: their gold stays at the last good generation."""
        errors = (f for f in self.findings if f.severity is Severity.ERROR)
        return frozenset(finding.org_id for finding in errors)

    def to_json(self) -> dict[str, object]:
        """Return the report as plain JSON values; dates and decimals become text."""
        counts = Counter(finding.severity.value for finding in self.findings)
        return {
            "checks_run": self.checks_run,
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARN],
            "halted_orgs": sorted(self.halted_orgs),
            "findings": [_finding_json(finding) for finding in self.findings],
        }


def run_checks(connection: Connection, settings: GuardSettings) -> GuardReport:
    """Run every enabled check and return its findings.

    The connection holds the views `VIEWS`; the temporary `settings`, `channels` and `entities`
    are put beside them here. `coverage.can_miss_days` is false where days between two fetches are no gap.

    Raises:
        ConfigError: a check that does not exist is disabled.
        IntegrityError: a check itself fails.
    """
    checks = choose_checks(settings.disabled)
    _prepare(connection, settings)
    findings = [finding for check in checks for finding in _run(connection, check)]
    findings.sort(key=lambda f: (f.severity is not Severity.ERROR, f.check, f.org_id))
    return GuardReport(tuple(findings), checks_run=len(checks))


def known_channels() -> list[dict[str, str | None]]:
    """Return every name of every channel, with the channel and its family; formats have none."""
    return [
        {"name": name, "channel": channel, "family": entry.get("family")}
        for channel, entry in tomllib.loads(load_text(PACKAGE, "channels.toml")).items()
        for name in (channel, *entry["aliases"])
    ]


def _prepare(connection: Connection, settings: GuardSettings) -> None:
    statements = load_statements(PACKAGE, "guard.sql")
    # A view takes no parameters; the number is our own, and text so that it may be infinite.
    percent = repr(settings.credit_percent)
    connection.execute(statements["create_settings"].replace("$credit_percent", f"'{percent}'"))
    connection.execute(statements["create_channels"], {"rows": known_channels()})
    connection.execute(statements["create_entities"])


def _run(connection: Connection, check: Check) -> list[Finding]:
    summary = load_statements(PACKAGE, "guard.sql")["summarize"]
    try:
        rows = connection.execute(
            summary.replace("$check", f"({check.sql}\n)"), {"examples": EXAMPLES}
        ).fetchall()
    except DuckError as exc:
        raise IntegrityError("a check cannot run", check=check.name) from exc
    return [
        Finding(
            check.name, check.severity, org_id, check.message, check.hint, count, tuple(examples)
        )
        for org_id, count, examples in rows
    ]


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "severity": finding.severity.value,
        "org_id": finding.org_id,
        "message": finding.message,
        "hint": finding.hint,
        "rows": finding.rows,
        "examples": [
            {name: _plain(value) for name, value in example.items()} for example in finding.examples
        ],
    }


def _plain(value: object) -> object:
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
