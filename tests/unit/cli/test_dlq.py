"""Dead letters on the command line, on a real store."""

import datetime as dt
import io
import json
import os
import platform
import stat
from dataclasses import replace

import pytest

from tactics.cli.dlq_choice import find_author
from tactics.cli.dlq_doubt import Surroundings, doubt_about
from tactics.errors import DecodeError, RateLimited, SchemaViolation, SinkUnavailable
from tactics.model import TOPIC_RAW, StreamKey
from tactics.store import Store

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")
CONFIG = """[orgs.acme]
name = "Acme"
currency = "EUR"
timezone = "Europe/Vienna"
"""


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
    told = json.loads(tactics("dlq", "list", "--error-type", "rate_limited", "--json").out)
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


@pytest.fixture
def many(home, clock):
    """Return a home with dead letters of two organisations, three sources and two ages."""
    others = [
        StreamKey("acme", "stripe", "main", "balance_transactions"),
        StreamKey("beta", "meta", "act_2", "campaign_insights"),
        StreamKey("gamma", "meta", "act_3", "campaign_insights"),
    ]
    clock.advance(-3 * 86400)
    with Store.open(home.database, clock) as store:
        store.jobs.discard_now("ingest", KEY, DecodeError("cut off", page=1))
        clock.advance(3 * 86400 - 3600)
        store.jobs.discard_now("ingest", KEY, DecodeError("cut off", hint="ask again", page=2))
        for key in others:
            store.jobs.discard_now("bronze", key, SchemaViolation("no amount"))
    clock.advance(3600)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [5, 4, 3, 2, 1]),
        (["--org", "acme"], [3, 2, 1]),
        (["--org", "beta", "--org", "gamma"], [5, 4]),
        (["--org", "acme", "--source", "stripe"], [3]),
        (["--error-type", "decode_error", "--error-type", "rate_limited"], [2, 1]),
        (["--since", "2d"], [5, 4, 3, 2]),
        (["--since", "30min"], []),
        (["--since", "2026-11-21"], [5, 4, 3, 2]),
        (["--since", "2026-11-21T09:30:00+02:00", "--limit", "1"], [5]),
        (["--transient"], []),
    ],
)
def test_every_filter_restricts(tactics, many, words, found):
    """Several organisations, sources or errors are one question, and filters add up."""
    rows = json.loads(tactics("dlq", "list", *words, "--json").out)["rows"]
    assert [row["job_id"] for row in rows] == found


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--since", "yesterday"],
        ["retry", "--all", "--rate", "fast"],
        ["retry", "--all", "--rate", "0/min"],
        ["retry", "1", "--org", "acme"],
        ["retry", "--all", "--since", "2d"],
    ],
)
def test_what_cannot_be_meant_is_refused(tactics, many, words):
    """A time, a rate or a choice that nobody can mean ends with exit code 2 and a hint."""
    told = tactics("dlq", *words)
    assert told.code == 2
    assert "hint: " in told.err


def test_causes_tell_how_many_since_when_and_what_to_do(tactics, many):
    """One block per cause, the most frequent first, with the remedy of its newest letter."""
    told = tactics("dlq", "list", "--by-cause")
    assert told.out.splitlines()[0].split()[:4] == ["Count", "Oldest", "Newest", "Source"]
    assert "2     3 d  60 min  acme/meta" in told.out
    assert "-> ask again" in told.out
    assert "-> `tactics dlq inspect 3 --payload`" in told.out
    rows = json.loads(tactics("dlq", "list", "--by-cause", "--json").out)["rows"]
    assert [(row["letters"], row["newest_id"]) for row in rows] == [(2, 2), (1, 5), (1, 4), (1, 3)]
    assert rows[0]["remedy"]


def test_a_filtered_retry_takes_what_the_filter_finds(tactics, many, home, clock):
    """Every letter of two organisations, and no other."""
    told = tactics("dlq", "retry", "--org", "beta", "--org", "gamma")
    assert told.out == "2 dead letters put back into the queue\n"
    with Store.open(home.database, clock) as store:
        assert [letter.job_id for letter in store.jobs.list_dead()] == [3, 2, 1]


