"""Who may talk to the daemon's server: this machine, under its own name, with the token.

A page in a browser can reach loopback, too (DNS rebinding): so the host that was asked for must be
this one. Answers nothing itself but refusals.
"""

import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Lets requests through to an application that come with the right host and token."""

    def __init__(self, app: ASGIApp, *, token: str, open_paths: Iterable[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if not is_own_host(headers.get("host", "")):
            return _refuse(421, "this server answers for this machine only")
        if scope["path"] in self._open_paths or self._knows(headers.get("authorization", "")):
            return None
        refusal = _refuse(401, "a bearer token is needed: it is in the file `token` of the home")
        refusal.headers["www-authenticate"] = "Bearer"
        return refusal

    def _knows(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            given.strip().encode(), self._token
        )


def is_own_host(host: str) -> bool:
    """Return whether a Host header names this machine, with any port."""
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit():
        host = name
    return host.lower() in HOSTS


def _refuse(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status, headers={"cache-control": "no-store"})
