"""Alerts and the outbox: told once per trouble, at least once per channel, never forgotten."""

import datetime as dt
import json
import random
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactics.errors import ConfigError, NotFoundError, RateLimited, UpstreamUnavailable
from tactics.home import Home
from tactics.model import Alert, AlertEvent, AlertSeverity
from tactics.store import AlertDelivery, AlertState, Store
from tactics.store.outbox import LEASE_SECONDS, Outbox
from tests.support import FakeClock

INFO, WARNING, CRITICAL = AlertSeverity
ROUTES = {INFO: ("log",), WARNING: ("log", "webhook"), CRITICAL: ("log", "webhook", "email")}
DOWN = UpstreamUnavailable("the receiver has trouble", hint="wait", status=503)
STALE = "freshness:acme/meta"
HOUR, DAY = 3600, 86400


@pytest.fixture
def outbox(store: Store) -> Outbox:
    """Return the outbox of an empty store."""
    return store.outbox


def alert(key: str = STALE, severity: AlertSeverity = WARNING, **more: object) -> Alert:
    """Return an alert."""
    return Alert(key, severity, **{"title": "acme/meta is stale", **more})


def events(outbox: Outbox, channel: str = "webhook") -> list[tuple[str, str]]:
    """Return what a channel could be told now."""
    return [(one.alert.key, one.event.value) for one in outbox.waiting(channel)]


def send(outbox: Outbox, channel: str = "webhook") -> AlertDelivery:
    """Begin a message of all that waits on a channel."""
    ids = [notice.notice_id for notice in outbox.waiting(channel)]
    return outbox.start(channel, json.dumps(ids), ids)


def told(outbox: Outbox, *channels: str) -> None:
    """Let everything that waits arrive."""
    for channel in channels or ("log", "webhook", "email"):
        if outbox.waiting(channel):
            outbox.succeed(send(outbox, channel).delivery_id)


def test_an_alert_is_told_on_the_channels_of_its_severity(outbox: Outbox):
    """A warning goes where warnings go."""
    assert outbox.raise_alert(alert(), ROUTES) is AlertEvent.RAISED
    assert {name: len(outbox.waiting(name)) for name in ("log", "webhook", "email")} == {
        "log": 1,
        "webhook": 1,
        "email": 0,
    }


def test_everything_of_an_alert_is_kept(outbox: Outbox, clock: FakeClock):
    """What was raised is what is told, and what is listed."""
    facts = {"age_seconds": 140_000.5, "days": [1, None]}
    whole = alert(
        body="ends on …", command="tactics sync", org_id="acme", source="meta", facts=facts
    )
    outbox.raise_alert(whole, ROUTES)
    [notice] = outbox.waiting("webhook")
    [held] = outbox.list_alerts()
    assert notice.alert == held.alert == whole
    assert (notice.seen, notice.since, notice.at) == (1, clock.now(), clock.now())
    assert (held.state, held.seen, held.created_at) == (AlertState.OPEN, 1, clock.now())
    assert outbox.get(held.alert_id) == held


def test_seen_again_it_only_counts(outbox: Outbox, clock: FakeClock):
    """The same trouble is one alert: newest words, no second message."""
    outbox.raise_alert(alert(), ROUTES)
    told(outbox)
    clock.advance(HOUR)
    assert outbox.raise_alert(alert(title="acme/meta is staler"), ROUTES) is None
    [held] = outbox.list_alerts()
    assert (held.seen, held.alert.title) == (2, "acme/meta is staler")
    assert (held.last_seen_at - held.created_at).total_seconds() == HOUR
    assert events(outbox) == []


def test_what_gets_worse_is_told_again(outbox: Outbox):
    """An escalation reaches further channels, and whoever has acknowledged the milder alert."""
    outbox.raise_alert(alert(severity=INFO), ROUTES)
    told(outbox)
    [held] = outbox.list_alerts()
    outbox.acknowledge([held.alert_id])
    assert outbox.raise_alert(alert(severity=CRITICAL), ROUTES) is AlertEvent.ESCALATED
    assert [events(outbox, name) for name in ("log", "email")] == [[(STALE, "escalated")]] * 2
    assert outbox.get(held.alert_id).state is AlertState.OPEN


