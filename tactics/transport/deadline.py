"""Makes every wait on a socket end at the deadline of the request it serves.

httpx limits the pause between two pieces, so a peer that sends a byte now and then holds a thread
for ever, and most easily in the headers, where no caller can look at a clock. Here the limit sits
under every read, write and connect; only a name look-up is left to the resolver's own limits.
Knows nothing of HTTP.
"""

import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from tactics.clock import Clock


class Deadline:
    """An instant on the clock that only moves forward."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds
        self._ends = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self._ends - self._clock.monotonic())


class _Current(threading.local):
    """The deadline of the request this thread is in; a request never changes threads."""

    deadline: Deadline | None = None


_current = _Current()


@contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """Let the deadline hold for everything this thread does on sockets inside."""
    before = _current.deadline
    _current.deadline = deadline
    try:
        yield
    finally:
        _current.deadline = before


def _clamp(timeout: float | None, expired: type[Exception]) -> float | None:
    if _current.deadline is None:
        return timeout
    remaining = _current.deadline.remaining()
    if not remaining:
        raise expired("the deadline for the whole response has passed")
    return remaining if timeout is None else min(timeout, remaining)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _clamp(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _clamp(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        limit = _clamp(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401  httpcore's own signature
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(  # noqa: PLR0917  httpcore's own signature
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        limit = _clamp(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, limit, local_address, socket_options))


def bound(client: httpx.Client) -> httpx.Client:
    """Put the limit under every connection `client` will open, also through proxies.

    httpx has no public way to name a network backend while it reads proxies from the environment;
    the tests with dribbling headers fail if an upgrade moves these attributes.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend()  # noqa: SLF001
    return client
