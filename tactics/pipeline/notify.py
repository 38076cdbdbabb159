"""The notifier: keeps alerts for the channels that are on, and delivers what is due.

An alert is durable before anything is sent, and a channel that fails stops no other. What is worth
an alert is decided elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tactics.alerts import (
    CHANNELS,
    SMTP_PASSWORD,
    WEBHOOK_URL,
    Channel,
    DesktopChannel,
    EmailChannel,
    LogChannel,
    Message,
    WebhookChannel,
    collapse,
    level_of,
    pack_content,
    read_message,
    routes_of,
    severities_now,
)
from tactics.errors import ConfigError, TacticsError
from tactics.model import Alert, AlertEvent, AlertSeverity, Notice
from tactics.pipeline.workspace import Workspace
from tactics.store import AlertDelivery
from tactics.transport import redact

LOG_NAME = "alerts.log"
TITLE_CHARACTERS = 160
BODY_CHARACTERS = 2000
TELLING_ATTEMPT = 3  # once so many attempts have failed, the other channels say so
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class AlertReport:
    """What became of the alerts in one round: keys that were news, messages that arrived."""

    raised: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    delivered: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test message did on one channel; it arrived unless there is an `error`."""

    channel: str
    remark: str = ""
    error: TacticsError | None = None


def raise_alerts(
    workspace: Workspace, alerts: Iterable[Alert], *, without: str = ""
) -> tuple[str, ...]:
    """Keep alerts, clipped and without secrets, for each channel that is on; return what is news.

    `without` is a channel that is not told.
    """
    names = [one.name for one in open_channels(workspace) if one.name != without]
    routes = routes_of(workspace.settings.alerts, names)
    raise_alert = workspace.store.outbox.raise_alert
    return tuple(alert.key for alert in alerts if raise_alert(_clean(alert), routes) is not None)


def deliver_due(workspace: Workspace) -> AlertReport:
    """Try each message that is due, and repeat what nobody has acknowledged.

    May be called at any time and by several processes at once: each message is claimed.
    """
    settings, channels = workspace.settings.alerts, open_channels(workspace)
    routes = routes_of(settings, [channel.name for channel in channels])
    workspace.store.outbox.repeat(routes, after_seconds=settings.repeat_hours * _HOUR)
    _tell_of_absence(workspace)
    delivered, warnings = 0, []
    for channel in channels:
        sent, said = _deliver(workspace, channel)
        delivered += sent
        warnings += [redact(f"alerts: {channel.name}: {text}") for text in said]
    return AlertReport(delivered=delivered, warnings=tuple(warnings))


def try_channels(workspace: Workspace, names: Iterable[str] = ()) -> list[Trial]:
    """Send a test message through each channel that is on, or those named, at once.

    Where it arrives, the message that waits there for its next attempt becomes due.

    Raises:
        ConfigError: a channel that was named is off.
    """
    channels = {one.name: one for one in _configured(workspace)}
    names = tuple(names) or tuple(channels)
    if off := [name for name in names if name not in channels]:
        hint = f'known are {", ".join(CHANNELS)}; in [alerts], {off[0]} = "warning" turns it on'
        raise ConfigError(f"the channel is off: {', '.join(off)}", hint=hint)
    return [_try(workspace, channels[name]) for name in names]


def open_channels(workspace: Workspace) -> list[Channel]:
    """Return the channels that are on and can be used here; the log last, as it tells of the others."""
    return [channel for channel in _configured(workspace) if not _missing(channel)]


def _configured(workspace: Workspace) -> list[Channel]:
    settings = workspace.settings.alerts
    # A program that shows a notification is no place for credentials.
    harmless = {
        key: text for key, text in workspace.environment.items() if not key.startswith("TACTICS_")
    }
    channels: tuple[Channel, ...] = (
        WebhookChannel(
            lambda: workspace.credentials.require(*WEBHOOK_URL),
            settings=settings,
            transport=workspace.settings.transport,
            clock=workspace.clock,
        ),
        EmailChannel(settings, lambda: workspace.credentials.require(*SMTP_PASSWORD)),
        DesktopChannel(harmless, timeout_seconds=settings.timeout_seconds),
        LogChannel(workspace.home.root / LOG_NAME, max_bytes=settings.log_max_bytes),
    )
    return [channel for channel in channels if level_of(settings, channel.name)]


