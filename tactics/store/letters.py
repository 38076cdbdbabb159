"""Dead letters as a person works on them: by cause, retried, edited, purged, and who did it.

Whatever a person does is noted in the same transaction, with what was there before. Decides nothing.
"""

import datetime as dt
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tactics.clock import Clock
from tactics.errors import NotFoundError
from tactics.model import StreamKey
from tactics.sql import load_statements
from tactics.store.codec import (
    Packed,
    from_instant,
    from_key_columns,
    from_optional_instant,
    key_parameters,
    pack,
    to_instant,
    unpack,
)
from tactics.store.database import Database, Row
from tactics.store.jobs import DeadLetterFilter, Job, JobState

BLOCK = 500  # letters of one transaction: short enough not to keep writers waiting
AUDIT_DAYS = 730

_SQL = load_statements("tactics.store", "letters.sql")


@dataclass(frozen=True, slots=True)
class Author:
    """Who acts: the login name and the machine."""

    user_name: str
    host: str


class LetterAction(StrEnum):
    """What a person can do to a dead letter."""

    RETRY = "retry"
    EDIT = "edit"
    PURGE = "purge"


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead letters that died of the same; `newest_id` is one of them, `hint` what its error says."""

    stage: str
    org_id: str | None
    source: str | None
    error_type: str
    message: str
    letters: int
    transient: bool
    oldest_at: dt.datetime
    newest_at: dt.datetime
    newest_id: int
    hint: str


@dataclass(frozen=True, slots=True)
class LetterChange:
    """Who did what to a dead letter, and when.

    `error_type` and `error_message` are from before. `state` and `error_after` tell what became of
    it: what the next change found, else how the job stands now (None: it is forgotten). The
    checksums are those of the payload before, and after an edit.
    """

    change_id: int
    job_id: int
    action: LetterAction
    author: Author
    changed_at: dt.datetime
    stage: str
    key: StreamKey | None
    error_type: str
    error_message: str
    scheduled_at: dt.datetime | None
    payload_bytes: int | None
    payload_sha256: str | None
    new_sha256: str | None
    state: JobState | None
    error_after: str | None


class Letters:
    """What people do to dead letters. Letters that are none any more are left alone."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def causes(self, wanted: DeadLetterFilter | None = None) -> list[Cause]:
        """Return dead letters grouped by cause, the most frequent first."""
        wanted = wanted or DeadLetterFilter()
        rows = self._database.read(_SQL["list_causes"], wanted.parameters())
        return [_to_cause(row) for row in rows]

    def find(self, wanted: DeadLetterFilter | None = None) -> list[int]:
        """Return the ids of all dead letters that are meant, oldest first; no limit counts."""
        parameters = (wanted or DeadLetterFilter()).parameters()
        return [job_id for (job_id,) in self._database.read(_SQL["find_letters"], parameters)]

    def retry(
        self, job_ids: Iterable[int], author: Author, *, every_seconds: float = 0.0
    ) -> list[int]:
        """Put dead letters back with a fresh set of tries, and return which were.

        The first is due now, each further one `every_seconds` later: the pace is in the rows, and
        nobody has to wait for it.
        """
        now = self._clock.now()
        moved: list[int] = []
        due = (
            (job_id, to_instant(now + dt.timedelta(seconds=number * every_seconds)))
            for number, job_id in enumerate(dict.fromkeys(job_ids))
        )
        while block := list(itertools.islice(due, BLOCK)):
            parameters = {"due": json.dumps(block), "now": to_instant(now), **_of(author)}
            with self._database.transaction():
                self._database.write(_SQL["log_retries"], parameters)
                rows = self._database.write(_SQL["retry_letters"], parameters)
            moved += (job_id for (job_id,) in rows)
        return sorted(moved)

    def edit(self, job_id: int, payload: bytes, author: Author) -> LetterChange:
        """Put `payload` in the place of what a dead letter carries, which is kept in the note.

        Raises:
            NotFoundError: there is no such dead letter.
        """
        now = to_instant(self._clock.now())
        return self._replace("edit_letter", job_id, payload, author, now=now)

    def restore(self, job_id: int, author: Author) -> LetterChange | None:
        """Put back what a dead letter carried at first, and return None if nobody has edited it.

        Raises:
            NotFoundError: there is no such dead letter.
        """
        self.payload(job_id)
        row = self._database.read_one(_SQL["get_original"], {"job_id": job_id})
        if row is None:
            return None
        first = unpack(row[0], row[1] or 0) or b""
        return self._replace("restore_letter", job_id, first, author)

    def purge(self, job_ids: Iterable[int], author: Author) -> list[int]:
        """Cancel dead letters for good and drop what they carry; return which were.

        Their checksums stay in the notes, and so does what they died of.
        """
        gone: list[int] = []
        pending = iter(job_ids)
        while block := list(itertools.islice(pending, BLOCK)):
            with self._database.transaction():
                gone += (job_id for job_id in block if self._purge(job_id, author))
        return gone

    def payload(self, job_id: int) -> bytes | None:
        """Return what a dead letter carries: its own payload, or that of the event it is about.

        Raises:
            NotFoundError: there is no such dead letter.
        """
        row = self._database.read_one(_SQL["get_letter"], {"job_id": job_id})
        if row is None:
            raise NotFoundError("no such dead letter", hint="see `tactics dlq list`", id=job_id)
        return unpack(*row)

    def pages_before(self, job: Job) -> int | None:
        """Return how many pages of its slice came before the answer that could not be read.

        None: that fetch is forgotten, or the job is of no slice.
        """
        if job.key is None or job.window is None:
            return None
        parameters = {
            **key_parameters(job.key),
            "window_start": job.window.start.isoformat(),
            "window_end": job.window.end.isoformat(),
            "failed_at": job.errors[-1]["at"],
        }
        row = self._database.read_one(_SQL["pages_before"], parameters)
        return None if row is None else int(row[0])

    def changes(
        self,
        wanted: DeadLetterFilter | None = None,
        *,
        job_ids: Sequence[int] = (),
        limit: int | None = None,
    ) -> list[LetterChange]:
        """Return who did what to dead letters, the newest first."""
        parameters = (wanted or DeadLetterFilter()).parameters()
        parameters["job_ids"] = json.dumps(list(job_ids)) if job_ids else None
        parameters["limit"] = limit or parameters["limit"]
        return [_to_change(row) for row in self._database.read(_SQL["list_changes"], parameters)]

    def prune(self, audit_days: int = AUDIT_DAYS) -> int:
        """Forget what was done longer ago than that to jobs that are gone; return how many."""
        before = to_instant(self._clock.now() - dt.timedelta(days=audit_days))
        return len(self._database.write(_SQL["prune_changes"], {"before": before}))

    def _replace(
        self, statement: str, job_id: int, payload: bytes, author: Author, **more: str
    ) -> LetterChange:
        packed = pack(payload)
        parameters = {"payload": packed.data, "payload_bytes": packed.size_bytes, **more}
        with self._database.transaction():
            held = self.payload(job_id)
            self._note(job_id, LetterAction.EDIT, author, held, new_sha256=_sha256(payload))
            self._database.write(_SQL[statement], {"job_id": job_id, **parameters})
            return self.changes(job_ids=[job_id], limit=1)[0]

    def _purge(self, job_id: int, author: Author) -> bool:
        row = self._database.read_one(_SQL["get_letter"], {"job_id": job_id})
        if row is None:
            return False
        self._note(job_id, LetterAction.PURGE, author, unpack(*row))
        parameters = {"job_id": job_id, "now": to_instant(self._clock.now())}
        self._database.write(_SQL["purge_letter"], parameters)
        self._database.write(_SQL["purge_originals"], parameters)
        return True

    def _note(
        self,
        job_id: int,
        action: LetterAction,
        author: Author,
        held: bytes | None,
        *,
        new_sha256: str | None = None,
    ) -> None:
        kept = pack(held) if action is LetterAction.EDIT else Packed(None, 0)
        self._database.write(
            _SQL["log_change"],
            {
                "job_id": job_id,
                "action": action.value,
                "now": to_instant(self._clock.now()),
                "payload_bytes": None if held is None else len(held),
                "payload_sha256": None if held is None else _sha256(held),
                "new_sha256": new_sha256,
                "payload": kept.data,
                **_of(author),
            },
        )


