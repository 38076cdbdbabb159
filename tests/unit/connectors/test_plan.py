"""Which days are due, and in which order: no hole wherever the caller stops."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors import StreamSpec, finality, local_day, plan_slices
from tactics.model import CoveredDay, Finality, Priority, Slice, StreamKey, Window
from tests.unit.connectors.builders import TODAY, account

DAY = dt.timedelta(days=1)
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
KEY = StreamKey("acme", "meta", "act_1", "insights")
SPEC = StreamSpec(
    "insights", "ad_performance", ("campaign_id",), slice_days=7, lookback_days=28,
    final_after_days=28, max_history_days=1123,
)  # fmt: skip


def held(day: dt.date, settled: Finality = Finality.FINAL) -> CoveredDay:
    """Return a covered day."""
    return CoveredDay(KEY, day, settled, "r", NOON)


def held_between(start: dt.date, end: dt.date) -> dict[dt.date, CoveredDay]:
    """Return covered days as they were settled on `end`."""
    return {day: held(day, finality(SPEC, day, end)) for day in Window(start, end).days()}


def plan(
    covered: dict[dt.date, CoveredDay],
    *,
    spec: StreamSpec = SPEC,
    history_days: int = 90,
    lookback_days: int | None = None,
    only: Window | None = None,
    now: dt.datetime = NOON,
) -> list[Slice]:
    """Plan as of noon on 2026-11-21."""
    return plan_slices(
        spec, KEY, account(), covered=covered, today=TODAY, history_days=history_days,
        lookback_days=lookback_days, only=only, now=now,
    )  # fmt: skip


def days_of(slices: list[Slice]) -> list[dt.date]:
    """Return the days of slices, in the order of fetching."""
    return [day for work in slices for day in work.window.days()]


def gaps(days: set[dt.date]) -> set[dt.date]:
    """Return the days that are missing between others."""
    if not days:
        return set()
    return set(Window(min(days), max(days)).days()) - days


def test_a_first_sync_begins_with_the_newest_week() -> None:
    """A first sync reads the newest slice live, then goes back, newest first."""
    slices = plan({}, history_days=20)
    windows = [work.window for work in slices]
    assert windows == [
        Window(TODAY - 6 * DAY, TODAY),
        Window(TODAY - 13 * DAY, TODAY - 7 * DAY),
        Window(TODAY - 20 * DAY, TODAY - 14 * DAY),
    ]
    assert [work.priority for work in slices] == [Priority.LIVE] + 2 * [Priority.BACKFILL]


def test_an_early_morning_sync_reads_the_new_day_first() -> None:
    """What is newer than the newest covered day comes first, then the look-back, oldest first."""
    slices = plan(held_between(TODAY - 90 * DAY, TODAY - DAY))
    assert slices[0].window == Window(TODAY, TODAY)
    assert slices[0].priority is Priority.LIVE
    again = slices[1:]
    assert {work.priority for work in again} == {Priority.RESTATEMENT}
    # the oldest is the day that has become final since it was read last
    assert days_of(again) == list(Window(TODAY - 29 * DAY, TODAY - DAY).days())


def test_catching_up_goes_oldest_first() -> None:
    """After a pause the missing days are read from the oldest on, so that none is skipped."""
    slices = plan(held_between(TODAY - 90 * DAY, TODAY - 10 * DAY), lookback_days=0)
    live = [work.window for work in slices if work.priority is Priority.LIVE]
    assert live == [Window(TODAY - 9 * DAY, TODAY - 3 * DAY), Window(TODAY - 2 * DAY, TODAY)]


def test_a_pause_longer_than_the_history_leaves_no_hole() -> None:
    """Days between the newest covered day and today are due even beyond `history_days`."""
    slices = plan(held_between(TODAY - 200 * DAY, TODAY - 150 * DAY), history_days=30)
    assert slices[0].window.start == TODAY - 149 * DAY


def test_holes_are_filled_before_restatement() -> None:
    """Missing days between covered ones are read live, oldest first."""
    covered = held_between(TODAY - 60 * DAY, TODAY)
    for back in (50, 49, 40):
        del covered[TODAY - back * DAY]
    slices = plan(covered, history_days=60)
    assert [(w.window.start, w.priority) for w in slices[:2]] == [
        (TODAY - 50 * DAY, Priority.LIVE),
        (TODAY - 40 * DAY, Priority.LIVE),
    ]


def test_older_history_is_read_last_and_backwards() -> None:
    """A longer `history_days` adds backfill slices, newest first, after everything else."""
    slices = plan(held_between(TODAY - 9 * DAY, TODAY), history_days=25)
    backfill = [work.window for work in slices if work.priority is Priority.BACKFILL]
    assert slices[-len(backfill) :] == [w for w in slices if w.priority is Priority.BACKFILL]
    assert backfill == [
        Window(TODAY - 16 * DAY, TODAY - 10 * DAY),
        Window(TODAY - 23 * DAY, TODAY - 17 * DAY),
        Window(TODAY - 25 * DAY, TODAY - 24 * DAY),
    ]


@pytest.mark.parametrize(
    ("settled", "back", "due"),
    [
        (Finality.OPEN, 60, True),
        (Finality.PROVISIONAL, 60, True),
        (Finality.FINAL, 60, False),
        (Finality.PROVISIONAL, 20, False),
        (Finality.PROVISIONAL, 7, True),
        (Finality.FINAL, 7, True),
    ],
)
def test_unsettled_days_are_read_again(settled: Finality, back: int, *, due: bool) -> None:
    """A day read while open, or not read since it became final, is due; the look-back always is."""
    covered = held_between(TODAY - 90 * DAY, TODAY)
    covered = {day: replace(value, finality=Finality.FINAL) for day, value in covered.items()}
    covered[TODAY - back * DAY] = held(TODAY - back * DAY, settled)
    assert (TODAY - back * DAY in days_of(plan(covered, lookback_days=7))) is due


TIERED = replace(SPEC, lookback_days=3, final_after_days=3, tiers=((14, 20), (35, 164)))


@pytest.mark.parametrize(
    ("back", "hours", "due"),
    [
        (3, 0, True),
        (4, 19, False),
        (4, 20, True),
        (14, 20, True),
        (15, 163, False),
        (15, 164, True),
        (35, 164, True),
        (36, 9999, False),
        (4, -5, False),
    ],
)
def test_tiers_read_further_back_less_often(back: int, hours: int, *, due: bool) -> None:
    """A settled day is due again once its last fetch is as old as a tier that reaches it allows."""
    covered = held_between(TODAY - 90 * DAY, TODAY)
    covered = {day: replace(value, finality=Finality.FINAL) for day, value in covered.items()}
    day = TODAY - back * DAY
    covered[day] = replace(held(day), fetched_at=NOON - dt.timedelta(hours=hours))
    slices = [work for work in plan(covered, spec=TIERED) if day in work.window.days()]
    assert [work.priority for work in slices] == [Priority.RESTATEMENT] * due


def test_a_configured_look_back_leaves_the_tiers_alone() -> None:
    """`lookback_days` says what is read on every sync; what is due once a day stays due."""
    covered = {day: held(day) for day in Window(TODAY - 90 * DAY, TODAY).days()}
    yesterday = NOON - dt.timedelta(hours=24)
    covered = {day: replace(value, fetched_at=yesterday) for day, value in covered.items()}
    again = days_of(plan(covered, spec=TIERED, lookback_days=0))
    assert again == list(Window(TODAY - 14 * DAY, TODAY).days())


def test_the_vendor_reach_limits_history() -> None:
    """Nothing older than the vendor keeps is asked for, not even a hole."""
    spec = replace(SPEC, max_history_days=30)
    assert min(days_of(plan({}, spec=spec, history_days=400))) == TODAY - 30 * DAY
    old = {TODAY - 50 * DAY: held(TODAY - 50 * DAY, Finality.OPEN), TODAY: held(TODAY)}
    assert min(days_of(plan(old, spec=spec, history_days=400))) == TODAY - 30 * DAY


def test_a_day_is_due_only_once_it_has_settled() -> None:
    """Just after midnight the new day waits until what was created in it is listed."""
    spec = replace(SPEC, settle_seconds=60)
    after_midnight = dt.datetime(2026, 11, 20, 23, 0, 30, tzinfo=dt.UTC)  # 00:00:30 in Vienna
    assert max(days_of(plan({}, spec=spec, now=after_midnight))) == TODAY - DAY
    assert (
        max(days_of(plan({}, spec=spec, now=after_midnight + 40 * dt.timedelta(seconds=1))))
        == TODAY
    )


def test_a_snapshot_is_one_slice_of_today() -> None:
    """A stream without days is read whole."""
    spec = StreamSpec("bookings", "bookings", ("booking_id",), slicing="snapshot")
    [work] = plan({TODAY: held(TODAY)}, spec=spec)
    assert (work.window, work.priority) == (Window(TODAY, TODAY), Priority.LIVE)


@pytest.mark.parametrize(
    ("day", "age_hours", "slices"),
    [(TODAY, 0, 0), (TODAY, 5.9, 0), (TODAY, 6, 1), (TODAY - DAY, 1, 1)],
)
def test_a_state_of_the_day_is_read_again_after_a_while(
    day: dt.date, age_hours: float, slices: int
) -> None:
    """What was read of today stands for some hours; yesterday's says nothing of today."""
    spec = StreamSpec("lists", "sizes", ("list_id",), slicing="daily", reread_hours=6)
    now = NOON + dt.timedelta(hours=age_hours)
    assert len(plan({day: held(day)}, spec=spec, now=now)) == slices
    assert len(plan({day: held(day)}, spec=replace(spec, reread_hours=0), now=now)) == 1
    asked = plan({day: held(day)}, spec=spec, now=now, only=Window(TODAY, TODAY))
    assert [work.window for work in asked] == [Window(TODAY, TODAY)]


