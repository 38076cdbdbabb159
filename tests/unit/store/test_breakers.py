"""Who may try, and what came of it."""

import datetime as dt
import sqlite3
import threading

import pytest

from tactics.store import BreakerState, Store
from tests.support import FakeClock

NAME = "meta_breaker"


class Caller:
    """One attempt after another on one breaker, with the settings of the design."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.breakers = store.breakers
        self.clock = clock

    def admit(self, owner: str = "one") -> tuple[bool, bool, dt.datetime | None]:
        """Ask whether `owner` may try."""
        now = self.clock.now()
        return self.breakers.admit(NAME, owner=owner, now=now, lease_seconds=60)

    def fail(self, owner: str = "one", *, times: int = 1) -> list[bool]:
        """Report failures."""
        return [
            self.breakers.fail(
                NAME,
                owner=owner,
                now=self.clock.now(),
                threshold=5,
                cooldown_seconds=300,
                reason="503",
            )
            for _ in range(times)
        ]

    def succeed(self, owner: str = "one") -> bool:
        """Report a success."""
        return self.breakers.succeed(NAME, owner=owner, now=self.clock.now())

    def release(self, owner: str = "one") -> None:
        """Report nothing."""
        self.breakers.release(NAME, owner=owner, now=self.clock.now())

    def open_for(self, seconds: float) -> bool:
        """Open until an instant."""
        now = self.clock.now()
        until = now + dt.timedelta(seconds=seconds)
        return self.breakers.open_until(NAME, until=until, reason="quota", now=now)


@pytest.fixture
def caller(store: Store, clock: FakeClock) -> Caller:
    """Return somebody who calls."""
    return Caller(store, clock)


@pytest.fixture
def cooled(caller: Caller, clock: FakeClock) -> Caller:
    """Return a caller whose breaker has opened and cooled down."""
    caller.fail(times=5)
    clock.advance(300)
    return caller


def test_an_unknown_breaker_is_closed(caller: Caller) -> None:
    """Nobody is refused before anything has failed; a success leaves no row."""
    assert caller.admit() == (True, False, None)
    assert not caller.succeed()
    caller.release()
    assert caller.breakers.list_all() == []


def test_five_failures_in_a_row_open(caller: Caller, clock: FakeClock) -> None:
    """The fifth opens it for the cool-down, and says so once."""
    assert caller.fail(times=5) == [False, False, False, False, True]
    until = clock.now() + dt.timedelta(seconds=300)
    assert caller.admit() == (False, False, until)
    (status,) = caller.breakers.list_all()
    assert (status.state, status.failures, status.reason) == ("open", 5, "503")
    assert (status.opened_at, status.open_until) == (clock.now(), until)


def test_a_success_in_between_starts_the_count_again(caller: Caller) -> None:
    """Only consecutive failures count."""
    caller.fail(times=4)
    assert not caller.succeed()
    assert not any(caller.fail(times=4))
    assert caller.admit()[0]


def test_a_threshold_of_one_opens_at_once(store: Store, clock: FakeClock) -> None:
    """The first failure of an unknown breaker can be enough."""
    opened = store.breakers.fail(
        NAME, owner="one", now=clock.now(), threshold=1, cooldown_seconds=9, reason=""
    )
    assert opened
    assert store.breakers.list_all()[0].state is BreakerState.OPEN


def test_it_stays_open_for_the_whole_cool_down(caller: Caller, clock: FakeClock) -> None:
    """One second early is refused; the exact instant is the trial."""
    caller.fail(times=5)
    clock.advance(299)
    assert not caller.admit()[0]
    clock.advance(1)
    assert caller.admit()[:2] == (True, True)


def test_one_trial_at_a_time(cooled: Caller) -> None:
    """While somebody tries, everybody else is refused, also the same owner."""
    assert cooled.admit("one")[:2] == (True, True)
    assert cooled.admit("two")[:2] == (False, False)
    assert cooled.admit("one")[:2] == (False, False)
    assert cooled.breakers.list_all()[0].state is BreakerState.HALF_OPEN


def test_a_good_trial_closes(cooled: Caller) -> None:
    """Closing says so once, and the failures are forgotten."""
    cooled.admit()
    assert cooled.succeed()
    assert not cooled.succeed()
    assert cooled.admit("two") == (True, False, None)
    assert not any(cooled.fail(times=4))


def test_a_failed_trial_opens_again_at_once(cooled: Caller, clock: FakeClock) -> None:
    """One failure is enough, for a whole new cool-down."""
    cooled.admit()
    assert cooled.fail() == [True]
    assert cooled.admit("two") == (False, False, clock.now() + dt.timedelta(seconds=300))


def test_a_neutral_end_gives_the_trial_back(cooled: Caller) -> None:
    """Somebody else may try, and it is still open for all others."""
    cooled.admit("one")
    cooled.release("two")
    assert not cooled.admit("two")[0]
    cooled.release("one")
    assert cooled.admit("two")[:2] == (True, True)


def test_a_dead_trial_is_replaced(cooled: Caller, clock: FakeClock) -> None:
    """When the lease runs out the next one may try, and the late answer closes nothing."""
    cooled.admit("dead")
    clock.advance(60)
    assert cooled.admit("two")[:2] == (True, True)
    assert not cooled.succeed("dead")
    assert cooled.fail("dead") == [False]
    assert cooled.succeed("two")


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_a_straggler_changes_nothing(caller: Caller, clock: FakeClock, outcome: str) -> None:
    """An attempt admitted before the opening neither closes nor prolongs."""
    caller.fail(times=5)
    before = caller.breakers.list_all()
    clock.advance(60)
    if outcome == "success":
        assert not caller.succeed("straggler")
    else:
        assert caller.fail("straggler") == [False]
    assert caller.breakers.list_all() == before


def test_an_exhausted_rate_limit_opens_at_once(caller: Caller, clock: FakeClock) -> None:
    """It is open until the server's own time, and said once."""
    assert caller.open_for(3600)
    assert not caller.open_for(60)
    clock.advance(3599)
    assert not caller.admit()[0]
    clock.advance(1)
    assert caller.admit()[:2] == (True, True)


