"""The webhook channel: a POST to an address that only its owner knows.

Knows two forms: Slack's, which Mattermost, Rocket.Chat and Discord (`/slack`) read too, and our own.
"""

from collections.abc import Callable
from http import HTTPStatus

from tactics.alerts.message import Message, block_of, clip
from tactics.clock import Clock
from tactics.config import AlertSettings, TransportSettings
from tactics.errors import ContractChanged, CredentialError, RateLimited, UpstreamUnavailable
from tactics.transport import Response, post_json, redact, retry_after_seconds, send_hook

# Source: Slack, "Truncating really long messages" (2018-04): 4,000 characters are advised, what is
# beyond 40,000 is cut (checked 2026-11-22).
SLACK_CHARACTERS = 3900
ANSWER_CHARACTERS = 120
_WRONG_ADDRESS = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.GONE,
}


class WebhookChannel:
    """Posts messages; `find_address` is asked at each send, so that a new one counts at once."""

    name = "webhook"

    def __init__(
        self,
        find_address: Callable[[], str],
        *,
        settings: AlertSettings,
        transport: TransportSettings,
        clock: Clock,
    ) -> None:
        self._find_address = find_address
        self._settings = settings
        self._transport = transport
        self._clock = clock

    def send(self, message: Message) -> str:
        """Post the message with its id as `Idempotency-Key`.

        Raises:
            TacticsError: there is no address, it does not answer, or it refuses.
        """
        slack = self._settings.webhook_format == "slack"
        body = slack_json(message) if slack else message.to_json()
        request = post_json(self._find_address(), body)
        response = send_hook(
            request.with_headers(Idempotency_Key=message.message_id),
            settings=self._transport,
            clock=self._clock,
            timeout_seconds=self._settings.timeout_seconds,
        )
        check_answer(response)
        return ""


def slack_json(message: Message) -> dict[str, str]:
    """Return a message as Slack's incoming webhooks read it: as many alerts as fit.

    Source: Slack, "Formatting text for app surfaces": only &, < and > are escaped (2026-11-22).
    """
    parts = [f"*{_escape(message.headline)}*"]
    left = SLACK_CHARACTERS - len(parts[0])
    for number, notice in enumerate(message.notices):
        part = _escape("\n".join(block_of(notice)))
        if len(part) + 1 > left:
            parts.append(f"and {len(message.notices) - number} more: `tactics alerts list`")
            break
        parts.append(part)
        left -= len(part) + 1
    return {"text": "\n".join(parts)}


def check_answer(response: Response) -> None:
    """Return when the other side has taken the message.

    Raises:
        RateLimited: it wants fewer of them.
        UpstreamUnavailable: it has trouble.
        CredentialError: the address is not valid any more.
        ContractChanged: it does not understand the message.
    """
    status = response.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    said = redact(clip(response.body.decode("utf-8", errors="replace").strip(), ANSWER_CHARACTERS))
    wait = retry_after_seconds(response.headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited("too many messages", retry_after_seconds=wait, status=status, said=said)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise UpstreamUnavailable(
            "the receiver has trouble", retry_after_seconds=wait, status=status, said=said
        )
    if status in _WRONG_ADDRESS:
        hint = "store its address anew"
        raise CredentialError("the address is refused", hint=hint, status=status, said=said)
    hint = "check webhook_format in [alerts]: slack or json"
    raise ContractChanged(
        "the receiver does not understand the message", hint=hint, status=status, said=said
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
