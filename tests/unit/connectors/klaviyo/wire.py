"""Carries the connector's requests to the simulator, without a socket."""

import datetime as dt
import email.utils
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tactics.config import Settings
from tactics.connectors import find_connector, options_of
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.sandbox import World
from tactics.sandbox.api import Call
from tactics.transport import Request, Response
from tests.unit.connectors.builders import Silver, described
from tests.unit.sandbox.asking import ORIGIN

MOST_STEPS = 400


class Wire:
    """Carries the requests of one organisation to the simulator, without a socket."""

    def __init__(
        self,
        world: World,
        org_id: str = "acme",
        *,
        pause: Callable[[float], None] = lambda _seconds: None,
        **options: object,
    ) -> None:
        settings = Settings.model_validate(tomllib.loads(world.config_toml(ORIGIN)))
        source = settings.orgs[org_id].sources["klaviyo"]
        self.world, self.org_id = world, org_id
        self.connector: Any = find_connector("klaviyo")
        found = options_of(source, self.connector).model_dump() | options
        self.options = self.connector.options.model_validate(found)
        self.key = world.environment(ORIGIN)[f"TACTICS_{org_id}_KLAVIYO_API_KEY".upper()]
        self.sent: list[Request] = []
        self.account_info: AccountInfo | None = None
        self._pause = pause
        self.warnings: list[str] = []

    def send(self, request: Request) -> Response:
        """Return the answer to one request."""
        self.sent.append(request)
        parts = urlsplit(request.path)
        query = (*parse_qsl(parts.query, keep_blank_values=True), *request.query)
        headers = {name.lower(): value for name, value in request.headers}
        headers["authorization"] = f"Klaviyo-API-Key {self.key}"
        call = Call(
            request.method, ORIGIN, "klaviyo", parts.path, query, headers, body=request.body
        )
        reply = self.world.answer(call)
        now = dt.datetime.combine(self.world.today, dt.time(6), dt.UTC)
        names = {name.lower(): value for name, value in reply.headers.items()}
        names["date"] = email.utils.format_datetime(now, usegmt=True)
        return Response(reply.status, reply.content(), names)

    def account(self) -> AccountInfo:
        """Return what the connector makes of the account, asked once."""
        if self.account_info is not None:
            return self.account_info
        asked = self.connector.ask_account(self.org_id, self.options)
        answer = self.send(asked)
        self.account_info = self.connector.read_account(self.org_id, self.options, answer)
        return self.account_info

    def work(self, stream: str, window: Window, **how: Any) -> Slice:
        """Return a slice of a stream."""
        key = StreamKey(self.org_id, "klaviyo", self.org_id, stream)
        return Slice(key, window, Priority.LIVE, self.account(), **how)

    def pages(self, stream: str, window: Window, **how: Any) -> Iterator[bytes]:
        """Yield the pages of one slice."""
        work = self.work(stream, window, **how)
        request = self.connector.ask(work, self.options)
        for _ in range(MOST_STEPS):
            step = self.connector.read(work, self.options, request, self.send(request))
            self.warnings += step.warnings
            self._pause(step.pause_seconds)
            if step.page is not None:
                yield step.page
            if step.next is None:
                return
            request = step.next
        pytest.fail("the slice does not end")

    def silver(
        self, stream: str, windows: Window | list[Window], scratch: Path, **how: Any
    ) -> list[dict[str, Any]]:
        """Return the rows of the stream's SQL over the pages of one or more slices."""
        silver, about = Silver(self.connector, stream, scratch), self.account()
        facts = described(currency=about.currency, timezone=about.timezone)
        for window in [windows] if isinstance(windows, Window) else windows:
            for page in self.pages(stream, window, **how):
                silver.add(page, request=facts, window=window, request_id=f"r{window.start}")
        rows = silver.rows()
        silver.connection.close()
        return rows