def test_a_rate_becomes_the_schedule(tactics, many, home):
    """The pace is in the rows: no process waits for it."""
    told = tactics("dlq", "retry", "--all", "--rate", "2/min")
    assert "the last is due 2026-11-21 09:02 UTC" in told.err
    rows = json.loads(tactics("dlq", "audit", "--json").out)["rows"]
    due = sorted(row["scheduled_at"][11:19] for row in rows)
    assert due == ["09:00:00", "09:00:30", "09:01:00", "09:01:30", "09:02:00"]


def test_a_dry_run_changes_nothing_and_doubts(tactics, many, home, clock):
    """What would be put back, when, and what speaks against it."""
    until = clock.now() + dt.timedelta(minutes=5)
    with Store.open(home.database, clock) as store:
        store.breakers.open_until("bronze_breaker", until=until, reason="full", now=clock.now())
    told = tactics("dlq", "retry", "--all", "--dry-run", "--rate", "1/min")
    assert "the vendor is asked again" in told.out
    assert "bronze_breaker is open until 09:05 UTC" in told.out
    rows = json.loads(tactics("dlq", "retry", "--all", "--dry-run", "--json").out)["rows"]
    assert [row["job_id"] for row in rows] == [1, 2, 3, 4, 5]
    with Store.open(home.database, clock) as store:
        assert len(store.jobs.list_dead()) == 5
        assert store.letters.changes() == []


@pytest.mark.parametrize("own", ["", ".acme", ".acme.meta"])
def test_the_breaker_of_one_connection_speaks_against_a_retry_too(letters, home, clock, own):
    """The vendor's, the organisation's, or the one connection's."""
    with Store.open(home.database, clock) as store:
        letter = next(job for job in store.jobs.list_dead() if job.stage == "ingest")
    letter = replace(letter, key=StreamKey("acme", "meta", "act_1", "campaign_insights"))
    open_until = {f"meta_breaker{own}": clock.now()}
    around = Surroundings(open_until, {("acme", "meta"): "meta_breaker"})
    assert doubt_about(letter, around) == f"meta_breaker{own} is open until 09:00 UTC"


def test_who_did_what_can_be_told(tactics, letters, monkeypatch):
    """Name, machine, deed, and what became of it; also as JSON."""
    monkeypatch.setenv("LOGNAME", "ada")
    tactics("dlq", "retry", letters[1])
    tactics("dlq", "purge", letters[0], "--yes")
    told = tactics("dlq", "audit")
    assert told.out.splitlines()[1].startswith("2026-11-21 09:00  ada@")
    rows = json.loads(tactics("dlq", "audit", "--json").out)["rows"]
    assert [(row["action"], row["job_id"], row["state_after"]) for row in rows] == [
        ("purge", letters[0], "cancelled"),
        ("retry", letters[1], "available"),
    ]
    assert {(row["user_name"], row["host"]) for row in rows} == {("ada", platform.node())}
    assert len(rows[0]["sha256_before"]) == 64
    only = json.loads(tactics("dlq", "audit", letters[1], "--json").out)["rows"]
    assert [row["job_id"] for row in only] == [letters[1]]