def test_what_gets_milder_is_not_told(outbox: Outbox):
    """The list shows it; nobody is disturbed."""
    outbox.raise_alert(alert(severity=CRITICAL), ROUTES)
    told(outbox)
    assert outbox.raise_alert(alert(severity=WARNING), ROUTES) is None
    assert outbox.list_alerts()[0].alert.severity is WARNING


def test_the_end_is_told_once_and_where_the_beginning_was(outbox: Outbox):
    """Resolving tells the channels that heard of it; a second time there is nothing to resolve."""
    outbox.raise_alert(alert(), ROUTES)
    told(outbox)
    assert outbox.resolve([STALE, "nobody:knows"]) == 1
    assert outbox.resolve([STALE]) == 0
    assert events(outbox, "log") == events(outbox, "webhook") == [(STALE, "resolved")]
    assert events(outbox, "email") == []
    told(outbox)
    assert events(outbox) == []


def test_after_its_end_the_same_trouble_is_a_new_alert(outbox: Outbox):
    """A key may come back: it is raised anew."""
    outbox.raise_alert(alert(), ROUTES)
    outbox.resolve([STALE])
    assert outbox.raise_alert(alert(), ROUTES) is AlertEvent.RAISED
    assert [(one.alert_id, one.state.value) for one in outbox.list_alerts(resolved=True)] == [
        (2, "open"),
        (1, "resolved"),
    ]
    assert outbox.open_keys() == [STALE]


def test_an_open_alert_is_repeated(outbox: Outbox, clock: FakeClock):
    """Told again after so long, and then after as long again."""
    outbox.raise_alert(alert(), ROUTES)
    told(outbox)
    clock.advance(DAY - 1)
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 0
    clock.advance(1)
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 1
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 0
    assert events(outbox) == [(STALE, "repeated")]


def test_never_repeated_when_nobody_wants_it(outbox: Outbox, clock: FakeClock):
    """0 turns repeats off."""
    outbox.raise_alert(alert(), ROUTES)
    clock.advance(100 * DAY)
    assert outbox.repeat(ROUTES, after_seconds=0) == 0


def test_acknowledging_stops_repeats(outbox: Outbox, clock: FakeClock):
    """Whoever knows hears only of the end."""
    outbox.raise_alert(alert(), ROUTES)
    told(outbox)
    assert outbox.acknowledge([1, 99]) == 1
    clock.advance(10 * DAY)
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 0
    assert outbox.get(1).state is AlertState.ACKNOWLEDGED
    outbox.resolve([STALE])
    assert events(outbox) == [(STALE, "resolved")]
    assert outbox.acknowledge([1]) == 0


def test_a_snoozed_alert_comes_back(outbox: Outbox, clock: FakeClock):
    """Nothing is said before the instant; then it is told again, once, whatever the interval."""
    outbox.raise_alert(alert(), ROUTES)
    told(outbox)
    until = clock.now() + dt.timedelta(days=3)
    assert outbox.snooze([1], until) == 1
    assert (outbox.get(1).state, outbox.get(1).snoozed_until) == (AlertState.SNOOZED, until)
    clock.advance(3 * DAY - 1)
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 0
    clock.advance(1)
    assert outbox.repeat(ROUTES, after_seconds=0) == 1
    assert outbox.repeat(ROUTES, after_seconds=0) == 0
    assert outbox.get(1).state is AlertState.OPEN


def test_what_was_not_told_yet_is_snoozed_too(outbox: Outbox, clock: FakeClock):
    """A notice that waits keeps waiting; the end of the trouble tells it at once."""
    outbox.raise_alert(alert(), ROUTES)
    outbox.snooze([1], clock.now() + dt.timedelta(hours=1))
    assert events(outbox) == []
    outbox.resolve([STALE])
    assert events(outbox) == [(STALE, "raised"), (STALE, "resolved")]


