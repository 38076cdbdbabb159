"""Runs the checks and says what they found.

Reads views that the pipeline has put on the connection (`VIEWS`), and never changes them.
"""

import datetime as dt
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tactics.config import GuardSettings
from tactics.duck import Connection, DuckError
from tactics.errors import IntegrityError
from tactics.guard.check import PACKAGE, Check, choose_checks
from tactics.guard.months import (
    Months,
    Part,
    merge,
    recall,
    rows_of,
    rows_of_no_month,
    showing,
)
from tactics.model import Finding, Severity
from tactics.sql import load_statements, load_text

EXAMPLES = 10
VIEWS = (
    "ad_performance",
    "ad_account_totals",
    "web_traffic",
    "search_performance",
    "sitemaps",
    "url_inspections",
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


def run_checks(
    connection: Connection, settings: GuardSettings, months: Months | None = None
) -> GuardReport:
    """Run every enabled check and return its findings.

    The connection holds the views `VIEWS`; the temporary `settings`, `channels` and `entities`
    are put beside them here. `coverage.can_miss_days` is false where days between two fetches are no gap.
    With `months`, checks that can look only at months that have changed since they last did.

    Raises:
        ConfigError: a check that does not exist is disabled.
        IntegrityError: a check itself fails.
    """
    checks = choose_checks(settings.disabled)
    _prepare(connection, settings)
    monthly = [check for check in checks if months and check.month]
    findings = _run_whole(connection, [check for check in checks if check not in monthly])
    if months:
        findings += _run_monthly(connection, monthly, months, settings)
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


def _run_whole(connection: Connection, checks: Sequence[Check]) -> list[Finding]:
    return [
        finding
        for check in _runnable(connection, checks)
        for finding in _findings(check, _ask(connection, check, "summarize"))
    ]


def _run_monthly(
    connection: Connection, checks: Sequence[Check], months: Months, settings: GuardSettings
) -> list[Finding]:
    """Look at the months that are not known and at what belongs to no month; add what is known."""
    wanted, memory = recall(months, checks, settings.credit_percent)
    ends = {"first": months.months[0].first, "last": months.months[-1].first}
    if wanted:
        with showing(connection, rows_of(months, wanted)):
            for check in _runnable(connection, checks):
                memory.add(check.name, _ask(connection, check, "summarize_months", **ends))
        memory.save(months.memory)
    findings = []
    with showing(connection, rows_of_no_month()):
        undated = {
            check.name: _ask(connection, check, "summarize")
            for check in _runnable(connection, checks)
        }
    for check in checks:
        parts = [*memory.parts(check.name), *undated.get(check.name, ())]
        findings += _findings(check, merge(parts, EXAMPLES))
    return findings


def _runnable(connection: Connection, checks: Sequence[Check]) -> list[Check]:
    """Return the checks that may find something."""
    views = sorted({view for check in checks for view in check.needs})
    tests = [f"SELECT '{view}' WHERE NOT EXISTS (FROM {view})" for view in views]
    sql = " UNION ALL ".join(tests)
    empty = {view for (view,) in connection.execute(sql).fetchall()} if tests else set()
    return [check for check in checks if empty.isdisjoint(check.needs)]


def _ask(
    connection: Connection, check: Check, statement: str, **values: object
) -> list[tuple[Any, ...]]:
    sql = load_statements(PACKAGE, "guard.sql")[statement].replace("$column", check.month)
    try:
        return connection.execute(
            sql.replace("$check", f"({check.sql}\n)"), {"examples": EXAMPLES, **values}
        ).fetchall()
    except DuckError as exc:
        raise IntegrityError("a check cannot run", check=check.name) from exc


def _findings(check: Check, parts: Sequence[Part]) -> list[Finding]:
    return [
        Finding(
            check.name, check.severity, org_id, check.message, check.hint, count, tuple(examples)
        )
        for org_id, count, examples in parts
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
