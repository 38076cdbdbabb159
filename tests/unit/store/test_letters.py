"""What people do to dead letters, and the notes of it."""

import datetime as dt
import hashlib

import pytest

from tactics.errors import DecodeError, NotFoundError, RateLimited, SchemaViolation, SinkUnavailable
from tactics.model import TOPIC_RAW
from tactics.store import Author, DeadLetterFilter, Job, JobState, LetterAction, Store
from tests.support import FakeClock
from tests.unit.store.builders import KEY, ME, OTHER_KEY, WINDOW, slice_of

YOU = Author("grace", "ship")


def dead(store: Store, payload: bytes | None = b"{}", key=KEY, error=None) -> int:
    """Make a dead letter."""
    return store.jobs.discard_now("ingest", key, error or DecodeError("cut off"), payload=payload)


def dead_write(store: Store, body: bytes = b"page") -> int:
    """Make a dead letter of a write, which is about an event of the log."""
    seq = store.bus.append(TOPIC_RAW, key=KEY, header={}, body=body)
    return store.jobs.discard_now("bronze", KEY, DecodeError("no text"), event_seq=seq)


def sha(payload: bytes) -> str:
    """Return the checksum of a payload."""
    return hashlib.sha256(payload).hexdigest()


def test_causes_group_what_differs_only_in_its_facts(store: Store, clock: FakeClock) -> None:
    """Stage, source, error and message without its facts; the most frequent first."""
    dead(store, error=SchemaViolation("no amount"), key=OTHER_KEY)
    born = clock.now()
    for page in (1, 2, 3):
        newest = dead(store, error=DecodeError("cut off", hint=f"hint {page}", page=page))
        clock.advance(60)
    first, second = store.letters.causes()
    assert (first.error_type, first.message, first.letters) == ("decode_error", "cut off", 3)
    assert (first.org_id, first.source, first.stage) == ("acme", "meta", "ingest")
    assert (first.newest_id, first.hint, first.transient) == (newest, "hint 3", False)
    assert (first.newest_at - first.oldest_at, first.oldest_at) == (dt.timedelta(seconds=120), born)
    assert (second.source, second.message, second.letters) == ("stripe", "no amount", 1)


def test_causes_can_be_filtered(store: Store) -> None:
    """With the filters of the list."""
    dead(store)
    dead(store, key=OTHER_KEY)
    wanted = DeadLetterFilter(sources=("stripe",))
    assert [cause.source for cause in store.letters.causes(wanted)] == ["stripe"]
    assert len(store.letters.causes(DeadLetterFilter(limit=1))) == 1
    assert store.letters.causes(DeadLetterFilter(error_types=("rate_limited",))) == []


def test_all_that_are_meant_are_found(store: Store) -> None:
    """Oldest first, whatever the limit of a list; other jobs are none of them."""
    first, other = dead(store), dead(store, key=OTHER_KEY, error=RateLimited("slow"))
    store.jobs.enqueue("bronze", None, KEY, SinkUnavailable("disk full"))
    assert store.letters.find() == [first, other]
    assert store.letters.find(DeadLetterFilter(limit=1)) == [first, other]
    assert store.letters.find(DeadLetterFilter(sources=("stripe",), transient=True)) == [other]


def test_a_retried_letter_is_due_and_noted(store: Store, clock: FakeClock) -> None:
    """Who, where, when, and what it had died of."""
    job_id = dead(store)
    assert store.letters.retry([job_id, job_id], ME) == [job_id]
    job = store.jobs.get(job_id)
    assert (job.state, job.attempt, job.scheduled_at) == ("available", 0, clock.now())
    (note,) = store.letters.changes()
    assert (note.job_id, note.action, note.author) == (job_id, LetterAction.RETRY, ME)
    assert (note.changed_at, note.scheduled_at) == (clock.now(), clock.now())
    assert (note.key, note.error_type, note.error_message) == (KEY, "decode_error", "cut off")


def test_a_pace_is_kept_in_the_rows(store: Store, clock: FakeClock) -> None:
    """Each letter has its instant, also over a restart, and is claimed no earlier."""
    ids = [dead(store) for _ in range(4)]
    store.letters.retry(ids, ME, every_seconds=20)
    jobs = [store.jobs.get(job_id) for job_id in ids]
    waits = [(job.scheduled_at - clock.now()).total_seconds() for job in jobs]
    assert waits == [0, 20, 40, 60]
    assert [job.state for job in jobs] == ["available", "scheduled", "scheduled", "scheduled"]
    claimed = []
    for _ in range(3):
        claimed.append([job.job_id for job in store.jobs.claim_due("ingest", 9)])
        clock.advance(30)
    assert claimed == [[ids[0]], [ids[1]], [ids[2], ids[3]]]


