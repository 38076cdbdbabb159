"""Dead letters, their causes and their notes as rows and on the terminal.

Shows what it is given, secrets taken out; decides nothing.
"""

import datetime as dt
from typing import TYPE_CHECKING

from rich.text import Text

from tactics.cli.remedies import remedy_for
from tactics.cli.render import Column, Listing, choose_form, emit, plain_text, say, show
from tactics.cli.words import NOTHING, age_since, instant, until, visible

if TYPE_CHECKING:
    from tactics.store import Cause, Job, LetterChange, Store

PREVIEW_CHARACTERS = 2000
_DONE = {"completed": "came home", "cancelled": "purged", None: "forgotten"}


def show_letters(letters: "list[Job]", now: dt.datetime, *, as_json: bool) -> None:
    """Print one line per dead letter, or every field of it."""
    columns = [
        Column("job_id", "ID", right=True),
        Column("age", "Age"),
        Column("name", "Source"),
        Column("stage", "Stage"),
        Column("error", "Error", shrink="fold"),
        Column("attempts", "Tries", right=True),
    ]
    rows = [
        summary(letter)
        | ({} if as_json else {"age": age_since(letter.finalized_at, now), "name": _name(letter)})
        for letter in letters
    ]
    listing = Listing("dead_letters", rows, columns, now, empty="no dead letters")
    show(listing, choose_form(as_json))


def show_causes(causes: "list[Cause]", now: dt.datetime, *, as_json: bool) -> None:
    """Print what dead letters died of, how many, since when, and what to do."""
    columns = [
        Column("letters", "Count", right=True),
        Column("oldest", "Oldest", right=True),
        Column("newest", "Newest", right=True),
        Column("name", "Source"),
        Column("cause", "Cause, and what to do", lambda text: text, shrink="fold"),
    ]
    rows = [_cause(cause) for cause in causes]
    if not as_json:
        rows = [row | _told(cause, row, now) for row, cause in zip(rows, causes, strict=True)]
    listing = Listing("dead_letter_causes", rows, columns, now, empty="no dead letters")
    show(listing, choose_form(as_json))


def show_plan(rows: list[dict[str, object]], now: dt.datetime, *, as_json: bool) -> None:
    """Print what a retry would put back, when it would be due, and what speaks against it."""
    columns = [
        Column("job_id", "ID", right=True),
        Column("stage", "Stage"),
        Column("error", "Error"),
        Column("scheduled_at", "Due", lambda moment: until(moment, now)),
        Column("doubt", "May fail again because", lambda text: text or NOTHING, shrink="fold"),
    ]
    listing = Listing("dead_letters_to_retry", rows, columns, now, empty="no dead letters")
    show(listing, choose_form(as_json))


def show_notes(notes: "list[LetterChange]", now: dt.datetime, *, as_json: bool) -> None:
    """Print who did what to dead letters, when, and what became of it."""
    columns = [
        Column("changed_at", "When (UTC)", instant),
        Column("who", "Who", shrink="fold"),
        Column("action", "Did"),
        Column("job_id", "ID", right=True),
        Column("name", "Source"),
        Column("error_before", "Before", shrink="fold"),
        Column("after", "After", shrink="fold"),
    ]
    rows = [_note(note) for note in notes]
    if not as_json:
        rows = [row | _noted(note) for row, note in zip(rows, notes, strict=True)]
    listing = Listing("dead_letter_changes", rows, columns, now, empty="nobody did anything yet")
    show(listing, choose_form(as_json))


def summary(letter: "Job") -> dict[str, object]:
    """Return the fields of a dead letter that a list has."""
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
        "edited_at": letter.edited_at,
    }


