"""`tactics status`: one screen: health, the sources and how old they are, what is due, the queue.

Judges nothing: health does.
"""

import datetime as dt
from typing import TYPE_CHECKING

import typer

from tactics.cli.health import headline, open_parts, show_checks, show_commands, state_text
from tactics.cli.options import AsJson, new_command

if TYPE_CHECKING:
    from tactics.analytics import CheckState, Health, SourceAge, Vitals
    from tactics.cli.session import Session

app = new_command()
SUMMARIES = ("last_run", "queue", "dead_letters", "latency", "disk", "daemon")


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """See health, sources, what is due and what waits.

    Exit code 0 also when something is wrong: `tactics health` has the codes for scripts.
    """
    from tactics.analytics import assess
    from tactics.cli.render import envelope, write_json
    from tactics.pipeline import read_vitals

    session: Session = context.obj
    now = session.clock().now()
    with open_parts(session) as parts:
        vitals = read_vitals(parts, now)
        found = assess(vitals, parts.settings.health)
    rows = [source_row(age, found, now) for age in vitals.sources]
    if as_json:
        write_json({**envelope("status", rows, now), **_facts(found, vitals)})
    else:
        _draw(rows, found, now)


def source_row(age: "SourceAge", found: "Health", now: dt.datetime) -> dict[str, object]:
    """Return what is known of one source; its state is the worst of all checks about it."""
    seconds = age.age_seconds(now)
    return {
        "org_id": age.org_id,
        "source": age.source,
        "state": _state_of(f"{age.org_id}/{age.source}", found),
        "data_at": age.worst.data_at,
        "age_seconds": None if seconds is None else round(seconds, 1),
        "checked_at": age.checked_at,
        "next_due_at": age.next_due_at,
        "missing_streams": age.missing,
    }


def _state_of(name: str, found: "Health") -> "CheckState":
    from tactics.analytics import CheckState

    # Health has the worst first; a credential's subject is `org/source/name`.
    mine = (c.state for c in found.checks if c.subject == name or c.subject.startswith(f"{name}/"))
    return next(mine, CheckState.OK)


def _facts(found: "Health", vitals: "Vitals") -> dict[str, object]:
    run = vitals.last_run
    return {
        "state": found.state.value,
        "checks": found.to_json()["checks"],
        "last_run": run
        and {"run_id": run.run_id, "status": run.status, "finalized_at": run.ended_at},
        "running": vitals.running_alive,
        "waiting": sum(queue.waiting for queue in vitals.queues),
        "dead_letters": sum(queue.dead for queue in vitals.queues),
    }


def _draw(rows: list[dict[str, object]], found: "Health", now: dt.datetime) -> None:
    from tactics.cli.render import Column, as_table, emit, say
    from tactics.cli.words import age, age_since, instant, until

    emit(headline(found))
    show_checks(tuple(check for check in found.checks if check.severity))
    columns = [
        Column("name", "Source"),
        Column("state", "State", state_text),
        Column("data_at", "Data to (UTC)", instant),
        Column("age_seconds", "Age", age, right=True),
        Column("checked_at", "Asked", lambda moment: age_since(moment, now), right=True),
        Column("next_due_at", "Next due", lambda moment: until(moment, now)),
    ]
    named = [{**row, "name": f"{row['org_id']}/{row['source']}"} for row in rows]
    if named:
        emit("", as_table(named, columns))
    else:
        say("", "no source is configured")
    emit("", *_summary(found))
    show_commands(found)


def _summary(found: "Health") -> list[str]:
    """Return one line for each of the checks that a glance wants also when they are well."""
    from tactics.cli.words import brief, visible

    lines = (found.find(name) for name in SUMMARIES)
    return [f"{line.name:<13} {visible(brief(line.reason))}" for line in lines if line is not None]
