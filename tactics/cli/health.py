"""`tactics health`: how everything stands in one word, why, and the command that mends it.

Reads the store and the home, never the data: it answers also while a run is going on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tactics.cli.failure import leave
from tactics.cli.options import AsJson, new_command
from tactics.errors import IntegrityError, TransientError

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.analytics import Health, HealthCheck
    from tactics.cli.render import Level
    from tactics.cli.session import Session
    from tactics.pipeline import Parts

_CHECKS: dict[str, "Level"] = {"ok": "good", "warn": "notice", "fail": "bad"}
_STATES: dict[str, "Level"] = {"ok": "good", "degraded": "notice", "failing": "bad"}

app = new_command()


@app.command()
def health(context: typer.Context, as_json: AsJson = False) -> None:
    """Say how everything stands, and what mends it.

    The worst comes first. Exit codes: 0 ok, 6 degraded (somebody should look), 1 failing (it waits for a person).
    """
    from tactics.cli.render import emit, envelope, write_json

    session: Session = context.obj
    found = _look(session)
    rows = found.to_json()["checks"]
    if as_json:
        told = envelope("health", rows, session.clock().now())
        write_json({**told, "state": found.state.value})
    else:
        emit(headline(found))
        show_checks(found.checks)
        show_commands(found)
    leave(found.exit_code)


@contextmanager
def open_parts(session: "Session") -> "Iterator[Parts]":
    """Open the configuration and the store, for reading only.

    Raises:
        NotFoundError: nothing was ever stored in this home.
    """
    from tactics.cli.wiring import open_credentials
    from tactics.pipeline import Parts

    with session.store() as store:
        yield Parts(session.settings(), session.home, store, open_credentials(session))


def _look(session: "Session") -> "Health":
    from tactics.pipeline import read_health, unreadable_health

    now = session.clock().now()
    try:
        with open_parts(session) as parts:
            return read_health(parts, now)
    except (IntegrityError, TransientError) as error:  # the store does not even open
        return unreadable_health(error, now)


def headline(found: "Health") -> "Text":
    """Return `degraded: 2 warnings, 1 failure`."""
    from rich.text import Text

    from tactics.cli.render import verdict
    from tactics.cli.words import listed, plural

    states = [check.state.value for check in found.checks]
    told = [
        plural(states.count(state), noun)
        for state, noun in (("fail", "failure"), ("warn", "warning"))
        if state in states
    ]
    more = f": {listed(told)}" if told else ": nothing to do"
    return Text.assemble(verdict(found.state.value, _STATES[found.state.value]), more)


def show_checks(checks: "tuple[HealthCheck, ...]") -> None:
    """Print a line for each of these checks."""
    from tactics.cli.render import Column, as_table, emit
    from tactics.cli.words import brief, visible

    columns = [
        Column("state", "State", state_text),
        Column("name", "Check"),
        Column("reason", "Found", lambda text: visible(brief(text)), shrink="fold"),
    ]
    rows = [{"state": one.state, "name": one.name, "reason": one.reason} for one in checks]
    if rows:
        emit(as_table(rows, columns))


def show_commands(found: "Health") -> None:
    """Print, as talk, what a person runs for each check that did not come out well."""
    from tactics.cli.render import say

    wanting = (check.command for check in found.checks if check.severity and check.command)
    for command in dict.fromkeys(wanting):
        say("next: ", command, style="cyan")


def state_text(value: object) -> "Text":
    """Return the state of a check, coloured."""
    from tactics.cli.render import verdict

    return verdict(str(value), _CHECKS[str(value)])
