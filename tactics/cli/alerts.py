"""`tactics alerts`: what a person should know of, and who has been told.

Alerts are raised at the end of a run; this only answers them, and tries the channels.
"""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, new_noun
from tactics.errors import ConfigError

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.cli.render import Level
    from tactics.cli.session import Session
    from tactics.pipeline import Trial
    from tactics.store import AlertBacklog, HeldAlert, Store

_SEVERITIES: dict[str, "Level"] = {"critical": "bad", "warning": "notice", "info": "quiet"}
_LONGEST_SNOOZE_HOURS = 24 * 365

app = new_noun("See, answer and test alerts.")
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="as `alerts list` shows")]
All = Annotated[bool, typer.Option("--all", help="all that are not resolved")]


@app.command(name="list")
def list_alerts(
    context: typer.Context,
    *,
    every: Annotated[bool, typer.Option("--all", help="also those that are resolved")] = False,
    limit: Annotated[int, typer.Option(min=1, help="no more than that")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what is the matter, the worst first, with the command that mends it."""
    from tactics.cli.render import Column, Listing, choose_form, say, show
    from tactics.cli.words import age

    session: Session = context.obj
    now = session.clock().now()
    with session.store() as store:
        held = store.outbox.list_alerts(resolved=every, limit=limit)
        backlog = [one for one in store.outbox.backlog() if one.error_type]
    columns = [
        Column("alert_id", "ID", right=True),
        Column("severity", "Severity", _severity),
        Column("state", "State"),
        Column("age_seconds", "Since", age, right=True),
        Column("seen", "Seen", right=True),
        Column("title", "Alert", shrink="fold"),
    ]
    rows = [_row(one, now) for one in held]
    listing = Listing("alerts", rows, columns, now, empty="nothing is the matter")
    show(listing, choose_form(as_json))
    if not as_json:
        for one in held:
            if one.alert.command and one.resolved_at is None:
                say(f"{one.alert_id}: ", one.alert.command, style="cyan")
    for silent in backlog:
        say("warning: ", _why_silent(silent, now), style="yellow")


@app.command()
def ack(
    context: typer.Context, ids: Ids = None, every: All = False, as_json: AsJson = False
) -> None:
    """Say that somebody knows: these are repeated no more, unless they get worse."""
    session: Session = context.obj
    with session.store(readonly=False) as store:
        number = store.outbox.acknowledge(_choose(store, ids, every))
    _report(session, "alerts_acknowledged", number, as_json)


@app.command()
def snooze(
    context: typer.Context,
    ids: Ids = None,
    *,
    every: All = False,
    until: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="such as 2026-11-23T08:00Z; UTC")
    ] = None,
    hours: Annotated[
        int | None, typer.Option(min=1, max=_LONGEST_SNOOZE_HOURS, help="from now on")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say nothing of these until then, unless they get worse or end; then they are told again."""
    session: Session = context.obj
    moment = _until(until, hours, session.clock().now())
    with session.store(readonly=False) as store:
        number = store.outbox.snooze(_choose(store, ids, every), moment)
    _report(session, "alerts_snoozed", number, as_json)


@app.command()
def resolve(
    context: typer.Context, ids: Ids = None, every: All = False, as_json: AsJson = False
) -> None:
    """Close alerts by hand; one that is still the matter is raised anew by the next run."""
    session: Session = context.obj
    with session.store(readonly=False) as store:
        chosen = _choose(store, ids, every)
        number = store.outbox.resolve([store.outbox.get(one).alert.key for one in chosen])
    _report(session, "alerts_resolved", number, as_json)


@app.command(name="test")
def try_channels(
    context: typer.Context,
    channels: Annotated[
        list[str] | None,
        typer.Option("--channel", metavar="CHANNEL", help="only this one; repeatable"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test through each channel that is on, and say whether it arrived.

    Where it does, what waits there for its next try goes out with the next sync.
    """
    from tactics import pipeline
    from tactics.cli.failure import complain, leave
    from tactics.cli.render import envelope, write_json

    session: Session = context.obj
    with session.workspace() as workspace:
        trials = pipeline.try_channels(workspace, channels or ())
    if as_json:
        rows = [_trial_row(trial) for trial in trials]
        write_json(envelope("alert_tests", rows, session.clock().now()))
    for trial in trials:
        if trial.error:
            complain(f"{trial.channel}: {trial.error}", hint=trial.error.hint)
        elif not as_json:
            typer.echo(f"{trial.channel}: sent{trial.remark and f', but {trial.remark}'}")
    if failed := [trial.error for trial in trials if trial.error]:
        leave(failed[0].exit_code)


def _choose(store: "Store", ids: list[int] | None, every: bool) -> list[int]:
    """Return the alerts that are meant, each of which exists.

    Raises:
        ConfigError: none are named, or it is said in two ways.
    """
    if bool(ids) == every:
        raise ConfigError("say which alerts", hint="give ids (see `tactics alerts list`) or --all")
    if every:
        return [one.alert_id for one in store.outbox.list_alerts(limit=-1)]
    return [store.outbox.get(one).alert_id for one in ids or ()]


def _until(text: str | None, hours: int | None, now: dt.datetime) -> dt.datetime:
    if (text is None) == (hours is None):
        raise ConfigError("say until when", hint="give --until INSTANT or --hours N")
    if text is None:
        return now + dt.timedelta(hours=hours or 0)
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an instant such as 2026-11-23T08:00Z") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment <= now:
        raise ConfigError("--until is over already", hint="name an instant to come", until=text)
    return moment


def _row(held: "HeldAlert", now: dt.datetime) -> dict[str, object]:
    alert = held.alert
    return {
        "alert_id": held.alert_id,
        "severity": alert.severity.value,
        "state": held.state.value,
        "key": alert.key,
        "org_id": alert.org_id or None,
        "source": alert.source or None,
        "title": alert.title,
        "body": alert.body,
        "command": alert.command,
        "facts": alert.facts,
        "seen": held.seen,
        "age_seconds": round((now - held.created_at).total_seconds(), 1),
        "created_at": held.created_at,
        "last_seen_at": held.last_seen_at,
        "snoozed_until": held.snoozed_until,
        "resolved_at": held.resolved_at,
    }


def _why_silent(one: "AlertBacklog", now: dt.datetime) -> str:
    from tactics.cli.words import brief, plural, until

    untold = f"{plural(one.notices, 'notice')} not told"
    tries = plural(one.attempt, "try", "tries")
    why = f"{brief(one.error_message)}; next try {until(one.scheduled_at, now)}"
    return f"{one.channel}: {untold} after {tries}: {why}"


def _trial_row(trial: "Trial") -> dict[str, object]:
    error = trial.error
    return {
        "channel": trial.channel,
        "sent": error is None,
        "remark": trial.remark or None,
        "error": error and error.code,
        "message": error and str(error),
        "hint": error and error.hint,
    }


def _report(session: "Session", kind: str, number: int, as_json: bool) -> None:
    from tactics.cli.render import envelope, write_json
    from tactics.cli.words import plural

    if as_json:
        write_json(envelope(kind, [{"count": number}], session.clock().now()))
    else:
        typer.echo(f"{plural(number, 'alert')} {kind.removeprefix('alerts_')}")


def _severity(value: object) -> "Text":
    from tactics.cli.render import verdict

    return verdict(str(value), _SEVERITIES[str(value)])
