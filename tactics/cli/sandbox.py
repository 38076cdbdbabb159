"""`tactics sandbox`: the vendors' APIs, simulated on this machine until Ctrl-C."""

from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_command()


@app.command()
def sandbox(
    context: typer.Context,
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = 0,
    seed: Annotated[int, typer.Option(help="the same seed gives the same data")] = 7,
    write: Annotated[
        bool, typer.Option("--write", help="write a configuration for it into the home")
    ] = False,
) -> None:
    """Serve simulators of the vendors' APIs on this machine.

    Prints the address once it answers, and ends with Ctrl-C.
    """
    from tactics.cli.render import say
    from tactics.sandbox import World, serve

    session: Session = context.obj
    world = World(seed, today=session.clock().now().date())
    with serve(world, port=port) as server:
        if write:
            _write_home(session, world.config_toml(server.url), world.environment(server.url))
        typer.echo(server.url)
        say("", "ends with Ctrl-C")
        try:
            server.wait()
        except KeyboardInterrupt:  # the ordinary end of a server
            say("", "stopped")


def _write_home(session: "Session", config: str, environment: dict[str, str]) -> None:
    from tactics.cli.playground import claim_home, write_exports
    from tactics.cli.render import say

    path = claim_home(session.root, config)
    exports = write_exports(session.root, environment)
    say("", f"written: {path}")
    say("next: ", f". {exports} && tactics --home {session.root} sync", style="cyan")