def test_snoozing_and_acknowledging_replace_each_other(outbox: Outbox, clock: FakeClock):
    """The last word counts."""
    outbox.raise_alert(alert(), ROUTES)
    outbox.acknowledge([1])
    outbox.snooze([1], clock.now() + dt.timedelta(hours=1))
    assert outbox.get(1).state is AlertState.SNOOZED
    outbox.acknowledge([1])
    assert outbox.get(1).state is AlertState.ACKNOWLEDGED


def test_the_worst_stands_first(outbox: Outbox):
    """By severity, then the newest; limits cut the mildest."""
    for number, severity in enumerate([INFO, CRITICAL, WARNING, CRITICAL]):
        outbox.raise_alert(alert(f"k{number}", severity), ROUTES)
    assert [one.alert.key for one in outbox.list_alerts()] == ["k3", "k1", "k2", "k0"]
    assert len(outbox.list_alerts(limit=2)) == 2


def test_an_unknown_alert_is_an_error(outbox: Outbox):
    """The hint says where the numbers are."""
    with pytest.raises(NotFoundError, match="id=7"):
        outbox.get(7)


def test_a_message_takes_along_what_waits(outbox: Outbox):
    """One message lists several alerts; while it is under way the next ones gather."""
    for key in ("a", "b"):
        outbox.raise_alert(alert(key), ROUTES)
    delivery = send(outbox)
    assert json.loads(delivery.content) == [2, 4]
    assert (delivery.channel, delivery.attempt) == ("webhook", 1)
    outbox.raise_alert(alert("c"), ROUTES)
    assert events(outbox) == []
    assert outbox.succeed(delivery.delivery_id)
    assert not outbox.succeed(delivery.delivery_id)
    assert events(outbox) == [("c", "raised")]


def test_quiet_hours_take_only_some(outbox: Outbox):
    """The others stay for the next message."""
    outbox.raise_alert(alert("mild"), ROUTES)
    outbox.raise_alert(alert("bad", CRITICAL), ROUTES)
    assert [one.alert.key for one in outbox.waiting("webhook", [CRITICAL])] == ["bad"]


def test_a_failed_message_is_the_same_the_next_time(outbox: Outbox, clock: FakeClock):
    """Same key, same content, one more attempt; not before it is due."""
    outbox.raise_alert(alert(), ROUTES)
    first = send(outbox)
    outbox.fail(first, DOWN)
    assert outbox.claim("webhook") is None
    clock.advance(1.25)
    again = outbox.claim("webhook")
    assert again is not None
    assert (again.idempotency_key, again.content) == (first.idempotency_key, first.content)
    assert again.attempt == 2


def test_waits_double_up_to_an_hour(outbox: Outbox, clock: FakeClock):
    """1 s, 2 s, 4 s … an hour, at most a quarter longer; never given up."""
    outbox.raise_alert(alert(), ROUTES)
    delivery, waits = send(outbox), []
    for _ in range(16):
        outbox.fail(delivery, DOWN)
        [backlog] = [one for one in outbox.backlog() if one.channel == "webhook"]
        assert backlog.scheduled_at is not None
        waits.append((backlog.scheduled_at - clock.now()).total_seconds())
        clock.advance(waits[-1])
        claimed = outbox.claim("webhook")
        assert claimed is not None
        delivery = claimed
    steps = [min(2.0**n, HOUR) for n in range(16)]
    assert all(step <= wait <= step * 1.25 for step, wait in zip(steps, waits, strict=True))


def test_any_number_of_attempts_has_a_wait(outbox: Outbox):
    """A channel that is down for years breaks no arithmetic."""
    outbox.raise_alert(alert(), ROUTES)
    delivery = send(outbox)
    tired = AlertDelivery(delivery.delivery_id, "webhook", "k", "", 100_000)
    outbox.fail(tired, DOWN)
    assert outbox.backlog()[1].error_type == "upstream_unavailable"


@pytest.mark.parametrize(("asked", "waited"), [(90.0, 90.0), (0.1, 1.0), (1e9, DAY)])
def test_the_receiver_may_ask_for_more(
    outbox: Outbox, clock: FakeClock, asked: float, waited: float
):
    """Retry-After counts when it is longer, but no longer than a day."""
    outbox.raise_alert(alert(), ROUTES)
    outbox.fail(send(outbox), RateLimited("slower", retry_after_seconds=asked))
    [backlog] = [one for one in outbox.backlog() if one.channel == "webhook"]
    assert backlog.scheduled_at is not None
    seconds = (backlog.scheduled_at - clock.now()).total_seconds()
    assert waited <= seconds <= waited * 1.25


