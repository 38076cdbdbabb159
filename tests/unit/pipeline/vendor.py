"""The probe's vendor: a loopback server that answers what a test says, and how to reach it."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tactics.config import TransportSettings
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.pipeline.access import Access
from tactics.pipeline.workspace import Workspace
from tactics.transport import BearerToken, Client, Endpoints, Throttle
from tests.unit.pipeline.probe.connector import ProbeConnector, ProbeOptions, connector
from tests.unit.transport.server import Seen, http, serve

Answer = dict[str, Any]
PAGE: Answer = {"rows": []}
KEY = StreamKey("acme", "probe", "a1", "ads")
ACCOUNT = AccountInfo("a1", "Acme", "EUR", "Europe/Vienna", {"locale": "de_AT"})


@dataclass
class Vendor:
    """What is asked of it (path and query of each request), and how it answers."""

    answer: Callable[[Answer], Answer]
    url: str = ""
    asked: list[Answer] = field(default_factory=list)

    def hear(self, seen: Seen) -> bytes:
        """Remember the request and answer it."""
        parts = urlsplit(seen.target)
        asked = {"path": parts.path, **dict(parse_qsl(parts.query))}
        self.asked.append(asked)
        return http(json.dumps(self.answer(asked)).encode())

    def said(self, *names: str) -> list[tuple[str, ...]]:
        """Return some values of each request."""
        return [tuple(asked.get(name, "") for name in names) for asked in self.asked]


@contextmanager
def open_vendor(*answers: Answer | Callable[[Answer], Answer]) -> Iterator[Vendor]:
    """Serve a function, or one answer after the other, the last one for ever."""

    def in_turn(_: Answer) -> Answer:
        answer = answers[min(len(vendor.asked), len(answers)) - 1]
        assert isinstance(answer, dict)
        return answer

    vendor = Vendor(answers[0] if callable(answers[0]) else in_turn)
    with serve(vendor.hear) as server:
        vendor.url = server.url
        yield vendor


@contextmanager
def open_probe(
    workspace: Workspace, url: str, probe: ProbeConnector = connector
) -> Iterator[Access]:
    """Open the way to the vendor, without a retry."""
    throttle = Throttle(requests_per_second=1000, burst=1000, clock=workspace.clock)
    client = Client(
        Endpoints({"api": url}),
        settings=TransportSettings(max_retries=0),
        breaker=workspace.breaker("probe_breaker"),
        throttle=throttle,
        auth=BearerToken("planted-token-0123456789"),
        clock=workspace.clock,
        random=random.Random(7),
        record=lambda _: None,
    )
    with client:
        yield Access(probe, ProbeOptions(), client, throttle)


def slice_of(window: Window, key: StreamKey = KEY, **more: Any) -> Slice:
    """Return a slice of the probe."""
    return Slice(key, window, **{"priority": Priority.LIVE, "account": ACCOUNT, **more})