def test_days_ahead_of_the_account_are_left_alone() -> None:
    """Covered days after today (the clock was wrong once) neither count nor are read again."""
    covered = held_between(TODAY - 90 * DAY, TODAY) | {TODAY + 3 * DAY: held(TODAY + 3 * DAY)}
    assert max(days_of(plan(covered))) == TODAY


def test_the_local_day_is_the_accounts() -> None:
    """The account's time zone says which day it is; without one it is UTC."""
    late = dt.datetime(2026, 11, 21, 23, 30, tzinfo=dt.UTC)
    assert local_day(account(), late) == TODAY + DAY
    assert local_day(account(timezone=""), late) == TODAY


covered_days = st.dictionaries(
    st.integers(0, 120).map(lambda back: TODAY - back * DAY), st.sampled_from(Finality), max_size=90
).map(lambda found: {day: held(day, settled) for day, settled in found.items()})
specs = st.builds(
    lambda size, back, reach: replace(
        SPEC, slice_days=size, lookback_days=back, final_after_days=back, max_history_days=reach
    ),
    st.integers(1, 31),
    st.integers(0, 40),
    st.none() | st.integers(1, 100),
)


@given(covered=covered_days, spec=specs, history=st.integers(1, 120))
def test_every_due_day_is_planned_exactly_once(
    covered: dict[dt.date, CoveredDay], spec: StreamSpec, history: int
) -> None:
    """No day is fetched twice, and all that is missing or in the look-back is fetched."""
    slices = plan(covered, spec=spec, history_days=history)
    days = days_of(slices)
    assert len(days) == len(set(days))
    reach = TODAY - (spec.max_history_days or 10_000) * DAY
    wanted = set(Window(max(reach, TODAY - history * DAY), TODAY).days()) - covered.keys()
    wanted |= {day for day in covered if day >= TODAY - spec.lookback_days * DAY and day >= reach}
    assert wanted <= set(days)
    assert all(len(work.window) <= spec.slice_days for work in slices)


