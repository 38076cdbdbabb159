"""Topics, positions, and what may be pruned."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tactics.errors import ConfigError, UpstreamUnavailable
from tactics.model import TOPIC_CLEANED, TOPIC_RAW
from tactics.store import Store, pack
from tests.support import FakeClock
from tests.unit.store.builders import KEY, ME, OTHER_KEY

DAY_SECONDS = 86400


def test_an_event_comes_back_whole(store: Store, clock: FakeClock) -> None:
    """Topic, key, header, body and time of an event are what was appended."""
    seq = store.bus.append("t", key=KEY, header={"n": 1, "deep": {"ü": [None]}}, body=b"x" * 5000)
    event = store.bus.get(seq)
    assert event == (seq, "t", KEY, {"n": 1, "deep": {"ü": [None]}}, b"x" * 5000, clock.now())


def test_an_event_needs_no_key_and_no_body(store: Store) -> None:
    """Events about loads carry a header only."""
    event = store.bus.get(store.bus.append("t", header={}))
    assert event is not None
    assert (event.key, event.body) == (None, None)


def test_an_unknown_event_is_none(store: Store) -> None:
    """A pruned event is an absent value, not an error: its job says so."""
    assert store.bus.get(99) is None


def test_many_events_are_numbered_in_order(store: Store) -> None:
    """A batch gets consecutive numbers in the order given, over all topics."""
    store.bus.append("other", header={})
    seqs = store.bus.append_many("t", [(KEY, {"n": n}, pack(b"body")) for n in range(3)])
    assert seqs == [2, 3, 4]
    assert [(e.seq, e.header["n"]) for e in store.bus.read("t", "c", 9)] == [(2, 0), (3, 1), (4, 2)]


def test_no_events_are_nothing(store: Store) -> None:
    """An empty batch appends nothing."""
    assert store.bus.append_many("t", []) == []


def test_numbers_are_never_reused(store: Store, clock: FakeClock) -> None:
    """A pruned event's number is not given to another."""
    seq = store.bus.append("t", header={})
    store.bus.acknowledge("t", "c", seq)
    assert store.bus.prune(7) == 1
    assert store.bus.append("t", header={}) == seq + 1


def test_reading_again_gives_the_same(store: Store) -> None:
    """What is not acknowledged is delivered again: at least once."""
    store.bus.append_many("t", [(None, {"n": n}, None) for n in range(3)])
    assert store.bus.read("t", "c", 2) == store.bus.read("t", "c", 2)


def test_consumers_do_not_disturb_each_other(store: Store) -> None:
    """Each consumer has its own position."""
    store.bus.append("t", header={})
    store.bus.acknowledge("t", "one", 1)
    assert store.bus.read("t", "one", 9) == []
    assert len(store.bus.read("t", "other", 9)) == 1


def test_a_position_never_goes_back(store: Store) -> None:
    """A late acknowledgement of an earlier event changes nothing."""
    store.bus.acknowledge("t", "c", 5)
    store.bus.acknowledge("t", "c", 3)
    assert store.bus.position("t", "c") == 5


def test_a_new_consumer_starts_at_the_beginning(store: Store) -> None:
    """Without a position everything that is held is still to do."""
    store.bus.append_many("t", [(None, {}, None)] * 2)
    assert store.bus.position("t", "c") == 0
    assert store.bus.lag("t", "c") == 2


def test_lag_counts_only_the_topic(store: Store) -> None:
    """Events of other topics in between do not count."""
    store.bus.append("t", header={})
    store.bus.append("other", header={})
    store.bus.append("t", header={})
    store.bus.acknowledge("t", "c", 1)
    assert store.bus.lag("t", "c") == 1


def test_a_batch_is_bounded_by_bytes(store: Store) -> None:
    """A batch ends with the event that reaches the budget, so one event always fits."""
    store.bus.append_many("t", [(None, {}, b"x" * 100)] * 5)
    sizes = {limit: len(store.bus.read("t", "c", 9, max_bytes=limit)) for limit in (1, 150, 9999)}
    assert sizes == {1: 1, 150: 2, 9999: 5}


def test_positions_list_every_consumer(store: Store, clock: FakeClock) -> None:
    """A subscribed consumer is known before it has read."""
    store.bus.acknowledge("t", "one", 4)
    store.bus.subscribe("t", "two")
    store.bus.subscribe("t", "one")
    found = [(p.topic, p.consumer, p.seq, p.acknowledged_at) for p in store.bus.positions()]
    assert found == [("t", "one", 4, clock.now()), ("t", "two", 0, clock.now())]


def test_pruning_waits_for_the_slowest_consumer(store: Store) -> None:
    """An event goes once every consumer has passed it."""
    store.bus.append_many(TOPIC_CLEANED, [(None, {}, None)] * 3)
    store.bus.acknowledge(TOPIC_CLEANED, "quick", 3)
    store.bus.acknowledge(TOPIC_CLEANED, "slow", 1)
    assert store.bus.prune(7) == 1
    assert store.bus.lag(TOPIC_CLEANED, "slow") == 2


def test_a_topic_without_consumers_is_kept(store: Store) -> None:
    """Its first reader may be yet to come."""
    store.bus.append(TOPIC_CLEANED, header={})
    assert store.bus.prune(7) == 0


