"""Whatever stands in a page, silver answers with rows or refusals, and its neighbours are whole."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors import find_connector, known_kinds
from tactics.duck import Connection
from tests.contract.pages import Page, open_pages, read_pages, rows_of
from tests.effort import effort

pytestmark = pytest.mark.slow

PAGES = read_pages()
BUILT_IN = [
    (kind, spec.name)
    for kind in known_kinds()
    for spec in find_connector(kind).manifest.streams
    if "://" not in find_connector(kind).manifest.page
]
DEEP: Any = [[[[]]]]
ODD = st.sampled_from([
    None, True, "", " ", "N/A", "-1", "1e400", "NaN", "1,5", "2026-13-45", "0001-01-01", "\x00", "é\u202e",
    -1, 0, 2**63, -(2**70), 10**40, 0.1, 1e308, [], {}, [None], {"value": {}}, DEEP, "x" * 5000,
])  # fmt: skip
ALONE, BESIDE = 1, 100  # positions in the log: the page as it is, then changed ones


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Return a DuckDB with the relation that silver reads."""
    connection = open_pages(tmp_path_factory.mktemp("scratch"))
    yield connection
    connection.close()


def test_every_stream_has_a_page():
    """A new stream is fuzzed too: `python -m tests.contract.pages` keeps a page of it."""
    assert set(BUILT_IN) <= PAGES.keys()


def places_of(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a page with every key or index in it."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield value, key
        yield from places_of(value[key])


@st.composite
def changed(draw: st.DrawFn, payload: str) -> str:
    """Return a page with some values odd, gone or twice, or with its end cut off."""
    value = json.loads(payload) if payload[:1] in "[{" else None
    if value is None or draw(st.integers(0, 9)) == 0:
        return payload[: draw(st.integers(0, len(payload)))] + draw(
            st.sampled_from(["", "}", '"', ",,"])
        )
    for _ in range(draw(st.integers(1, 3))):
        places = list(places_of(value))
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        if draw(st.booleans()):
            container[key] = deepcopy(draw(ODD))  # it may be changed in the next round
        elif isinstance(container, list) and draw(st.booleans()):
            container.append(deepcopy(container[key]))
        else:
            del container[key]
    return json.dumps(value, ensure_ascii=False)


def rows_at(rows: list[dict[str, Any]], log_seq: int) -> list[str]:
    """Return the rows of one page as text, in the vendor's order."""
    mine = [row for row in rows if row["log_seq"] == log_seq]
    return [str(row) for row in sorted(mine, key=lambda row: row["position"])]


@pytest.mark.parametrize("place", BUILT_IN, ids="-".join)
def test_no_page_breaks_its_stream(duck: Connection, place: tuple[str, str]):
    """Changed pages give rows or refused records; the page beside them gives what it gives alone."""
    page: Page = PAGES[place]
    duck.execute("DELETE FROM pages")
    page.insert(duck, ALONE)
    alone = rows_at(rows_of(duck, page), ALONE)

    @effort(4)
    @given(bodies=st.lists(changed(page.payload), min_size=12, max_size=12))
    def fuzz(bodies: list[str]) -> None:
        duck.execute("DELETE FROM pages")
        page.insert(duck, ALONE)
        for number, body in enumerate(bodies):
            page.insert(duck, BESIDE + number, body)
        rows = rows_of(duck, page)
        assert rows_at(rows, ALONE) == alone

    fuzz()
