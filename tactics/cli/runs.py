"""`tactics runs`: what past runs did, from the store alone."""

from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_noun
from tactics.errors import NotFoundError

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.store import Run, Store

ALL = 1_000_000

app = new_noun("Look at past runs.")


@app.command(name="list")
def list_runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="the newest of them")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    from tactics.cli.render import Column, Listing, choose_form, show
    from tactics.cli.result import status_text
    from tactics.cli.words import age, instant

    session: Session = context.obj
    with session.store() as store:
        rows = [_summary(run) for run in store.runs.list_runs(limit)]
    columns = [
        Column("run_id", "Run"),
        Column("command", "Command"),
        Column("created_at", "Started (UTC)", instant),
        Column("seconds", "Took", age, right=True),
        Column("status", "Status", status_text),
    ]
    listing = Listing("runs", rows, columns, session.clock().now(), empty="no runs yet")
    show(listing, choose_form(as_json))


@app.command(name="show")
def show_run(
    context: typer.Context,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="a part of it is enough; else the latest")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its sources, stages, checks and delivery receipt."""
    from tactics.cli.render import envelope, write_json
    from tactics.cli.result import print_result

    session: Session = context.obj
    with session.store() as store:
        run = _find(store, run_id)
    if as_json:
        row = _summary(run) | {"scope": run.scope, "result": run.result}
        write_json(envelope("run", [row], session.clock().now()))
    else:
        print_result({**(run.result or {}), "run_id": run.run_id, "status": run.status})


def _find(store: "Store", part: str | None) -> "Run":
    found = [run for run in store.runs.list_runs(ALL if part else 1) if (part or "") in run.run_id]
    if not found:
        raise NotFoundError("no such run", hint="see `tactics runs list`", run=part or "the latest")
    if len(found) > 1:
        raise NotFoundError("several runs are called like that", hint="write more of it", run=part)
    return found[0]


def _summary(run: "Run") -> dict[str, object]:
    ended = run.finalized_at
    return {
        "run_id": run.run_id,
        "command": run.command,
        "status": run.status,
        "created_at": run.created_at,
        "finalized_at": ended,
        "seconds": None if ended is None else (ended - run.created_at).total_seconds(),
    }
