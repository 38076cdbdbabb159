"""The command reference of docs/cli.md, generated from the commands themselves.

Prints nothing; cog puts the text into the page, and a test compares it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Command

WIDTH = 80


def command_reference() -> str:
    """Return one section per command with the text of its --help, the overview first."""
    from tactics.cli.app import app

    return "\n".join(_sections(typer.main.get_command(app), "tactics"))


def _sections(command: "Command", path: str) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True, terminal_width=WIDTH)
    help_text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"### {path}\n\n```text\n{help_text}\n```\n"
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, name
            yield from _sections(child, f"{path} {name}")
