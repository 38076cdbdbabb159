"""`tactics dlq`: dead letters, the writes and records that failed for good until someone acts.

Changes no data itself: the store and the next run do, and what people do here is noted.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tactics.cli.dlq_choice import (
    All,
    ErrorTypes,
    Ids,
    Limit,
    Orgs,
    Since,
    Sources,
    Transient,
    choose,
    find_author,
    find_letter,
    read_filter,
    read_pace,
)
from tactics.cli.options import AsJson, new_noun
from tactics.errors import ConfigError

if TYPE_CHECKING:
    from tactics.cli.session import Session
    from tactics.store import LetterChange, Store

app = new_noun("Look at dead letters and bring them home.")
OneId = Annotated[int, typer.Argument(metavar="ID", help="as `dlq list` shows")]


@app.command(name="list")
def list_letters(
    context: typer.Context,
    *,
    orgs: Orgs = None,
    sources: Sources = None,
    error_types: ErrorTypes = None,
    since: Since = None,
    transient: Transient = False,
    by_cause: Annotated[
        bool, typer.Option("--by-cause", help="group them, with what to do")
    ] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the newest first, or what they died of."""
    from tactics.cli.dlq_print import show_causes, show_letters

    session: Session = context.obj
    now = session.clock().now()
    wanted = read_filter(
        now, orgs=orgs, sources=sources, error_types=error_types, since=since,
        transient=transient, limit=limit,
    )  # fmt: skip
    with session.store() as store:
        if by_cause:
            show_causes(store.letters.causes(wanted), now, as_json=as_json)
        else:
            show_letters(store.jobs.list_dead(wanted), now, as_json=as_json)


