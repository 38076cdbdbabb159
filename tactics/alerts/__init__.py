"""Telling people: what a message says, and the channels that carry it."""

from tactics.alerts.channel import (
    CHANNELS,
    SMTP_PASSWORD,
    WEBHOOK_URL,
    Channel,
    credentials_of,
    level_of,
    routes_of,
)
from tactics.alerts.desktop import DesktopChannel
from tactics.alerts.log import LogChannel
from tactics.alerts.mail import EmailChannel
from tactics.alerts.message import Message, collapse, pack_content, read_message
from tactics.alerts.quiet import severities_now
from tactics.alerts.webhook import WebhookChannel, check_answer

__all__ = [
    "CHANNELS",
    "SMTP_PASSWORD",
    "WEBHOOK_URL",
    "Channel",
    "DesktopChannel",
    "EmailChannel",
    "LogChannel",
    "Message",
    "WebhookChannel",
    "check_answer",
    "collapse",
    "credentials_of",
    "level_of",
    "pack_content",
    "read_message",
    "routes_of",
    "severities_now",
]
