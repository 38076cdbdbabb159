"""`tactics dlq`: dead letters, the writes and records that failed for good until someone acts.

Changes no data itself: the store and the next run do.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.options import AsJson, Org, new_noun
from tactics.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.store import Job, Store

PREVIEW_CHARACTERS = 2000
EVERYTHING = 1_000_000

app = new_noun("Look at dead letters and bring them home.")
Ids = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="as `dlq list` shows")]
Source = Annotated[str | None, typer.Option("--source", metavar="SOURCE", help="only this source")]
ErrorType = Annotated[str | None, typer.Option("--error", metavar="TYPE", help="only this error")]
All = Annotated[bool, typer.Option("--all", help="all dead letters")]


@app.command(name="list")
def list_letters(
    context: typer.Context,
    *,
    org: Org = None,
    source: Source = None,
    error: ErrorType = None,
    limit: Annotated[int, typer.Option(min=1, help="the newest of them")] = 100,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first."""
    from tactics.cli.render import Column, Listing, choose_form, show
    from tactics.store import DeadLetterFilter

    session: Session = context.obj
    now = session.clock().now()
    wanted = DeadLetterFilter(org_id=org, source=source, error_type=error, limit=limit)
    with session.store() as store:
        letters = store.jobs.list_dead(wanted)
    columns = [
        Column("job_id", "ID", right=True),
        Column("age", "Age"),
        Column("name", "Source"),
        Column("stage", "Stage"),
        Column("error", "Error", shrink="fold"),
        Column("attempts", "Tries", right=True),
    ]
    rows = [_summary(letter) | ({} if as_json else _shown(letter, now)) for letter in letters]
    listing = Listing("dead_letters", rows, columns, now, empty="no dead letters")
    show(listing, choose_form(as_json))


@app.command()
def inspect(
    context: typer.Context,
    job_id: Annotated[int, typer.Argument(metavar="ID")],
    as_json: AsJson = False,
) -> None:
    """Show all there is about one dead letter, and what to do."""
    from tactics.cli.render import envelope, write_json

    session: Session = context.obj
    with session.store() as store:
        letter = _find(store, job_id)
        facts = _everything(store, letter)
    if as_json:
        write_json(envelope("dead_letter", [facts], session.clock().now()))
    else:
        _print_letter(facts)