@app.command()
def inspect(
    context: typer.Context,
    job_id: OneId,
    *,
    payload: Annotated[
        bool, typer.Option("--payload", help="print what it carries, and nothing else")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show all there is about one dead letter, and what to do."""
    from tactics.cli.dlq_print import everything, print_letter, shown_payload
    from tactics.cli.render import envelope, write_json

    session: Session = context.obj
    with session.store() as store:
        letter = find_letter(store, job_id)
        facts = everything(store, letter)
        carried = store.letters.payload(job_id) if payload else None
    if payload:
        sys.stdout.write(shown_payload(carried or b""))
    elif as_json:
        write_json(envelope("dead_letter", [facts], session.clock().now()))
    else:
        print_letter(facts)


@app.command()
def retry(
    context: typer.Context,
    *,
    ids: Ids = None,
    every: All = False,
    orgs: Orgs = None,
    sources: Sources = None,
    error_types: ErrorTypes = None,
    since: Since = None,
    transient: Transient = False,
    rate: Annotated[
        str | None, typer.Option(metavar="N/min", help="one after the other, no faster than that")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="only say what would be put back, and what may go wrong"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into the retry queue.

    The next sync takes those that are due, or `tactics queue flush` all of them.
    """
    session: Session = context.obj
    pace, now = read_pace(rate), session.clock().now()
    wanted = read_filter(
        now, orgs=orgs, sources=sources, error_types=error_types, since=since, transient=transient
    )
    with session.store(readonly=dry_run) as store:
        chosen = choose(store, wanted, ids, every=every)
        if dry_run:
            _show_plan(session, store, chosen, pace=pace, as_json=as_json)
            return
        moved = store.letters.retry(chosen, find_author(), every_seconds=pace)
    _report(session, "dead_letters_retried", len(moved), as_json)
    if moved and not as_json:
        _say_what_follows(moved, pace, now)


@app.command()
def edit(
    context: typer.Context,
    job_id: OneId,
    *,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="the new payload; - reads standard input")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="change one place; repeatable"),
    ] = None,
    original: Annotated[
        bool, typer.Option("--original", help="put back what it carried at first")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mend what a dead letter carries; what it carried is kept.

    A page that a stage refused, or an answer that ingest could not read: the new one must be one
    that the pipeline can take. Then `tactics dlq retry` it.
    """
    from tactics.pipeline import edit_letter

    session: Session = context.obj
    _need_one_edit(file, values, original)
    if original:
        with session.store(readonly=False) as store:
            note = store.letters.restore(job_id, find_author())
    else:
        whole = None if file is None else _read(file)
        with session.workspace() as workspace, workspace.store.transaction():
            # In one transaction, so that of two people at it none changes an older state.
            payload = _changed(workspace.store, job_id, values or []) if whole is None else whole
            note = edit_letter(workspace, job_id, payload, find_author())
    _report_edit(session, job_id, note, as_json)


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="is created; JSON lines")],
    *,
    ids: Annotated[list[int] | None, typer.Option("--id", help="only this one; repeatable")] = None,
    orgs: Orgs = None,
    sources: Sources = None,
    error_types: ErrorTypes = None,
    since: Since = None,
) -> None:
    """Write dead letters to a file as JSON lines.

    With their payloads, secrets taken out; all dead letters unless --id or a filter names some.
    """
    from tactics.cli.dlq_print import everything
    from tactics.cli.render import say
    from tactics.cli.words import plural

    session: Session = context.obj
    wanted = read_filter(
        session.clock().now(), orgs=orgs, sources=sources, error_types=error_types, since=since
    )
    with session.store() as store:
        chosen = ids or store.letters.find(wanted)
        found = [find_letter(store, job_id) for job_id in chosen]
        letters = [everything(store, letter, preview=None) for letter in found]
    _write_new(file, letters)
    say("", f"{plural(len(letters), 'dead letter')} written to {file}")


@app.command()
def purge(
    context: typer.Context,
    *,
    ids: Ids = None,
    every: All = False,
    orgs: Orgs = None,
    sources: Sources = None,
    error_types: ErrorTypes = None,
    since: Since = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for ever; what they carry is lost, its checksum is kept."""
    session: Session = context.obj
    wanted = read_filter(
        session.clock().now(), orgs=orgs, sources=sources, error_types=error_types, since=since
    )
    with session.store(readonly=False) as store:
        chosen = choose(store, wanted, ids, every=every)
        agreed = yes or not chosen or _confirm(len(chosen))
        gone = store.letters.purge(chosen, find_author()) if agreed else []
    _report(session, "dead_letters_purged", len(gone), as_json)


@app.command()
def audit(
    context: typer.Context,
    *,
    ids: Ids = None,
    orgs: Orgs = None,
    sources: Sources = None,
    error_types: ErrorTypes = None,
    since: Since = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show who retried, edited or purged which dead letters, and what became of them."""
    from tactics.cli.dlq_print import show_notes

    session: Session = context.obj
    now = session.clock().now()
    wanted = read_filter(
        now, orgs=orgs, sources=sources, error_types=error_types, since=since, limit=limit
    )
    with session.store() as store:
        show_notes(store.letters.changes(wanted, job_ids=ids or ()), now, as_json=as_json)


def _show_plan(
    session: "Session", store: "Store", chosen: list[int], *, pace: float, as_json: bool
) -> None:
    from tactics.cli.dlq_doubt import doubt_about, look_around
    from tactics.cli.dlq_print import show_plan, summary

    now, around = session.clock().now(), look_around(session, store)
    rows = []
    for number, job_id in enumerate(chosen):
        letter = store.jobs.get(job_id)
        due = now + dt.timedelta(seconds=number * pace)
        rows.append(summary(letter) | {"scheduled_at": due, "doubt": doubt_about(letter, around)})
    show_plan(rows, now, as_json=as_json)


def _say_what_follows(moved: list[int], pace: float, now: dt.datetime) -> None:
    from tactics.cli.dlq_print import hint
    from tactics.cli.words import instant

    if pace and len(moved) > 1:
        last = now + dt.timedelta(seconds=(len(moved) - 1) * pace)
        hint(f"each sync takes those that are due by then; the last is due {instant(last)} UTC")
    else:
        hint("run `tactics queue flush` to write them now, or wait for the next sync")


def _need_one_edit(file: Path | None, values: list[str] | None, original: bool) -> None:
    if [file is not None, bool(values), original].count(True) != 1:
        raise ConfigError("say what to change, in one way", hint="--file, --set, or --original")


def _changed(store: "Store", job_id: int, values: list[str]) -> bytes:
    """Return what the letter carries with some values changed.

    Raises:
        ConfigError: single values cannot be changed.
    """
    from tactics.cli.dlq_payload import set_values

    if find_letter(store, job_id).stage == "ingest":
        raise ConfigError(
            "of an answer that could not be read only the shape is kept",
            hint="give the whole answer with --file",
            id=job_id,
        )
    return set_values(store.letters.payload(job_id) or b"", values)


def _report_edit(
    session: "Session", job_id: int, note: "LetterChange | None", as_json: bool
) -> None:
    from tactics.cli.dlq_print import hint
    from tactics.cli.render import envelope, write_json

    if as_json:
        facts: dict[str, object] = {"job_id": job_id, "edited": note is not None}
        if note is not None:
            facts |= {"sha256_before": note.payload_sha256, "sha256_after": note.new_sha256}
        write_json(envelope("dead_letter_edited", [facts], session.clock().now()))
    elif note is None:
        typer.echo(f"dead letter {job_id} carries what it carried at first")
    else:
        typer.echo(f"dead letter {job_id} edited; `tactics dlq audit {job_id}` tells what it was")
        hint(f"`tactics dlq retry {job_id}` puts it back into the queue")


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as exc:
        why = (exc.strerror or "refused").lower()
        raise ConfigError(why, hint="name a file that can be read", file=file) from None


def _confirm(number: int) -> bool:
    from tactics.cli.render import say
    from tactics.cli.words import plural

    say("", f"delete {plural(number, 'dead letter')} for ever? [y/N]")  # typer's leaks to stdout
    if not (answer := sys.stdin.readline()):
        raise typer.Abort
    return answer.strip().lower() in {"y", "yes"}


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
