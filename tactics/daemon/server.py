"""The daemon's HTTP server on loopback: health for machines, and the seam for pages to come.

Reads only. Blocking reads have one thread of their own, so that `/healthz` answers meanwhile, and
so that no more than one connection to the store stays open.
"""

import asyncio
import functools
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tactics.daemon.guard import Guard
from tactics.errors import ConfigError

HOST = "127.0.0.1"
OPEN_PATHS = ("/healthz",)
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STOP_SECONDS = 5.0
_FRESH = {"cache-control": "no-store"}

Answer: TypeAlias = tuple[int, dict[str, Any]]

log = logging.getLogger("tactics.daemon")


@dataclass(frozen=True, slots=True)
class Views:
    """What the server can tell. `alive` must not block; the others may read the store."""

    alive: Callable[[], Answer]
    ready: Callable[[], Answer]
    health: Callable[[], Answer]
    metrics: Callable[[], str]


def build_application(
    views: Views, *, token: str, pool: ThreadPoolExecutor, more: Sequence[BaseRoute] = ()
) -> Starlette:
    """Return the application; `more` are routes of pages and GraphQL, behind the same guard."""

    async def alive(_: Request) -> Response:
        status, document = views.alive()
        return JSONResponse(document, status, headers=_FRESH)

    def reading(view: Callable[[], Answer]) -> Callable[[Request], Any]:
        async def endpoint(_: Request) -> Response:
            status, document = await asyncio.get_running_loop().run_in_executor(pool, view)
            return JSONResponse(document, status, headers=_FRESH)

        return endpoint

    async def metrics(_: Request) -> Response:
        text = await asyncio.get_running_loop().run_in_executor(pool, views.metrics)
        return PlainTextResponse(text, media_type=METRICS_TYPE)

    routes = [
        Route("/healthz", alive),
        Route("/readyz", reading(views.ready)),
        Route("/api/health/system", reading(views.health)),
        Route("/metrics", metrics),
        *more,
    ]
    guard = Middleware(Guard, token=token, open_paths=OPEN_PATHS)
    return Starlette(routes=routes, middleware=[guard])


class _Patient(uvicorn.Server):
    """uvicorn looks ten times a second whether it should end; this one sleeps until it should."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for the end."""
        await self.on_tick(0)
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._ending.wait()

    def end(self) -> None:
        """Have it end; from any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)


class Server:
    """Listens on loopback once it is made, answers between `start` and `stop`."""

    def __init__(self, port: int) -> None:
        self._socket = _listen(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="views")
        self._server: _Patient | None = None
        self._thread: threading.Thread | None = None

    def start(self, build: Callable[[ThreadPoolExecutor], Starlette]) -> None:
        """Answer from now on with what `build` returns."""
        config = uvicorn.Config(
            build(self._pool),
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = _Patient(config)
        run = functools.partial(self._server.run, sockets=[self._socket])
        self._thread = threading.Thread(target=run, name="server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, and close."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join(STOP_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._socket.close()


def _listen(port: int) -> socket.socket:
    """Return a listening socket; a port that is taken must not keep the data from coming.

    Raises:
        ConfigError: this machine gives us no port at all.
    """
    for choice in dict.fromkeys((port, 0)):
        try:
            listening = socket.create_server((HOST, choice), backlog=64)
        except OSError as exc:
            log.warning("port %s cannot be had (%s): any free one is taken", choice, exc)
            continue
        # Head and body are written apart: without it every answer waits 40 ms for the client's ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    raise ConfigError("the daemon cannot listen", hint="set daemon.port to 0", host=HOST, port=port)
