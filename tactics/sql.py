"""Loads statements from `.sql` files.

A file is either one statement (a model, a stream, a check) or a list of named ones, each headed
by `-- name: claim_jobs` and a comment line that says what it is for. Builds no SQL.
"""

import functools
import re
from importlib import resources

from tactics.errors import IntegrityError

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@functools.cache
def load_text(package: str, file: str) -> str:
    """Return the text of `file` shipped inside `package`."""
    return resources.files(package).joinpath(file).read_text(encoding="utf-8")


@functools.cache
def load_statements(package: str, file: str) -> dict[str, str]:
    """Return the named statements of `file`: name to SQL.

    Raises:
        IntegrityError: a name stands twice, or the file holds none.
    """
    parts = _NAME.split(load_text(package, file))[1:]
    names, bodies = parts[0::2], parts[1::2]
    if not names or len(set(names)) != len(names):
        raise IntegrityError("a .sql file needs unique `-- name:` lines", file=file)
    return {name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)}


def header_facts(text: str) -> dict[str, str]:
    """Return the `-- key: value` lines at the head of a statement (`grain`, `severity`, …)."""
    facts: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        key, colon, value = line.removeprefix("--").strip().partition(":")
        if colon and re.fullmatch(r"\w+", key):
            facts[key] = value.strip()
    return facts