def test_the_later_instant_counts(caller: Caller, clock: FakeClock) -> None:
    """An open breaker can be kept open longer."""
    caller.fail(times=5)
    assert not caller.open_for(900)
    assert caller.admit() == (False, False, clock.now() + dt.timedelta(seconds=900))


def test_a_rate_limited_trial_opens_again(cooled: Caller, clock: FakeClock) -> None:
    """The lease is gone with it."""
    cooled.admit()
    assert cooled.open_for(900)
    assert not cooled.succeed()
    assert cooled.breakers.list_all()[0].trial_until is None


def test_a_closed_breaker_that_is_opened_is_opened_now(caller: Caller) -> None:
    """Some failures before do not matter."""
    caller.fail(times=2)
    assert caller.open_for(60)


def test_a_person_can_close_it(caller: Caller) -> None:
    """Reset forgets everything, and says whether there was anything."""
    caller.fail(times=5)
    assert caller.breakers.reset(NAME)
    assert not caller.breakers.reset(NAME)
    assert caller.admit() == (True, False, None)


def test_breakers_do_not_mix(caller: Caller, clock: FakeClock) -> None:
    """One open breaker does not refuse another's calls."""
    caller.fail(times=5)
    now = clock.now()
    other = caller.breakers.admit("stripe_breaker", owner="one", now=now, lease_seconds=60)
    assert other == (True, False, None)


@pytest.mark.parametrize(
    ("meanwhile", "answer"),
    [
        ("UPDATE breakers SET trial_owner = 'two', trial_until = '2026-11-22'", (False, False)),
        ("DELETE FROM breakers", (True, False)),
    ],
    ids=["takes the trial", "closes it"],
)
def test_whoever_comes_second_hears_the_news(
    store: Store, cooled: Caller, meanwhile: str, answer: tuple[bool, bool]
) -> None:
    """Between looking and taking the trial, another process was faster."""
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute(meanwhile)
    taking = threading.Event()
    answers = []

    def ask() -> None:
        store.database.connection.set_trace_callback(
            lambda sql: taking.set() if "UPDATE breakers" in sql else None
        )
        answers.append(cooled.admit("one")[:2])

    thread = threading.Thread(target=ask)
    thread.start()
    assert taking.wait(5)
    other.execute("COMMIT")
    thread.join()
    other.close()
    assert answers == [answer]


def test_a_healthy_breaker_is_only_read(store: Store, caller: Caller) -> None:
    """Good calls write nothing, so they never wait for a writer."""
    caller.fail()
    caller.succeed()
    before = store.database.connection.total_changes
    caller.admit()
    caller.succeed()
    caller.release()
    assert store.database.connection.total_changes == before
