"""The only way out to the network."""

import importlib
from typing import TYPE_CHECKING, Any

from tactics.transport.message import (
    Request,
    Response,
    get,
    post_form,
    post_json,
    retry_after_seconds,
)
from tactics.transport.redaction import forget_secret, redact, redact_body, register_secret
from tactics.transport.throttle import Throttle

if TYPE_CHECKING:
    from tactics.transport.auth import (
        Auth,
        BearerToken,
        ExtraHeader,
        HeaderToken,
        QueryToken,
        Send,
    )
    from tactics.transport.breaker import Attempt, Breaker, BreakerStore, MemoryBreakers
    from tactics.transport.client import Call, Client
    from tactics.transport.endpoints import Endpoints
    from tactics.transport.failures import map_errors
    from tactics.transport.hook import send_hook
    from tactics.transport.oauth import (
        GOOGLE_TOKEN_URI,
        ClientCredentials,
        GoogleRefreshToken,
        GoogleServiceAccount,
    )
    from tactics.transport.retry import wait_seconds

__all__ = [
    "GOOGLE_TOKEN_URI",
    "Attempt",
    "Auth",
    "BearerToken",
    "Breaker",
    "BreakerStore",
    "Call",
    "Client",
    "ClientCredentials",
    "Endpoints",
    "ExtraHeader",
    "GoogleRefreshToken",
    "GoogleServiceAccount",
    "HeaderToken",
    "MemoryBreakers",
    "QueryToken",
    "Request",
    "Response",
    "Send",
    "Throttle",
    "forget_secret",
    "get",
    "map_errors",
    "post_form",
    "post_json",
    "redact",
    "redact_body",
    "register_secret",
    "retry_after_seconds",
    "send_hook",
    "wait_seconds",
]

# Connectors import this package for its values; only who sends pays for httpx and tenacity.
_LAZY = {
    "Auth": "auth",
    "BearerToken": "auth",
    "ExtraHeader": "auth",
    "HeaderToken": "auth",
    "QueryToken": "auth",
    "Send": "auth",
    "Attempt": "breaker",
    "Breaker": "breaker",
    "BreakerStore": "breaker",
    "MemoryBreakers": "breaker",
    "Call": "client",
    "Client": "client",
    "Endpoints": "endpoints",
    "map_errors": "failures",
    "send_hook": "hook",
    "GOOGLE_TOKEN_URI": "oauth",
    "ClientCredentials": "oauth",
    "GoogleRefreshToken": "oauth",
    "GoogleServiceAccount": "oauth",
    "wait_seconds": "retry",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  the types are above, for the type checker
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
