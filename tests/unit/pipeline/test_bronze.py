"""Pages on their way from the log to the lake."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import DecodeError
from tactics.model import TOPIC_CLEANED, RawPage, StreamKey, Window
from tactics.pipeline import Workspace
from tactics.pipeline.bronze import bronze_stage, inspect_page, name_load
from tests.unit.pipeline.vendor import KEY, slice_of

WINDOW = Window(dt.date(2026, 11, 20), dt.date(2026, 11, 20))
OTHER = replace(KEY, source="shop", stream="orders")


def log_page(workspace: Workspace, key: StreamKey = KEY, body: bytes = b'{"rows": []}') -> str:
    """Log one page of a new request; return the request."""
    fetches = workspace.store.fetches
    request_id = fetches.begin(slice_of(WINDOW, key), api_version="v7")
    fetches.append_page(request_id, body, request="{}")
    return request_id


def test_pages_are_written_and_their_requests_told(workspace: Workspace):
    """Every page reaches bronze, and silver hears of the requests of each stream apart."""
    mine, other, again = (log_page(workspace, key) for key in (KEY, OTHER, KEY))
    stage = bronze_stage(workspace)
    stage.drain()
    assert stage.report().rows == 3
    told = workspace.store.bus.read(TOPIC_CLEANED, "silver", 9)
    assert {event.key: event.header["request_ids"] for event in told} == {
        KEY: [mine, again],
        OTHER: [other],
    }


def test_pages_are_written_once(workspace: Workspace):
    """The same pages again, as after a crash, add nothing."""
    log_page(workspace)
    first, second = bronze_stage(workspace), bronze_stage(workspace)
    events = workspace.store.bus.read(first.topic, first.stage, 9)
    assert first.write(events).rows == 1
    assert second.write(events).rows == 0


def test_a_page_that_is_no_text_is_a_dead_letter(workspace: Workspace):
    """An empty page and bytes that are no text are set aside; the page between them arrives."""
    for body in (b"", b'{"rows": []}', b"\xff\xfe"):
        log_page(workspace, body=body)
    stage = bronze_stage(workspace)
    stage.drain()
    report = stage.report()
    assert (report.rows, report.dead_lettered) == (1, 2)
    messages = {letter.error_message for letter in workspace.store.jobs.list_dead()}
    assert {message.partition(":")[0] for message in messages} == {
        "a page is empty",
        "a page is not UTF-8 text",
    }


def test_a_page_of_text_passes():
    """Text of any language is a page."""
    moment = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    page = RawPage(1, KEY, "r", WINDOW, 0, moment, "v7", "{}", "grün".encode())
    inspect_page(page)
    with pytest.raises(DecodeError):
        inspect_page(replace(page, payload=b""))


sequences = st.lists(st.integers(1, 10**9), min_size=1, max_size=20)


@given(sequences, sequences)
def test_the_same_events_are_the_same_load(one: Sequence[int], two: Sequence[int]):
    """A load id names exactly its events, in their order, and its stage."""
    assert (name_load("bronze", one) == name_load("bronze", list(two))) == (one == two)
    assert name_load("bronze", one) != name_load("silver", one)
