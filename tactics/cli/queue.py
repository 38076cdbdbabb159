"""`tactics queue`: writes that failed and wait for their next try.

Working the queue off is the pipeline's; this only shows it and asks for it.
"""

from typing import TYPE_CHECKING

import typer

from tactics.cli.options import AsJson, new_noun

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_noun("See and work off writes that wait for a retry.")
FINAL = {"completed", "cancelled"}  # done with; dead letters (discarded) stay in view


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Count waiting writes by stage and state, with the age of the oldest."""
    from tactics.cli.render import Column, Listing, choose_form, show
    from tactics.cli.words import age, until

    session: Session = context.obj
    now = session.clock().now()
    with session.store() as store:
        counts = store.jobs.stats()
    rows = [
        {
            "stage": count.stage,
            "state": count.state,
            "jobs": count.jobs,
            "oldest_seconds": (now - count.oldest_created_at).total_seconds(),
            "next_scheduled_at": None if count.state == "discarded" else count.next_scheduled_at,
        }
        for count in counts
        if count.state not in FINAL
    ]
    columns = [
        Column("stage", "Stage"),
        Column("state", "State", lambda state: "dead letter" if state == "discarded" else state),
        Column("jobs", "Writes", right=True),
        Column("oldest_seconds", "Oldest", age, right=True),
        Column("next_scheduled_at", "Next try", lambda moment: until(moment, now)),
    ]
    listing = Listing("queue", rows, columns, now, empty="nothing waits for a retry")
    show(listing, choose_form(as_json))


@app.command()
def flush(context: typer.Context, as_json: AsJson = False) -> None:
    """Try every waiting write now, whatever its schedule says."""
    from tactics import pipeline
    from tactics.cli.result import finish

    session: Session = context.obj
    with session.workspace() as workspace:
        result = pipeline.flush(workspace, ignore_schedule=True)
    finish(result, as_json=as_json)
