"""Dead letters that a person has mended come home, and nothing newer is lost to them."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tactics.errors import ConfigError, DecodeError, IntegrityError, NotFoundError
from tactics.model import TOPIC_RAW, AccountInfo, Finality, Window
from tactics.pipeline import Workspace, edit_letter
from tactics.pipeline.delivery import Delivery, Written
from tactics.pipeline.fetch import SliceFetch
from tactics.pipeline.mend import replay_mended
from tactics.store import Author, Event, JobState
from tests.support import FakeClock
from tests.unit.pipeline.conftest import Open, orgs_of
from tests.unit.pipeline.probe.connector import ADS, SHEET
from tests.unit.pipeline.vendor import KEY, PAGE, open_probe, open_vendor, slice_of

SHEET_KEY = replace(KEY, stream="sheet")
ME = Author("ada", "workshop")
TODAY = dt.date(2026, 11, 21)
WINDOW = Window(dt.date(2026, 11, 17), dt.date(2026, 11, 20))
WHOLE = b'{"rows": [{"spend": "12.50"}]}'
BROKEN = {"error": "DecodeError"}

pytestmark = pytest.mark.usefixtures("_installed")


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace whose configuration names the probe, and that knows its account."""
    workspace = open_workspace(orgs=orgs_of("http://127.0.0.1:1"))
    account = AccountInfo("a1", "Acme", "EUR", "Europe/Vienna")
    workspace.store.accounts.put("acme", "probe", account)
    return workspace


def die(workspace: Workspace, *answers: dict, stream=ADS, window: Window = WINDOW) -> int:
    """Fetch a slice whose last answer cannot be read, and return its dead letter."""
    work = slice_of(window, KEY if stream is ADS else SHEET_KEY)
    with (
        open_vendor(*(answers or (BROKEN,))) as vendor,
        open_probe(workspace, vendor.url) as access,
        pytest.raises(DecodeError),
    ):
        SliceFetch(workspace, access, stream, TODAY).run(work)
    return workspace.store.jobs.list_dead()[0].job_id


def fetch(workspace: Workspace, window: Window) -> None:
    """Fetch a slice well."""
    with open_vendor(PAGE) as vendor, open_probe(workspace, vendor.url) as access:
        SliceFetch(workspace, access, ADS, TODAY).run(slice_of(window))


def mend(workspace: Workspace, letter: int, payload: bytes = WHOLE) -> None:
    """Edit a letter and put it back."""
    edit_letter(workspace, letter, payload, ME)
    workspace.store.letters.retry([letter], ME)


def test_a_mended_answer_comes_home_without_the_vendor(workspace: Workspace):
    """Its page is in the log, its days are covered, and its letter is done."""
    letter = die(workspace)
    mend(workspace, letter)
    (report,) = replay_mended(workspace)
    assert (report.name, report.rows, report.problems) == ("mended", 1, ())
    (event,) = workspace.store.bus.read(TOPIC_RAW, "bronze", 9)
    (page,) = workspace.store.fetches.raw_pages([event])
    assert (page.payload, page.window, page.key) == (WHOLE, WINDOW, KEY)
    assert json.loads(page.request)["account"]["currency"] == "EUR"
    held = workspace.store.coverage.days(KEY, WINDOW.start, WINDOW.end)
    assert sorted(held) == list(WINDOW.days())
    assert workspace.store.jobs.get(letter).state is JobState.COMPLETED
    assert replay_mended(workspace) == []


def test_days_are_as_final_as_they_were_when_the_letter_died(
    workspace: Workspace, clock: FakeClock
):
    """Mended a month later, numbers of running days are not taken for the last word."""
    letter = die(workspace)
    clock.advance(30 * 86400)
    mend(workspace, letter)
    replay_mended(workspace)
    held = workspace.store.coverage.days(KEY, WINDOW.start, WINDOW.end)
    assert {day.finality for day in held.values()} == {Finality.FINAL, Finality.PROVISIONAL}


def test_a_mended_snapshot_covers_the_day_it_was_asked_for(workspace: Workspace):
    """It holds everything, as of then."""
    day = Window(TODAY, TODAY)
    letter = die(workspace, stream=SHEET, window=day)
    mend(workspace, letter)
    assert replay_mended(workspace)[0].rows == 1
    assert list(workspace.store.coverage.days(SHEET_KEY, TODAY, TODAY)) == [TODAY]


def test_a_letter_that_nobody_edited_is_the_vendors_to_answer(workspace: Workspace):
    """It waits for the fetch of its slice, which heals it."""
    letter = die(workspace)
    workspace.store.letters.retry([letter], ME)
    assert replay_mended(workspace) == []
    assert workspace.store.jobs.get(letter).state is JobState.AVAILABLE
    fetch(workspace, WINDOW)
    assert workspace.store.jobs.get(letter).state is JobState.COMPLETED