def test_something_new_is_worth_one_more_try(outbox: Outbox, clock: FakeClock):
    """A channel that may work again is tried when there is news, and then waits as before."""
    outbox.raise_alert(alert("a"), ROUTES)
    delivery = send(outbox)
    for _ in range(12):
        outbox.fail(delivery, DOWN)
        clock.advance(HOUR * 1.25)
        claimed = outbox.claim("webhook")
        assert claimed is not None
        delivery = claimed
    outbox.fail(delivery, DOWN)
    clock.advance(60)
    assert outbox.claim("webhook") is None
    outbox.raise_alert(alert("b"), ROUTES)
    claimed = outbox.claim("webhook")
    assert claimed is not None
    outbox.fail(claimed, DOWN)
    clock.advance(60)
    assert outbox.claim("webhook") is None


def test_a_dead_process_loses_its_lease(outbox: Outbox, clock: FakeClock):
    """What was claimed and never reported is tried again, by whoever comes, under the same key."""
    outbox.raise_alert(alert(), ROUTES)
    first = send(outbox)
    clock.advance(LEASE_SECONDS - 1)
    assert outbox.claim("webhook") is None
    clock.advance(1)
    again = outbox.claim("webhook")
    assert again is not None
    assert again.idempotency_key == first.idempotency_key


@pytest.mark.parametrize("claimed", [True, False])
def test_a_clock_that_was_set_back_holds_nothing_up(
    outbox: Outbox,
    clock: FakeClock,
    claimed: bool,  # noqa: FBT001
):
    """What was tried, or made, in a future that never came is due at once."""
    clock.advance(1000 * DAY)
    outbox.raise_alert(alert("tried"), ROUTES)
    delivery = send(outbox)
    if not claimed:
        outbox.fail(delivery, DOWN)
    outbox.raise_alert(alert("waits"), ROUTES)
    clock.advance(-1000 * DAY)
    again = outbox.claim("webhook")
    assert again is not None
    outbox.succeed(again.delivery_id)
    assert events(outbox) == [("waits", "raised")]
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 2
    assert outbox.repeat(ROUTES, after_seconds=DAY) == 0


def test_the_backlog_says_why(outbox: Outbox, clock: FakeClock):
    """Per channel: how much waits, since when, after how many tries, for which reason."""
    outbox.raise_alert(alert("a"), ROUTES)
    clock.advance(5)
    outbox.fail(send(outbox), ConfigError("e-mail is not set up", hint="set smtp_host"))
    outbox.raise_alert(alert("b"), ROUTES)
    log, webhook = outbox.backlog()
    assert (log.channel, log.notices, log.attempt, log.error_type) == ("log", 2, 0, "")
    assert log.scheduled_at is None
    assert (webhook.notices, webhook.attempt, webhook.error_type) == (2, 1, "config_error")
    assert (webhook.error_message, webhook.error_hint) == ("e-mail is not set up", "set smtp_host")
    assert (clock.now() - webhook.oldest_at).total_seconds() == 5
    told(outbox, "log")
    assert [one.channel for one in outbox.backlog()] == ["webhook"]


def test_a_mended_channel_is_hastened(outbox: Outbox):
    """What waits there is due now; where nothing waits nothing happens."""
    assert not outbox.hasten("webhook")
    outbox.raise_alert(alert(), ROUTES)
    outbox.fail(send(outbox), DOWN)
    assert outbox.hasten("webhook")
    assert outbox.claim("webhook") is not None


def test_what_everybody_has_heard_is_forgotten_in_time(outbox: Outbox, clock: FakeClock):
    """Resolved, told and old: gone with its messages. Untold or open: kept."""
    for key in ("old", "untold", "open"):
        outbox.raise_alert(alert(key), ROUTES)
    told(outbox)
    outbox.resolve(["old", "untold"])
    told(outbox, "log")
    delivery = send(outbox)
    clock.advance(91 * DAY)
    assert outbox.prune(90) == 0
    outbox.succeed(delivery.delivery_id)
    assert outbox.prune(90) == 2
    assert [one.alert.key for one in outbox.list_alerts(resolved=True)] == ["open"]
    assert outbox.prune(90) == 0


