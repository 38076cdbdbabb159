"""What a channel is: something that takes a message, or says why it could not."""

from collections.abc import Iterable
from typing import Protocol

from tactics.alerts.message import Message
from tactics.config import AlertSettings
from tactics.model import AlertSeverity

CHANNELS = ("log", "webhook", "email", "desktop")

# Where their secrets are found: alerts/webhook/url, alerts/smtp/password.
ORG = "alerts"
WEBHOOK_URL = (ORG, "webhook", "url")
SMTP_PASSWORD = (ORG, "smtp", "password")


class Channel(Protocol):
    """One way to tell people.

    `send` returns once the other side has the message. It may come again under the same
    `message_id`, which every form of the message carries. It raises a `TacticsError`, whatever is
    wrong: `ConfigError` and `CredentialError` for what a person has to mend, `TransientError` for
    what may pass; every one is tried again later.
    """

    name: str

    def send(self, message: Message) -> str:
        """Tell it; return what a person should mend all the same, or nothing."""
        ...


def level_of(settings: AlertSettings, channel: str) -> AlertSeverity | None:
    """Return from which severity on a channel is told; None: it is off."""
    level: str = getattr(settings, channel)
    return None if level == "off" else AlertSeverity(level)


def routes_of(
    settings: AlertSettings, channels: Iterable[str]
) -> dict[AlertSeverity, tuple[str, ...]]:
    """Return which of `channels` are told of each severity."""
    levels = {name: level_of(settings, name) for name in channels}
    return {
        severity: tuple(
            name for name, level in levels.items() if level and level.rank <= severity.rank
        )
        for severity in AlertSeverity
    }


def credentials_of(settings: AlertSettings) -> list[tuple[str, str, str]]:
    """Return the credentials that the channels which are on need: org, source, name."""
    wanted = []
    if level_of(settings, "webhook"):
        wanted.append(WEBHOOK_URL)
    if level_of(settings, "email") and settings.smtp_user:
        wanted.append(SMTP_PASSWORD)
    return wanted