def test_a_pace_is_kept_unless_asked_otherwise(workspace: Workspace):
    """What is not due waits; a flush by hand does not."""
    first = die(workspace)
    second = die(workspace, window=Window(dt.date(2026, 11, 10), dt.date(2026, 11, 13)))
    for letter in (first, second):
        edit_letter(workspace, letter, WHOLE, ME)
    workspace.store.letters.retry([first, second], ME, every_seconds=3600)
    assert [report.rows for report in replay_mended(workspace)] == [1]
    assert replay_mended(workspace) == []
    assert [report.rows for report in replay_mended(workspace, ignore_schedule=True)] == [1]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b'{"rows": [], "next": "2"}', "not the whole answer"),
        (b'{"job": "r1"}', "not the whole answer"),
        (b'{"error": "RateLimited"}', "cannot read it"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_what_is_no_whole_answer_is_refused(workspace: Workspace, payload: bytes, why: str):
    """The connector judges, before anything is changed."""
    letter = die(workspace)
    with pytest.raises(ConfigError, match=why):
        edit_letter(workspace, letter, payload, ME)
    assert workspace.store.letters.changes() == []


def test_secrets_do_not_get_into_the_store_by_hand(workspace: Workspace):
    """A token that somebody pasted along is taken out of what is kept."""
    letter = workspace.store.jobs.discard_now("bronze", KEY, DecodeError("no text"))
    edit_letter(workspace, letter, b'{"rows": [], "access_token": "EAAB0123456789"}', ME)
    assert b"EAAB0123456789" not in (workspace.store.letters.payload(letter) or b"")


def test_one_of_several_answers_is_refused(workspace: Workspace):
    """The pages before it were given up with their fetch: only the vendor has the whole."""
    letter = die(workspace, {**PAGE, "next": "2"}, BROKEN)
    with pytest.raises(ConfigError, match="one of several") as caught:
        edit_letter(workspace, letter, WHOLE, ME)
    assert "tactics sync" in caught.value.hint


def test_newer_days_are_never_overwritten(workspace: Workspace, clock: FakeClock):
    """A day that was fetched since makes the letter superfluous, before and after the edit."""
    letter = die(workspace)
    mend(workspace, letter)
    clock.advance(60)
    fetch(workspace, Window(WINDOW.start, WINDOW.start))
    (report,) = replay_mended(workspace)
    assert (report.rows, report.dead_lettered) == (0, 1)
    assert "fetched since" in report.problems[0].message
    assert workspace.store.jobs.get(letter).state is JobState.DISCARDED
    with pytest.raises(ConfigError, match="fetched since"):
        edit_letter(workspace, letter, WHOLE, ME)


def test_a_source_that_is_gone_is_told(open_workspace: Open, workspace: Workspace):
    """Nobody can read it, and the letter is dead again with the reason."""
    letter = die(workspace)
    mend(workspace, letter)
    other = open_workspace(orgs=orgs_of("http://127.0.0.1:1", enabled=False))
    (report,) = replay_mended(other)
    assert "disabled" in report.problems[0].message
    with pytest.raises(NotFoundError, match="disabled"):
        edit_letter(other, letter, WHOLE, ME)


def test_an_unknown_account_is_told(open_workspace: Open, clock: FakeClock):
    """Without currency and time zone nobody can read its numbers."""
    workspace = open_workspace(orgs=orgs_of("http://127.0.0.1:1"))
    letter = die(workspace)
    with pytest.raises(NotFoundError, match="nothing is known of this account"):
        edit_letter(workspace, letter, WHOLE, ME)


def test_a_letter_of_no_slice_is_refused(workspace: Workspace):
    """Nobody knows what was asked."""
    letter = workspace.store.jobs.discard_now("ingest", KEY, DecodeError("cut off"))
    with pytest.raises(ConfigError, match="nobody knows"):
        edit_letter(workspace, letter, WHOLE, ME)


def test_other_stages_have_no_payload_to_edit(workspace: Workspace):
    """What they are about lies in the lake."""
    letter = workspace.store.jobs.discard_now("silver", KEY, DecodeError("no"), event_seq=1)
    with pytest.raises(ConfigError, match="no payload of its own"):
        edit_letter(workspace, letter, WHOLE, ME)


def test_a_mended_page_is_written_in_place_of_the_one_in_the_log(workspace: Workspace):
    """The sink gets what the person made of it, under the same number; the log stays."""
    written: list[bytes | None] = []

    def write(events: Sequence[Event]) -> Written:
        for event in events:
            if event.body == b"\xff":
                raise DecodeError("no text")
            written.append(event.body)
        return Written(len(events))

    seq = workspace.store.bus.append(TOPIC_RAW, key=KEY, header={}, body=b"\xff")
    stage = Delivery(workspace, "bronze", TOPIC_RAW, write)
    stage.drain()
    (letter,) = workspace.store.jobs.list_dead()
    mend(workspace, letter.job_id)
    stage.retry()
    assert written == [WHOLE]
    assert workspace.store.bus.get(seq).body == b"\xff"
    assert workspace.store.jobs.get(letter.job_id).state is JobState.COMPLETED


def test_a_page_for_bronze_must_be_json(workspace: Workspace):
    """The lake would refuse it once more; the letter stays as it was."""
    letter = workspace.store.jobs.discard_now("bronze", KEY, DecodeError("no text"))
    with pytest.raises(ConfigError, match="cannot be taken") as caught:
        edit_letter(workspace, letter, b"{'rows': []}", ME)
    assert "the page is not JSON" in str(caught.value)
    assert workspace.store.letters.changes() == []


def test_a_broken_state_is_not_the_letters_fault(workspace: Workspace):
    """What our own tables lack stops the replay, and no letter dies of it."""
    letter = die(workspace)
    mend(workspace, letter)
    workspace.store.database.write("DROP TABLE coverage")
    with pytest.raises(IntegrityError):
        replay_mended(workspace)
    assert workspace.store.jobs.get(letter).state is JobState.RUNNING
