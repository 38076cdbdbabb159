"""Who is woken when."""

import datetime as dt
import threading
from collections.abc import Iterator

import pytest

from tactics.daemon.triggers import Triggers
from tests.support import FakeClock
from tests.unit.daemon.conftest import jump


class Woken:
    """Remembers who was woken, and waits for it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, name: str) -> None:
        with self._changed:
            self.names.append(name)
            self._changed.notify_all()

    def wait_for(self, name: str) -> bool:
        """Return whether somebody is woken within five seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: name in self.names, timeout=5)


@pytest.fixture
def woken() -> Woken:
    """Return whoever is woken."""
    return Woken()


@pytest.fixture
def triggers(woken: Woken, clock: FakeClock) -> Iterator[Triggers]:
    """Return triggers that have not begun."""
    triggers = Triggers(woken, clock, cron_service="scheduler")
    yield triggers
    triggers.stop()


def planned(triggers: Triggers) -> list[tuple[str, dt.datetime]]:
    """Return who is to be woken, and when."""
    return sorted((job.args[0], job.next_run_time) for job in triggers._engine.get_jobs())


def test_services_are_woken_at_their_intervals(triggers: Triggers, woken: Woken):
    """A service with a short interval is woken, one with a long one is not."""
    triggers.start({"quick": 0.02, "slow": 3600})
    assert woken.wait_for("quick")
    assert "slow" not in woken.names


def test_the_scheduler_is_woken_at_every_cron_time(triggers: Triggers):
    """Each line of a schedule is a trigger; what the configuration drops is one no more."""
    triggers.follow(["0 * * * *", "15 6 * * *", "0 * * * *"])
    triggers.start({})
    jobs = planned(triggers)
    assert [name for name, _ in jobs] == ["scheduler", "scheduler"]
    assert {at.minute for _, at in jobs} == {0, 15}
    triggers.follow(["30 * * * *"])
    assert [at.minute for _, at in planned(triggers)] == [30]


@pytest.mark.parametrize("seconds", [-86400, 86400])
def test_a_jump_of_the_clock_wakes_everybody(
    triggers: Triggers, woken: Woken, clock: FakeClock, seconds: float
):
    """Triggers go by the wall clock: when that is set, they are made anew and all look once."""
    triggers.start({"slow": 3600})
    before = planned(triggers)
    clock.advance(20)
    assert not triggers.check()
    jump(clock, seconds)
    assert triggers.check()
    assert woken.names == ["slow"]
    assert planned(triggers) != before
    assert not triggers.check()


def test_a_slewed_clock_is_no_jump(triggers: Triggers, clock: FakeClock):
    """What NTP corrects is not worth a new start."""
    triggers.start({})
    jump(clock, 2)
    assert not triggers.check()


def test_stopping_what_has_not_begun(triggers: Triggers):
    """A daemon that fails at its start can stop everything."""
    triggers.stop()


def test_two_who_arm_at_once_make_no_trigger_twice(triggers: Triggers):
    """A configuration may change while the daemon starts: nobody is woken twice as often."""
    triggers.start({"a": 3600, "b": 3600})
    threads = [
        threading.Thread(target=triggers.follow, args=([f"{minute} * * * *"],))
        for minute in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for name, _ in planned(triggers)) == ["a", "b", "scheduler"]