def test_raw_pages_are_the_offline_cache(store: Store, clock: FakeClock) -> None:
    """A passed raw page stays for cache_days."""
    store.bus.append(TOPIC_RAW, key=KEY, header={}, body=b"{}")
    store.bus.acknowledge(TOPIC_RAW, "bronze", 1)
    clock.advance(7 * DAY_SECONDS)
    assert store.bus.prune(7) == 0
    clock.advance(1)
    assert store.bus.prune(7) == 1


@pytest.mark.parametrize(
    ("end", "kept"),
    [("waiting", True), ("dead", True), ("succeeded", False), ("purged", False)],
)
def test_an_event_stays_as_long_as_its_job(store: Store, end: str, kept: bool) -> None:  # noqa: FBT001
    """What a waiting job or a dead letter points at can still be replayed."""
    seq = store.bus.append(TOPIC_CLEANED, header={})
    store.bus.acknowledge(TOPIC_CLEANED, "silver", seq)
    if end in {"dead", "purged"}:
        job_id = store.jobs.discard_now("silver", KEY, ConfigError("no"), event_seq=seq)
    else:
        job_id = store.jobs.enqueue("silver", seq, KEY, UpstreamUnavailable("down"))
    if end == "succeeded":
        store.jobs.succeed([job_id])
    if end == "purged":
        store.letters.purge([job_id], ME)
    assert store.bus.prune(7) == (0 if kept else 1)


def test_a_long_history_is_pruned_in_blocks(store: Store) -> None:
    """More than one block goes, each in its own short transaction."""
    seqs = store.bus.append_many(TOPIC_CLEANED, [(None, {}, None)] * 2500)
    store.bus.acknowledge(TOPIC_CLEANED, "c", seqs[-1])
    assert store.bus.prune(7) == 2500


class BusMachine(RuleBasedStateMachine):
    """Appends, reads, acknowledgements and pruning in any order against a list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.clock = FakeClock()
        self.store = Store.open(Path(self.folder.name) / "tactics.db", self.clock)
        self.log: list[tuple[int, str]] = []
        self.positions: dict[tuple[str, str], int] = {}

    topics = st.sampled_from([TOPIC_RAW, TOPIC_CLEANED])
    consumers = st.sampled_from(["one", "two"])

    def _due(self, topic: str, consumer: str) -> list[int]:
        done = self.positions.get((topic, consumer), 0)
        return [seq for seq, name in self.log if name == topic and seq > done]

    @rule(topic=topics, count=st.integers(0, 4), key=st.sampled_from([KEY, OTHER_KEY, None]))
    def append(self, topic: str, count: int, key) -> None:
        """Append a batch."""
        seqs = self.store.bus.append_many(topic, [(key, {"n": n}, b"x") for n in range(count)])
        assert seqs == sorted(seqs)
        assert not self.log or all(seq > self.log[-1][0] for seq in seqs)
        self.log += [(seq, topic) for seq in seqs]

    @rule(topic=topics, consumer=consumers, limit=st.integers(1, 5))
    def read(self, topic: str, consumer: str, limit: int) -> None:
        """A batch is the oldest of what is due."""
        found = [event.seq for event in self.store.bus.read(topic, consumer, limit)]
        assert found == self._due(topic, consumer)[:limit]

    @rule(topic=topics, consumer=consumers, offset=st.integers(0, 30))
    def acknowledge(self, topic: str, consumer: str, offset: int) -> None:
        """A position moves forward or not at all."""
        newest = self.log[-1][0] if self.log else 0
        seq = max(0, newest - offset)
        self.store.bus.acknowledge(topic, consumer, seq)
        before = self.positions.get((topic, consumer), 0)
        self.positions[topic, consumer] = max(before, seq)

    @rule(days=st.integers(0, 5))
    def wait_and_prune(self, days: int) -> None:
        """Pruning removes only what nobody is going to read, and raw pages only when old."""
        before = {seq for seq, _ in self.log if self.store.bus.get(seq)}
        due = {
            seq
            for topic in (TOPIC_RAW, TOPIC_CLEANED)
            for consumer in ("one", "two")
            if (topic, consumer) in self.positions
            for seq in self._due(topic, consumer)
        }
        self.clock.advance(days * DAY_SECONDS)
        pruned = self.store.bus.prune(2)
        after = {seq for seq, _ in self.log if self.store.bus.get(seq)}
        assert len(before) - len(after) == pruned
        assert not (before - after) & due
        self.log = [(seq, topic) for seq, topic in self.log if seq in after]

    @invariant()
    def lag_is_what_is_due(self) -> None:
        """Lag and position agree with the list at any time."""
        for topic in (TOPIC_RAW, TOPIC_CLEANED):
            for consumer in ("one", "two"):
                assert self.store.bus.lag(topic, consumer) == len(self._due(topic, consumer))
                known = self.positions.get((topic, consumer), 0)
                assert self.store.bus.position(topic, consumer) == known

    def teardown(self) -> None:
        """Remove the file."""
        self.store.close()
        self.folder.cleanup()


TestBusMachine = BusMachine.TestCase
TestBusMachine.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
