"""The coverage ledger against what the configuration asks for: which days are held, which are not.

Asks no vendor and fetches nothing.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tactics.clock import Clock
from tactics.config import Settings
from tactics.connectors import StreamSpec, find_connector, local_day, options_of
from tactics.model import AccountInfo, Finality, StreamKey, Window
from tactics.pipeline.scope import Chosen, Scope
from tactics.store import Store

Reason: TypeAlias = Literal["hole", "behind", "history", "missed"]
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Days that are not held, and why that matters.

    `hole`: between days that are held. `behind`: closed days that are newer. `history`: older days
    that are still to come. `missed`: a state that nobody read on that day; it cannot be fetched.
    """

    window: Window
    reason: Reason


@dataclass(frozen=True, slots=True)
class StreamDays:
    """The days of one stream: what is held of `wanted`, and what is not."""

    key: StreamKey
    wanted: Window
    held: Mapping[dt.date, Finality]
    gaps: tuple[Gap, ...]

    @property
    def fillable(self) -> bool:
        """Return whether a sync can bring what is missing."""
        return any(gap.reason != "missed" for gap in self.gaps)


def list_days(settings: Settings, store: Store, clock: Clock, scope: Scope) -> list[StreamDays]:
    """Return the days of every stream in scope, also of those that were never loaded.

    Streams that are read whole are left out: each of their fetches stands for everything. So are
    accounts that an earlier connection reads already.

    Raises:
        ConfigError: a source's kind or options are wrong.
        NotFoundError: the scope names what is not configured.
    """
    return [
        _stream_days(store, clock, chosen, account_id=account_id, spec=spec)
        for chosen in scope.chosen(settings)
        for account_id, reader in chosen.accounts(find_connector(chosen.kind).manifest).items()
        if not reader
        for spec in _streams(chosen)
    ]


def find_gaps(
    spec: StreamSpec, held: Mapping[dt.date, Finality], wanted: Window, today: dt.date
) -> tuple[Gap, ...]:
    """Return the days of `wanted` that are not held, oldest first; today may still come."""
    last = min(wanted.end, today - _DAY)
    first, newest = (min(held), max(held)) if held else (None, None)

    def reason(day: dt.date) -> Reason:
        if spec.slicing == "daily":
            return "missed"
        if first is None or day < first:
            return "history"
        return "behind" if newest is None or day > newest else "hole"

    def is_wanted(day: dt.date) -> bool:
        # nobody could have read a daily state before the first time
        return day not in held and not (spec.slicing == "daily" and (first is None or day < first))

    days = [wanted.start + _DAY * n for n in range((last - wanted.start).days + 1)]
    missing = [(day, reason(day)) for day in days if is_wanted(day)]
    return tuple(_runs(missing))


def _runs(missing: list[tuple[dt.date, Reason]]) -> Iterator[Gap]:
    for (_, why), group in itertools.groupby(
        enumerate(missing), key=lambda item: (item[1][0] - item[0] * _DAY, item[1][1])
    ):
        days = [day for _, (day, _) in group]
        yield Gap(Window(days[0], days[-1]), why)


def _streams(chosen: Chosen) -> list[StreamSpec]:
    connector = find_connector(chosen.kind)
    streams = connector.streams(options_of(chosen.settings, connector))
    return [spec for spec in streams if spec.slicing != "snapshot"]


def _stream_days(
    store: Store, clock: Clock, chosen: Chosen, *, account_id: str, spec: StreamSpec
) -> StreamDays:
    known = store.accounts.get(chosen.org_id, chosen.source, account_id)
    account = known[0] if known else AccountInfo(account_id, account_id, None, chosen.org.timezone)
    today = local_day(account, clock.now())
    key = StreamKey(chosen.org_id, chosen.source, account_id, spec.name)
    reach = min(chosen.settings.history_days, spec.max_history_days or 10**5)
    start = today - dt.timedelta(days=reach)
    covered = store.coverage.days(key, dt.date.min, today)
    held = {day: one.finality for day, one in covered.items()}
    wanted = Window(min([start, *held]), today)
    return StreamDays(key, wanted, held, find_gaps(spec, held, wanted, today))
