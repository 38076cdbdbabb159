"""The way out: throttled, admitted by the breaker, signed, sent, read, and tried again.

One `Client` per connection. What a response means is the reader's business: HTTP errors are not
errors here. Knows no vendor.
"""

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, Self, TypeVar
from urllib.parse import unquote_plus

import httpx

from tactics.clock import Clock
from tactics.config import TransportSettings
from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    CredentialError,
    CredentialExpired,
    NetworkUnreachable,
    RateLimited,
    TacticsError,
    TransientError,
)
from tactics.model import Priority
from tactics.transport.auth import Auth
from tactics.transport.breaker import Attempt, Breaker
from tactics.transport.deadline import Deadline
from tactics.transport.endpoints import Endpoints, endpoint_of, follow, is_absolute
from tactics.transport.message import Request, Response
from tactics.transport.redaction import redact_body, redact_error
from tactics.transport.retry import LONGEST_WAIT_SECONDS, may_repeat, run_attempts
from tactics.transport.sender import Sender
from tactics.transport.throttle import Throttle

T = TypeVar("T")

_MAX_REDIRECTS = 5
# Nobody is left alone for longer because of one header, be it wrong.
_LONGEST_OPEN_SECONDS = 86_400.0
# What may go to a host that is not the vendor's own.
_HARMLESS_HEADERS = frozenset({"accept", "accept-language", "range"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request for the API call ledger; `status` 0 is no answer, `attempt` counts from 1."""

    account_id: str
    endpoint: str
    status: int
    attempt: int
    size_bytes: int
    seconds: float
    at: dt.datetime


@dataclass(slots=True)
class _Work(Generic[T]):
    """One exchange under way, over all its attempts."""

    request: Request
    read: Callable[[Response], T]
    account_id: str
    priority: Priority
    number: int = 1
    outcome: Attempt = field(default_factory=Attempt)


class Client:
    """Exchanges requests for what their responses mean; safe to share between threads."""

    def __init__(
        self,
        connection: Endpoints,
        *,
        settings: TransportSettings,
        breaker: Breaker,
        throttle: Throttle,
        auth: Auth,
        clock: Clock,
        random: random.Random,
        record: Callable[[Call], None],
    ) -> None:
        self._endpoints = connection
        self._settings = settings
        self._breaker = breaker
        self._throttle = throttle
        self._auth = auth
        self._clock = clock
        self._random = random
        self._record = record
        self._sender = Sender(settings, clock)
        self._unreachable = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def slow_down(self, account_id: str, seconds: float) -> None:
        """Let no request of this account leave for `seconds` (`Step.pause_seconds`)."""
        self._throttle.slow_down(account_id, seconds)

    def exchange(
        self,
        request: Request,
        read: Callable[[Response], T],
        *,
        account_id: str = "",
        priority: Priority = Priority.LIVE,
        max_retries: int | None = None,
    ) -> T:
        """Return what `read` makes of the response, after as many attempts as it takes.

        `read` is called once per answered attempt and classifies it: a `TransientError` is tried
        again, `CredentialExpired` refreshes the token once, anything else goes to the caller.
        Once every attempt has found this machine without a network, the exchanges that follow
        make one attempt each, until one gets through.

        Raises:
            CircuitOpen: the source is left alone; nothing was sent.
            TransientError: the last attempt's, or the server wants a wait too long to sleep.
            CredentialError: a person has to sign in.
            TacticsError: what `read` raised.
        """
        work = _Work(request, read, account_id, priority)
        retries = self._settings.max_retries if max_retries is None else max_retries
        try:
            result = run_attempts(
                lambda number: self._attempt(work, number),
                max_retries=0 if self._unreachable else retries,
                repeat=lambda error: (
                    not work.outcome.opened and may_repeat(error, idempotent=request.idempotent)
                ),
                clock=self._clock,
                rng=self._random,
            )
        except TacticsError as exc:
            self._conclude(exc)
            raise
        self._unreachable = False
        return result

    def _conclude(self, error: TacticsError) -> None:
        """Remember for later exchanges what this one ended with."""
        redact_error(error)
        if isinstance(error, CircuitOpen) or not isinstance(error, TransientError):
            return
        self._unreachable = isinstance(error, NetworkUnreachable)
        wait = error.retry_after_seconds or 0.0
        limited = isinstance(error, RateLimited)
        if limited or wait > LONGEST_WAIT_SECONDS:
            reason = f"{error.code}: {error}"
            self._breaker.open_for(min(wait, _LONGEST_OPEN_SECONDS), reason, quota=limited)

    def _attempt(self, work: _Work[T], number: int) -> T:
        work.number = number
        self._throttle.acquire(work.account_id, work.priority)
        with self._breaker.attempt() as work.outcome:
            return self._ask(work)

    def _ask(self, work: _Work[T]) -> T:
        signed, response = self._send(work)
        try:
            return work.read(response)
        except CredentialExpired as exc:
            self._renew(signed, exc)
        _, response = self._send(work)
        try:
            return work.read(response)
        except CredentialExpired as exc:
            raise CredentialError("the vendor refuses a fresh token too", hint=exc.hint) from exc

    def _renew(self, signed: Request, expired: CredentialExpired) -> None:
        try:
            self._auth.refresh(signed, self._send_token)
        except CredentialError as exc:
            raise exc from expired  # what the vendor said belongs into the message

    def _send(self, work: _Work[T]) -> tuple[Request, Response]:
        """Return the request as it was signed last, and the response it led to.

        Raises:
            ContractChanged: the redirects do not end, or lead away.
        """
        deadline = self._sender.deadline()
        request = work.request
        for _ in range(_MAX_REDIRECTS + 1):
            signed, url = self._prepare(request)
            response = self._transmit(work, signed, url, deadline)
            onward = follow(request, url, response)
            if onward is None:
                return signed, self._hide(response)
            request = onward
        raise ContractChanged("the vendor redirects in circles", redirects=_MAX_REDIRECTS)

    def _prepare(self, request: Request) -> tuple[Request, httpx.URL]:
        if request.auth and not is_absolute(request):
            signed = self._auth.sign(request, self._send_token)
            return signed, self._endpoints.resolve(signed)
        url = self._endpoints.resolve(request)
        if not self._endpoints.owns(url):
            self._refuse_leak(url)
            harmless = tuple(
                pair for pair in request.headers if pair[0].lower() in _HARMLESS_HEADERS
            )
            return replace(request, headers=harmless), url
        if not request.auth:
            return request, url
        signed = self._auth.sign(request, self._send_token)
        return signed, self._endpoints.resolve(signed)

    def _refuse_leak(self, url: httpx.URL) -> None:
        text = unquote_plus(str(url))
        if any(secret in text for secret in self._auth.secrets()):
            raise ContractChanged(
                "the vendor would have our credential sent to another host",
                hint="nothing was sent there",
                host=url.host,
            )

    def _transmit(
        self, work: _Work[T], request: Request, url: httpx.URL, deadline: Deadline
    ) -> Response:
        at, started = self._clock.now(), self._clock.monotonic()
        status = size = 0
        try:
            received = self._sender.send(url, request, deadline)
            status, size = received.response.status, received.sent_bytes
            return received.response
        finally:
            self._record(
                Call(
                    account_id=work.account_id,
                    endpoint=endpoint_of(work.request),
                    status=status,
                    attempt=work.number,
                    size_bytes=size,
                    seconds=self._clock.monotonic() - started,
                    at=at,
                )
            )

    def _send_token(self, request: Request) -> Response:
        url = httpx.URL(request.path)
        return self._sender.send(url, request, self._sender.deadline()).response

    def _hide(self, response: Response) -> Response:
        return replace(response, body=redact_body(response.body, self._auth.secrets()))