def test_many_letters_go_in_blocks_at_one_pace(store: Store, clock: FakeClock) -> None:
    """No block begins anew."""
    ids = [dead(store, None) for _ in range(1001)]
    assert store.letters.retry(ids, ME, every_seconds=1) == ids
    last = store.jobs.get(ids[-1])
    assert (last.scheduled_at - clock.now()).total_seconds() == 1000
    assert len(store.letters.changes(limit=5000)) == 1001


def test_what_is_no_dead_letter_is_left_alone(store: Store) -> None:
    """Waiting jobs and unknown ids are neither touched nor noted."""
    waiting = store.jobs.enqueue("bronze", None, KEY, SinkUnavailable("disk full"))
    assert store.letters.retry([waiting, 99], ME) == []
    assert store.letters.purge([waiting, 99], ME) == []
    with pytest.raises(NotFoundError, match="no such dead letter"):
        store.letters.edit(waiting, b"{}", ME)
    assert store.letters.changes() == []
    assert store.jobs.get(waiting).state is JobState.RETRYABLE


def test_an_edit_keeps_what_it_replaces(store: Store, clock: FakeClock) -> None:
    """The new payload counts; the first one can be had back, whatever was made of it since."""
    job_id = dead(store, b'{"spend": "12,5"}' * 100)
    note = store.letters.edit(job_id, b'{"spend": "12.5"}' * 100, ME)
    assert (note.action, note.payload_bytes) == (LetterAction.EDIT, 1700)
    assert note.payload_sha256 == sha(b'{"spend": "12,5"}' * 100)
    assert note.new_sha256 == sha(b'{"spend": "12.5"}' * 100)
    store.letters.edit(job_id, b"{}", YOU)
    job = store.jobs.get(job_id)
    assert (job.payload, job.payload_bytes, job.edited_at) == (b"{}", 2, clock.now())
    assert store.letters.payload(job_id) == b"{}"


def test_an_edit_is_undone_whatever_was_made_of_it(store: Store) -> None:
    """What came first counts again, as if nobody had touched it; the notes tell all of it."""
    job_id = dead(store, b"first")
    store.letters.edit(job_id, b"second", ME)
    store.letters.edit(job_id, b"third", ME)
    note = store.letters.restore(job_id, YOU)
    assert note is not None
    assert (note.author, note.new_sha256) == (YOU, sha(b"first"))
    job = store.jobs.get(job_id)
    assert (job.payload, job.payload_bytes, job.edited_at) == (b"first", 5, None)
    assert len(store.letters.changes()) == 3


def test_nothing_is_undone_where_nobody_edited(store: Store) -> None:
    """An untouched letter stays as it is, without a note; what is no letter is not found."""
    assert store.letters.restore(dead(store), ME) is None
    with pytest.raises(NotFoundError):
        store.letters.restore(99, ME)
    assert store.letters.changes() == []


def test_a_write_is_edited_without_touching_the_log(store: Store) -> None:
    """The event stays as it came; the letter carries what is to be written instead."""
    job_id = dead_write(store, b"\xff\xfe")
    assert store.letters.payload(job_id) == b"\xff\xfe"
    store.letters.edit(job_id, b"{}", ME)
    assert store.letters.payload(job_id) == b"{}"
    assert store.bus.get(store.jobs.get(job_id).event_seq).body == b"\xff\xfe"
    store.letters.restore(job_id, ME)
    assert store.letters.payload(job_id) == b"\xff\xfe"
    assert store.jobs.get(job_id).payload is None


def test_a_letter_that_carries_nothing_can_be_given_something(store: Store) -> None:
    """There is no checksum of what was not there."""
    job_id = dead(store, None)
    note = store.letters.edit(job_id, b"{}", ME)
    assert (note.payload_bytes, note.payload_sha256) == (None, None)
    store.letters.restore(job_id, ME)
    assert store.letters.payload(job_id) == b""


def test_a_purge_takes_the_payloads_and_leaves_their_checksums(store: Store) -> None:
    """It is listed and retried no more; who did it and what it was stays known."""
    job_id = dead(store, b"first")
    store.letters.edit(job_id, b"second", ME)
    assert store.letters.purge([job_id], YOU) == [job_id]
    assert store.letters.retry([job_id], ME) == []
    assert store.jobs.list_dead() == []
    assert (store.jobs.get(job_id).state, store.jobs.get(job_id).payload) == ("cancelled", None)
    purge, edit = store.letters.changes()
    assert (purge.author, purge.payload_sha256) == (YOU, sha(b"second"))
    assert (edit.payload_sha256, edit.new_sha256) == (sha(b"first"), sha(b"second"))
    held = store.database.read("SELECT count(*) FROM letter_changes WHERE payload IS NOT NULL")
    assert held == [(0,)]


