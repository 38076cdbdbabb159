"""Ninety days of ten sources at the vendors' own limits: it finishes, and today comes first.

The vendors count calls by a clock that only waiting moves, so a client that does not wait is
refused however fast or slow this machine is.
"""

import datetime as dt
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest

from tactics.connectors import BUILT_IN
from tactics.home import Home
from tactics.model import RunStatus
from tactics.pipeline import Outcome, PipelineResult, Scope
from tactics.pipeline.ingest import start_ingest
from tactics.pipeline.result import SourceOutcome
from tactics.pipeline.scope import Silent
from tactics.sandbox import Fault, Limits, World, serve
from tactics.sandbox.api import Call, Reply
from tactics.store import BreakerState, BreakerStatus
from tests import ledger
from tests.lab import NOW, TODAY, Lab, troubles
from tests.support import FakeClock

DAYS = 90
PROPERTIES = ("421000001", "421000002")


@dataclass(frozen=True)
class Limit:
    """So many calls in so many seconds; of them `others` are used up by the company's other tools.

    The call too many gets `fault`, the vendor's own refusal. `counted` names the counter of a call.
    """

    calls: int
    seconds: float
    fault: str = "rate_limit"
    others: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    counted: Callable[[Call], str] = lambda call: call.path

    @property
    def ours(self) -> int:
        """Return what is left for us."""
        return self.calls - self.others


def _endpoint(call: Call) -> str:
    return re.sub(r"\d+", "#", call.path)


# Source: section 5 or 6 or 7 of the contract sheets (2026-11-21): stripe 25/s for each endpoint,
# dv360 4/s for a project, gsc 1,200 a minute for a site. The numbers of google_ads and ttd are not
# published: these are guesses, low enough to be met. klaviyo, ga4, shopify and sheets count in
# their simulators.
LIMITS: Mapping[str, Limit] = {
    "stripe": Limit(25, 1, others=20),
    "dv360": Limit(4, 1, "user_rate_limit", counted=lambda _call: "project"),
    "gsc": Limit(1200, 60, others=900, counted=lambda _call: "site"),
    "google_ads": Limit(5, 60),
    "ttd": Limit(2, 60, options={"seconds": 30}, counted=_endpoint),
}
# The vendors that say beforehand how much is left, or whose limits the manifests keep below: they
# never have to refuse. The others tell only by refusing.
TOLD_BY_REFUSAL = {"stripe", "google_ads", "ttd"}
# Meta counts an hour of calls of an ad account, 600 without active ads (section 6), and tells the
# percentage with each answer. The company's other tools have made most of them.
META_HOURLY, META_OTHERS = 600, 504


class StrictWorld(World):
    """Vendors that count calls as the real ones do, and remember all that were made."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(
            today=TODAY,
            days=DAYS,
            orgs=("acme",),
            clock=clock,
            limits=Limits(
                klaviyo_limit_factor=1, sheets_reads_per_minute=60, shopify_points_per_second=100
            ),
        )
        self.calls: list[Call] = []
        self._clock = clock
        self._gate = threading.Lock()
        self._made: dict[tuple[str, str], list[float]] = defaultdict(list)
        for property_id in PROPERTIES:  # enough for this backfill, and not for much more
            self.actions()["ga4_drain"](property_id=property_id, bucket="tokensPerHour", leave=110)

    def answer(self, call: Call) -> Reply:
        """Count the call, and refuse or warn as its vendor would."""
        with self._gate:
            self.calls.append(call)
            if call.mount == "meta" and call.path.endswith("/insights"):
                self._warn(call)
            elif (limit := LIMITS.get(call.mount)) and not call.path.startswith("/storage/"):
                self._count(call, limit)
            return super().answer(call)

    def refusals(self) -> Counter[str]:
        """Return how many calls each vendor refused; every planted refusal was really sent."""
        planted = [fault for fault in self.faults.planted() if fault.name != "usage_high"]
        assert all(fault.fired == 1 for fault in self.faults.planted())
        return Counter(fault.api for fault in planted)

    def _count(self, call: Call, limit: Limit) -> None:
        made = self._made[call.mount, limit.counted(call)]
        now = self._clock.monotonic()
        if sum(now - moment < limit.seconds for moment in made) < limit.ours:
            made.append(now)
        else:
            self.faults.plant(Fault(limit.fault, call.mount, options=limit.options))

    def _warn(self, call: Call) -> None:
        made = self._made["meta", call.path]
        made.append(self._clock.monotonic())
        percent = 100 * (META_OTHERS + len(made)) // META_HOURLY
        self.faults.plant(Fault("usage_high", "meta", options={"percent": percent}))


@dataclass
class Finished:
    """A backfill that is over: what the client says of it, and the vendors."""

    lab: Lab
    world: StrictWorld
    sources: Sequence[SourceOutcome]
    breakers: Sequence[BreakerStatus]
    result: PipelineResult | None = None


def open_strict(folder: Path) -> tuple[StrictWorld, FakeClock, Home]:
    """Return strict vendors, the clock that they share with the client, and an empty home."""
    clock = FakeClock(NOW)
    return StrictWorld(clock), clock, Home(folder / "home").create()


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Return a backfill of one source after the other: only a source's own waiting helps it."""
    world, clock, home = open_strict(tmp_path_factory.mktemp("one_by_one"))
    with serve(world) as sandbox:
        lab = Lab(world, sandbox, home, clock)
        with lab.workspace() as workspace, ThreadPoolExecutor(1) as pool:
            sources = start_ingest(workspace, Scope(), Silent(), pool).outcomes()
            yield Finished(lab, world, sources, workspace.store.breakers.list_all())


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Return a whole sync of all sources at once, as `tactics sync` does it."""
    world, clock, home = open_strict(tmp_path_factory.mktemp("at_once"))
    with serve(world) as sandbox:
        lab = Lab(world, sandbox, home, clock)
        result = lab.sync()
        with lab.workspace() as workspace:
            breakers = workspace.store.breakers.list_all()
        yield Finished(lab, world, result.sources, breakers, result)


@pytest.fixture(params=["one_by_one", "at_once"])
def finished(request: pytest.FixtureRequest) -> Finished:
    """Return each of the two backfills."""
    found: Finished = request.getfixturevalue(request.param)
    return found


def test_every_source_finishes_and_no_breaker_opens(finished: Finished):
    """Ten sources bring ninety days home at the vendors' limits, and no breaker was opened."""
    problems = [problem for source in finished.sources for problem in source.problems]
    assert problems == []
    assert {source.source for source in finished.sources} == set(BUILT_IN)
    assert {source.outcome for source in finished.sources} == {Outcome.OK}
    assert {breaker.state for breaker in finished.breakers} <= {BreakerState.CLOSED}
    assert [breaker.name for breaker in finished.breakers if breaker.open_until] == []


