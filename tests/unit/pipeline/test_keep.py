"""What of a slice is kept, when, and of which days it is said to be."""

import datetime as dt
import json
import random
from dataclasses import replace

import pytest

from tactics.connectors import Step, StreamSpec
from tactics.errors import RateLimited
from tactics.model import TOPIC_RAW, Finality, Window
from tactics.pipeline import Workspace
from tactics.pipeline.fetch import SliceFetch
from tactics.pipeline.keep import BATCH_BYTES, BATCH_PAGES, PageKeeper
from tactics.transport import get
from tests.unit.pipeline.probe.connector import ADS, ProbeOptions
from tests.unit.pipeline.vendor import KEY, PAGE, open_probe, open_vendor, slice_of

TODAY = dt.date(2026, 11, 21)
WINDOW = Window(dt.date(2026, 11, 18), dt.date(2026, 11, 20))
ASKED = get("/a1/ads")
MORE = get("/a1/ads", ("cursor", "2"))


def keep(workspace: Workspace, *steps: Step, spec: StreamSpec = ADS) -> None:
    """Keep what some answers of one slice mean."""
    request_id = workspace.store.fetches.begin(slice_of(WINDOW), api_version="v7")
    keeper = PageKeeper(workspace, ProbeOptions(), spec, TODAY)
    for step in steps:
        keeper.keep(slice_of(WINDOW), request_id, ASKED, step)


def kept(workspace: Workspace) -> list[bytes]:
    """Return the pages in the log."""
    events = workspace.store.bus.read(TOPIC_RAW, "bronze", 99, max_bytes=10 * BATCH_BYTES)
    return [page.payload for page in workspace.store.fetches.raw_pages(events)]


def test_a_few_pages_are_one_commit(workspace: Workspace):
    """They wait for each other: a commit for each would wait for the disk each time."""
    page = Step(page=b"{}", next=MORE)
    keep(workspace, *[page] * (BATCH_PAGES - 1))
    assert kept(workspace) == []
    keep(workspace, *[page] * (BATCH_PAGES + 1))
    assert len(kept(workspace)) == BATCH_PAGES


def test_large_pages_do_not_wait(workspace: Workspace):
    """However few they are: what waits in memory has an end."""
    large = random.Random(7).randbytes(BATCH_BYTES + 1)  # as compressible as a video
    keep(workspace, Step(page=large, next=MORE))
    assert kept(workspace) == [large]


def test_what_came_before_a_failure_is_kept(workspace: Workspace):
    """Its pages are in the log, and cover no day."""
    answers = [{**PAGE, "next": str(number)} for number in range(BATCH_PAGES + 1)]
    with (
        open_vendor(*answers, {"error": "RateLimited"}) as vendor,
        open_probe(workspace, vendor.url) as access,
        pytest.raises(RateLimited),
    ):
        SliceFetch(workspace, access, ADS, TODAY).run(slice_of(WINDOW))
    assert len(kept(workspace)) == BATCH_PAGES + 1
    assert workspace.store.coverage.days(KEY, WINDOW.start, TODAY) == {}


def test_who_must_be_known_again_is_kept_as_a_hash(workspace: Workspace):
    """The same person has the same one in each page, and nobody can read who it is."""
    shape = {"rows": {"customer": None}}
    for amount, person in enumerate(("ann@x.example", "Ann@X.example ", "bob@x.example")):
        page = json.dumps({"rows": [{"customer": person, "amount": amount}]}).encode()
        keep(workspace, Step(page=page, pseudonyms=shape))
    rows = [json.loads(page)["rows"][0] for page in kept(workspace)]
    assert [row["amount"] for row in rows] == [0, 1, 2]
    ann, again, bob = (row["customer"] for row in rows)
    assert ann == again != bob
    assert "x.example" not in ann.lower() + bob.lower()


@pytest.mark.parametrize(
    ("slicing", "covered"),
    [
        ("days", {18: Finality.PROVISIONAL, 19: Finality.PROVISIONAL, 20: Finality.PROVISIONAL}),
        ("snapshot", {21: Finality.OPEN}),
        ("daily", {21: Finality.FINAL}),
    ],
)
def test_the_last_page_covers_its_days(
    workspace: Workspace, slicing: str, covered: dict[int, Finality]
):
    """The days that were asked for; of a state today, which it may yet change unless read daily."""
    keep(workspace, Step(page=b"{}"), spec=replace(ADS, slicing=slicing))
    held = workspace.store.coverage.days(KEY, dt.date(2026, 11, 1), TODAY)
    assert {date.day: day.finality for date, day in held.items()} == covered
