"""`tactics sync`: the whole flow once, from the vendors to gold."""

from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, Orgs, Sources, new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_command()


@app.command()
def sync(
    context: typer.Context,
    *,
    orgs: Orgs = None,
    sources: Sources = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="fetch nothing, work on what is held")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch what is due and bring it to gold.

    Exit codes: 0 done, 5 halted by DataGuard, 6 a source failed and stale data is served.
    """
    from tactics import pipeline
    from tactics.cli.progress import Bars
    from tactics.cli.render import say
    from tactics.cli.result import finish

    session: Session = context.obj
    scope = pipeline.Scope(orgs=tuple(orgs or ()), sources=tuple(sources or ()), offline=offline)
    with session.workspace() as workspace, Bars() as progress:
        result = pipeline.sync(workspace, scope, progress=progress)
    if not result.sources:
        say("next: ", f"no source is configured: edit {session.config_path}", style="cyan")
    finish(result, as_json=as_json)
