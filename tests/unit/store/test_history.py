"""What past runs, calls and events tell."""

import datetime as dt
from typing import Any

from tactics.model import TOPIC_CLEANED, TOPIC_PROCESSED, TOPIC_READY, RunStatus, StreamKey
from tactics.store import RunLatency, RunSource, Store
from tests.support import FakeClock
from tests.unit.store.builders import KEY, OTHER_KEY, WINDOW, fetch_days

MINUTE = dt.timedelta(minutes=1)


def finish(store: Store, result: dict[str, Any] | None = None) -> str:
    """Run and end; return the run_id."""
    run_id = store.runs.start("sync", {})
    store.runs.finish(run_id, RunStatus.SUCCEEDED, result or {})
    return run_id


def clean(store: Store, key: StreamKey, *request_ids: str) -> None:
    """Say that the pages of these requests lie in bronze."""
    header = {"load_id": f"bronze-{request_ids}", "request_ids": list(request_ids)}
    store.bus.append(TOPIC_CLEANED, key=key, header=header)


def process(store: Store, key: StreamKey, load_id: str = "silver-1") -> None:
    """Say that a stream was written to silver."""
    silver = StreamKey(key.org_id, key.source, "", key.stream)
    store.bus.append(TOPIC_PROCESSED, key=silver, header={"load_id": load_id})


def publish(store: Store, clock: FakeClock, *, number: int = 1) -> int:
    """Build for a minute and publish; return the seq of the event."""
    built_at = clock.now()
    clock.advance(60)
    header = {"generation": number, "built_at": built_at.isoformat()}
    return store.bus.append(TOPIC_READY, header=header)


