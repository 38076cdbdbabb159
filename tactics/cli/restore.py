"""`tactics restore`: a home out of a backup, or a moved home that works again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_command
from tactics.errors import ConfigError

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_command()


@app.command()
def restore(
    context: typer.Context,
    *,
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="what `tactics backup` has made")
    ] = None,
    verified: Annotated[
        bool, typer.Option("--verify", help="open and count everything afterwards")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="no backup: make a moved or copied home work")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup into an empty home, or mend a moved one.

    The home is that of --home or $TACTICS_HOME, at any path; one that holds something is refused.
    """
    session: Session = context.obj
    _need_one_way(path, verified, in_place)
    if path is None:
        _mend(session, as_json)
    else:
        _bring_in(session, path.expanduser().absolute(), verified=verified, as_json=as_json)


def _need_one_way(path: Path | None, verified: bool, in_place: bool) -> None:
    if (path is None) != in_place or (verified and in_place):
        hint = "give a PATH, with --verify or without; or --in-place"
        raise ConfigError("say what to restore, in one way", hint=hint)


def _bring_in(session: "Session", path: Path, *, verified: bool, as_json: bool) -> None:
    from tactics import pipeline
    from tactics.cli.render import Column, Listing, choose_form, say, show
    from tactics.cli.words import instant, plural

    restored = pipeline.restore_backup(path, session.home)
    if verified:
        pipeline.verify(session.home, restored.rows, session.clock())
    rows: list[dict[str, object]] = [
        {"part": part, "tables": len(tables), "rows": sum(tables.values())}
        for part, tables in restored.rows.items()
    ]
    columns = [
        Column("part", "Part"),
        Column("tables", "Tables", right=True),
        Column("rows", "Rows as saved", right=True),
    ]
    if as_json:
        facts = {"home": restored.home, "made_in": restored.made_in, "files": restored.files}
        rows = [{**facts, "saved_at": restored.created_at, "verified": verified}]
        rows[0]["rows"] = restored.rows
    show(Listing("restore", rows, columns, session.clock().now()), choose_form(as_json))
    done = "restored and verified" if verified else "restored"
    saved = f"{plural(restored.files, 'file')} of {instant(restored.created_at)} UTC"
    say("", f"{done}: {saved}, in {restored.home}")
    say(
        "hint: ",
        "credentials are not in a backup: `tactics doctor` says which to set",
        style="cyan",
    )


def _mend(session: "Session", as_json: bool) -> None:
    from tactics import pipeline
    from tactics.cli.render import envelope, say, write_json
    from tactics.cli.words import plural

    with session.store():  # or there is nothing to mend
        moved = pipeline.relocate(session.home)
    if as_json:
        row = {"home": session.root, "made_in": moved.made_in, "tables": moved.tables}
        write_json(envelope("relocation", [row], session.clock().now()))
    elif moved.tables:
        typer.echo(f"{plural(moved.tables, 'table')} moved to {session.root}")
    else:
        say("", "this home lies where it was made; nothing to do")
