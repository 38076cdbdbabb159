"""Serves a world on loopback: uvicorn in a thread, a request log, slow and broken deliveries.

Decides nothing: `Dispatcher` has the answers. Refuses to listen on any other interface.
"""

import asyncio
import contextlib
import ipaddress
import logging
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tactics.errors import ConfigError
from tactics.sandbox.api import Call, Reply
from tactics.sandbox.control import Controlled, control

_SECRET_KEYS = {
    "access_token",
    "appsecret_proof",
    "assertion",
    "client_secret",
    "fb_exchange_token",
    "key",
    "refresh_token",
    "token",
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_CONTROL = "_control"
_DRIBBLE_STEPS = 50
_STOP_SECONDS = 10.0
_ANSWER_SECONDS = 1.0
_BACKLOG = 256


class Served(Controlled, Protocol):
    """What a server needs: something that answers calls and can be controlled."""

    def answer(self, call: Call) -> Reply:
        """Return what a simulated API says; called from one thread at a time."""
        ...


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request that reached the sandbox, secrets taken out."""

    method: str
    path: str
    query: str
    status: int

    def __str__(self) -> str:
        mark = "?" if self.query else ""
        return f"{self.method} {self.path}{mark}{self.query} -> {self.status}"


class Sandbox:
    """A running server; leaves with the `with` block, or by itself after `max_seconds`."""

    def __init__(
        self, world: Served, *, host: str, port: int, max_seconds: float | None = None
    ) -> None:
        self.world = world
        self._log: list[LoggedRequest] = []
        self._socket = _listen(host, port)
        name, number = self._socket.getsockname()[:2]
        self.url = f"http://[{name}]:{number}" if ":" in name else f"http://{name}:{number}"
        self._halted = asyncio.Event()
        self._server = _Server(
            uvicorn.Config(
                self._application(),
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                access_log=False,
                date_header=False,  # the world has its own date
                log_config=None,
                timeout_keep_alive=120,
            ),
            self._halted,
        )
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._timer = threading.Timer(max_seconds, self._server.leave) if max_seconds else None

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """Return the requests so far, without those to the control endpoint."""
        return tuple(self._log)

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._log.clear()

    def start(self) -> Self:
        """Begin to serve; connections are accepted from now on."""
        self._thread.start()
        if self._timer:
            self._timer.daemon = True
            self._timer.start()
        return self

    def stop(self) -> None:
        """End the server and wait until it has."""
        self._server.leave()
        if self._timer:
            self._timer.cancel()
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the server has ended; return whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def _application(self) -> Starlette:
        return Starlette(
            routes=[
                Route(f"/{_CONTROL}/{{action}}", self._control, methods=_METHODS),
                Route("/{path:path}", self._serve, methods=_METHODS),
            ]
        )

    async def _serve(self, request: Request) -> Response:
        call = _call(request, await request.body())
        reply = self.world.answer(call)
        query = _redact(request.url.query)
        self._log.append(LoggedRequest(request.method, request.url.path, query, reply.status))
        if reply.wait_seconds:
            await self._pause(reply.wait_seconds)
        return self._respond(reply)

    async def _control(self, request: Request) -> Response:
        action = request.path_params["action"]
        if action == "requests":
            if request.method == "DELETE":
                self.clear_requests()
            return JSONResponse([str(entry) for entry in self._log])
        if action == "stop":
            self._server.leave()
            return JSONResponse({"stopping": True})
        status, document = control(
            self.world, request.method, action, await request.body(), url=_origin(request)
        )
        return JSONResponse(document, status_code=status)

    def _respond(self, reply: Reply) -> Response:
        body, headers = reply.content(), dict(reply.headers)
        if reply.disconnect:
            return _Broken(body, reply.status, headers, reply.media_type)
        if reply.dribble_seconds:
            pieces = self._dribble(body, reply.dribble_seconds)
            return StreamingResponse(pieces, reply.status, headers, reply.media_type)
        return Response(body, reply.status, headers, reply.media_type)

    async def _dribble(self, body: bytes, seconds: float) -> AsyncIterator[bytes]:
        for index in range(min(_DRIBBLE_STEPS, len(body))):
            yield body[index : index + 1]
            await self._pause(seconds / _DRIBBLE_STEPS)
        yield body[_DRIBBLE_STEPS:]

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than the server lives."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._halted.wait(), seconds)


class _Server(uvicorn.Server):
    """Leaves when it is told to: uvicorn looks ten times a second, and then waits a tenth more."""

    def __init__(self, config: uvicorn.Config, halted: asyncio.Event) -> None:
        super().__init__(config)
        self._halted = halted
        self._loop: asyncio.AbstractEventLoop | None = None

    def leave(self) -> None:
        """Have it end; from any thread, before it has begun and after it has ended, too."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._halted.set)

    async def main_loop(self) -> None:
        """Serve until somebody wants it to end."""
        await self.on_tick(0)
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._halted.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, and give the answers under way a second."""
        del sockets  # whoever opened them closes them
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_ANSWER_SECONDS)


class _Broken(Response):
    """Announces the whole body, sends half of it, and hangs up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def serve(
    world: Served, host: str = "127.0.0.1", port: int = 0, *, max_seconds: float | None = None
) -> Sandbox:
    """Return a server of `world`, to be used in a `with` block; port 0 takes any free one.

    Raises:
        ConfigError: the host is not this machine alone, or the port is taken.
    """
    return Sandbox(world, host=host, port=port, max_seconds=max_seconds)


def _listen(host: str, port: int) -> socket.socket:
    if not ipaddress.ip_address(host).is_loopback:
        raise ConfigError("the sandbox serves this machine only", hint="use 127.0.0.1", host=host)
    try:
        # Listening before the thread runs: whoever connects early waits instead of failing.
        listening = socket.create_server((host, port), backlog=_BACKLOG)
    except OSError as exc:
        raise ConfigError("the sandbox cannot listen", host=host, port=port) from exc
    # Head and body are written apart: without it every answer waits 40 ms for the client's ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _call(request: Request, body: bytes) -> Call:
    path = request.scope["raw_path"].decode("ascii")
    mount, _, rest = path.lstrip("/").partition("/")
    return Call(
        method=request.method,
        origin=_origin(request),
        mount=mount,
        path=f"/{rest}",
        query=tuple(parse_qsl(request.url.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )


def _origin(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _redact(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    shown = [(name, "***" if name.lower() in _SECRET_KEYS else value) for name, value in pairs]
    return urlencode(shown, safe="*")


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Return False for what `_Broken` does on purpose."""
    return "without completing response" not in record.getMessage()


logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)