def everything(
    store: "Store", letter: "Job", *, preview: int | None = PREVIEW_CHARACTERS
) -> dict[str, object]:
    """Return all there is about a dead letter, its payload cut to `preview` characters."""
    payload = store.letters.payload(letter.job_id) or b""
    text = shown_payload(payload)
    return summary(letter) | {
        "window_start": letter.window and letter.window.start,
        "window_end": letter.window and letter.window.end,
        "event_seq": letter.event_seq,
        "hint": letter.error_hint,
        "remedy": remedy_for(letter.error_type, names=_names(letter), stage=letter.stage),
        "history": letter.errors,
        "payload_bytes": len(payload),
        "payload": text if preview is None else text[:preview],
    }


def shown_payload(payload: bytes) -> str:
    """Return a payload as text, secrets taken out."""
    from tactics.transport import redact

    return redact(payload.decode("utf-8", errors="replace"))


def print_letter(facts: dict[str, object]) -> None:
    """Print all there is about a dead letter."""
    for name, value in facts.items():
        if name in {"history", "payload"}:
            continue
        line = visible(plain_text(value)) or NOTHING
        emit(Text.assemble((f"{name:<14}", "bold"), line), soft_wrap=True)
    for error in facts["history"] if isinstance(facts["history"], list | tuple) else ():
        told = f"{error['at']}  try {error['attempt']}: {error['message']}"
        emit(Text(f"  failed before: {visible(told)}"), soft_wrap=True)
    if facts["payload"]:
        emit(Text(f"payload (the first {PREVIEW_CHARACTERS} characters)", "bold"))
        emit(Text(visible(str(facts["payload"]))), soft_wrap=True)


def hint(text: str) -> None:
    """Say what to do next."""
    say("hint: ", text, style="cyan")


def _names(letter: "Job") -> dict[str, object]:
    key = letter.key
    more = {"org": key.org_id, "source": key.source} if key else {}
    return {"id": letter.job_id, **more}


def _name(what: "Job | LetterChange") -> str | None:
    return f"{what.key.org_id}/{what.key.source}" if what.key else None


def _cause(cause: "Cause") -> dict[str, object]:
    names = {"org": cause.org_id, "source": cause.source, "id": cause.newest_id}
    return {
        "letters": cause.letters,
        "oldest_at": cause.oldest_at,
        "newest_at": cause.newest_at,
        "newest_id": cause.newest_id,
        "org_id": cause.org_id,
        "source": cause.source,
        "stage": cause.stage,
        "error": cause.error_type,
        "message": cause.message,
        "transient": cause.transient,
        "hint": cause.hint,
        "remedy": remedy_for(cause.error_type, names=names, stage=cause.stage),
    }


def _told(cause: "Cause", row: dict[str, object], now: dt.datetime) -> dict[str, object]:
    advice = cause.hint or str(row["remedy"])
    head = f"{cause.stage}: {cause.error_type}: {cause.message}"
    return {
        "oldest": age_since(cause.oldest_at, now),
        "newest": age_since(cause.newest_at, now),
        "name": f"{cause.org_id}/{cause.source}" if cause.org_id else None,
        "cause": Text.assemble(visible(head), "\n", (visible(f"-> {advice}"), "cyan")),
    }


def _note(note: "LetterChange") -> dict[str, object]:
    key = note.key
    return {
        "change_id": note.change_id,
        "changed_at": note.changed_at,
        "user_name": note.author.user_name,
        "host": note.author.host,
        "action": note.action,
        "job_id": note.job_id,
        "stage": note.stage,
        "org_id": key and key.org_id,
        "source": key and key.source,
        "account_id": key and key.account_id,
        "stream": key and key.stream,
        "error_before": note.error_type,
        "message_before": note.error_message,
        "scheduled_at": note.scheduled_at,
        "payload_bytes": note.payload_bytes,
        "sha256_before": note.payload_sha256,
        "sha256_after": note.new_sha256,
        "state_after": note.state,
        "error_after": note.error_after,
    }


def _noted(note: "LetterChange") -> dict[str, object]:
    after = _DONE.get(note.state) or (
        note.error_after if note.state == "discarded" else f"waits ({note.state})"
    )
    return {
        "who": f"{note.author.user_name}@{note.author.host}",
        "name": _name(note),
        "after": after,
    }