@app.command()
def retry(
    context: typer.Context,
    *,
    ids: Ids = None,
    every: All = False,
    transient: Annotated[
        bool, typer.Option("--transient", help="those whose cause may have passed")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into the retry queue.

    The next sync takes them, or `tactics queue flush`.
    """
    session: Session = context.obj
    _need_one_choice(ids, every, transient)
    with session.store(readonly=False) as store:
        if transient:
            moved = store.jobs.redrive_transient()
        else:
            moved = store.jobs.redrive(_choose(store, ids or []))
    _report(session, "dead_letters_retried", moved, as_json)
    if moved and not as_json:
        _hint("run `tactics queue flush` to write them now, or wait for the next sync")


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="is created; JSON lines")],
    ids: Annotated[list[int] | None, typer.Option("--id", help="only this one; repeatable")] = None,
) -> None:
    """Write dead letters to a file as JSON lines.

    With their payloads, secrets taken out; all dead letters unless --id names some.
    """
    from tactics.cli.render import say
    from tactics.cli.words import plural

    session: Session = context.obj
    with session.store() as store:
        found = [_find(store, job_id) for job_id in _choose(store, ids or [])]
        letters = [_everything(store, letter, preview=None) for letter in found]
    _write_new(file, letters)
    say("", f"{plural(len(letters), 'dead letter')} written to {file}")


@app.command()
def purge(
    context: typer.Context,
    *,
    ids: Ids = None,
    every: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for ever; what they carry is lost."""
    session: Session = context.obj
    _need_one_choice(ids, every, False)
    with session.store(readonly=False) as store:
        chosen = _choose(store, ids or [])
        agreed = yes or not chosen or _confirm(len(chosen))
        gone = store.jobs.purge(chosen) if chosen and agreed else 0
    _report(session, "dead_letters_purged", gone, as_json)


def _confirm(number: int) -> bool:
    from tactics.cli.render import say
    from tactics.cli.words import plural

    say("", f"delete {plural(number, 'dead letter')} for ever? [y/N]")  # typer's leaks to stdout
    if not (answer := sys.stdin.readline()):
        raise typer.Abort
    return answer.strip().lower() in {"y", "yes"}


def _need_one_choice(ids: list[int] | None, every: bool, transient: bool) -> None:
    if [bool(ids), every, transient].count(True) != 1:
        raise ConfigError(
            "say which dead letters, in one way", hint="give ids (see `tactics dlq list`) or --all"
        )


def _choose(store: "Store", ids: list[int]) -> list[int]:
    """Return `ids` after a look that each is a dead letter; all dead letters for none."""
    if not ids:
        from tactics.store import DeadLetterFilter

        return [
            letter.job_id for letter in store.jobs.list_dead(DeadLetterFilter(limit=EVERYTHING))
        ]
    return [_find(store, job_id).job_id for job_id in ids]


def _find(store: "Store", job_id: int) -> "Job":
    letter = store.jobs.get(job_id)
    if letter.state != "discarded":
        raise NotFoundError(
            "this is no dead letter", hint="see `tactics dlq list`", id=job_id, state=letter.state
        )
    return letter


def _shown(letter: "Job", now: dt.datetime) -> dict[str, object]:
    from tactics.cli.words import age_since

    key = letter.key
    name = f"{key.org_id}/{key.source}" if key else None
    return {"age": age_since(letter.finalized_at, now), "name": name}


def _summary(letter: "Job") -> dict[str, object]:
    key = letter.key
    return {
        "job_id": letter.job_id,
        "stage": letter.stage,
        "org_id": key and key.org_id,
        "source": key and key.source,
        "account_id": key and key.account_id,
        "stream": key and key.stream,
        "error": letter.error_type,
        "message": letter.error_message,
        "attempts": letter.attempt,
        "transient": letter.transient,
        "created_at": letter.created_at,
        "finalized_at": letter.finalized_at,
    }


def _everything(
    store: "Store", letter: "Job", *, preview: int | None = PREVIEW_CHARACTERS
) -> dict[str, object]:
    from tactics.cli.remedies import remedy_for
    from tactics.transport import redact

    payload = letter.payload or _body(store, letter) or b""
    text = redact(payload.decode("utf-8", errors="replace"))
    return _summary(letter) | {
        "window_start": letter.window and letter.window.start,
        "window_end": letter.window and letter.window.end,
        "event_seq": letter.event_seq,
        "hint": letter.error_hint,
        "remedy": remedy_for(letter.error_type, names=_names(letter)),
        "history": letter.errors,
        "payload_bytes": len(payload),
        "payload": text if preview is None else text[:preview],
    }


def _body(store: "Store", letter: "Job") -> bytes | None:
    """Return what the log still holds of the event that a write was about."""
    event = store.bus.get(letter.event_seq) if letter.event_seq else None
    return event.body if event else None


def _names(letter: "Job") -> dict[str, object]:
    key = letter.key
    more = {"org": key.org_id, "source": key.source} if key else {}
    return {"id": letter.job_id, **more}


def _print_letter(facts: dict[str, object]) -> None:
    from rich.text import Text

    from tactics.cli.render import emit, plain_text
    from tactics.cli.words import NOTHING, visible

    for name, value in facts.items():
        if name in {"history", "payload"}:
            continue
        line = visible(plain_text(value)) or NOTHING
        emit(Text.assemble((f"{name:<14}", "bold"), line), soft_wrap=True)
    for error in facts["history"] if isinstance(facts["history"], list) else ():
        told = f"{error['at']}  try {error['attempt']}: {error['message']}"
        emit(Text(f"  failed before: {visible(told)}"), soft_wrap=True)
    if facts["payload"]:
        emit(Text(f"payload (the first {PREVIEW_CHARACTERS} characters)", "bold"))
        emit(Text(visible(str(facts["payload"]))), soft_wrap=True)


def _write_new(file: Path, rows: list[dict[str, object]]) -> None:
    import json
    import os

    from tactics.cli.render import jsonable

    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as exc:
        why = exc.strerror or "refused"
        raise ConfigError(why.lower(), hint="name a new file", file=file) from None
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(jsonable(row), ensure_ascii=False) + "\n")


def _report(session: "Session", kind: str, number: int, as_json: bool) -> None:
    from tactics.cli.render import envelope, write_json
    from tactics.cli.words import plural

    if as_json:
        write_json(envelope(kind, [{"count": number}], session.clock().now()))
    else:
        verb = "purged" if kind.endswith("purged") else "put back into the queue"
        typer.echo(f"{plural(number, 'dead letter')} {verb}")


def _hint(text: str) -> None:
    from tactics.cli.render import say

    say("hint: ", text, style="cyan")
