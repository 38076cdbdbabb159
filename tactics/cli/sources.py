"""`tactics sources`: what is configured, and whether it answers."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from tactics.cli.failure import DEGRADED, leave
from tactics.cli.options import AsJson, Orgs, Sources, new_noun

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.cli.session import Session
    from tactics.pipeline import SourceCheck

app = new_noun("See the configured sources and whether they answer.")


@app.command(name="list")
def list_sources(context: typer.Context, as_json: AsJson = False) -> None:
    """List the configured sources."""
    from tactics.cli.render import Column, Listing, choose_form, show

    session: Session = context.obj
    rows = [
        {
            "org_id": org_id,
            "source": name,
            "kind": source.kind or name,
            "enabled": source.enabled,
            "accounts": list(source.accounts),
        }
        for org_id, org in session.settings().orgs.items()
        for name, source in org.sources.items()
    ]
    columns = [
        Column("org_id", "Organisation"),
        Column("source", "Source"),
        Column("kind", "Kind"),
        Column("enabled", "Enabled", lambda value: "yes" if value else "no"),
        Column("accounts", "Accounts", ", ".join, shrink="fold"),
    ]
    listing = Listing(
        "sources",
        rows,
        columns,
        session.clock().now(),
        empty=f"no source is configured: edit {session.config_path}",
    )
    show(listing, choose_form(as_json))


@app.command()
def check(
    context: typer.Context, orgs: Orgs = None, sources: Sources = None, as_json: AsJson = False
) -> None:
    """Ask every configured account who it is: one small request each, nothing is stored."""
    from tactics import pipeline
    from tactics.cli.render import Column, Listing, choose_form, say, show

    session: Session = context.obj
    scope = pipeline.Scope(orgs=tuple(orgs or ()), sources=tuple(sources or ()))
    with session.workspace() as workspace:
        checks = pipeline.check_sources(workspace, scope)
    columns = [
        Column("account", "Account", shrink="fold"),
        Column("ok", "Answer", _answer),
        Column("detail", "Detail", shrink="fold"),
    ]
    rows = [_row(check, as_json) for check in checks]
    listing = Listing(
        "source_checks", rows, columns, session.clock().now(), empty="no source is enabled"
    )
    show(listing, choose_form(as_json))
    failed = [check for check in checks if check.problem]
    for line in dict.fromkeys(f"{one.org_id}/{one.source}: {_advice(one)}" for one in failed):
        say("next: ", line, style="cyan")
    if failed:
        leave(DEGRADED)


def _row(check: "SourceCheck", whole: bool) -> dict[str, object]:
    from tactics.cli.words import brief

    if whole:
        facts = {name: value or None for name, value in asdict(check).items()}
        problem = {**asdict(check.problem), "hint": _advice(check)} if check.problem else None
        return {**facts, "problem": problem, "ok": check.problem is None}
    told = ", ".join(filter(None, (check.name, check.currency, check.timezone)))
    return {
        "account": "/".join(filter(None, (check.org_id, check.source, check.account_id))),
        "ok": check.problem is None,
        "detail": brief(check.problem.message) if check.problem else told,
    }


def _advice(check: "SourceCheck") -> str:
    from tactics.cli.remedies import remedy_for

    names = {"org": check.org_id, "source": check.source}
    return remedy_for(check.problem.code, check.problem.hint, names) if check.problem else ""


def _answer(value: object) -> "Text":
    from tactics.cli.render import verdict

    return verdict("ok", "good") if value else verdict("failed", "bad")