def passed(store: Store) -> list[tuple[str, ...]]:
    """Return source and minutes to bronze and silver of each request that is not measured yet."""
    return [
        (
            one.source,
            str((one.bronze_at - one.asked_at) // MINUTE),
            str((one.silver_at - one.bronze_at) // MINUTE),
        )
        for generation in store.history.unmeasured("latency")
        for one in store.history.passages(generation)
    ]


def test_the_way_of_a_request(store: Store, clock: FakeClock) -> None:
    """Asked, in bronze with its last page, in silver; told with the generation that shows it."""
    request_id = fetch_days(store)
    clock.advance(60)
    clean(store, KEY, request_id)
    clock.advance(120)
    clean(store, KEY, request_id)
    clock.advance(240)
    process(store, KEY)
    publish(store, clock)
    assert passed(store) == [("meta", "3", "4")]
    [generation] = store.history.unmeasured("latency")
    assert generation.built_at == clock.now() - MINUTE
    assert generation.published_at == clock.now()


def test_a_generation_is_measured_once(store: Store, clock: FakeClock) -> None:
    """What is acknowledged does not come again, and the next begins where it ended."""
    clean(store, KEY, fetch_days(store))
    process(store, KEY)
    store.bus.acknowledge(TOPIC_READY, "latency", publish(store, clock))
    assert passed(store) == []
    clean(store, OTHER_KEY, fetch_days(store, key=OTHER_KEY))
    process(store, OTHER_KEY, "silver-2")
    publish(store, clock, number=2)
    assert passed(store) == [("stripe", "0", "0")]


def test_streams_are_told_apart(store: Store, clock: FakeClock) -> None:
    """What one stream wrote to silver says nothing of another's pages."""
    clean(store, KEY, fetch_days(store))
    clean(store, OTHER_KEY, fetch_days(store, key=OTHER_KEY))
    process(store, OTHER_KEY)
    publish(store, clock)
    assert passed(store) == [("stripe", "0", "0")]


def test_an_unfinished_fetch_is_no_passage(store: Store, clock: FakeClock) -> None:
    """Pages of a slice that failed are in bronze, and never in silver."""
    clean(store, KEY, "unknown")
    process(store, KEY)
    publish(store, clock)
    assert passed(store) == []


def test_what_was_held_back_is_measured_when_it_is_shown(store: Store, clock: FakeClock) -> None:
    """Gold puts a halted organisation's changes back into the log, behind the generation."""
    clean(store, KEY, fetch_days(store))
    process(store, KEY)
    store.bus.acknowledge(TOPIC_READY, "latency", publish(store, clock))
    process(store, KEY, "silver-2")
    publish(store, clock)
    process(store, KEY, "silver-2")
    assert passed(store) == []


def test_an_old_event_without_the_time_of_its_build(store: Store) -> None:
    """Generations of an earlier version cannot be measured, and are told as such."""
    store.bus.append(TOPIC_READY, header={"generation": 1})
    [generation] = store.history.unmeasured("latency")
    assert generation.built_at is None


def test_the_backlog_of_a_consumer(store: Store, clock: FakeClock) -> None:
    """How many events wait, and since when the oldest does."""
    assert store.history.backlog("t", "c").events == 0
    first = store.bus.append("t", header={})
    clock.advance(60)
    store.bus.append("t", header={})
    backlog = store.history.backlog("t", "c")
    assert (backlog.events, backlog.oldest_at) == (2, clock.now() - MINUTE)
    store.bus.acknowledge("t", "c", first)
    backlog = store.history.backlog("t", "c")
    assert (backlog.events, backlog.oldest_at) == (1, clock.now())


def test_the_newest_instant(store: Store, clock: FakeClock) -> None:
    """The later of the last event and the last run; nothing in an empty store."""
    assert store.history.newest_at() is None
    store.bus.append("t", header={})
    assert store.history.newest_at() == clock.now()
    clock.advance(60)
    finish(store)
    assert store.history.newest_at() == clock.now()


def test_the_last_outcome_of_each_source(store: Store, clock: FakeClock) -> None:
    """A run that asked only one source says nothing of the others; offline is no answer."""
    meta, failed = RunSource("acme", "meta", "ok"), RunSource("acme", "meta", "failed", ({"a": 1},))
    stripe = RunSource("acme", "stripe", "ok", received=3, cpu_seconds=0.5)
    for sources in ([meta, stripe], [failed], [RunSource("acme", "meta", "offline")]):
        clock.advance(60)
        store.history.record(finish(store), sources, ())
    assert store.history.last_outcomes() == [failed, stripe]


def test_latencies_of_some_days_and_the_last(store: Store, clock: FakeClock) -> None:
    """Oldest first; the last of each source are those of its newest run."""
    measured = [RunLatency("acme", "meta", "end_to_end", seconds, 2) for seconds in (5.0, 3.0)]
    other = RunLatency("acme", "stripe", "end_to_end", 9.0, 1)
    store.history.record(finish(store), (), [measured[0], other])
    clock.advance(60)
    store.history.record(finish(store), (), [measured[1]])
    assert store.history.last_latencies() == [measured[1], other]
    assert [one.seconds for one in store.history.latencies(clock.now() - 2 * MINUTE)][-1] == 3.0
    assert len(store.history.latencies(clock.now() - 2 * MINUTE)) == 3
    assert store.history.latencies(clock.now()) == [measured[1]]


def test_cpu_time_adds_up_and_goes_with_its_run(store: Store, clock: FakeClock) -> None:
    """Since an instant; what a pruned run took is forgotten with it."""
    for seconds in (1.5, 2.5):
        share = RunSource("acme", "meta", "ok", cpu_seconds=seconds)
        store.history.record(finish(store), [share], ())
        clock.advance(60)
    long_ago = clock.now() - dt.timedelta(days=1)
    assert store.history.cpu_seconds(long_ago) == {("acme", "meta"): 4.0}
    assert store.history.cpu_seconds(clock.now() - MINUTE) == {("acme", "meta"): 2.5}
    clock.advance(91 * 86400)
    store.runs.prune(90)
    assert store.history.cpu_seconds(long_ago) == {}


def test_the_last_guard_report(store: Store, clock: FakeClock) -> None:
    """Runs that ended before the checks have none."""
    assert store.history.last_guard() is None
    at = clock.now()
    finish(store, {"guard": {"checks_run": 3, "errors": 0}})
    clock.advance(60)
    finish(store, {"guard": {}})
    assert store.history.last_guard() == ({"checks_run": 3, "errors": 0}, at)


def test_calls_by_day_and_endpoint(store: Store) -> None:
    """Statuses are summed; what is no 2xx has failed."""
    calls = [_Call(200), _Call(429), _Call(200, attempt=2), _Call(200, endpoint="GET api/b")]
    store.calls.record_many("acme", "meta", calls)
    [first, second] = store.history.daily_calls(WINDOW.start)
    assert (first.endpoint, first.calls, first.failed, first.retries) == ("GET api/a", 3, 1, 1)
    assert (first.received_bytes, first.seconds) == (300, 1.5)
    assert (second.endpoint, second.day) == ("GET api/b", _Call.at.date())
    assert store.history.daily_calls(_Call.at.date() + dt.timedelta(days=1)) == []


class _Call:
    """An attempt as transport records it."""

    account_id, size_bytes, seconds = "act_1", 100, 0.5
    at = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)

    def __init__(self, status: int, *, attempt: int = 1, endpoint: str = "GET api/a") -> None:
        self.status = status
        self.attempt = attempt
        self.endpoint = endpoint
