"""The checks as files: `checks/<name>.sql`, a head of facts and one SELECT of the offending rows.

Runs nothing.
"""

import functools
from dataclasses import dataclass
from importlib import resources

from tactics.errors import ConfigError, IntegrityError
from tactics.model import Severity
from tactics.sql import header_facts, load_text

PACKAGE = "tactics.guard"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule. `sql` returns the rows that break it, each with its `org_id`.

    Without a row in each of the views that it `needs` it finds nothing. `month` is the column that
    says to which month a finding belongs, where rows of that month alone decide.
    """

    name: str
    severity: Severity
    message: str
    hint: str
    sql: str
    needs: tuple[str, ...] = ()
    month: str = ""


@functools.cache
def load_checks() -> tuple[Check, ...]:
    """Return every check, by name.

    Raises:
        IntegrityError: the head of a file is wrong.
    """
    folder = resources.files(PACKAGE).joinpath("checks")
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple(read_check(file, load_text(PACKAGE, f"checks/{file}")) for file in files)


def read_check(file: str, text: str) -> Check:
    """Return the check that a file holds.

    Raises:
        IntegrityError: its head lacks a fact, or the name is not the file's.
    """
    facts = header_facts(text)
    missing = [key for key in ("check", "severity", "message", "hint") if not facts.get(key)]
    if missing or f"{facts['check']}.sql" != file or facts["severity"] not in set(Severity):
        raise IntegrityError(
            "a check needs its head", file=file, missing=", ".join(missing) or "nothing"
        )
    severity = Severity(facts["severity"])
    sql = text.strip().rstrip(";")
    needs = tuple(facts["needs"].split(", ")) if "needs" in facts else ()
    texts = facts["check"], severity, facts["message"], facts["hint"]
    return Check(*texts, sql, needs, facts.get("month", ""))


def choose_checks(disabled: tuple[str, ...]) -> tuple[Check, ...]:
    """Return the checks that run.

    Raises:
        ConfigError: `disabled` names a check that does not exist.
    """
    checks = load_checks()
    known = {check.name for check in checks}
    if unknown := sorted(set(disabled) - known):
        raise ConfigError(
            f"guard.disabled: no such check: {', '.join(unknown)}",
            hint="known are " + ", ".join(sorted(known)),
        )
    return tuple(check for check in checks if check.name not in disabled)