def test_a_user_without_a_name_is_a_number(monkeypatch):
    """A container may run under a number that nobody has named."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(_uid):
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert find_author().user_name == f"uid {os.getuid()}"


def test_of_an_unreadable_answer_only_a_whole_one_can_be_given(tactics, letters, home):
    """Its shape is no data: single values of it cannot be mended."""
    (home.root / "tactics.toml").write_text(CONFIG)
    told = tactics("dlq", "edit", letters[0], "--set", "data.0=1")
    assert told.code == 2
    assert "--file" in told.err


def test_undoing_what_nobody_did_is_no_error(tactics, letters):
    """The letter carries what it carried at first."""
    told = tactics("dlq", "edit", letters[0], "--original")
    assert (told.code, told.out) == (
        0, f"dead letter {letters[0]} carries what it carried at first\n"
    )  # fmt: skip
    rows = json.loads(tactics("dlq", "edit", letters[0], "--original", "--json").out)["rows"]
    assert rows == [{"job_id": letters[0], "edited": False}]


@pytest.fixture
def refused(home, clock):
    """Return the id of a page that bronze refused, in a home with a configuration."""
    (home.root / "tactics.toml").write_text(CONFIG)
    with Store.open(home.database, clock) as store:
        seq = store.bus.append(TOPIC_RAW, key=KEY, header={}, body=b'{"rows": [{"spend": "12,5"}]}')
        return store.jobs.discard_now("bronze", KEY, DecodeError("no text"), event_seq=seq)


def test_a_payload_is_edited_in_one_place_and_back(tactics, refused):
    """Only that place changes; what it carried is kept, and can be put back."""
    told = tactics("dlq", "edit", refused, "--set", 'rows.0.spend="12.50"', "--set", "n=1.10")
    assert told.code == 0, told.err
    assert f"tactics dlq retry {refused}" in told.err
    carried = tactics("dlq", "inspect", refused, "--payload").out
    assert carried == '{"rows":[{"spend":"12.50"}],"n":1.10}'
    assert tactics("dlq", "edit", refused, "--original").code == 0
    carried = tactics("dlq", "inspect", refused, "--payload").out
    assert carried == '{"rows": [{"spend": "12,5"}]}'
    rows = json.loads(tactics("dlq", "audit", "--json").out)["rows"]
    assert [row["action"] for row in rows] == ["edit", "edit"]
    assert rows[0]["sha256_after"] == rows[1]["sha256_before"]


def test_a_payload_comes_from_a_file_or_standard_input(tactics, refused, tmp_path, monkeypatch):
    """A whole new one, without the secrets that somebody left in it."""
    file = tmp_path / "new.json"
    file.write_text('{"rows": [], "access_token": "EAAB0123456789"}')
    assert tactics("dlq", "edit", refused, "--file", file).code == 0
    assert "EAAB0123456789" not in tactics("dlq", "inspect", refused, "--payload").out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"rows": [1]}')))
    assert tactics("dlq", "edit", refused, "--file", "-").code == 0
    assert tactics("dlq", "inspect", refused, "--payload").out == '{"rows": [1]}'


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "in one way"),
        (["--original", "--set", "a=1"], "in one way"),
        (["--file", "nowhere.json"], "no such file"),
        (["--set", "rows.0.spend"], "no value to set"),
        (["--set", "rows.7.spend=1"], "leads nowhere"),
        (["--set", "rows.0.spend.cents=1"], "leads nowhere"),
        (["--set", "more.spend=1"], "leads nowhere"),
    ],
)
def test_an_edit_that_cannot_be_meant_changes_nothing(tactics, refused, words, why):
    """The error says what is wrong with it; the letter carries what it carried."""
    told = tactics("dlq", "edit", refused, *words)
    assert (told.code, why in told.err) == (2, True), told.err
    assert tactics("dlq", "audit").out == ""


def test_a_page_that_is_no_json_is_refused(tactics, refused, tmp_path):
    """Silver could not read it, and the dead letter would come back."""
    file = tmp_path / "new.json"
    file.write_text("{")
    told = tactics("dlq", "edit", refused, "--file", file)
    assert told.code == 2
    assert "the page is not JSON" in told.err
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in tactics("dlq", "edit", refused, "--file", file).err


def test_export_can_be_filtered(tactics, many, tmp_path):
    """With the filters of the list."""
    tactics("dlq", "export", tmp_path / "some.jsonl", "--org", "beta")
    rows = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [row["job_id"] for row in rows] == [4]


@pytest.mark.usefixtures("nobody_answers")
def test_purge_deletes_only_after_yes(tactics, letters, home, clock):
    """Without --yes a person is asked, and no answer is a no."""
    assert tactics("dlq", "purge", "--all").code == 130
    assert states(home, clock)[letters[0]] == "discarded"
    assert tactics("dlq", "purge", "--all", "--yes").out == "2 dead letters purged\n"
    assert "discarded" not in states(home, clock).values()