def test_the_checksum_of_a_purged_write_is_that_of_its_event(store: Store) -> None:
    """Also what lies in the log has a name afterwards."""
    store.letters.purge([dead_write(store, b"page")], ME)
    (note,) = store.letters.changes()
    assert (note.payload_sha256, note.payload_bytes) == (sha(b"page"), 4)


def test_the_notes_tell_what_became_of_it(store: Store, clock: FakeClock) -> None:
    """A later note tells what the earlier one led to; the last one, how the job stands."""
    job_id = store.jobs.discard_now("bronze", KEY, DecodeError("no text"))
    store.letters.retry([job_id], ME)
    store.jobs.claim_due("bronze", 1)
    store.jobs.fail(job_id, SchemaViolation("still not"))
    store.letters.retry([job_id], ME)
    newest, first = store.letters.changes()
    assert (first.error_type, first.error_after) == ("decode_error", "schema_violation")
    assert (first.state, newest.state) == (JobState.DISCARDED, JobState.AVAILABLE)
    store.jobs.succeed([job_id])
    assert store.letters.changes(limit=1)[0].state is JobState.COMPLETED
    clock.advance(91 * 86400)
    store.jobs.prune(90)
    assert store.letters.changes(limit=1)[0].state is None


def test_notes_are_filtered_and_outlive_their_jobs(store: Store, clock: FakeClock) -> None:
    """By letter, source, error and time; kept for two years, and for as long as the job."""
    one, other = dead(store), dead(store, key=OTHER_KEY, error=RateLimited("slow"))
    store.letters.purge([one], ME)
    clock.advance(3600)
    store.letters.retry([other], ME)

    def found(wanted: DeadLetterFilter | None = None, **more) -> list[int]:
        return [note.job_id for note in store.letters.changes(wanted, **more)]

    assert found() == [other, one]
    assert found(job_ids=[one]) == [one]
    assert found(DeadLetterFilter(sources=("stripe",), orgs=("acme",))) == [other]
    assert found(DeadLetterFilter(error_types=("decode_error",))) == [one]
    assert found(DeadLetterFilter(since=clock.now())) == [other]
    clock.advance(800 * 86400)
    assert store.letters.prune() == 0
    store.jobs.prune(90)
    assert store.letters.prune() == 1
    assert found() == [other]


def test_an_edited_letter_of_a_slice_is_healed_like_any_other(store: Store) -> None:
    """A good fetch makes the edit superfluous, and its note says what became of it."""
    job_id = store.jobs.discard_now(
        "ingest", KEY, DecodeError("cut off"), payload=b"{", window=WINDOW
    )
    store.letters.edit(job_id, b"{}", ME)
    store.jobs.complete_for_slice(KEY, WINDOW)
    assert store.letters.changes()[0].state is JobState.COMPLETED


def died(store: Store, pages: int) -> Job:
    """Fetch so many pages of a slice, then one that cannot be read; return its letter."""
    request_id = store.fetches.begin(slice_of(), api_version="v25.0")
    for _ in range(pages):
        store.fetches.append_page(request_id, b"{}", request="{}")
    error = DecodeError("cut off")
    store.fetches.fail(request_id, error)
    letter = store.jobs.discard_now("ingest", KEY, error, window=WINDOW)
    return store.jobs.get(letter)


@pytest.mark.parametrize("pages", [0, 2])
def test_a_letter_knows_how_many_pages_came_before_it(store: Store, pages: int) -> None:
    """Only where there were none can it stand for its whole slice."""
    assert store.letters.pages_before(died(store, pages)) == pages


def test_a_later_fetch_of_the_slice_is_not_the_letters(store: Store, clock: FakeClock) -> None:
    """What failed after the letter was born says nothing of it."""
    letter = died(store, 0)
    clock.advance(60)
    died(store, 3)
    assert store.letters.pages_before(letter) == 0


def test_nobody_knows_the_pages_before_a_letter_without_a_fetch(store: Store) -> None:
    """Neither of one that belongs to no slice, nor of one whose fetch is forgotten."""
    of_no_slice = store.jobs.get(dead(store))
    forgotten = store.jobs.get(
        store.jobs.discard_now("ingest", OTHER_KEY, DecodeError("cut off"), window=WINDOW)
    )
    assert store.letters.pages_before(of_no_slice) is None
    assert store.letters.pages_before(forgotten) is None
