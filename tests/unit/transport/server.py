"""A loopback server that answers as a test says, byte by byte if need be."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = bytes | Iterable[bytes]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    """A running server: where it listens and what it has seen."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def dribble(self, head: bytes, piece: bytes, pause: float = 0.02) -> Iterator[bytes]:
        """Yield `head`, then `piece` again and again, until the server stops or 5 s are over."""
        yield head
        for _ in range(int(5 / pause)):
            if self.stopped.wait(pause):
                return
            yield piece


def http(body: bytes = b"{}", status: int = 200, **headers: str) -> bytes:
    """Return the bytes of a response; `_` in a header's name stands for `-`."""
    lines = [f"HTTP/1.1 {status} Text", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class _Handler(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self):
        if (seen := self.read_request()) is None:
            return
        answer = self.server.next_answer(seen)
        try:
            for piece in [answer] if isinstance(answer, bytes) else answer:
                self.wfile.write(piece)
        except OSError:
            return  # the client has had enough, which is what many tests are about

    def read_request(self) -> Seen | None:
        first = self.rfile.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers = {}
        while line := self.rfile.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Seen(first[0], first[1], headers, body)


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answers) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.loopback = Loopback(f"http://127.0.0.1:{self.server_address[1]}")
        self._answers = answers
        self._lock = threading.Lock()

    def next_answer(self, seen: Seen) -> Answer:
        with self._lock:
            self.loopback.seen.append(seen)
            answer = self._answers[min(len(self.loopback.seen), len(self._answers)) - 1]
        return answer(seen) if callable(answer) else answer

    def handle_error(self, request, client_address):
        """Say nothing: a client that goes away is no error here."""


@contextmanager
def serve(*answers: Answer | Callable[[Seen], Answer]) -> Iterator[Loopback]:
    """Answer the requests one after the other; the last answer is repeated."""
    with _Listener(answers) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield listener.loopback
        finally:
            listener.loopback.stopped.set()
            listener.shutdown()
            thread.join()


def closed_port() -> int:
    """Return a port that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