@given(covered=covered_days, spec=specs, history=st.integers(1, 120), stop=st.integers(0, 200))
def test_stopping_anywhere_makes_no_new_hole(
    covered: dict[dt.date, CoveredDay], spec: StreamSpec, history: int, stop: int
) -> None:
    """After any number of slices the only holes are those that were there before."""
    spec = replace(spec, max_history_days=None)
    done = covered.keys() | set(days_of(plan(covered, spec=spec, history_days=history)[:stop]))
    assert gaps(set(done)) <= gaps(set(covered))


@given(covered=covered_days, spec=specs, history=st.integers(1, 120))
def test_a_finished_plan_leaves_only_the_look_back(
    covered: dict[dt.date, CoveredDay], spec: StreamSpec, history: int
) -> None:
    """Once all slices are done, planning again yields the look-back and nothing else."""
    done = dict(covered)
    for day in days_of(plan(covered, spec=spec, history_days=history)):
        done[day] = held(day, finality(spec, day, TODAY))
    again = set(days_of(plan(done, spec=spec, history_days=history)))
    assert all(day >= TODAY - spec.lookback_days * DAY for day in again)


def test_chosen_days_are_fetched_whether_held_or_not() -> None:
    """Days that are held come again, and nothing else that is due."""
    covered = held_between(TODAY - 20 * DAY, TODAY)
    chosen = Window(TODAY - 12 * DAY, TODAY - 10 * DAY)
    work = plan(covered, only=chosen)
    assert days_of(work) == list(chosen.days())
    assert {one.priority for one in work} == {Priority.LIVE}


def test_chosen_days_leave_no_hole() -> None:
    """What lies between them and the days held is fetched, too, from the days held outwards."""
    covered = held_between(TODAY - 20 * DAY, TODAY - 5 * DAY)
    old = plan(covered, only=Window(TODAY - 40 * DAY, TODAY - 35 * DAY))
    assert sorted(days_of(old)) == list(Window(TODAY - 40 * DAY, TODAY - 21 * DAY).days())
    assert old[0].window.end == TODAY - 21 * DAY
    new = plan(covered, only=Window(TODAY - 1 * DAY, TODAY + 9 * DAY))
    assert days_of(new) == list(Window(TODAY - 4 * DAY, TODAY).days())


def test_chosen_days_of_an_empty_stream() -> None:
    """Nothing is held: just these days."""
    chosen = Window(TODAY - 3 * DAY, TODAY - 2 * DAY)
    assert days_of(plan({}, only=chosen)) == list(chosen.days())
