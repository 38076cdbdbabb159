"""`tactics breakers`: which vendors and sinks are left alone for now, and since when."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_noun
from tactics.errors import NotFoundError

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.cli.render import Level
    from tactics.cli.session import Session
    from tactics.store import Store

_LEVELS: dict[str, "Level"] = {"closed": "good", "open": "bad", "half_open": "notice"}

app = new_noun("See and reset the circuit breakers.")


@app.command(name="list")
def list_breakers(context: typer.Context, as_json: AsJson = False) -> None:
    """List the breakers that have ever counted a failure, open ones with the reason."""
    from tactics.cli.render import Column, Listing, choose_form, show
    from tactics.cli.words import NOTHING, brief, instant

    session: Session = context.obj
    with session.store() as store:
        rows = [asdict(breaker) for breaker in store.breakers.list_all()]
    columns = [
        Column("name", "Breaker"),
        Column("state", "State", _state),
        Column("failures", "Failures", right=True),
        Column("open_until", "Open until (UTC)", instant),
        Column("reason", "Reason", lambda text: brief(text or NOTHING), shrink="fold"),
    ]
    listing = Listing(
        "breakers",
        rows,
        columns,
        session.clock().now(),
        empty="no breaker has counted a failure yet",
    )
    show(listing, choose_form(as_json))


@app.command()
def reset(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="as `breakers list` shows")],
    as_json: AsJson = False,
) -> None:
    """Close one breaker, so that the next call goes out."""
    from tactics.cli.render import envelope, write_json

    session: Session = context.obj
    with session.store(readonly=False) as store:
        _close(store, name)
    if as_json:
        write_json(envelope("breaker_reset", [{"name": name}], session.clock().now()))
    else:
        typer.echo(f"{name} is closed")


def _close(store: "Store", name: str) -> None:
    if not store.breakers.reset(name):
        raise NotFoundError("no such breaker", hint="see `tactics breakers list`", name=name)


def _state(value: object) -> "Text":
    from tactics.cli.render import verdict

    return verdict(str(value).replace("_", " "), _LEVELS[str(value)])
