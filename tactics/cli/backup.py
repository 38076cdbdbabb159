"""`tactics backup`: the whole home in one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_command()


@app.command()
def backup(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="the new file, or a folder to make it in")
    ],
    as_json: AsJson = False,
) -> None:
    """Copy this home into one file, also during a sync.

    A .tar.zst of the database, the lake, the published gold, the pseudonym key and tactics.toml, as
    they are at one instant. Credentials are not in it.
    """
    from tactics import pipeline
    from tactics.cli.render import Column, Listing, choose_form, say, show
    from tactics.cli.words import plural

    session: Session = context.obj
    target = path.expanduser().absolute()
    made = pipeline.back_up(session.home, session.clock(), target, config=session.config_path)
    rows = [
        {"part": part, "tables": len(tables), "rows": sum(tables.values())}
        for part, tables in made.rows.items()
    ]
    if as_json:
        facts = {"path": made.path, "size_bytes": made.size_bytes, "files": made.files}
        rows = [{**facts, "rows": made.rows}]
    columns = [
        Column("part", "Part"),
        Column("tables", "Tables", right=True),
        Column("rows", "Rows", right=True),
    ]
    show(Listing("backup", rows, columns, made.created_at), choose_form(as_json))
    size = f"{made.size_bytes / 2**20:,.1f} MiB" if made.size_bytes >= 2**20 else "under 1 MiB"
    say("", f"{plural(made.files, 'file')} in {made.path} ({size}); credentials are not in it")
