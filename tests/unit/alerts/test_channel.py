"""Which channels are told of what."""

import pytest

from tactics import alerts
from tactics.alerts import (
    CHANNELS,
    SMTP_PASSWORD,
    WEBHOOK_URL,
    credentials_of,
    level_of,
    routes_of,
)
from tactics.config import AlertSettings
from tactics.credentials import variable_of
from tactics.model import AlertSeverity

INFO, WARNING, CRITICAL = AlertSeverity


def test_only_the_log_is_on_by_default():
    """Nobody is disturbed who has not asked for it."""
    settings = AlertSettings()
    assert [name for name in CHANNELS if level_of(settings, name)] == ["log"]
    assert routes_of(settings, CHANNELS) == dict.fromkeys(AlertSeverity, ("log",))


def test_each_channel_has_its_own_threshold():
    """A pager hears of what is critical, the log of everything."""
    settings = AlertSettings(webhook="warning", email="critical")
    assert routes_of(settings, CHANNELS) == {
        INFO: ("log",),
        WARNING: ("log", "webhook"),
        CRITICAL: ("log", "webhook", "email"),
    }


def test_a_channel_that_cannot_be_used_gets_nothing():
    """Only those that are handed in are told."""
    assert routes_of(AlertSettings(desktop="info"), ["log"])[CRITICAL] == ("log",)


@pytest.mark.parametrize("severity", AlertSeverity)
def test_a_severity_has_a_rank(severity: AlertSeverity):
    """They ascend in the order in which they stand."""
    assert severity.rank == list(AlertSeverity).index(severity)


def test_secrets_are_wanted_by_the_channels_that_are_on():
    """`tactics auth list` shows them; a mail server without a user needs no password."""
    assert credentials_of(AlertSettings()) == []
    assert credentials_of(AlertSettings(webhook="info", email="info")) == [WEBHOOK_URL]
    assert credentials_of(AlertSettings(email="info", smtp_user="ops")) == [SMTP_PASSWORD]


def test_secrets_are_found_where_all_secrets_are():
    """The names are those of any credential."""
    assert variable_of(*WEBHOOK_URL) == "TACTICS_ALERTS_WEBHOOK_URL"
    assert variable_of(*SMTP_PASSWORD) == "TACTICS_ALERTS_SMTP_PASSWORD"


def test_the_package_exports_what_it_names():
    """Every name can be had, and none stands twice."""
    assert len(set(alerts.__all__)) == len(alerts.__all__)
    assert all(hasattr(alerts, name) for name in alerts.__all__)


@pytest.mark.parametrize(
    "settings",
    [
        {"email_to": ["ops@example.com\nBcc: x@example.com"]},
        {"email_to": ["ops"]},
        {"email_from": "a@b, c@d"},
        {"heartbeat_url": "ftp://example.com/x"},
        {"heartbeat_url": "https://user@example.com/x"},
        {"webhook": "loud"},
        {"timeout_seconds": 0},
        {"webhook_url": "https://example.com"},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object]):
    """A line break in an address, a level nobody knows, a secret in the file."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        AlertSettings.model_validate(settings)
