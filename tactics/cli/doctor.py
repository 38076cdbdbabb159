"""`tactics doctor`: is this installation sound, and if not, what to do."""

from typing import TYPE_CHECKING

import typer

from tactics.cli.failure import leave
from tactics.cli.options import AsJson, new_command

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.cli.session import Session

app = new_command()


@app.command()
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Check this installation and say what to repair.

    Exit code: 0 without a failed line, else that of the first (2 configuration, 3 credentials, …).
    """
    from tactics.cli.checks import Level, examine
    from tactics.cli.render import Column, Listing, choose_form, say, show

    session: Session = context.obj
    lines = list(examine(session))
    columns = [
        Column("level", "State", _level),
        Column("check", "Check"),
        Column("detail", "Found", shrink="fold"),
    ]
    rows = [
        {"check": line.check, "level": line.level, "detail": line.detail, "remedy": line.remedy}
        for line in lines
    ]
    show(Listing("doctor", rows, columns, session.clock().now()), choose_form(as_json))
    for line in lines:
        if line.remedy:
            say(f"{line.check}: ", line.remedy, style="cyan")
    failed = [line for line in lines if line.level is Level.FAIL]
    if failed:
        leave(failed[0].exit_code)


def _level(value: object) -> "Text":
    from tactics.cli.render import Level, verdict

    levels: dict[str, Level] = {"ok": "good", "warn": "notice", "fail": "bad"}
    return verdict(str(value), levels[str(value)])
