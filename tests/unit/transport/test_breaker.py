"""One attempt under a breaker, however it ends."""

import pytest

from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    NetworkUnreachable,
    RateLimited,
    UpstreamUnavailable,
)
from tactics.transport import Breaker, MemoryBreakers
from tests.support import FakeClock


def fail(breaker: Breaker, error: BaseException | None = None) -> bool:
    error = error or UpstreamUnavailable("down")
    with pytest.raises(type(error)), breaker.attempt() as outcome:
        raise error
    return outcome.opened


def test_failures_in_a_row_open_it(rig):
    """The fifth failure opens it and is reported once; the next attempt does not run."""
    breaker = rig.breaker()
    assert [fail(breaker) for _ in range(5)] == [False] * 4 + [True]
    with pytest.raises(CircuitOpen) as caught, breaker.attempt():
        pytest.fail("must not run")
    assert caught.value.retry_after_seconds == 300
    assert "meta_breaker is open" in str(caught.value)
    assert "tactics breakers reset meta_breaker" in caught.value.hint
    assert rig.opened == [("meta_breaker", "upstream_unavailable: down")]


def test_success_forgets_failures(rig):
    """Only failures in a row count."""
    breaker = rig.breaker(failure_threshold=2)
    fail(breaker)
    with breaker.attempt():
        pass
    assert fail(breaker) is False
    assert fail(breaker) is True


