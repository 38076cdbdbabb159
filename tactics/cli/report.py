"""`tactics report`: what a person decides from, read from the published gold generation.

Needs no configuration and never waits for a sync. Computes no metric.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tactics.cli.options import AsCsv, AsJson, Orgs, new_noun
from tactics.errors import NotFoundError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tactics.cli.render import Form
    from tactics.cli.session import Session
    from tactics.gold import Report

app = new_noun("Read a report, from pacing to revenue.")
Whole = Annotated[bool, typer.Option("--all", help="every line, not only the most urgent")]
Days = Annotated[int, typer.Option("--days", min=1, help="the last so many, today included")]


@app.command()
def pacing(
    context: typer.Context,
    orgs: Orgs = None,
    *,
    whole: Whole = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show how every booked line is pacing, the most urgent first."""
    from tactics.cli.render import choose_form

    show_report(context.obj, "pacing", orgs, choose_form(as_json, as_csv), whole=whole)


@app.command()
def margin(
    context: typer.Context,
    orgs: Orgs = None,
    *,
    whole: Whole = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what every booked line earns, the thinnest margin first."""
    from tactics.cli.render import choose_form

    show_report(context.obj, "margin", orgs, choose_form(as_json, as_csv), whole=whole)


def _add(name: str, summary: str) -> None:
    @app.command(name, help=summary)
    def show(
        context: typer.Context, orgs: Orgs = None, as_json: AsJson = False, as_csv: AsCsv = False
    ) -> None:
        from tactics.cli.render import choose_form

        show_report(context.obj, name, orgs, choose_form(as_json, as_csv))


for _name, _summary in (
    ("channels", "Show the last 28 closed days by channel, the largest spend first."),
    ("revenue", "Show each of the last 28 closed days from gross sales to what the bank gets."),
    (
        "reconciliation",
        "Show the bridge from the shop to the payment processor, and what is left over.",
    ),
    ("web", "Show the visits of the last 28 closed days by channel."),
    ("seo", "Show search clicks of the last 28 final days against the 28 before."),
    ("email", "Show campaigns and flows of the last 28 closed days, by day of sending."),
    ("blended", "Show spend against what the business took in: MER, CAC and over-claim."),
):
    _add(_name, _summary)


@app.command()
def cost(
    context: typer.Context, days: Days = 7, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """Show calls, quota, CPU time and bytes of each source, and what is stored."""
    from tactics.cli.render import choose_form
    from tactics.cli.upkeep import show_cost

    show_cost(context.obj, days, choose_form(as_json, as_csv))


@app.command()
def latency(
    context: typer.Context, days: Days = 7, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """Show how long data took from the vendor to the reports, against the budget."""
    from tactics.cli.render import choose_form
    from tactics.cli.upkeep import show_latency

    show_latency(context.obj, days, choose_form(as_json, as_csv))


def show_report(
    session: "Session",
    name: str,
    org_ids: "Sequence[str] | None",
    form: "Form",
    *,
    whole: bool = False,
) -> None:
    """Print a report of the published generation, and on stderr whether it may be stale."""
    from tactics.cli.render import Form, emit, envelope, write_csv, write_json

    report = _read(session, name, org_ids or [None])
    if form is Form.JSON:
        now = session.clock().now()
        write_json(envelope(name, report.rows, now, report.as_of))
    elif form is Form.CSV:
        write_csv(report.rows, report.columns)
    elif report.rows:
        emit(_draw(name, whole)(report.rows))
    _warn(report)


def _read(session: "Session", name: str, org_ids: "Sequence[str | None]") -> "Report":
    """Return the report of these organisations; None stands for all of them.

    Raises:
        NotFoundError: there is no report, or nothing is held of an organisation.
    """
    from tactics.duck import DuckLimits
    from tactics.gold import Gold

    home = session.home
    gold = Gold(home, DuckLimits(home.scratch))
    now = session.clock().now()
    reports = [
        _known(gold.report(name, org_id=org, now=now), org) for org in dict.fromkeys(org_ids)
    ]
    return replace(
        reports[0],
        rows=[row for report in reports for row in report.rows],
        freshness=[row for report in reports for row in report.freshness],
        as_of=min((report.as_of for report in reports if report.as_of), default=None),
    )


def _known(report: "Report", org_id: str | None) -> "Report":
    if org_id and not report.rows and not report.freshness:
        raise NotFoundError(
            "nothing is held of this organisation", hint="see `tactics sources list`", org=org_id
        )
    return report


def _draw(name: str, whole: bool) -> "Callable[[Sequence[Any]], RenderableType]":
    from tactics.cli import pillars, screens
    from tactics.cli.pacing import pacing_screen

    screen_of: dict[str, Callable[[Sequence[Any]], RenderableType]] = {
        "pacing": partial(pacing_screen, whole=whole),
        "margin": partial(screens.margin_screen, whole=whole),
        "channels": screens.channels_screen,
        "revenue": pillars.revenue_screen,
        "reconciliation": pillars.reconciliation_screen,
        "web": pillars.web_screen,
        "seo": pillars.seo_screen,
        "email": pillars.email_screen,
        "blended": pillars.blended_screen,
    }
    return screen_of[name]


def _warn(report: "Report") -> None:
    from tactics.cli.render import say
    from tactics.cli.screens import stale_sources
    from tactics.cli.words import listed

    if stale := stale_sources(report.freshness):
        say("data may be stale: ", listed(stale), style="bold yellow")
        say("next: ", "tactics sync", style="cyan")
    if not report.rows:
        say("", "nothing to report: see `tactics sources list`")
