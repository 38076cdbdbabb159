"""How transport's tests put a client together."""

import random

import pytest

from tactics.config import BreakerSettings, TransportSettings
from tactics.transport import (
    BearerToken,
    Breaker,
    Client,
    Endpoints,
    MemoryBreakers,
    Throttle,
)
from tests.support import FakeClock

TOKEN = "planted-token-0123456789"


class Rig:
    """A client with everything around it in reach of the test."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.breakers = MemoryBreakers()
        self.opened: list[tuple[str, str]] = []
        self.calls = []
        self.clients = []

    def breaker(self, **settings) -> Breaker:
        return Breaker(
            "meta_breaker",
            self.breakers,
            clock=self.clock,
            settings=BreakerSettings(**settings),
            on_open=lambda name, reason: self.opened.append((name, reason)),
        )

    def client(self, url: str, *, auth=None, hosts=(), clock=None, breaker=None, **settings):
        clock = clock or self.clock
        client = Client(
            Endpoints({"api": url}, hosts),
            settings=TransportSettings(**settings),
            breaker=breaker or self.breaker(),
            throttle=Throttle(requests_per_second=1000, burst=1000, clock=clock),
            auth=auth or BearerToken(TOKEN),
            clock=clock,
            random=random.Random(7),
            record=self.calls.append,
        )
        self.clients.append(client)
        return client


@pytest.fixture
def rig(clock: FakeClock):
    """Return what a client needs; its connections are closed afterwards."""
    rig = Rig(clock)
    yield rig
    for client in rig.clients:
        client.close()
