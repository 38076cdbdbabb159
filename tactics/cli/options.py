"""The options that many commands share, so that they read and behave alike.

Holds no command.
"""

from typing import Annotated, TypeAlias

import typer

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="print JSON")]
AsCsv: TypeAlias = Annotated[bool, typer.Option("--csv", help="print comma-separated values")]
Org: TypeAlias = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="only this organisation")
]
Orgs: TypeAlias = Annotated[
    list[str] | None, typer.Option("--org", metavar="ORG", help="only this one; repeatable")
]
Sources: TypeAlias = Annotated[
    list[str] | None, typer.Option("--source", metavar="SOURCE", help="only this one; repeatable")
]


def new_noun(summary: str) -> typer.Typer:
    """Return the app of a noun whose verbs are commands of their own (`tactics dlq list`)."""
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, add_completion=False)

    def noun() -> None: ...

    noun.__doc__ = summary
    app.callback()(noun)
    return app


def new_command() -> typer.Typer:
    """Return the app of a noun that is itself the command (`tactics sync`)."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)
