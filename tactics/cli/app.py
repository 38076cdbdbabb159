"""The command tree and what happens when a command fails.

A noun's module is imported only when that noun is used, so `--help` stays as cheap as typer
itself. Contains no command of its own.
"""

import gc
import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from typer.core import TyperGroup

from tactics import __version__
from tactics.cli.failure import INTERRUPTED, exit_code_of
from tactics.cli.plain import HELP_NAMES, read_plainly
from tactics.cli.session import Session

if TYPE_CHECKING:  # typer keeps its copy of click private; only the checker needs the names
    from typer._click import Command, Context, HelpFormatter


class Noun(NamedTuple):
    """Where a command lives, and its line in `tactics --help` (a test compares it)."""

    module: str
    summary: str


NOUNS = {
    "demo": Noun("tactics.cli.demo", "Run everything against built-in simulators, once."),
    "init": Noun("tactics.cli.init", "Write a commented tactics.toml to start from."),
    "sync": Noun("tactics.cli.sync", "Fetch what is due and bring it to gold."),
    "report": Noun("tactics.cli.report", "Read a report, from pacing to revenue."),
    "channel": Noun("tactics.cli.channel", "Say which channel a visit belongs to, and why."),
    "validate": Noun("tactics.cli.validate", "Run DataGuard over what is held."),
    "sql": Noun("tactics.cli.sql", "Ask the data in SQL, read-only."),
    "sources": Noun("tactics.cli.sources", "See the configured sources and whether they answer."),
    "gaps": Noun(
        "tactics.cli.gaps",
        "See which days are held and which are missing.",
    ),
    "auth": Noun("tactics.cli.auth", "Keep the credentials of sources."),
    "runs": Noun("tactics.cli.runs", "Look at past runs."),
    "queue": Noun("tactics.cli.queue", "See and work off writes that wait for a retry."),
    "dlq": Noun("tactics.cli.dlq", "Look at dead letters and bring them home."),
    "breakers": Noun("tactics.cli.breakers", "See and reset the circuit breakers."),
    "backup": Noun("tactics.cli.backup", "Copy this home into one file, also during a sync."),
    "restore": Noun(
        "tactics.cli.restore", "Bring a backup into an empty home, or mend a moved one."
    ),
    "alerts": Noun("tactics.cli.alerts", "See, answer and test alerts."),
    "status": Noun("tactics.cli.status", "See health, sources, what is due and what waits."),
    "health": Noun("tactics.cli.health", "Say how everything stands, and what mends it."),
    "daemon": Noun("tactics.cli.daemon", "Run the background services, or see whether they run."),
    "service": Noun("tactics.cli.service", "Have the system keep the daemon running."),
    "doctor": Noun("tactics.cli.doctor", "Check this installation and say what to repair."),
    "sandbox": Noun(
        "tactics.cli.sandbox", "Serve simulators of the vendors' APIs on this machine."
    ),
}


class LazyGroup(TyperGroup):
    """A group that knows its nouns by name and imports a noun when it is asked for."""

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002 (typer's signature)
        """Return the nouns in the order in which a newcomer meets them."""
        return list(NOUNS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":  # noqa: ARG002
        """Import and return one noun, or None when there is no such."""
        if cmd_name not in NOUNS:
            self.commands.update({name: _load(name) for name in NOUNS})  # for `did you mean`
        elif cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:  # noqa: ARG002
        """Write the nouns without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, noun.summary) for name, noun in NOUNS.items()])


def _load(name: str) -> "Command":
    command = typer.main.get_command(importlib.import_module(NOUNS[name].module).app)
    command.name = name
    read_plainly(command)
    return command


app = typer.Typer(
    cls=LazyGroup,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": HELP_NAMES},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tactics {__version__}")
        raise typer.Exit


@app.callback()
def tactics(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="where state lives; else $TACTICS_HOME, else user data")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="the configuration; else ./tactics.toml, else <home>/…")
    ] = None,
    version: Annotated[  # noqa: ARG001 (eager: the callback answers)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print it")
    ] = False,
) -> None:
    """Marketing data you can trust: ads, bookings and revenue, on one machine.

    Start with `tactics demo`. Standard output is data, standard error is talk; `--json` everywhere.
    """
    context.obj = Session.begin(home=home, config=config)


def open_command() -> "Command":
    """Return the whole command, its nouns not yet imported."""
    command = typer.main.get_command(app)
    read_plainly(command)
    return command


def main() -> None:
    """Run `tactics` and end the process with the exit code that tells what happened."""
    # Python looks for garbage after every 700 new objects: among what imports make, a tenth of a
    # start and none of it garbage.
    gc.set_threshold(50_000)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 must not end a command
    command = open_command()
    code = exit_code_of(lambda: command.main(prog_name="tactics", standalone_mode=False))
    if code == INTERRUPTED:
        # A Ctrl-C inside an exec'd string (a dataclass being made, say) marks the interpreter: it
        # would end itself by the signal, whatever code it was told to exit with.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
