"""`tactics sync`: the whole flow once, from the vendors to gold."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, Orgs, Sources, new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.model import Window

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
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="fetch the days from here on, held or not")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="and up to here; else to the newest")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch what is due and bring it to gold.

    With `--since` these days are fetched again in place of what is due. Exit codes: 0 done, 5 halted by DataGuard, 6 a source failed and stale data is served.
    """
    from tactics import pipeline
    from tactics.cli.progress import Bars
    from tactics.cli.render import say
    from tactics.cli.result import finish

    session: Session = context.obj
    scope = pipeline.Scope(
        orgs=tuple(orgs or ()),
        sources=tuple(sources or ()),
        offline=offline,
        window=_window(since, until, session.clock().now()),
    )
    with session.workspace() as workspace, Bars() as progress:
        result = pipeline.sync(workspace, scope, progress=progress)
    if not result.sources:
        say("next: ", f"no source is configured: edit {session.config_path}", style="cyan")
    finish(result, as_json=as_json)


def _window(since: str | None, until: str | None, now: dt.datetime) -> "Window | None":
    from tactics.errors import ConfigError
    from tactics.model import Window

    if since is None:
        if until is not None:
            raise ConfigError("--until needs --since", hint="name the first day, too")
        return None
    # tomorrow in UTC: it may be that day already where an account lives
    start, end = _day(since), _day(until) if until else now.date() + dt.timedelta(days=1)
    if start > end:
        raise ConfigError("--since is after --until", since=start, until=end)
    return Window(start, end)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-11-05") from None
