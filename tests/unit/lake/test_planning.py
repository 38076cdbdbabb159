"""What a load decides before it touches a file."""

import datetime as dt
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tactics.lake.planning import (
    SMALL_BYTES,
    SMALL_FILE_ROWS,
    SMALL_HELD_ROWS,
    RequestWeight,
    choose_winners,
    complete_requests,
    cut_blocks,
    cut_parts,
    is_small,
    month_span,
    must_rewrite,
)
from tactics.lake.values import SilverLoad, SilverRequest
from tactics.model import CoveredDay, Finality, StreamKey, Window
from tests.unit.lake.support import FETCHED, day

HUGE = 10 * SMALL_FILE_ROWS
FIRST, LAST = day(1), day(10)


@dataclass(frozen=True)
class Bounds:
    """A held file, as the choice sees it."""

    rows: int = HUGE
    first_day: dt.date | None = FIRST
    last_day: dt.date | None = LAST
    first_account: str | None = "act_1"
    last_account: str | None = "act_3"


def request(name: str, first_seq: int = 1, pages: int = 2) -> SilverRequest:
    """Return a request of the test's account."""
    return SilverRequest(name, "act_1", first_seq, first_seq + pages - 1, pages)


def weight(name: str, pages: int = 2, size: int = 10) -> RequestWeight:
    """Return what bronze holds of it."""
    return RequestWeight(name, pages, size, Window(day(1), day(3)))


def winner(number: int, account: str = "act_2", name: str = "r1", hours: int = 0) -> CoveredDay:
    """Return a covered day."""
    key = StreamKey("acme", "meta", account, "insights")
    return CoveredDay(key, day(number), Finality.FINAL, name, FETCHED + dt.timedelta(hours=hours))


def load(*winners: CoveredDay, snapshot: bool) -> SilverLoad:
    """Return a load that has nothing but winners."""
    return SilverLoad(
        "L", "bookings", "", "acme", "s", "t", (), winners, "snapshot" if snapshot else "days"
    )


def test_a_request_whose_pages_are_not_all_in_bronze_is_left_out():
    """A fetch that is only partly in bronze must not overwrite days with half of their rows."""
    weights = {"whole": weight("whole"), "half": weight("half", pages=1)}
    asked = [request("half"), request("whole", 9), request("unknown")]
    assert [r.request_id for r in complete_requests(asked, weights)] == ["whole"]


def test_requests_go_in_the_order_of_the_log():
    """Blocks then read neighbouring pages, so that few row groups are read twice."""
    asked = [request("late", 50), request("early", 3)]
    weights = {name: weight(name) for name in ("late", "early")}
    assert [r.request_id for r in complete_requests(asked, weights)] == ["early", "late"]


def test_blocks_fill_up_to_the_limit():
    """Requests are grouped until the next one would not fit."""
    asked = [request(name) for name in "abcd"]
    weights = {name: weight(name, size=4) for name in "abcd"}
    blocks = cut_blocks(asked, weights, limit_bytes=10)
    assert [[r.request_id for r in block] for block in blocks] == [["a", "b"], ["c", "d"]]


def test_a_request_larger_than_a_block_stays_whole():
    """Its duplicates could not be found otherwise."""
    weights = {"small": weight("small", size=1), "big": weight("big", size=99)}
    blocks = cut_blocks([request("small"), request("big")], weights, limit_bytes=10)
    assert [len(block) for block in blocks] == [1, 1]


def test_only_days_of_complete_requests_win():
    """A day whose newest fetch is incomplete stays as it is."""
    chosen = choose_winners(load(winner(1), winner(2, name="r2"), snapshot=False), {"r1"})
    assert [w.day for w in chosen] == [day(1)]


def test_of_several_snapshots_the_newest_wins():
    """Two snapshots of an account in one load: the older one is superseded."""
    old, new = winner(1, name="old"), winner(2, name="new", hours=1)
    assert choose_winners(load(new, old, snapshot=True), {"old", "new"}) == [new]


def test_a_large_file_without_the_day_is_left_alone():
    """Days outside of its bounds cannot be in it."""
    assert not must_rewrite(Bounds(), [winner(11)])


def test_a_large_file_of_other_accounts_is_left_alone():
    """Neither can accounts outside of its bounds."""
    assert not must_rewrite(Bounds(), [winner(5, "act_9"), winner(5, "act_0")])


def test_a_file_that_may_hold_the_day_is_rewritten():
    """Day and account within the bounds: only reading it can tell."""
    assert must_rewrite(Bounds(), [winner(11), winner(5)])


def test_a_small_file_is_merged_on_the_way():
    """Otherwise a sliding window would leave one file a day."""
    assert must_rewrite(Bounds(rows=10), [winner(11)])


def test_a_file_without_bounds_is_rewritten():
    """Unknown bounds may hold anything."""
    assert must_rewrite(Bounds(first_day=None), [winner(11)])


@given(st.dictionaries(st.dates(dt.date(2025, 1, 1), dt.date(2027, 1, 1)), st.integers(1, 90)))
def test_parts_cover_every_day_once_within_a_month(counts: dict[dt.date, int]):
    """Files are disjoint spans of days; none crosses a month, none exceeds the limit needlessly."""
    parts = list(cut_parts(counts.items(), limit=100))
    for span in parts:
        inside = [counts[d] for d in span.days() if d in counts]
        assert span.start.replace(day=1) == span.end.replace(day=1)
        assert sum(inside) <= 100 or len(inside) == 1
    assert sorted(d for span in parts for d in span.days() if d in counts) == sorted(counts)


def test_months_are_touched_whole():
    """The span of a partition by month, over a year's end and a leap day."""
    assert month_span([dt.date(2027, 12, 31), dt.date(2028, 2, 3)]) == Window(
        dt.date(2027, 12, 1), dt.date(2028, 2, 29)
    )


def test_a_load_is_small_by_what_comes_and_by_what_it_replaces():
    """Both together decide; nothing at all is small."""
    assert is_small([], [])
    assert is_small([weight("r1", size=SMALL_BYTES)], [Bounds(rows=SMALL_HELD_ROWS)])
    assert not is_small([weight("r1", size=SMALL_BYTES), weight("r2", size=1)], [])
    assert not is_small([], [Bounds(rows=SMALL_HELD_ROWS), Bounds(rows=1)])
