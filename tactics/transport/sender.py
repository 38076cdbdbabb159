"""Sends one request and returns the whole response: the only code that opens a connection.

Bounded in time, in bytes as sent and in bytes unpacked. Follows no redirect, keeps no cookie,
retries nothing and has no opinion on status codes.
"""

import ssl
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from tactics import __version__
from tactics.clock import Clock
from tactics.config import TransportSettings
from tactics.errors import CredentialError, UpstreamUnavailable
from tactics.transport.body import check_announced, join_body
from tactics.transport.deadline import Deadline, bound, until
from tactics.transport.failures import map_errors
from tactics.transport.message import Request, Response
from tactics.transport.once import once
from tactics.transport.redaction import redact

_HEADERS = {"user-agent": f"tactics/{__version__}", "accept": "*/*", "accept-encoding": "gzip"}
_LATE = (httpx.ReadTimeout, httpx.WriteTimeout)


@dataclass(frozen=True, slots=True)
class Received:
    """A response and what it weighed on the wire."""

    response: Response
    sent_bytes: int


class Sender:
    """Keeps connections open between requests; safe to share between threads."""

    def __init__(self, settings: TransportSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        read = settings.read_timeout_seconds
        self._http = bound(
            httpx.Client(
                verify=_ssl_context(trust_env=settings.trust_env),
                trust_env=settings.trust_env,
                timeout=httpx.Timeout(read, connect=settings.connect_timeout_seconds),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                headers=_HEADERS,
                follow_redirects=False,
            )
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def deadline(self) -> Deadline:
        """Return the instant at which a response that is asked for now must be complete."""
        return Deadline(self._clock, self._settings.total_timeout_seconds)

    def send(self, url: httpx.URL, request: Request, deadline: Deadline) -> Received:
        """Return the response to `request`, sent to `url`.

        Raises:
            NetworkUnreachable: there is no way to the host; no byte of the request has left.
            UpstreamUnavailable: too slow, or the connection broke.
            SizeViolation: the response is larger than a budget.
            DecodeError: the body is not packed the way it claims.
            ContractChanged: the answer is not HTTP as agreed.
            CredentialError: the credential cannot stand in a header.
        """
        _check_headers(request)
        try:
            with until(deadline):
                return self._exchange(url, request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as exc:
            error = map_errors(exc, url=str(url))
            if isinstance(exc, _LATE) and not deadline.remaining():
                error = UpstreamUnavailable(
                    "the whole response took too long",
                    hint="raise total_timeout_seconds in [transport], or ask for a smaller window",
                    url=redact(str(url)),
                    allowed_seconds=deadline.seconds,
                )
            raise error from exc

    def _exchange(self, url: httpx.URL, request: Request) -> Received:
        headers = [pair for pair in request.headers if pair[0].lower() != "accept-encoding"]
        with self._http.stream(
            request.method, url, headers=headers, content=request.body or None
        ) as answer:
            check_announced(
                answer.headers.get("content-length", ""), self._settings.max_response_bytes
            )
            body = join_body(
                answer.iter_raw(),
                encoding=answer.headers.get("content-encoding", ""),
                max_sent_bytes=self._settings.max_response_bytes,
                max_body_bytes=self._settings.max_body_bytes,
            )
            response = Response(
                status=answer.status_code,
                body=body,
                headers={name.lower(): value for name, value in answer.headers.items()},
            )
            return Received(response, answer.num_bytes_downloaded)


@once
def _ssl_context(*, trust_env: bool) -> ssl.SSLContext:
    # To read the certificate authorities takes 30 ms, and all sources begin at the same time.
    return httpx.create_ssl_context(trust_env=trust_env)


def _check_headers(request: Request) -> None:
    # The HTTP library would quote the whole value, a token, in its complaint.
    for name, value in request.headers:
        if not (value.isascii() and value.isprintable()) or value != value.strip():
            raise CredentialError(
                "a header value holds characters that HTTP does not allow",
                hint="the credential was probably stored with a line break: set it again",
                header=name,
            )
