"""Ways to an access token, and its life: fetched once, renewed before it runs out.

Holds tokens in memory only. Knows nothing of the APIs that accept them.
"""

import datetime as dt
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tactics.clock import Clock
from tactics.errors import (
    ContractChanged,
    CredentialError,
    RateLimited,
    UpstreamUnavailable,
)
from tactics.transport.auth import Send
from tactics.transport.message import Request, Response, post_form, retry_after_seconds
from tactics.transport.once import once
from tactics.transport.redaction import forget_secret, redact, register_secret

# Source: contract sheet Google Analytics 4, section 2 (2026-11-21), for both addresses' use.
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 3600
_RENEW_BEFORE_SECONDS = 60
_TOKENS_UNDER_WAY = 2  # a request may still carry the last one while the next is in use
_HINT = "sign in again with `tactics auth set`"
# Source: google-auth 2.62.2, google.auth.exceptions: errors that it retries although they are 4xx.
_PASSING_ERRORS = frozenset({"internal_failure", "server_error", "temporarily_unavailable"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires_at: dt.datetime


class TokenCache:
    """The current access token; however many threads want a new one, one request is made."""

    def __init__(self, ask: Callable[[], Request], *, clock: Clock, hint: str) -> None:
        self._ask = ask
        self._clock = clock
        self._hint = hint
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._issued: list[str] = []
        self._flight: Future[str] | None = None
        self._dead: CredentialError | None = None

    def current(self, send: Send) -> str:
        """Return a token that is good for another minute.

        Raises:
            CredentialError: a person has to sign in; nothing is asked again.
        """
        with self._lock:
            if self._dead is not None:
                raise self._dead
            if self._token is not None and self._is_fresh(self._token):
                return self._token.value
            flight, leads = self._flight or Future(), self._flight is None
            self._flight = flight
        if leads:
            self._fetch(flight, send)
        return flight.result()

    def reject(self, value: str) -> None:
        """Forget token `value`, if it is still the current one."""
        with self._lock:
            if self._token is not None and self._token.value == value:
                self._token = None

    def values(self) -> tuple[str, ...]:
        """Return the tokens that may be under way."""
        with self._lock:
            return tuple(self._issued)

    def _is_fresh(self, token: _Token) -> bool:
        margin = dt.timedelta(seconds=_RENEW_BEFORE_SECONDS)
        return self._clock.now() < token.expires_at - margin

    def _fetch(self, flight: "Future[str]", send: Send) -> None:
        """Land the flight in any case, for the others wait on it."""
        try:
            asked_at = self._clock.now()
            token = _read_token(send(self._ask()), asked_at, self._hint)
        except Exception as exc:  # noqa: BLE001  it is raised by every thread that waits
            self._land(None, exc if isinstance(exc, CredentialError) else None)
            flight.set_exception(exc)
        except BaseException:
            self._land(None, None)
            flight.set_exception(UpstreamUnavailable("the token request was interrupted"))
            raise
        else:
            self._land(token, None)
            flight.set_result(token.value)

    def _land(self, token: _Token | None, dead: CredentialError | None) -> None:
        with self._lock:
            self._flight = None
            self._dead = dead
            if token is None:
                return
            register_secret(token.value)
            self._token = token
            self._issued.append(token.value)
            if len(self._issued) > _TOKENS_UNDER_WAY:
                forget_secret(self._issued.pop(0))


class GoogleServiceAccount:
    """Signs in with the JSON key of a service account.

    Source: contract sheet Google Analytics 4, section 2 (2026-11-21): the key's `token_uri` is
    where to ask, while the audience stays Google's own address.

    Raises:
        CredentialError: the key is not a service account's JSON key.
    """

    def __init__(
        self,
        key_json: str,
        scopes: Sequence[str],
        *,
        clock: Clock,
        audience: str = GOOGLE_TOKEN_URI,
        hint: str = _HINT,
    ) -> None:
        self._key = _read_key(key_json, hint)
        register_secret(self._key["private_key"])
        self._scope = " ".join(scopes)
        self._audience = audience
        self._clock = clock
        self._hint = hint
        self._uri = _checked_uri(self._key.get("token_uri") or GOOGLE_TOKEN_URI, hint)
        self._tokens = TokenCache(self._ask, clock=clock, hint=hint)

    def sign(self, request: Request, send: Send) -> Request:
        """Return `request` with a bearer token."""
        return request.with_headers(authorization=f"Bearer {self._tokens.current(send)}")

    def refresh(self, rejected: Request, send: Send) -> None:
        """Replace the token that was refused."""
        _refresh(self._tokens, rejected, send)

    def secrets(self) -> tuple[str, ...]:
        """Return the access tokens."""
        return self._tokens.values()

    def _ask(self) -> Request:
        import jwt  # noqa: PLC0415  loads cryptography, which only this needs

        issued_at = int(self._clock.now().timestamp())
        claims = {
            "iss": self._key["client_email"],
            "scope": self._scope,
            "aud": self._audience,
            "iat": issued_at,
            "exp": issued_at + _ASSERTION_SECONDS,
        }
        headers = {"kid": self._key.get("private_key_id", "")}
        try:
            key = _signing_key(self._key["private_key"])
            assertion = jwt.encode(claims, key, algorithm="RS256", headers=headers)
        except (ValueError, TypeError, jwt.PyJWTError):
            # The library's text may quote the key.
            raise CredentialError(
                "the private key of the service account cannot be read", hint=self._hint
            ) from None
        return post_form(self._uri, ("grant_type", _GRANT), ("assertion", assertion))


class GoogleRefreshToken:
    """Signs in with the refresh token of an installed app."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        *,
        clock: Clock,
        token_uri: str = GOOGLE_TOKEN_URI,
        hint: str = _HINT,
    ) -> None:
        register_secret(client_secret)
        register_secret(refresh_token)
        self._uri = _checked_uri(token_uri, hint)
        self._fields = (
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("refresh_token", refresh_token),
        )
        self._tokens = TokenCache(self._ask, clock=clock, hint=hint)

    def sign(self, request: Request, send: Send) -> Request:
        """Return `request` with a bearer token."""
        return request.with_headers(authorization=f"Bearer {self._tokens.current(send)}")

    def refresh(self, rejected: Request, send: Send) -> None:
        """Replace the token that was refused."""
        _refresh(self._tokens, rejected, send)

    def secrets(self) -> tuple[str, ...]:
        """Return the access tokens."""
        return self._tokens.values()

    def _ask(self) -> Request:
        return post_form(self._uri, *self._fields)


class ClientCredentials:
    """Signs in as an app, with its id and secret, and sends the token behind `prefix` in `header`.

    Source: RFC 6749, section 4.4; contract sheet Shopify Admin API, section 2 (2026-11-21): such a
    token lives 24 hours and comes without a refresh token.
    """

    def __init__(
        self,
        token_uri: str,
        client_id: str,
        client_secret: str,
        *,
        clock: Clock,
        header: str = "authorization",
        prefix: str = "Bearer ",
        hint: str = _HINT,
    ) -> None:
        register_secret(client_secret)
        self._uri = _checked_uri(token_uri, hint)
        self._fields = (
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret),
        )
        self._header, self._prefix = header, prefix
        self._tokens = TokenCache(self._ask, clock=clock, hint=hint)

    def sign(self, request: Request, send: Send) -> Request:
        """Return `request` with the token."""
        value = f"{self._prefix}{self._tokens.current(send)}"
        return request.with_headers(**{self._header.replace("-", "_"): value})

    def refresh(self, rejected: Request, send: Send) -> None:
        """Replace the token that was refused."""
        _refresh(self._tokens, rejected, send, header=self._header, prefix=self._prefix)

    def secrets(self) -> tuple[str, ...]:
        """Return the access tokens."""
        return self._tokens.values()

    def _ask(self) -> Request:
        return post_form(self._uri, *self._fields)


def _refresh(
    tokens: TokenCache,
    rejected: Request,
    send: Send,
    *,
    header: str = "authorization",
    prefix: str = "Bearer ",
) -> None:
    sent = dict(rejected.headers).get(header, "")
    tokens.reject(sent.removeprefix(prefix))
    tokens.current(send)


def _read_token(response: Response, asked_at: dt.datetime, hint: str) -> _Token:
    if response.status != HTTPStatus.OK:
        raise _refusal(response, hint)
    answer = _json_object(response.body)
    value, seconds = answer.get("access_token"), answer.get("expires_in", 0)
    if not isinstance(value, str) or not value or not isinstance(seconds, int | float):
        raise ContractChanged("the token endpoint answers without a token")
    return _Token(value, asked_at + dt.timedelta(seconds=seconds))


def _refusal(response: Response, hint: str) -> Exception:
    """Classify an answer of the token endpoint that is no token (RFC 6749, section 5.2)."""
    answer = _json_object(response.body)
    error = answer.get("error")
    code = redact(error) if isinstance(error, str) else f"http_{response.status}"
    wait = retry_after_seconds(response.headers)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited("the token endpoint limits our calls", retry_after_seconds=wait)
    if _is_passing(response.status) or code in _PASSING_ERRORS:
        return UpstreamUnavailable(
            "the token endpoint does not answer sensibly", retry_after_seconds=wait, error=code
        )
    if response.status < HTTPStatus.BAD_REQUEST:
        return ContractChanged("the token endpoint answers outside OAuth", status=response.status)
    if code == "invalid_grant":
        hint += "; refresh tokens die after 7 days while the consent screen is in testing"
    return CredentialError("the sign-in is no longer valid", hint=hint, error=code)


def _is_passing(status: int) -> bool:
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}  # a page of a proxy; the status says enough
    return answer if isinstance(answer, dict) else {}


def _read_key(key_json: str, hint: str) -> dict[str, str]:
    try:
        key = json.loads(key_json)
    except ValueError:
        key = None
    needed = ("client_email", "private_key")
    if not isinstance(key, dict) or not all(isinstance(key.get(name), str) for name in needed):
        raise CredentialError(
            "this is not the JSON key of a service account",
            hint=f"it has the fields client_email and private_key; {hint}",
        )
    return key


@once
def _signing_key(pem: str) -> Any:  # noqa: ANN401  cryptography's, which is loaded when one is asked for
    """Return the key, checked: it takes 50 ms, and a company's sources share one."""
    import jwt  # noqa: PLC0415

    return jwt.get_algorithm_by_name("RS256").prepare_key(pem)


def _checked_uri(uri: str, hint: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return uri
    raise CredentialError(
        "the token endpoint must be an https address", hint=hint, host=parts.hostname
    )
