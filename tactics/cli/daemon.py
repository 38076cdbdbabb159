"""`tactics daemon`: runs the background services in this terminal, and tells of those that run."""

import os
import sys
from typing import TYPE_CHECKING

import typer

from tactics.cli.options import AsJson, new_noun
from tactics.errors import NotFoundError

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.daemon import Announcement

app = new_noun("Run the background services, or see whether they run.")


@app.command()
def run(context: typer.Context) -> None:
    """Sync by schedule until it is stopped, in the foreground.

    Ends with Ctrl-C or SIGTERM, and loses nothing. `tactics service install` has it started by the
    system.
    """
    from tactics.daemon import run_daemon

    session: Session = context.obj
    code = run_daemon(
        session.home, session.config_path, environment=session.environment, clock=session.clock()
    )
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is closed and durable; DuckDB's bindings only complain of the tear-down


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Say which daemon runs here, since when, and what its services do.

    Exit codes: 0 it runs, 4 none runs.
    """
    from tactics.cli.render import Column, Listing, choose_form, show
    from tactics.cli.words import age

    session: Session = context.obj
    running = _find_running(session)
    now = session.clock().now()
    with session.store() as store:
        beat = store.heartbeats.latest()
    row = {
        "pid": running.pid,
        "url": running.url,
        "up_seconds": (now - running.started_at).total_seconds(),
        "beat_seconds": None if beat is None else (now - beat.beat_at).total_seconds(),
        "state": "starting" if beat is None else beat.progress.get("state", "starting"),
        "services": {} if beat is None else beat.progress.get("services", {}),
    }
    columns = [
        Column("pid", "Process"),
        Column("url", "Answers at"),
        Column("up_seconds", "Runs for", age, right=True),
        Column("beat_seconds", "Last beat", age, right=True),
        Column("state", "State"),
    ]
    show(Listing("daemon", [row], columns, now), choose_form(as_json))


def _find_running(session: "Session") -> "Announcement":
    """Return who runs.

    Raises:
        NotFoundError: nobody does.
    """
    from tactics.daemon import DaemonLock

    running = DaemonLock(session.home).running()
    if running is None:
        raise NotFoundError(
            "no daemon runs here", hint="run `tactics daemon run`", home=session.root
        )
    return running
