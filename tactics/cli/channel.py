"""`tactics channel`: which channel the taxonomy gives to a visit or an ad, and by which rule.

Needs no data; the rules are shipped with the program and have a version.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_command

if TYPE_CHECKING:
    from tactics.cli.session import Session

app = new_command()


@app.command()
def channel(
    context: typer.Context,
    *,
    source: Annotated[str | None, typer.Option(help="utm_source, or GA4's session source")] = None,
    medium: Annotated[str | None, typer.Option(help="utm_medium")] = None,
    campaign: Annotated[str | None, typer.Option(help="utm_campaign")] = None,
    ad: Annotated[
        str | None, typer.Option(metavar="NAME", help="an ad platform's own channel instead")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which channel a visit belongs to, and why."""
    from dataclasses import asdict

    from tactics.cli.render import envelope, say, write_json
    from tactics.gold import explain, explain_ad

    session: Session = context.obj
    found = explain_ad(ad) if ad is not None else explain(source, medium, campaign)
    if as_json:
        write_json(envelope("channel", [asdict(found)], session.clock().now()))
        return
    typer.echo(f"{found.channel} (rule {found.rule}, taxonomy {found.version})")
    if found.warning:
        say("", found.warning, style="yellow")
