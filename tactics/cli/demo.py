"""`tactics demo`: everything once, against the built-in simulators, without any credential."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.pipeline import PipelineResult

app = new_command()


@app.command()
def demo(
    context: typer.Context,
    *,
    home: Annotated[
        Path | None, typer.Option(help="where its data goes; else a folder for temporary files")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run everything against built-in simulators, once.

    Ends with the pacing report. The data stays, so that a second demo is quick and every command
    that only reads can look at it.
    """
    from tactics.cli.failure import leave
    from tactics.cli.render import Form, say
    from tactics.cli.report import show_report

    session = _own_session(context.obj, home)
    say("", f"simulating the vendors; the data goes to {session.root}")
    result = _sync(session)
    if result.exit_code:
        _explain(result, as_json)
        leave(result.exit_code)
    show_report(session, "pacing", None, Form.JSON if as_json else Form.TABLE)
    for line in _suggestions(session.root):
        say("try: ", line, style="cyan")


def _own_session(started: "Session", home: Path | None) -> "Session":
    """Return a session in the folder that was asked for, or in one that nothing real lives in."""
    from tactics.cli.playground import is_free, temporary_home
    from tactics.cli.session import Session

    chosen = home or started.chosen_home
    if chosen is None and started.environment.get("TACTICS_HOME") and is_free(started.root):
        chosen = started.root
    root = (chosen or temporary_home()).expanduser().absolute()
    return Session.begin(home=root, config=root / "tactics.toml")


def _sync(session: "Session") -> "PipelineResult":
    from tactics import pipeline
    from tactics.cli.playground import claim_home
    from tactics.cli.progress import Bars
    from tactics.sandbox import World, serve

    world = World(today=session.clock().now().date())
    with serve(world) as server:
        claim_home(session.root, world.config_toml(server.url))
        private = session.with_environment(world.environment(server.url))
        with private.workspace() as workspace, Bars() as progress:
            return pipeline.sync(workspace, progress=progress)


def _explain(result: "PipelineResult", as_json: bool) -> None:
    from tactics.cli.render import write_json
    from tactics.cli.result import print_result

    if as_json:
        write_json(result.to_json())
    else:
        print_result(result.to_json())


def _suggestions(root: Path) -> list[str]:
    command = "tactics" if shutil.which("tactics") else f"{shlex.quote(sys.executable)} -m tactics"
    tactics = f"{command} --home {shlex.quote(str(root))}"
    return [
        f"{tactics} report margin",
        f'{tactics} sql "SELECT channel, sum(spend) FROM ad_monthly GROUP BY ALL"',
        f"{tactics} runs show",
        f"{command} init, to begin with your own sources",
    ]
