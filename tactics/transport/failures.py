"""The one place where httpx's exceptions become ours.

Contains no policy: who retries is decided by the class an exception becomes.
"""

import ssl

import httpx

from tactics.errors import (
    ContractChanged,
    DecodeError,
    NetworkUnreachable,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport.redaction import redact, redact_error

_OFFLINE = "check the network; `--offline` works with the data held"
_MISUSE = "tactics misused its HTTP client"

# Found by walking up the classes of an exception, so the most specific line wins.
# NetworkUnreachable promises that no byte of the request has left: see retry.may_repeat.
_CLASSES: dict[type[BaseException], tuple[type[TacticsError], str, str]] = {
    httpx.ConnectError: (NetworkUnreachable, "no connection to the vendor", _OFFLINE),
    httpx.ConnectTimeout: (NetworkUnreachable, "no connection within the time allowed", _OFFLINE),
    httpx.ProxyError: (NetworkUnreachable, "the proxy refuses", "check HTTPS_PROXY"),
    httpx.PoolTimeout: (UpstreamUnavailable, "no free connection within the time allowed", ""),
    httpx.ReadTimeout: (UpstreamUnavailable, "the vendor stopped answering", ""),
    httpx.WriteTimeout: (UpstreamUnavailable, "the vendor stopped reading", ""),
    httpx.TransportError: (UpstreamUnavailable, "the connection broke", ""),
    httpx.LocalProtocolError: (ContractChanged, "the request cannot be sent as it is", ""),
    httpx.UnsupportedProtocol: (ContractChanged, "the vendor leads away from HTTP", ""),
    httpx.DecodingError: (DecodeError, "the body is not packed the way it claims", ""),
    httpx.TooManyRedirects: (ContractChanged, "the vendor redirects in circles", ""),
    httpx.HTTPError: (ContractChanged, "the vendor answered outside HTTP", ""),
    httpx.InvalidURL: (ContractChanged, "the vendor names something that is no URL", ""),
    UnicodeError: (ContractChanged, "the vendor names a host that cannot exist", ""),
    httpx.StreamError: (TacticsError, _MISUSE, ""),
    httpx.CookieConflict: (TacticsError, _MISUSE, ""),
}


def map_errors(exc: Exception, *, url: str = "") -> TacticsError:
    """Return the error of ours that `exc` is; the caller raises it `from exc`.

    The text of `exc` is redacted in place, because it becomes part of ours.
    """
    redact_error(exc)
    for kind in type(exc).__mro__:
        if kind in _CLASSES:
            error, message, hint = _CLASSES[kind]
            break
    else:
        error, message, hint = TacticsError, _MISUSE, ""
    if error is NetworkUnreachable and _is_tls(exc):
        error, message = UpstreamUnavailable, "no trustworthy connection to the vendor"
        hint = "check the clock and the certificate authorities of this machine (SSL_CERT_FILE)"
    return error(message, hint=hint, url=redact(url))


def _is_tls(exc: BaseException) -> bool:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