@pytest.mark.parametrize(
    "error",
    [
        ContractChanged("ours"),
        CircuitOpen("inner"),
        NetworkUnreachable("offline"),
        KeyboardInterrupt(),
        ValueError("bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_neutral_outcomes_count_nothing_and_return_the_trial(rig, error):
    """Our mistakes, an inner breaker, no network and Ctrl-C neither open nor close it."""
    breaker = rig.breaker(failure_threshold=1)
    assert fail(breaker, error) is False
    fail(breaker)
    rig.clock.advance(300)
    fail(breaker, error)
    with breaker.attempt():
        pass
    assert len(rig.opened) == 1


def test_trial_belongs_to_one(rig):
    """After the cool-down one attempt runs, and another one beside it is refused."""
    breaker = rig.breaker(failure_threshold=1)
    fail(breaker)
    rig.clock.advance(300)
    with (
        breaker.attempt(),
        pytest.raises(CircuitOpen, match="somebody else is trying"),
        breaker.attempt(),
    ):
        pytest.fail("must not run")
    with breaker.attempt(), breaker.attempt():
        pass


def test_failed_trial_opens_it_again(rig):
    """A trial that fails costs another cool-down, and is reported."""
    breaker = rig.breaker(failure_threshold=3)
    for _ in range(3):
        fail(breaker)
    rig.clock.advance(300)
    assert fail(breaker) is True
    assert len(rig.opened) == 2
    with pytest.raises(CircuitOpen), breaker.attempt():
        pytest.fail("must not run")


def test_open_for_takes_the_longer_time(rig):
    """The server's own time counts when it is longer than the cool-down."""
    breaker = rig.breaker()
    breaker.open_for(10, "short")
    breaker.open_for(4000, "long")
    rig.clock.advance(3999)
    with pytest.raises(CircuitOpen), breaker.attempt():
        pytest.fail("must not run")
    rig.clock.advance(1)
    with breaker.attempt():
        pass
    assert rig.opened == [("meta_breaker", "short")]


def test_breaker_works_without_a_listener(clock):
    """Nobody has to listen to a breaker that opens."""
    breaker = Breaker("gold_breaker", MemoryBreakers(), clock=clock)
    breaker.open_for(1, "full disk")
    with pytest.raises(CircuitOpen), breaker.attempt():
        pytest.fail("must not run")


def test_reason_holds_no_secret(rig):
    """What is kept of the error that opened it is redacted."""
    fail(rig.breaker(failure_threshold=1), UpstreamUnavailable("at ?access_token=abc"))
    assert rig.opened == [("meta_breaker", "upstream_unavailable: at ?access_token=***")]


class OtherTries(FakeClock):
    """A clock in which another process ends its trial well while we sleep."""

    def __init__(self, store: MemoryBreakers) -> None:
        super().__init__()
        self.store = store

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            self.store.succeed("meta_breaker", owner="other", now=self.now())


def test_others_wait_for_the_one_that_tries():
    """While another process tries, an attempt waits, and runs once that trial has succeeded."""
    store = MemoryBreakers()
    clock = OtherTries(store)
    store.open_until("meta_breaker", until=clock.now(), reason="x", now=clock.now())
    clock.advance(1)
    assert store.admit("meta_breaker", owner="other", now=clock.now(), lease_seconds=60)[0]
    with Breaker("meta_breaker", store, clock=clock).attempt():
        assert len(clock.slept) == 3


def test_a_quota_of_one_organisation_stops_no_other():
    """Rate limits open the credential's own breaker; the vendor's stays closed for the others."""
    store, clock = MemoryBreakers(), FakeClock()
    acme = Breaker("meta_breaker", store, clock=clock, connection="meta_breaker.acme")
    globex = Breaker("meta_breaker", store, clock=clock, connection="meta_breaker.globex")
    acme.open_for(3600, "rate_limited", quota=True)
    with pytest.raises(CircuitOpen, match=r"meta_breaker\.acme is open") as caught, acme.attempt():
        pytest.fail("must not run")
    assert "tactics breakers reset meta_breaker.acme" in caught.value.hint
    with globex.attempt():
        pass
    for _ in range(5):
        fail(globex, RateLimited("slow down"))
    with pytest.raises(CircuitOpen, match=r"meta_breaker\.globex"), globex.attempt():
        pytest.fail("must not run")
    third = Breaker("meta_breaker", store, clock=clock, connection="meta_breaker.third")
    with third.attempt():
        pass


class Shared:
    """Three organisations that are connected to one vendor."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.opened: list[str] = []
        store = MemoryBreakers()
        self.acme, self.globex, self.third = (
            Breaker(
                "meta_breaker",
                store,
                clock=clock,
                connection=f"meta_breaker.{org_id}",
                on_open=lambda name, _: self.opened.append(name),
            )
            for org_id in ("acme", "globex", "third")
        )

    def break_down(self, *breakers: Breaker) -> None:
        """Let connections fail until their breakers open."""
        for breaker in breakers:
            assert [fail(breaker) for _ in range(5)] == [False] * 4 + [True]


@pytest.fixture
def shared(clock: FakeClock) -> Shared:
    """Return a vendor that several organisations use."""
    return Shared(clock)


def refuse(breaker: Breaker, name: str) -> None:
    with pytest.raises(CircuitOpen, match=f"^{name} is open"), breaker.attempt():
        pytest.fail("must not run")


def pass_through(breaker: Breaker) -> None:
    with breaker.attempt():
        pass


def test_one_broken_connection_is_left_alone_by_itself(shared: Shared):
    """However long one connection fails, only its own breaker opens."""
    for _ in range(3):
        shared.break_down(shared.acme) if not shared.opened else fail(shared.acme)
        refuse(shared.acme, r"meta_breaker\.acme")
        shared.clock.advance(300)
    assert shared.opened == ["meta_breaker.acme"] * 3
    pass_through(shared.globex)


def test_two_broken_connections_are_an_outage_of_the_vendor(shared: Shared):
    """The second one opens the vendor's for all; one that gets through afterwards closes it."""
    shared.break_down(shared.acme, shared.globex)
    assert shared.opened == ["meta_breaker.acme", "meta_breaker.globex", "meta_breaker"]
    refuse(shared.third, "meta_breaker")
    shared.clock.advance(300)
    for breaker in (shared.third, shared.acme, shared.globex):
        pass_through(breaker)


def test_whoever_gets_through_speaks_for_the_vendor(shared: Shared):
    """Two connections that fail with a good call between them are two broken connections."""
    shared.break_down(shared.acme)
    pass_through(shared.third)
    shared.break_down(shared.globex)
    pass_through(shared.third)
    assert "meta_breaker" not in shared.opened


def test_single_failures_of_others_are_no_outage(shared: Shared):
    """What one attempt of another connection meets says nothing yet."""
    shared.break_down(shared.acme)
    for _ in range(4):
        fail(shared.globex)
    pass_through(shared.third)
    assert shared.opened == ["meta_breaker.acme"]


def test_a_broken_connection_does_not_use_up_the_vendors_trial(shared: Shared):
    """After the cool-down each connection tries once; two have to fail for another cool-down."""
    shared.break_down(shared.acme, shared.globex)
    shared.clock.advance(300)
    assert fail(shared.third) is True
    refuse(shared.third, r"meta_breaker\.third")
    pass_through(shared.globex)
    pass_through(shared.acme)


def test_an_outage_that_lasts_costs_two_attempts(shared: Shared):
    """The second failed trial opens the vendor's again, and the third connection is spared."""
    shared.break_down(shared.acme, shared.globex)
    shared.clock.advance(300)
    assert fail(shared.acme) is True
    assert fail(shared.globex) is True
    assert shared.opened[-1] == "meta_breaker"
    refuse(shared.third, "meta_breaker")


def test_a_quota_met_by_the_vendors_trial_gives_it_back(shared: Shared):
    """A rate limit says nothing about the vendor, neither before nor after the cool-down."""
    shared.break_down(shared.acme, shared.globex)
    shared.clock.advance(300)
    assert fail(shared.third, RateLimited("slow down")) is False
    pass_through(shared.acme)


def test_a_long_wait_of_one_connection_is_its_own(shared: Shared):
    """A vendor that asks one connection to stay away for long is asked by the others."""
    shared.acme.open_for(4000, "come back later")
    refuse(shared.acme, r"meta_breaker\.acme")
    pass_through(shared.globex)
    shared.acme.open_for(5000, "later still")
    shared.globex.open_for(4000, "you, too")
    shared.third.open_for(4000, "and you")
    refuse(shared.third, "meta_breaker")


def test_a_refused_quota_gives_the_vendors_trial_back():
    """The one trial of the vendor's breaker is not lost to a credential that must wait."""
    store, clock = MemoryBreakers(), FakeClock()
    acme = Breaker("meta_breaker", store, clock=clock, connection="meta_breaker.acme")
    globex = Breaker("meta_breaker", store, clock=clock, connection="meta_breaker.globex")
    third = Breaker("meta_breaker", store, clock=clock, connection="meta_breaker.third")
    for breaker in (globex, third):
        for _ in range(5):
            fail(breaker)
    acme.open_for(3600, "rate_limited", quota=True)
    clock.advance(300)
    with pytest.raises(CircuitOpen, match=r"meta_breaker\.acme"), acme.attempt():
        pytest.fail("must not run")
    with globex.attempt():
        pass
