"""One slice, from the first request to the days it covers."""

import datetime as dt
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tactics.errors import (
    CursorRejected,
    DecodeError,
    FieldRejected,
    IntegrityError,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.home import Home
from tactics.model import TOPIC_RAW, Finality, Priority, RawPage, StreamKey, Window
from tactics.pipeline import Workspace
from tactics.pipeline.access import Access
from tactics.pipeline.fetch import SliceFetch
from tactics.pipeline.keep import BATCH_PAGES
from tactics.store import FetchState
from tests.support import FakeClock
from tests.unit.pipeline.probe.connector import ADS, SHEET
from tests.unit.pipeline.vendor import KEY, PAGE, Answer, Vendor, open_probe, open_vendor, slice_of

TODAY = dt.date(2026, 11, 21)
SHEET_KEY = replace(KEY, stream="sheet")


def day(number: int) -> dt.date:
    """Return a day of November."""
    return dt.date(2026, 11, number)


def days(first: int, last: int) -> Window:
    """Return a window in November."""
    return Window(day(first), day(last))


def fetch(workspace: Workspace, vendor: Vendor, window: Window, **more: Any) -> SliceFetch:
    """Fetch one slice to its end."""
    with open_probe(workspace, vendor.url) as access:
        slices = SliceFetch(workspace, access, SHEET if "key" in more else ADS, TODAY)
        slices.pages = slices.run(slice_of(window, **more))  # type: ignore[attr-defined]
        return slices


def covered(workspace: Workspace, key: StreamKey = KEY) -> list[int]:
    """Return the days of November that are held."""
    return [date.day for date in sorted(workspace.store.coverage.days(key, day(1), day(30)))]


def pages(workspace: Workspace) -> list[RawPage]:
    """Return everything in the log."""
    store = workspace.store
    return store.fetches.raw_pages(store.bus.read(TOPIC_RAW, "bronze", 999))


def states(workspace: Workspace) -> list[FetchState]:
    """Return how the fetches that left pages ended."""
    ids = dict.fromkeys(page.request_id for page in pages(workspace))
    return [one.state for one in workspace.store.fetches.get_many(ids).values()]


def test_a_slice_is_its_pages_and_its_days(workspace: Workspace):
    """Two pages of one request are logged in order, and the days they bring are covered."""
    with open_vendor({**PAGE, "next": "2"}, PAGE) as vendor:
        assert fetch(workspace, vendor, days(17, 20)).pages == 2
    first, second = pages(workspace)
    assert (first.page, second.page) == (0, 1)
    assert first.request_id == second.request_id
    assert covered(workspace) == [17, 18, 19, 20]
    assert vendor.said("path", "cursor") == [("/a1/ads", ""), ("/a1/ads", "2")]


def test_a_page_remembers_how_it_was_asked(workspace: Workspace):
    """Silver finds account, options and window beside the page, and no secret."""
    with open_vendor(PAGE) as vendor:
        fetch(workspace, vendor, days(19, 20))
    [page] = pages(workspace)
    request = json.loads(page.request)
    assert request["account"] == {
        "currency": "EUR",
        "timezone": "Europe/Vienna",
        "name": "Acme",
        "locale": "de_AT",
    }
    assert request["options"] == {"read": ["ads"]}
    assert request["query"] == {"since": "2026-11-19", "until": "2026-11-20"}
    assert (page.api_version, page.window) == ("v7", days(19, 20))
    assert "planted" not in page.request


def test_a_day_is_as_final_as_its_stream_says(workspace: Workspace):
    """Today is open, the days the vendor restates are provisional, older ones final."""
    with open_vendor(PAGE) as vendor:
        fetch(workspace, vendor, days(17, 21))
    held = workspace.store.coverage.days(KEY, day(1), day(30))
    assert [held[day(n)].finality for n in (17, 18, 21)] == [
        Finality.FINAL,
        Finality.PROVISIONAL,
        Finality.OPEN,
    ]


def too_large(*, limit: int = 1, deep: bool = False) -> Callable[[Answer], Answer]:
    """Return a vendor that serves at most `limit` days, at that perhaps only as a report."""

    def answer(asked: Answer) -> Answer:
        since, until = (dt.date.fromisoformat(asked[name]) for name in ("since", "until"))
        fits = (until - since).days < limit and (not deep or "deep" in asked)
        return PAGE if fits else {"error": "SliceTooLarge"}

    return answer


def test_a_slice_that_is_too_large_is_halved(workspace: Workspace):
    """What the vendor finds too large comes in halves, down to single days."""
    with open_vendor(too_large()) as vendor:
        assert fetch(workspace, vendor, days(17, 19)).pages == 3
    assert covered(workspace) == [17, 18, 19]
    assert [until for since, until in vendor.said("since", "until") if since == until] == [
        "2026-11-17",
        "2026-11-18",
        "2026-11-19",
    ]


def test_history_is_halved_newest_first(workspace: Workspace):
    """When half of a slice of history fails, the hole is at the far end, not in the middle."""
    halves = too_large(limit=2)

    def answer(asked: Answer) -> Answer:
        return {"error": "RateLimited"} if asked["until"] == "2026-11-18" else halves(asked)

    with open_vendor(answer) as vendor, pytest.raises(RateLimited):
        fetch(workspace, vendor, days(17, 20), priority=Priority.BACKFILL)
    assert covered(workspace) == [19, 20]


def test_a_day_that_is_too_large_becomes_a_report(workspace: Workspace):
    """A single day that is too large is asked for the asynchronous way."""
    with open_vendor(too_large(deep=True)) as vendor:
        fetch(workspace, vendor, days(20, 20))
    assert vendor.said("deep") == [("",), ("yes",)]
    assert covered(workspace) == [20]


def test_a_day_that_is_too_large_even_so_fails(workspace: Workspace):
    """When the report is too large as well, the stream stops and nothing is covered."""
    with open_vendor({"error": "SliceTooLarge"}) as vendor, pytest.raises(SliceTooLarge):
        fetch(workspace, vendor, days(20, 20))
    assert len(vendor.asked) == 2
    assert covered(workspace) == []


def test_a_report_that_was_too_large_is_forgotten(workspace: Workspace):
    """The next sync does not go on with a report that the vendor could not make."""
    refused = [{"job": "r1", "next": "poll"}, {"error": "SliceTooLarge"}]
    with open_vendor(*refused, PAGE) as vendor:
        fetch(workspace, vendor, days(19, 20))
    assert workspace.store.fetches.find_job(KEY, days(19, 20)) is None


def test_a_refused_field_is_left_out(workspace: Workspace):
    """The slice is fetched without the field that the vendor refuses, and a warning says so."""
    refusal = {"error": "FieldRejected", "facts": {"field": "video"}}
    with open_vendor(lambda asked: PAGE if "without" in asked else refusal) as vendor:
        slices = fetch(workspace, vendor, days(20, 20))
    assert vendor.said("without") == [("",), ("video",)]
    assert list(slices.warnings) == ["probe refuses field video: fetched without it"]
    assert covered(workspace) == [20]


@pytest.mark.parametrize(("facts", "asked"), [({}, 1), ({"field": "video"}, 2)])
def test_a_field_is_refused_once(workspace: Workspace, facts: dict[str, str], asked: int):
    """A refusal without a name, or of a field that was left out already, fails the slice."""
    refusal = {"error": "FieldRejected", "facts": facts}
    with open_vendor(refusal) as vendor, pytest.raises(FieldRejected):
        fetch(workspace, vendor, days(20, 20))
    assert len(vendor.asked) == asked


def test_a_repeated_cursor_is_rejected(workspace: Workspace):
    """A vendor that leads in circles fails the slice; its pages cover no day."""
    with open_vendor({**PAGE, "next": "2"}) as vendor, pytest.raises(CursorRejected):
        fetch(workspace, vendor, days(20, 20))
    assert len(vendor.asked) == 2
    assert covered(workspace) == []
    assert states(workspace) == [FetchState.FAILED]


def test_a_slice_without_an_end_is_given_up(workspace: Workspace):
    """A vendor that is never done is left after a fixed number of requests."""
    with open_vendor({"next": "again"}) as vendor, open_probe(workspace, vendor.url) as access:
        slices = SliceFetch(workspace, access, ADS, TODAY, max_steps=5)
        with pytest.raises(CursorRejected, match="no end"):
            slices.run(slice_of(days(20, 20)))
    assert len(vendor.asked) == 5


def test_a_report_is_polled_until_it_is_ready(workspace: Workspace, clock: FakeClock):
    """Polls repeat their request, wait as told, and leave no page."""
    poll = {"job": "r1", "next": "poll", "wait_seconds": 30}
    with open_vendor(poll, poll, poll, PAGE) as vendor:
        assert fetch(workspace, vendor, days(20, 20)).pages == 1
    assert clock.slept == [30, 30, 30]
    assert workspace.store.fetches.find_job(KEY, days(20, 20)) is None


def test_a_report_is_not_waited_for_for_ever(workspace: Workspace, clock: FakeClock):
    """After three hours the slice is given up; the next sync goes on with the same report."""
    with open_vendor({"job": "r1", "next": "poll", "wait_seconds": 4000}) as vendor:
        with pytest.raises(UpstreamUnavailable, match="not ready") as caught:
            fetch(workspace, vendor, days(20, 20))
        assert "goes on waiting" in caught.value.hint
        assert sum(clock.slept) == 8000
        vendor.asked.clear()
        vendor.answer = lambda _: PAGE
        fetch(workspace, vendor, days(20, 20))
    assert vendor.said("job") == [("r1",)]


def test_a_vendor_may_ask_for_a_pause(workspace: Workspace, clock: FakeClock):
    """After an answer that asks for it, the account is left alone for so long."""
    with open_vendor({**PAGE, "next": "2", "pause_seconds": 7}, PAGE) as vendor:
        fetch(workspace, vendor, days(20, 20))
    assert 7 <= sum(clock.slept) < 7.1


def test_warnings_are_told_once(workspace: Workspace):
    """A warning that stands in every answer is kept once."""
    with open_vendor({**PAGE, "next": "2", "warnings": ["v7 ends"]}, PAGE) as vendor:
        slices = fetch(workspace, vendor, days(19, 20))
    assert list(slices.warnings) == ["v7 ends"]


def test_an_unchanged_snapshot_stays(workspace: Workspace):
    """What has not changed is as of today without a page, and still the first fetch's."""
    with open_vendor({**PAGE, "marker": "m1"}, {"unchanged": True}) as vendor:
        fetch(workspace, vendor, days(18, 18), key=SHEET_KEY)
        [(date, held)] = workspace.store.coverage.days(SHEET_KEY, day(1), day(30)).items()
        again = fetch(workspace, vendor, days(21, 21), key=SHEET_KEY, marker="m1")
    assert again.pages == 0
    assert vendor.said("marker") == [("",), ("m1",)]
    assert date == TODAY
    after = workspace.store.coverage.days(SHEET_KEY, day(1), day(30))
    assert [one.request_id for one in after.values()] == [held.request_id]


def test_a_snapshot_replaces_the_last_one(workspace: Workspace):
    """Of a stream that is read whole, only the newest fetch counts, as of today."""
    with open_vendor({**PAGE, "marker": "m1"}) as vendor:
        fetch(workspace, vendor, days(18, 18), key=SHEET_KEY)
        fetch(workspace, vendor, days(21, 21), key=SHEET_KEY)
    assert covered(workspace, SHEET_KEY) == [21]
    held = workspace.store.fetches.latest_marker(SHEET_KEY)
    assert held is not None
    assert held[0] == "m1"


def test_page_and_days_are_one_transaction(workspace: Workspace):
    """When the last page's days cannot be covered, the page is not in the log either."""
    confused = {**PAGE, "unchanged": True}  # nothing is held that could be unchanged
    with open_vendor(confused) as vendor, pytest.raises(IntegrityError):
        fetch(workspace, vendor, days(21, 21), key=SHEET_KEY)
    assert pages(workspace) == []
    assert covered(workspace, SHEET_KEY) == []


@pytest.mark.parametrize(
    ("point", "kept"), [("ingest.page_appended", 0), ("ingest.page_committed", BATCH_PAGES)]
)
def test_a_killed_fetch_leaves_whole_pages(workspace: Workspace, home: Home, point: str, kept: int):
    """Killed inside the transaction of some pages nothing is left of them; after it, they are."""
    numbers = range(2, BATCH_PAGES + 2)
    with open_vendor(*({**PAGE, "next": str(number)} for number in numbers), PAGE) as vendor:
        child = [sys.executable, "-m", "tests.unit.pipeline.child", str(home.root), vendor.url]
        done = subprocess.run(child, env={"TACTICS_CRASH_AT": point}, check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    assert len(pages(workspace)) == kept
    assert covered(workspace) == []
    assert workspace.store.fetches.abandon_running() == 1


def test_what_cannot_be_read_is_kept_as_evidence(workspace: Workspace):
    """A page that is not what it claims becomes a dead letter with its shape, and no more."""
    answer = {"error": "DecodeError", "access_token": "EAAB-very-secret", "mail": "ann@x.example"}
    with open_vendor(answer) as vendor, pytest.raises(DecodeError):
        fetch(workspace, vendor, days(19, 20))
    [letter] = workspace.store.jobs.list_dead()
    assert (letter.stage, letter.key, letter.window) == ("ingest", KEY, days(19, 20))
    evidence = workspace.store.jobs.get(letter.job_id).payload or b""
    assert json.loads(evidence) == {
        "error": "xxxxxxxxxxx",
        "access_token": "***",
        "mail": "xxx@x.xxxxxxx",
    }


def test_a_later_good_fetch_heals_the_dead_letter(workspace: Workspace):
    """Once the slice has come, its dead letter is done."""
    with open_vendor({"error": "DecodeError"}, PAGE) as vendor:
        with pytest.raises(DecodeError):
            fetch(workspace, vendor, days(19, 20))
        fetch(workspace, vendor, days(19, 20))
    assert workspace.store.jobs.list_dead() == []


def test_a_failed_fetch_leaves_no_dead_letter(workspace: Workspace):
    """What may come another time is noted as failed, and is no dead letter."""
    answers = [{**PAGE, "next": "2"}, {"error": "RateLimited"}]
    with open_vendor(*answers) as vendor, pytest.raises(TacticsError):
        fetch(workspace, vendor, days(19, 20))
    assert workspace.store.jobs.list_dead() == []
    assert states(workspace) == [FetchState.FAILED]


def test_two_threads_fetch_beside_each_other(workspace: Workspace):
    """Two slices fetched at once keep their own pages, each complete and in order."""

    def answer(asked: Answer) -> Answer:
        cursor = int(asked.get("cursor", "1"))
        return {**PAGE, "next": str(cursor + 1)} if cursor < 8 else PAGE

    def run(access: Access, account_id: str) -> int:
        work = slice_of(days(19, 20), replace(KEY, account_id=account_id))
        return SliceFetch(workspace, access, ADS, TODAY).run(work)

    with (
        open_vendor(answer) as vendor,
        open_probe(workspace, vendor.url) as access,
        ThreadPoolExecutor(2) as pool,
    ):
        counts = list(pool.map(run, (access, access), ("a1", "a2")))
    assert counts == [8, 8]
    held = sorted(pages(workspace), key=lambda page: (page.key, page.log_seq))
    for _, group in itertools.groupby(held, key=lambda page: page.key):
        assert [page.page for page in group] == list(range(8))
    assert len({page.log_seq for page in held}) == 16
