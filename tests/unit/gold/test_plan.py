"""Planning: which days, weeks and months a change touches."""

import datetime as dt
import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tactics.gold import Change, Part, plan_parts
from tactics.gold.plan import Horizon, clip, cut, merge_windows, widen
from tactics.model import Window
from tests.unit.gold.silver import day, span

DATES = st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31))
WINDOWS = st.builds(
    lambda start, days: Window(start, start + dt.timedelta(days=days)),
    DATES,
    st.integers(0, 800),
)
PARTS = st.sampled_from(["day", "week", "month"])


@dataclass(frozen=True)
class Table:
    """A model as planning sees it."""

    name: str
    part: str
    inputs: frozenset[str] = frozenset({"ad_performance"})
    reach: int = 0


def test_a_change_touches_its_days_week_and_month() -> None:
    """Two days around the end of October touch one ISO week and two months."""
    models = [Table("d", "day"), Table("w", "week"), Table("m", "month"), Table("o", "org")]
    change = Change("acme", "ad_performance", day("10-31"), day("11-01"))
    assert plan_parts(models, [change]) == [
        Part("d", "acme", Window(day("10-31"), day("10-31"))),
        Part("d", "acme", Window(day("11-01"), day("11-01"))),
        Part("w", "acme", Window(day("10-26"), day("11-01"))),
        Part("m", "acme", Window(day("10-01"), day("11-30"))),
    ]


def test_a_change_of_another_table_touches_nothing() -> None:
    """Stripe's new days leave the ads alone."""
    change = Change("acme", "transactions", day("11-01"), day("11-01"))
    assert plan_parts([Table("d", "day")], [change]) == []


def test_a_table_with_a_reach_is_rebuilt_around_a_change() -> None:
    """A change moves the days before and after it, but none that is still to come."""
    model = Table("d", "day", reach=10)
    change = Change("acme", "ad_performance", day("11-11"), day("11-12"))
    assert plan_parts([model], [change]) == [Part("d", "acme", Window(day("11-01"), day("11-22")))]
    parts = plan_parts([model], [change], Horizon(last=day("11-15")))
    assert parts == [Part("d", "acme", Window(day("11-01"), day("11-15")))]


def test_days_that_silver_half_forgot_are_not_rebuilt() -> None:
    """Where a neighbour may be gone, a table with a reach stays as it is; others go on."""
    horizon = Horizon(day("10-01"), day("11-21"))
    change = Change("acme", "ad_performance", day("10-02"), day("10-15"))
    models = [Table("near", "day"), Table("far", "day", reach=10)]
    assert plan_parts(models, [change], horizon) == [
        Part("near", "acme", Window(day("10-02"), day("10-15"))),
        Part("far", "acme", Window(day("10-11"), day("10-25"))),
    ]
    early = Change("acme", "ad_performance", day("09-25"), day("09-26"))
    assert plan_parts(models[1:], [early], horizon) == []


def test_a_reach_longer_than_what_silver_holds() -> None:
    """With little history half of it is looked around in, so that new days are still built."""
    assert Horizon(day("11-01"), day("11-21")).whole_from(60) == day("11-11")
    assert Horizon(day("11-21"), day("11-21")).whole_from(60) == day("11-21")


def test_changes_of_accounts_are_merged() -> None:
    """Two accounts that changed on neighbouring days are one window, each organisation by itself."""
    changes = [
        Change("b", "ad_performance", day("11-03"), day("11-03")),
        Change("a", "ad_performance", day("11-02"), day("11-03")),
        Change("a", "ad_performance", day("11-01"), day("11-01")),
    ]
    assert plan_parts([Table("d", "day")], changes) == [
        Part("d", "a", Window(day("11-01"), day("11-03"))),
        Part("d", "b", Window(day("11-03"), day("11-03"))),
    ]


def test_what_is_small_is_not_cut() -> None:
    """A small organisation's windows stay whole, and each organisation is done before the next."""
    models = [Table("d", "day"), Table("m", "month")]
    changes = [Change(org, "ad_performance", day("10-31"), day("11-01")) for org in ("a", "b")]
    assert plan_parts(models, changes, small={"b"}) == [
        Part("d", "a", Window(day("10-31"), day("10-31"))),
        Part("d", "a", Window(day("11-01"), day("11-01"))),
        Part("m", "a", Window(day("10-01"), day("11-30"))),
        Part("d", "b", Window(day("10-31"), day("11-01"))),
        Part("m", "b", Window(day("10-01"), day("11-30"))),
    ]


@given(st.lists(WINDOWS, max_size=6), PARTS)
def test_every_changed_day_is_rebuilt_once(windows: list[Window], part: str) -> None:
    """Whatever changed, each day of it lies in exactly one part, and parts are whole."""
    changes = [Change("acme", "ad_performance", w.start, w.end) for w in windows]
    pieces = [item.window for item in plan_parts([Table("t", part)], changes)]
    days = [d for piece in pieces for d in span(piece.start, piece.end)]
    assert len(days) == len(set(days))
    assert {d for w in windows for d in w.days()} <= set(days)
    assert all(widen(piece, part) == piece for piece in pieces)


@given(WINDOWS, PARTS)
def test_pieces_are_small(window: Window, part: str) -> None:
    """No piece is longer than a quarter, however many years change."""
    whole = widen(window, part)
    pieces = list(cut(whole, part))
    assert [d for piece in pieces for d in piece.days()] == list(whole.days())
    assert max(len(piece) for piece in pieces) <= 92


@given(st.lists(WINDOWS, max_size=6))
def test_merged_windows_do_not_touch(windows: list[Window]) -> None:
    """Between two merged windows lies at least one day that nobody named."""
    merged = merge_windows(windows)
    gaps = [(b.start - a.end).days for a, b in itertools.pairwise(merged)]
    assert all(gap > 1 for gap in gaps)


def test_days_before_retention_are_clipped() -> None:
    """What silver no longer holds is not rebuilt: a change before it vanishes, one across is cut."""
    changes = [
        Change("acme", "ad_performance", day("01-01"), day("01-31")),
        Change("acme", "ad_performance", day("01-20"), day("02-03")),
    ]
    first = day("02-01")
    assert clip(changes, first) == [Change("acme", "ad_performance", first, day("02-03"))]
    assert clip(changes, None) == changes
