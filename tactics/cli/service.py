"""`tactics service`: has the system keep the daemon running, and says how it does."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tactics.cli.failure import OUR_FAULT, leave
from tactics.cli.options import AsJson, new_noun
from tactics.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tactics.cli.session import Session
    from tactics.service import Found, Manager, Plan

app = new_noun("Have the system keep the daemon running.")

Whose: TypeAlias = Annotated[
    bool | None,
    typer.Option("--system/--user", help="whose; else the one installed, else root's is --system"),
]


@app.command()
def install(
    context: typer.Context,
    *,
    system: Whose = None,
    run_as: Annotated[
        str, typer.Option(metavar="USER", help="user of the service of the machine")
    ] = "tactics",
    start: Annotated[bool, typer.Option("--start/--no-start", help="start it, too")] = True,
    only_print: Annotated[
        bool, typer.Option("--print", help="print what would be written, change nothing")
    ] = False,
) -> None:
    """Write the service, have it start by itself, and start it.

    Again after an upgrade, a new credential or a change of its folders: it is restarted. Home and
    configuration are those of `--home` and `--config`, else those of the service.
    """
    from tactics.cli.render import say
    from tactics.service import find_secrets, need_root

    session: Session = context.obj
    manager = _manager(session, system, running=not only_print)
    if not only_print:
        need_root(manager.scope, "install")
    found = find_secrets(manager.places.folder / "credentials")
    plan = _plan(session, manager, found, run_as=run_as)
    if only_print:
        typer.echo(manager.render(plan), nl=False)
        return
    advice = manager.install(plan, start=start)
    typer.echo(f"written: {manager.places.definition}")
    _talk_of_environment(session, plan, found)
    for line in advice:
        say("advice: ", line, style="cyan")
    say("next: ", "tactics service doctor", style="cyan")


@app.command()
def uninstall(context: typer.Context, system: Whose = None) -> None:
    """Stop the service and remove it; data, configuration and credentials stay."""
    from tactics.cli.render import say

    manager = _manager(context.obj, system)
    manager.uninstall()
    typer.echo(f"removed: {manager.places.definition}")
    say("", f"what stays: the home, and {manager.places.folder}")


@app.command()
def start(context: typer.Context, system: Whose = None) -> None:
    """Start the service; systemd waits until it works."""
    _manager(context.obj, system).start()


@app.command()
def stop(context: typer.Context, system: Whose = None) -> None:
    """Stop the service, and wait until it has drained; it starts again with the machine."""
    _manager(context.obj, system).stop()


@app.command()
def status(context: typer.Context, system: Whose = None, as_json: AsJson = False) -> None:
    """Say how the system sees the service.

    Exit codes: 0 it runs or starts, 4 it is stopped or not installed, 1 it has failed.
    """
    from tactics.cli.render import Column, Listing, choose_form, say, show
    from tactics.cli.words import age

    session: Session = context.obj
    manager = _manager(session, system)
    state = manager.state()
    clock = session.clock()
    since = state.since_monotonic
    row = {
        "service": str(manager.scope),
        "state": state.state,
        "pid": state.pid,
        "up_seconds": None if since is None else max(clock.monotonic() - since, 0.0),
        "restarts": state.restarts,
        "starts_by_itself": state.starts_by_itself,
        "detail": state.detail,
        "definition": str(manager.places.definition),
    }
    columns = [
        Column("service", "Service"),
        Column("state", "State"),
        Column("pid", "Process"),
        Column("up_seconds", "Runs for", age, right=True),
        Column("restarts", "Restarts", right=True),
        Column("detail", "Says", shrink="fold"),
    ]
    show(Listing("service", [row], columns, clock.now()), choose_form(as_json))
    if state.remedy:
        say("hint: ", state.remedy, style="cyan")
    if state.state in {"failed", "restarting"}:
        leave(OUR_FAULT)
    if state.state in {"stopped", "unloaded"}:
        leave(NotFoundError.exit_code)


@app.command()
def logs(
    context: typer.Context,
    system: Whose = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="the last so many")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="until Ctrl-C")] = False,
) -> None:
    """Show what the service has said."""
    _become(_manager(context.obj, system).log_command(lines, follow=follow))


@app.command()
def doctor(context: typer.Context, system: Whose = None, as_json: AsJson = False) -> None:
    """Run the checks of `tactics doctor` as the service would: its user, folders and secrets.

    Exit codes are those of `tactics doctor`.
    """
    import shutil

    words = ["doctor", *(["--json"] if as_json else [])]
    inside = _manager(context.obj, system).inside(words, shutil.get_terminal_size().columns)
    _become(inside.command, inside.environment)


def _manager(session: "Session", system: bool | None, *, running: bool = True) -> "Manager":
    from tactics.service import Scope, find_manager

    scope = None if system is None else Scope.SYSTEM if system else Scope.USER
    clock, environment = session.clock(), session.environment
    return find_manager(scope, session.root, environment, clock=clock, running=running)


def _plan(session: "Session", manager: "Manager", found: "Found", *, run_as: str) -> "Plan":
    """Return what is to be installed, once it is known that it can work.

    Raises:
        ConfigError: it could not.
    """
    from tactics.config import load_settings
    from tactics.service import Plan, Scope, refuse_unfit

    environment, places = session.environment, manager.places
    of_machine = manager.scope is Scope.SYSTEM
    home = session.root if environment.get("TACTICS_HOME") else places.home
    default = places.folder / "tactics.toml" if of_machine else session.config_path
    config = session.config_path if environment.get("TACTICS_CONFIG") else default
    plan = Plan(
        manager.scope,
        Path(sys.executable),
        home,
        config.absolute(),
        places.folder,
        user=run_as if of_machine else "",
        drain_seconds=load_settings(config, {}).daemon.drain_seconds,
        secrets=found.secrets,
    )
    refuse_unfit(plan, _program())
    return plan


def _program() -> list[Path]:
    """Return the folders that this program runs from."""
    import tactics

    prefixes = [Path(sys.executable).resolve(), Path(sys.prefix), Path(sys.base_prefix)]
    return [*prefixes, Path(tactics.__file__).resolve().parent]


def _talk_of_environment(session: "Session", plan: "Plan", found: "Found") -> None:
    """Say what of this shell the service will not have, and what is wrong with its secrets."""
    from tactics.cli.render import say
    from tactics.cli.words import listed
    from tactics.service import left_behind

    for path in found.exposed:
        say("warning: ", f"others can read {path}: chmod 600 {path}", style="yellow")
    for path in found.ignored:
        say("warning: ", f"not named <org>.<source>.<name>, ignored: {path}", style="yellow")
    if names := left_behind(session.environment):
        where = f"put what it needs into {plan.environment_file} (0600)"
        say("advice: ", f"the service does not see {listed(names)}: {where}", style="cyan")


def _become(command: "Sequence[str]", environment: dict[str, str] | None = None) -> None:
    """Run a command in this terminal, and end as it ends.

    Raises:
        NotFoundError: there is no such program.
    """
    import subprocess

    sys.stdout.flush()
    try:
        code = subprocess.run(command, check=False, env=environment).returncode
    except FileNotFoundError:
        raise NotFoundError("a program is missing on this machine", program=command[0]) from None
    except KeyboardInterrupt:  # the ordinary end of --follow
        return
    if code:
        leave(code)