def _missing(channel: Channel) -> str:
    return channel.missing() if isinstance(channel, DesktopChannel) else ""


def _deliver(workspace: Workspace, channel: Channel) -> tuple[int, list[str]]:
    """Send a channel's messages until none is left or one fails; return how many, and what to say."""
    outbox = workspace.store.outbox
    sent = 0
    said: list[str] = []
    while delivery := _next(workspace, channel.name):
        try:
            remark = channel.send(read_message(delivery.idempotency_key, delivery.content))
        except TacticsError as error:
            outbox.fail(delivery, error)
            if delivery.attempt >= TELLING_ATTEMPT:
                trouble = _trouble(channel.name, f"{error}\n{error.hint}")
                raise_alerts(workspace, [trouble], without=channel.name)
            return sent, [*said, f"{error}; {error.hint}" if error.hint else str(error)]
        outbox.succeed(delivery.delivery_id)
        sent += 1
        said += [remark] if remark else []
        _settle(workspace, channel.name)
    return sent, said


def _next(workspace: Workspace, channel: str) -> AlertDelivery | None:
    """Return the message under way, or one made of all that waits, claimed for an attempt."""
    outbox, now = workspace.store.outbox, workspace.clock.now()
    if claimed := outbox.claim(channel):
        return claimed
    # A file wakes nobody.
    quiet = () if channel == LogChannel.name else severities_now(workspace.settings.alerts, now)
    with workspace.store.transaction():
        waiting = outbox.waiting(channel, quiet or AlertSeverity)
        if not waiting:
            return None
        content = pack_content(collapse(waiting), now)
        return outbox.start(channel, content, [notice.notice_id for notice in waiting])


def _trouble(channel: str, body: str) -> Alert:
    return Alert(
        f"channel_down:{channel}",
        AlertSeverity.WARNING,
        f"alerts do not arrive by {channel}",
        body.strip(),
        f"tactics alerts test --channel {channel}",
    )


def _tell_of_absence(workspace: Workspace) -> None:
    """Say once what a channel lacks here, and forget the troubles of channels that were turned off."""
    configured = _configured(workspace)
    known = set(workspace.store.outbox.open_keys())
    for channel in configured:
        if reason := _missing(channel):
            trouble = _trouble(channel.name, f"{reason}: nothing is shown")
            if trouble.key not in known:
                milder = replace(trouble, severity=AlertSeverity.INFO)
                raise_alerts(workspace, [milder], without=channel.name)
    for name in set(CHANNELS) - {channel.name for channel in configured}:
        _settle(workspace, name)


def _settle(workspace: Workspace, channel: str) -> None:
    key = _trouble(channel, "").key
    if key in workspace.store.outbox.open_keys():
        workspace.store.outbox.resolve([key])


def _try(workspace: Workspace, channel: Channel) -> Trial:
    now = workspace.clock.now()
    alert = Alert(
        "test",
        AlertSeverity.INFO,
        f"a test of {channel.name}",
        "somebody asked for it; nothing is the matter",
        "tactics alerts list",
    )
    notice = Notice(0, 0, AlertEvent.RAISED, alert, 1, since=now, at=now)
    message = Message(f"test-{workspace.random.getrandbits(64):016x}", now, (notice,))
    try:
        remark = channel.send(message)
    except TacticsError as error:
        return Trial(channel.name, error=error)
    workspace.store.outbox.hasten(channel.name)
    return Trial(channel.name, remark)


def _clean(alert: Alert) -> Alert:
    """Return an alert that may be kept and told: no secret in it, and not too long."""
    return replace(
        alert,
        title=_short(alert.title, TITLE_CHARACTERS),
        body=_short(alert.body, BODY_CHARACTERS),
        command=redact(alert.command),
        facts={
            name: redact(fact) if isinstance(fact, str) else fact
            for name, fact in alert.facts.items()
        },
    )


def _short(text: str, most: int) -> str:
    clean = redact(text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"
