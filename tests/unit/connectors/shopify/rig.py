"""A shop on loopback and the real way to it: client, breaker, credential."""

import random
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tactics.config import SourceSettings, TransportSettings
from tactics.connectors import base_urls_of, options_of, pseudonymize
from tactics.connectors.shopify import ShopifyOptions, connector
from tactics.errors import FieldRejected, SliceTooLarge
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import Sandbox, World
from tactics.transport import (
    Auth,
    Breaker,
    Client,
    ClientCredentials,
    Endpoints,
    HeaderToken,
    MemoryBreakers,
    Request,
    Throttle,
)
from tests.support import FakeClock
from tests.unit.connectors.builders import Silver

KEY = b"pseudonym key of the tests"
MOST_STEPS = 400


@dataclass
class Rig:
    """One connection to the shop of an organisation; keeps what was asked and what was kept."""

    world: World
    sandbox: Sandbox
    clock: FakeClock = field(default_factory=FakeClock)
    org_id: str = "acme"
    extra: dict[str, object] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = tomllib.loads(self.world.config_toml(self.sandbox.url))["orgs"][self.org_id]
        settings = SourceSettings.model_validate({**text["sources"]["shopify"], **self.extra})
        self.options = options_of(settings, connector)
        assert isinstance(self.options, ShopifyOptions)
        self.urls = base_urls_of(settings, connector)
        self.account_id = settings.accounts[0]
        self.breakers = MemoryBreakers()
        self.throttle = Throttle(requests_per_second=1000, burst=1000, clock=self.clock)
        self.client = Client(
            Endpoints(self.urls, connector.manifest.hosts),
            settings=TransportSettings(),
            breaker=Breaker("shopify_breaker", self.breakers, clock=self.clock),
            throttle=self.throttle,
            auth=self._auth(),
            clock=self.clock,
            random=random.Random(7),
            record=lambda _call: None,
        )

    def _auth(self) -> Auth:
        prefix = f"TACTICS_{self.org_id}_SHOPIFY_".upper()
        held = self.world.environment(self.sandbox.url)
        secrets = {k.removeprefix(prefix).lower(): v for k, v in held.items() if prefix in k}
        name, before = connector.manifest.auth_header
        if token := secrets.get("access_token"):
            return HeaderToken(name, token, prefix=before)
        return ClientCredentials(
            self.urls["api"] + connector.manifest.token_path,
            secrets["client_id"],
            secrets["client_secret"],
            clock=self.clock,
            header=name,
            prefix=before,
        )

    def account(self) -> AccountInfo:
        """Return what the shop says of itself."""
        return self.client.exchange(
            connector.ask_account(self.account_id, self.options),
            lambda response: connector.read_account(self.account_id, self.options, response),
            max_retries=0,
        )

    def work(self, stream: str, window: Window, **changes: Any) -> Slice:
        """Return a slice of a stream."""
        key = StreamKey(self.org_id, "shopify", self.account_id, stream)
        return Slice(key, window, Priority.LIVE, self.account(), **changes)

    def fetch(self, work: Slice, silver: Silver | None = None, *, retries: int = 3) -> None:
        """Follow a slice to its end, smaller or without a field where the vendor asks.

        Raises:
            SliceTooLarge: also a bulk operation of one day does not succeed.
        """
        kept: list[tuple[Request, bytes]] = []
        try:
            self._follow(work, kept, retries)
        except SliceTooLarge:
            if len(work.window) > 1:
                for half in work.window.halves():
                    self.fetch(replace(work, window=half), silver)
                return
            if work.deep:
                raise
            self.fetch(replace(work, deep=True), silver)
            return
        except FieldRejected as error:
            name = str(error.facts["field"])
            self.fetch(replace(work, without=work.without | {name}), silver)
            return
        for request, page in kept if silver else ():
            silver.add(page, request=self._described(work, request), window=work.window)

    def _follow(self, work: Slice, kept: list[tuple[Request, bytes]], retries: int) -> None:
        request: Request | None = connector.ask(work, self.options)
        while request is not None:
            assert len(self.asked) < MOST_STEPS, "the slice does not end"
            self.asked.append(request)
            sent = request
            step = self.client.exchange(
                sent,
                lambda response: connector.read(work, self.options, sent, response),  # noqa: B023
                max_retries=retries,
            )
            self.clock.sleep(step.wait_seconds)
            self.throttle.slow_down("", step.pause_seconds)
            self.warnings += step.warnings
            if step.job and step.job.startswith("gid:"):  # else: when one is to be started
                self.jobs.append(step.job)
            if step.page is not None:
                kept.append((sent, pseudonymize(step.page, step.pseudonyms, KEY)))
            request = step.next

    def _described(self, work: Slice, request: Request) -> dict[str, object]:
        facts = {"currency": work.account.currency, "timezone": work.account.timezone}
        options = self.options.model_dump(mode="json")
        return {"query": dict(request.query), "account": facts, "options": options}


@contextmanager
def open_rig(
    world: World, sandbox: Sandbox, org_id: str = "acme", **extra: object
) -> Iterator[Rig]:
    """Open a connection to one of the shops of a world that is served."""
    rig = Rig(world, sandbox, org_id=org_id, extra=extra)
    with rig.client:
        yield rig