def test_nothing_is_told_of_what_was_rolled_back(store: Store):
    """Raised in a transaction that fails, an alert was never there."""

    def fail() -> None:
        with store.transaction():
            store.outbox.raise_alert(alert(), ROUTES)
            store.outbox.get(99)

    with pytest.raises(NotFoundError):
        fail()
    assert (store.outbox.open_keys(), store.outbox.backlog()) == ([], [])


def test_two_processes_take_a_message_once(home: Home, outbox: Outbox, clock: FakeClock):
    """Of several that claim at the same time one gets it."""
    outbox.raise_alert(alert(), ROUTES)
    outbox.fail(send(outbox), DOWN)
    clock.advance(10)
    won = []

    def claim() -> None:
        with Store.open(home.database, clock) as other:
            won.append(other.outbox.claim("webhook"))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in won if one]) == 1


def test_two_messages_under_way_on_one_channel_cannot_be(outbox: Outbox):
    """The schema refuses what would change the order in which things are told."""
    outbox.raise_alert(alert(), ROUTES)
    send(outbox)
    with pytest.raises(Exception, match="never should") as caught:
        outbox.start("webhook", "", [])
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


def test_words_are_values(outbox: Outbox):
    """Whatever stands in an alert, it is no SQL."""
    nasty = alert("k'; DROP TABLE alerts; --", body="☀\n\"'", facts={"a'b": "c"})
    outbox.raise_alert(nasty, ROUTES)
    assert outbox.waiting("webhook")[0].alert == nasty
    assert outbox.resolve([nasty.key]) == 1


def test_a_store_that_is_opened_again_tells_what_was_raised(
    home: Home, store: Store, clock: FakeClock
):
    """An alert is durable when raising it returns."""
    store.outbox.raise_alert(alert(), ROUTES)
    with Store.open(home.database, clock) as other:
        assert events(other.outbox) == [(STALE, "raised")]


class Life:
    """An outbox and what can happen to it; `arrived` are the notices that the other side has."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.outbox, self.clock = store.outbox, clock
        self.arrived: list[int] = []

    def warn(self) -> None:
        """See the trouble."""
        self.outbox.raise_alert(alert(), ROUTES)

    def alarm(self) -> None:
        """See that it is worse."""
        self.outbox.raise_alert(alert(severity=CRITICAL), ROUTES)

    def resolve(self) -> None:
        """See that it is over."""
        self.outbox.resolve([STALE])

    def wait(self) -> None:
        """Let everything become due."""
        self.clock.advance(2 * HOUR)

    def send(self) -> None:
        """Attempt a message, which arrives."""
        if delivery := self._attempt():
            self.outbox.succeed(delivery.delivery_id)
            self.arrived += json.loads(delivery.content)

    def fail(self) -> None:
        """Attempt a message, which does not."""
        if delivery := self._attempt():
            self.outbox.fail(delivery, DOWN)

    def _attempt(self) -> AlertDelivery | None:
        claimed = self.outbox.claim("webhook")
        return claimed or (send(self.outbox) if self.outbox.waiting("webhook") else None)


@settings(max_examples=40)  # each one opens a store
@given(steps=st.lists(st.sampled_from([name for name in vars(Life) if name.isalpha()])))
def test_every_notice_arrives_and_once(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Path, steps: list[str]
):
    """Whatever happens in which order, each notice is in exactly one message that arrives."""
    path = tmp_path_factory.mktemp("outbox") / "tactics.db"
    shutil.copy(empty_store, path)
    clock = FakeClock()
    with Store.open(path, clock, rng=random.Random(1)) as store:
        life = Life(store, clock)
        for step in [*steps, "wait", "send", "send"]:
            getattr(life, step)()
        made = store.database.read("SELECT notice_id FROM notices WHERE channel = 'webhook'")
        assert sorted(life.arrived) == [number for (number,) in made]
