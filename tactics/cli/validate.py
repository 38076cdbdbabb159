"""`tactics validate`: DataGuard over what is held, without fetching or building anything."""

from typing import TYPE_CHECKING

import typer

from tactics.cli.options import AsJson, new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_command()


@app.command()
def validate(context: typer.Context, as_json: AsJson = False) -> None:
    """Run DataGuard over what is held.

    Exit codes: 0 nothing that halts, 5 an error finding would halt the pipeline before gold.
    """
    from tactics import pipeline
    from tactics.cli.result import finish

    session: Session = context.obj
    with session.workspace() as workspace:
        result = pipeline.validate(workspace)
    finish(result, as_json=as_json)