def test_the_limits_were_met(one_by_one: Finished):
    """Vendors that announce their limits never refuse a call; the others do, and are waited out."""
    assert set(one_by_one.world.refusals()) == TOLD_BY_REFUSAL
    refused = {
        entry.path.split("/")[1] for entry in one_by_one.lab.sandbox.requests if entry.status >= 400
    }
    assert refused == TOLD_BY_REFUSAL
    slept = one_by_one.lab.clock.slept
    assert sum(seconds == pytest.approx(120) for seconds in slept) >= 2  # meta's 85 percent
    assert (
        sum(seconds >= 30 for seconds in slept) >= 4
    )  # what Google Ads and The Trade Desk ask for


def test_what_arrives_is_what_the_vendors_hold(at_once: Finished):
    """Throttled calls cost no row: silver equals the ledgers of all ten vendors."""
    assert at_once.result is not None
    assert at_once.result.status is RunStatus.SUCCEEDED, troubles(at_once.result)
    assert all(receipt.balances() for receipt in at_once.result.receipts)
    ledger.assert_same(ledger.of_silver(at_once.lab), ledger.of_vendors(at_once.lab))


# Where a call says up to which day it asks.
UNTIL = {
    "meta": r'"until":"(.{10})"',
    "stripe": r"created\[lt\]=(\d+)",
    "google_ads": r"AND '(\d{4}-\d\d-\d\d)'",
    "dv360": r'"customEndDate": \{"year": (\d+), "month": (\d+), "day": (\d+)\}',
    "ttd": r'"ReportEndDateExclusive": "(.{10})',
    "ga4": r'"endDate": "(\d{4}-\d\d-\d\d)"',
    "gsc": r'"endDate": "(\d{4}-\d\d-\d\d)"',
    "shopify": r"updated_at:<=?'(.{10})",
    "klaviyo": r'(?:"end": "|less-than\(datetime,)(\d{4}-\d\d-\d\d)',
}


@dataclass(frozen=True)
class Asked:
    """A request for the days up to `until` of one collection of one account."""

    source: str
    account: str
    stream: str
    until: dt.date


def asked_of(call: Call) -> Asked | None:
    """Return what a call asks for; None for one that names no days."""
    text = f"{unquote_plus(urlencode(call.query))} {call.body.decode()}"
    found = re.search(UNTIL.get(call.mount, r"$^"), text)
    if found is None:
        return None
    account = re.search(r"act_\d+|customers/\d+|properties/\d+", call.path)
    stream = re.search(
        r'"dimensions": (\[[^\]]*\])|\{ (orders|customers)\(|refunds|level=\w+', text
    )
    path = re.sub(r"\d{5,}", "#", call.path)
    return Asked(
        call.mount,
        account[0] if account else "",
        f"{path} {stream and stream[0]}",
        _day(*found.groups()),
    )


def _day(*parts: str) -> dt.date:
    match parts:
        case (text,) if text.isdecimal():
            return dt.datetime.fromtimestamp(int(text), dt.UTC).date()
        case (text,):
            return dt.date.fromisoformat(text)
        case _:
            year, month, day = map(int, parts)
            return dt.date(year, month, day)


def questions(world: StrictWorld) -> list[Asked]:
    """Return what was asked for, in order; a report's polls and further pages do not count."""
    return list(filter(None, map(asked_of, world.calls)))


def test_each_stream_asks_for_today_first(finished: Finished):
    """Every collection of every account is asked for its newest days first, then backwards."""
    asked: dict[tuple[Any, ...], list[dt.date]] = defaultdict(list)
    for one in questions(finished.world):
        asked[one.source, one.account, one.stream].append(one.until)
    assert {source for source, *_ in asked} == set(UNTIL)
    for stream, days in asked.items():
        assert days[0] >= TODAY, stream
        assert days == sorted(days, reverse=True), stream


def test_each_source_asks_for_today_before_any_history(one_by_one: Finished):
    """No account's or stream's history is asked for before all others were asked for today."""
    asked: dict[str, list[bool]] = defaultdict(list)
    for one in questions(one_by_one.world):
        asked[one.source].append(one.until >= TODAY)
    late = {source for source, live in asked.items() if live != sorted(live, reverse=True)}
    assert late == set()
