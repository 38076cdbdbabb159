"""The only place that reads the time."""

import datetime as dt

import pytest

from tactics.clock import Clock, SystemClock, clock_from_environment, is_timezone
from tactics.errors import ConfigError
from tests.support import FakeClock

START = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
SOON = dt.timedelta(minutes=1)


def test_the_clock_shows_utc():
    """Instants are aware, in UTC."""
    assert SystemClock().now().utcoffset() == dt.timedelta(0)


def test_time_goes_on():
    """Neither the wall nor the monotonic time goes back, and waiting takes no less than nothing."""
    clock = SystemClock()
    now, seconds = clock.now(), clock.monotonic()
    clock.sleep(0)
    assert clock.now() >= now
    assert clock.monotonic() >= seconds


def test_a_shifted_clock_begins_where_it_is_told():
    """A clock that starts elsewhere runs on from there."""
    assert START <= SystemClock(START).now() < START + SOON


@pytest.mark.parametrize("name", ["UTC", "Europe/Vienna", "America/Argentina/Buenos_Aires"])
def test_zones_are_known(name: str):
    """An IANA name is one."""
    assert is_timezone(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            None,
            "",
            "Mars",
            "Europe",
            "Europe/Vienna/",
            "/etc/localtime",
            "../zoneinfo/UTC",
            "a\0b",
        ),
        *("zone.tab", "posixrules", "posix/Europe/Vienna", "right/Europe/Vienna", "europe/vienna"),
    ],
)
def test_what_is_no_zone_is_refused(name: str | None):
    """A folder, a path, a file beside the zones, one that counts leap seconds, another spelling."""
    assert not is_timezone(name)


@pytest.mark.parametrize(
    "text",
    ["2026-11-21T09:00:00Z", "2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00", "20261121T0900Z"],
)
def test_the_environment_may_set_the_start(monkeypatch: pytest.MonkeyPatch, text: str):
    """`TACTICS_NOW` is an ISO 8601 instant; without an offset it is UTC."""
    monkeypatch.setenv("TACTICS_NOW", text)
    assert START <= clock_from_environment().now() < START + SOON


@pytest.mark.parametrize("text", ["", None])
def test_without_it_the_time_is_real(monkeypatch: pytest.MonkeyPatch, text: str | None):
    """Unset or empty, the variable changes nothing."""
    monkeypatch.delenv("TACTICS_NOW", raising=False)
    if text is not None:
        monkeypatch.setenv("TACTICS_NOW", text)
    real = SystemClock().now()
    assert real <= clock_from_environment().now() < real + SOON


def test_a_start_that_is_no_instant_is_refused(monkeypatch: pytest.MonkeyPatch):
    """A typing error is answered with an example."""
    monkeypatch.setenv("TACTICS_NOW", "yesterday")
    with pytest.raises(ConfigError, match="value=yesterday") as caught:
        clock_from_environment()
    assert "2026-11-21T09:00:00Z" in caught.value.hint


def test_a_fake_clock_is_a_clock():
    """The clock of the tests moves only when somebody waits or a test moves it."""
    clock: Clock = FakeClock(START)
    clock.sleep(90)
    assert (clock.now() - START).total_seconds() == clock.monotonic() == 90