def _of(author: Author) -> dict[str, str]:
    return {"user_name": author.user_name, "host": author.host}


def _sha256(payload: bytes) -> str:
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which no list needs

    return hashlib.sha256(payload).hexdigest()


def _to_cause(row: Row) -> Cause:
    stage, org_id, source, error_type, message, letters, transient, oldest, newest, *more = row
    newest_id, hint = more
    return Cause(
        stage=stage,
        org_id=org_id,
        source=source,
        error_type=error_type,
        message=message,
        letters=letters,
        transient=bool(transient),
        oldest_at=from_instant(oldest),
        newest_at=from_instant(newest),
        newest_id=newest_id,
        hint=hint,
    )


def _to_change(row: Row) -> LetterChange:
    change_id, job_id, action, user_name, host, changed_at, stage, *more = row
    org_id, source, account_id, stream, error_type, error_message, *more = more
    scheduled_at, payload_bytes, payload_sha256, new_sha256, state, error_after = more
    return LetterChange(
        change_id=change_id,
        job_id=job_id,
        action=LetterAction(action),
        author=Author(user_name, host),
        changed_at=from_instant(changed_at),
        stage=stage,
        key=from_key_columns(org_id, source, account_id, stream),
        error_type=error_type,
        error_message=error_message,
        scheduled_at=from_optional_instant(scheduled_at),
        payload_bytes=payload_bytes,
        payload_sha256=payload_sha256,
        new_sha256=new_sha256,
        state=None if state is None else JobState(state),
        error_after=error_after,
    )
