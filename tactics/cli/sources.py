"""`tactics sources`: what is configured, and whether it answers."""

import datetime as dt
from collections.abc import Iterator
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
    """Ask every configured account who it is: one small request each, nothing is stored.

    Tells the version of the API and how long it lives, since when each credential is in use, and
    streams that do not reach back as far as they were asked to.
    """
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
    now = session.clock().now()
    rows = [_json_row(check, now) if as_json else _row(check, now) for check in checks]
    listing = Listing("source_checks", rows, columns, now, empty="no source is enabled")
    show(listing, choose_form(as_json))
    failed = [check for check in checks if check.problem]
    for line in dict.fromkeys(f"{one.org_id}/{one.source}: {_advice(one)}" for one in failed):
        say("next: ", line, style="cyan")
    if failed:
        leave(DEGRADED)


def _json_row(check: "SourceCheck", now: dt.datetime) -> dict[str, object]:
    facts = {name: value or None for name, value in asdict(check).items()}
    problem = {**asdict(check.problem), "hint": _advice(check)} if check.problem else None
    used = [
        {
            "name": one.name,
            "first_used_at": one.first_used_at,
            "age_days": (now - one.first_used_at).days,
        }
        for one in check.credentials
    ]
    return {
        **facts,
        "sunset_in_days": (check.sunset - now.date()).days if check.sunset else None,
        "scopes": list(check.scopes),
        "credentials": used,
        "streams": [asdict(stream) for stream in check.streams],
        "problem": problem,
        "ok": check.problem is None,
    }


def _row(check: "SourceCheck", now: dt.datetime) -> dict[str, object]:
    from tactics.cli.words import brief

    who = ", ".join(filter(None, (check.name, check.currency, check.timezone)))
    told = "; ".join([who, *_facts(check, now)])
    return {
        "account": "/".join(filter(None, (check.org_id, check.source, check.account_id))),
        "ok": check.problem is None,
        "detail": brief(check.problem.message) if check.problem else told,
    }


def _facts(check: "SourceCheck", now: dt.datetime) -> "Iterator[str]":
    from tactics.cli.words import age_since

    if check.sunset:
        days = (check.sunset - now.date()).days
        yield f"API {check.api_version} ends {check.sunset}" + (
            f", in {days} days" if days >= 0 else ": it has ended"
        )
    else:
        yield f"API {check.api_version}"
    for one in check.credentials:
        yield f"{one.name} in use for {age_since(one.first_used_at, now)}"
    for stream in check.streams:
        if stream.first_day is None:
            yield f"{stream.stream}: nothing loaded yet"
        elif stream.first_day > stream.wanted_from:
            yield f"{stream.stream} reaches back to {stream.first_day}, asked {stream.wanted_from}"


def _advice(check: "SourceCheck") -> str:
    from tactics.cli.remedies import remedy_for

    names = {"org": check.org_id, "source": check.source}
    return remedy_for(check.problem.code, check.problem.hint, names) if check.problem else ""


def _answer(value: object) -> "Text":
    from tactics.cli.render import verdict

    return verdict("ok", "good") if value else verdict("failed", "bad")
