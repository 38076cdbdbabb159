"""Dead letters on the command line, on a real store."""

import io
import json
import stat

import pytest

from tactics.errors import DecodeError, RateLimited, SinkUnavailable
from tactics.model import TOPIC_RAW, StreamKey
from tactics.store import Store

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")


@pytest.fixture
def letters(home, clock):
    """Return the ids of a permanent and a transient dead letter, an hour old."""
    clock.advance(-3600)
    with Store.open(home.database, clock, max_retries=0) as store:
        broken = DecodeError("the page is cut off", hint="ask again", page=3)
        payload = b'{"data": [1, "access_token": "EAAB0123456789"'
        first = store.jobs.discard_now("ingest", KEY, broken, payload=payload)
        store.jobs.enqueue("silver", None, KEY, RateLimited("too many calls"), scheduled_in=0)
        clock.advance(60)
        (job,) = store.jobs.claim_due("silver", 1)
        store.jobs.fail(job.job_id, RateLimited("too many calls"))
    clock.advance(3540)
    return [first, job.job_id]


@pytest.fixture
def nobody_answers(monkeypatch):
    """Put an empty file where the keyboard is."""
    monkeypatch.setattr("sys.stdin", io.StringIO())


def states(home, clock):
    """Return the state of every job by id."""
    with Store.open(home.database, clock) as store:
        return {job: str(store.jobs.get(job).state) for job in (1, 2)}


def test_list_shows_age_source_stage_error_and_tries(tactics, letters):
    """One line per dead letter tells which to look at."""
    told = tactics("dlq", "list")
    assert told.code == 0
    assert told.out.splitlines()[0].split() == ["ID", "Age", "Source", "Stage", "Error", "Tries"]
    assert f"{letters[0]}  60 min  acme/meta  ingest  decode_error" in told.out


def test_list_as_json_has_the_envelope_and_can_be_filtered(tactics, letters):
    """Programs get every field and only what they asked for."""
    told = json.loads(tactics("dlq", "list", "--error", "rate_limited", "--json").out)
    assert set(told) == {"kind", "generated_at", "as_of", "rows"}
    assert told["kind"] == "dead_letters"
    assert [row["job_id"] for row in told["rows"]] == [letters[1]]
    assert told["rows"][0]["created_at"].endswith("Z")


def test_inspect_shows_payload_remedy_and_no_secret(tactics, letters):
    """Everything needed to decide, with tokens taken out."""
    told = tactics("dlq", "inspect", letters[0])
    assert "the page is cut off" in told.out
    assert "ask again" in told.out
    assert "the vendor sent something that is not its format" in told.out
    assert '{"data": [1' in told.out
    assert "EAAB0123456789" not in told.out


def test_inspect_of_something_else_is_not_found(tactics, letters):
    """An id that is no dead letter ends with exit code 4."""
    assert tactics("dlq", "inspect", 999).code == 4


def test_retry_makes_them_due_again(tactics, letters, home, clock):
    """The queue takes over; the hint says what makes it work now."""
    told = tactics("dlq", "retry", "--transient")
    assert "1 dead letter" in told.out
    assert "tactics queue flush" in told.err
    assert states(home, clock)[letters[0]] == "discarded"
    assert states(home, clock)[letters[1]] != "discarded"
    assert tactics("dlq", "retry", letters[0]).code == 0
    assert "discarded" not in states(home, clock).values()


@pytest.mark.parametrize("words", [["retry"], ["retry", "1", "--all"], ["purge"]])
def test_which_letters_must_be_said_in_one_way(tactics, letters, words):
    """Nothing is retried or deleted by accident."""
    assert tactics("dlq", *words).code == 2


def test_export_writes_private_json_lines_once(tactics, letters, tmp_path):
    """A file per export, readable by its owner only, never overwritten."""
    file = tmp_path / "letters.jsonl"
    told = tactics("dlq", "export", file)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert told.out == ""
    assert {row["job_id"] for row in rows} == set(letters)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "EAAB0123456789" not in file.read_text()
    assert tactics("dlq", "export", file).code == 2


def test_no_is_an_answer(tactics, letters, monkeypatch):
    """Whoever says no has lost nothing and done nothing wrong."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    told = tactics("dlq", "purge", letters[0])
    assert (told.code, told.out) == (0, "0 dead letters purged\n")
    assert "delete 1 dead letter for ever?" in told.err
    assert tactics("dlq", "inspect", letters[0]).code == 0


def test_the_payload_of_a_failed_write_is_what_the_log_holds(tactics, home, clock):
    """A write that failed refers to its event; its page is shown and exported."""
    with Store.open(home.database, clock, max_retries=0) as store:
        seq = store.bus.append(TOPIC_RAW, key=KEY, header={}, body=b'{"impressions": 12}')
        store.jobs.enqueue("bronze", seq, KEY, SinkUnavailable("disk full"), scheduled_in=0)
        (job,) = store.jobs.claim_due("bronze", 1)
        store.jobs.fail(job.job_id, SinkUnavailable("disk full"))
    row = json.loads(tactics("dlq", "inspect", job.job_id, "--json").out)["rows"][0]
    assert (row["payload"], row["payload_bytes"]) == ('{"impressions": 12}', 19)
    assert "tactics dlq retry" in row["remedy"]
    waiting = json.loads(tactics("queue", "status", "--json").out)["rows"]
    assert [(row["state"], row["next_scheduled_at"]) for row in waiting] == [("discarded", None)]
    assert "dead letter" in tactics("queue", "status").out


@pytest.mark.usefixtures("nobody_answers")
def test_purge_deletes_only_after_yes(tactics, letters, home, clock):
    """Without --yes a person is asked, and no answer is a no."""
    assert tactics("dlq", "purge", "--all").code == 130
    assert states(home, clock)[letters[0]] == "discarded"
    assert tactics("dlq", "purge", "--all", "--yes").out == "2 dead letters purged\n"
    assert "discarded" not in states(home, clock).values()
