"""What every BreakerStore keeps, whichever file or memory it lives in."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest

from tactics.home import Home
from tactics.store import Store
from tactics.transport import BreakerStore, MemoryBreakers
from tests.support import FakeClock

NAME = "meta_breaker"


@pytest.fixture(params=["memory", "sqlite"])
def breakers(request, home: Home, clock: FakeClock):
    """Return each implementation in turn."""
    if request.param == "memory":
        yield MemoryBreakers()
        return
    store = Store.open(home.database, clock)
    yield store.breakers
    store.close()


def admit(breakers: BreakerStore, clock: FakeClock, owner: str = "a", lease: float = 60):
    return breakers.admit(NAME, owner=owner, now=clock.now(), lease_seconds=lease)


def fail(
    breakers: BreakerStore,
    clock: FakeClock,
    owner: str = "a",
    *,
    threshold: int = 2,
    failed_by: str = "",
) -> bool:
    return breakers.fail(
        NAME,
        owner=owner,
        now=clock.now(),
        threshold=threshold,
        cooldown_seconds=300,
        reason="down",
        failed_by=failed_by,
    )


def later(clock: FakeClock, seconds: float) -> dt.datetime:
    return clock.now() + dt.timedelta(seconds=seconds)


def test_unknown_name_is_closed(breakers, clock):
    """A breaker nobody has used lets everybody through, without a trial."""
    assert admit(breakers, clock)[:2] == (True, False)


def test_threshold_opens_and_tells_until_when(breakers, clock):
    """The last failure of the row opens it for the cool-down."""
    until = later(clock, 300)
    assert [fail(breakers, clock), fail(breakers, clock)] == [False, True]
    assert admit(breakers, clock) == (False, False, until)


def test_success_forgets_the_row(breakers, clock):
    """A success in between starts the count again, and closes nothing that was not open."""
    fail(breakers, clock)
    assert breakers.succeed(NAME, owner="a", now=clock.now()) is False
    assert [fail(breakers, clock), fail(breakers, clock)] == [False, True]


def test_one_of_many_gets_the_trial(breakers, clock):
    """After the cool-down exactly one of eight threads is admitted."""
    fail(breakers, clock, threshold=1)
    clock.advance(300)
    with ThreadPoolExecutor(8) as pool:
        admissions = list(pool.map(lambda n: admit(breakers, clock, f"t{n}")[:2], range(8)))
    assert sorted(admissions) == [(False, False)] * 7 + [(True, True)]


def test_successful_trial_closes(breakers, clock):
    """The trial's success closes it, with nothing left of the old row."""
    fail(breakers, clock, threshold=1)
    clock.advance(300)
    admit(breakers, clock, "trial")
    assert breakers.succeed(NAME, owner="trial", now=clock.now()) is True
    assert admit(breakers, clock, "b")[:2] == (True, False)
    assert fail(breakers, clock) is False


def test_failed_trial_opens_again(breakers, clock):
    """The trial's failure opens it at once, whatever the threshold."""
    fail(breakers, clock, threshold=1)
    clock.advance(300)
    admit(breakers, clock, "trial")
    assert fail(breakers, clock, "trial", threshold=5) is True
    assert admit(breakers, clock, "b") == (False, False, later(clock, 300))


def test_returned_trial_goes_to_the_next(breakers, clock):
    """A trial given back does not wait for its lease; nobody else can give it back."""
    fail(breakers, clock, threshold=1)
    clock.advance(300)
    admit(breakers, clock, "trial")
    breakers.release(NAME, owner="stranger", now=clock.now())
    assert admit(breakers, clock, "b")[0] is False
    breakers.release(NAME, owner="trial", now=clock.now())
    assert admit(breakers, clock, "b")[:2] == (True, True)


def test_lease_of_a_dead_owner_runs_out(breakers, clock):
    """A process that died during the trial blocks it no longer than its lease."""
    fail(breakers, clock, threshold=1)
    clock.advance(300)
    admit(breakers, clock, "dead", lease=60)
    clock.advance(59)
    assert admit(breakers, clock, "b")[0] is False
    clock.advance(1)
    assert admit(breakers, clock, "b")[:2] == (True, True)


def test_late_outcomes_of_others_change_nothing(breakers, clock):
    """Attempts that began before it opened neither close it nor prolong it."""
    until = later(clock, 300)
    fail(breakers, clock, threshold=1)
    clock.advance(10)
    assert breakers.succeed(NAME, owner="late", now=clock.now()) is False
    assert fail(breakers, clock, "late", threshold=1) is False
    assert admit(breakers, clock) == (False, False, until)
    clock.advance(290)
    admit(breakers, clock, "trial")
    assert breakers.succeed(NAME, owner="late", now=clock.now()) is False
    assert fail(breakers, clock, "late", threshold=1) is False
    assert admit(breakers, clock, "b")[0] is False


def test_open_until_opens_once_and_only_extends(breakers, clock):
    """The first call opens it, a shorter one does not shorten it."""
    until = later(clock, 4000)
    opened = [
        breakers.open_until(NAME, until=when, reason="limit", now=clock.now())
        for when in (later(clock, 300), until, later(clock, 10))
    ]
    assert opened == [True, False, False]
    assert admit(breakers, clock) == (False, False, until)


def test_release_of_a_closed_breaker_is_nothing(breakers, clock):
    """Giving back what nobody had changes nothing."""
    fail(breakers, clock)
    breakers.release(NAME, owner="a", now=clock.now())
    assert fail(breakers, clock) is True


def test_one_name_counts_once(breakers, clock):
    """Only another name brings the count on, and a success makes both start again."""

    def report(*names: str) -> list[bool]:
        return [fail(breakers, clock, failed_by=name) for name in names]

    assert report("acme", "acme", "acme") == [False] * 3
    breakers.succeed(NAME, owner="c", now=clock.now())
    assert report("globex", "globex", "acme") == [False, False, True]


def test_two_names_open_it_again(breakers, clock):
    """A trial that one name fails goes to the next one; the second name costs a cool-down."""
    fail(breakers, clock, threshold=1, failed_by="acme")
    clock.advance(300)
    for owner, name, opens in [("1", "acme", False), ("2", "acme", False), ("3", "globex", True)]:
        assert admit(breakers, clock, owner)[:2] == (True, True)
        assert fail(breakers, clock, owner, failed_by=name) is opens
    assert admit(breakers, clock) == (False, False, later(clock, 300))


def test_a_name_is_forgotten_when_it_opens_and_closes(breakers, clock):
    """What failed before an outage says nothing after it."""
    fail(breakers, clock, failed_by="acme")
    breakers.open_until(NAME, until=later(clock, 300), reason="limit", now=clock.now())
    clock.advance(300)
    admit(breakers, clock, "trial")
    assert fail(breakers, clock, "trial", failed_by="globex") is False
    admit(breakers, clock, "trial")
    assert breakers.succeed(NAME, owner="trial", now=clock.now()) is True
    assert fail(breakers, clock, failed_by="acme") is False
