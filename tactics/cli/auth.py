"""`tactics auth`: put a credential into the keyring, and see where each would come from.

A secret is read from a prompt or standard input, never from an argument, and never shown.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_noun
from tactics.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.connectors import Manifest

app = new_noun("Keep the credentials of sources.")


@app.command(name="set")
def set_credential(
    context: typer.Context,
    org: Annotated[str, typer.Argument(metavar="ORG")],
    source: Annotated[str, typer.Argument(metavar="SOURCE")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="for example access_token")],
) -> None:
    """Keep one credential in this machine's keyring; asks for it, or reads standard input."""
    from tactics.alerts import SMTP_PASSWORD, WEBHOOK_URL
    from tactics.cli.wiring import manifest_of, open_credentials

    session: Session = context.obj
    if (org, source, name) not in {SMTP_PASSWORD, WEBHOOK_URL}:
        _refuse_unknown(manifest_of(session.settings(), org, source), name)
    location = open_credentials(session).store(org, source, name, _read_secret(name))
    typer.echo(f"kept: {org}/{source}/{name} in the {location.place}")


@app.command(name="list")
def list_credentials(context: typer.Context, as_json: AsJson = False) -> None:
    """List the credentials that the sources use, and where each comes from; never its value."""
    from tactics.cli.render import Column, Listing, choose_form, say, show
    from tactics.cli.wiring import credential_rows

    session: Session = context.obj
    rows = credential_rows(session)
    columns = [
        Column("credential", "Credential"),
        Column("needed", "Needed", lambda word: word.replace("alternative", "option")),
        Column("from", "Comes from", shrink="fold"),
    ]
    if not as_json:
        rows = [{**row, "from": _origin(row)} for row in rows]
    listing = Listing(
        "credentials", rows, columns, session.clock().now(), empty="no source is configured"
    )
    show(listing, choose_form(as_json))
    for row in rows:
        if row["warning"]:
            say("warning: ", f"{row['credential']}: {row['warning']}", style="yellow")


def _origin(row: dict[str, object]) -> str:
    """Return `nowhere`, `$VARIABLE`, or the place and where in it."""
    if row["place"] == "environment":
        return f"${row['detail']}"
    return f"{row['place']} {row['detail']}" if row["place"] else "nowhere"


def _refuse_unknown(manifest: "Manifest", name: str) -> None:
    from tactics.cli.wiring import names_of

    known = [known for known, _ in names_of(manifest)]
    if name not in known:
        hint = f"{manifest.title} uses {', '.join(known)}"
        raise NotFoundError("no such credential", hint=hint, name=name)


def _read_secret(name: str) -> str:
    if sys.stdin.isatty():
        text: str = typer.prompt(name, hide_input=True, err=True)
    else:
        text = sys.stdin.read()
    if not (secret := text.strip("\r\n")):
        raise ConfigError("the credential is empty", hint="type it, or pipe it in: … < file")
    return secret
