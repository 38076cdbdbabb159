"""Sends one request to an address that is itself a secret: a webhook, a ping URL.

No redirect is followed, little is read, nothing is tried again. What a status means is the
caller's business.
"""

from dataclasses import replace
from http import HTTPStatus

import httpx

from tactics.clock import Clock
from tactics.config import TransportSettings
from tactics.errors import ConfigError, ContractChanged
from tactics.transport.message import Request, Response
from tactics.transport.redaction import register_secret
from tactics.transport.sender import Sender

_LARGEST_ANSWER_BYTES = 2**18
_LONG_PATH = 12  # a shorter one is no secret, and hiding it would tear holes into other texts
_WHERE = "store the whole address, beginning with https://"


def send_hook(
    request: Request, *, settings: TransportSettings, clock: Clock, timeout_seconds: float
) -> Response:
    """Return the answer to `request`, whose absolute `path` is hidden everywhere from now on.

    Raises:
        ConfigError: the address is no http(s) URL.
        ContractChanged: the answer is a redirect; it was not followed.
        TransientError: there was no answer.
    """
    url = _hidden(request.path)
    sender = Sender(_bounded(settings, timeout_seconds), clock)
    try:
        response = sender.send(url, replace(request, path=""), sender.deadline()).response
    finally:
        sender.close()
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        raise ContractChanged(
            "the address redirects elsewhere", hint="store the new address", status=response.status
        )
    return response


def _hidden(address: str) -> httpx.URL:
    """Return the URL, hidden from now on as a whole and by its path, which holds the secret.

    Raises:
        ConfigError: it is no http(s) URL.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise ConfigError("the address cannot be read", hint=_WHERE) from None  # it is quoted
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ConfigError("the address is no http(s) URL", hint=_WHERE)
    for text in (address, str(url)):  # only now: a mere "https://" stands in every other address
        register_secret(text)
    path = url.raw_path.decode("ascii")
    if len(path) >= _LONG_PATH:
        register_secret(path)
    return url


def _bounded(settings: TransportSettings, seconds: float) -> TransportSettings:
    return settings.model_copy(
        update={
            "connect_timeout_seconds": seconds,
            "read_timeout_seconds": seconds,
            "total_timeout_seconds": seconds,
            "max_response_bytes": _LARGEST_ANSWER_BYTES,
            "max_body_bytes": _LARGEST_ANSWER_BYTES,
        }
    )
