"""What a simulator is made of: a call comes in, a reply goes out, both plain values.

Each API is one file that builds a `Simulator`. Knows no socket and no vendor.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

from starlette.routing import compile_path

from tactics.sandbox.faults import Fault
from tactics.sandbox.ledger import Fact
from tactics.sandbox.plan import Org

Pairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a simulator.

    `origin` is `http://host:port`, `mount` the simulator's name, `path` the rest, still
    percent-encoded; `match` are the decoded parts of the path that the route names. Header names
    are lower case.
    """

    method: str
    origin: str
    mount: str
    path: str
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    match: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Return the base URL that the client was given."""
        return f"{self.origin}/{self.mount}"

    def first(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def every(self, name: str) -> list[str]:
        """Return all values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def form(self) -> Pairs:
        """Return the fields of a form body."""
        return tuple(parse_qsl(self.body.decode(), keep_blank_values=True))

    def bearer(self) -> str:
        """Return the bearer token, or nothing."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One response: `document` as JSON, or `body` as it is; and how slowly it travels."""

    document: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    media_type: str = "application/json; charset=UTF-8"
    wait_seconds: float = 0.0
    dribble_seconds: float = 0.0
    disconnect: bool = False

    def content(self) -> bytes:
        """Return the body's bytes."""
        return json.dumps(self.document).encode() if self.body is None else self.body

    def with_headers(self, headers: Mapping[str, str]) -> "Reply":
        """Return the same reply with more headers."""
        return replace(self, headers={**self.headers, **headers})


class Refused(Exception):
    """The API answers with an error instead; raised by handlers, caught by the dispatcher."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Handler: TypeAlias = Callable[[Call], Reply]
# An effect returns None when the fault does not concern this call; then it has not fired.
Before: TypeAlias = Callable[[Call, Fault], Reply | None]
After: TypeAlias = Callable[[Call, Fault, Reply], Reply | None]


class Route:
    """One endpoint: a method, a path such as `/v1/{object}/{id}`, and its handler."""

    def __init__(self, method: str, path: str, handler: Handler) -> None:
        self.method = method
        self.handler = handler
        self._pattern = compile_path(path)[0]

    def match(self, call: Call) -> Call | None:
        """Return the call with its path's parts, if it is for this route."""
        if call.method != self.method or not (found := self._pattern.match(call.path)):
            return None
        # Matched while still encoded: a slash inside of a name must not look like a separator.
        parts = {name: unquote(text) for name, text in found.groupdict().items()}
        return replace(call, match=parts)


@dataclass(frozen=True, slots=True)
class Simulator:
    """One API: what it serves, how it says no, and how it can be made to misbehave.

    `name` is its mount point and how faults address it. `before` are faults that answer in place of
    the handler, `after` those that spoil a good answer; both in the vendor's own form, in addition
    to the ones every API has. `account` says which account a call is about. `settings` and
    `credentials` return what the connector of this source needs in the configuration and in the
    environment; nothing for an API that is no source of its own. `facts` are the rows that a correct
    sync of an organisation leaves in silver (ads, money and sheets have ledgers of their own), and
    `actions` mutations of this vendor's data, by the names the control endpoint gets.
    """

    name: str
    routes: tuple[Route, ...]
    not_found: Handler
    before: Mapping[str, Before] = field(default_factory=dict)
    after: Mapping[str, After] = field(default_factory=dict)
    account: Callable[[Call], str] = lambda call: call.match.get("account", "")
    settings: Callable[[Org, str], dict[str, object]] = lambda _org, _url: {}
    credentials: Callable[[Org, str], dict[str, str]] = lambda _org, _url: {}
    facts: Callable[[Org], Iterable[Fact]] = lambda _org: ()
    actions: Mapping[str, Callable[..., object]] = field(default_factory=dict)

    def route(self, call: Call) -> tuple[Call, Handler] | None:
        """Return the handler of a call, and the call with its path's parts."""
        for route in self.routes:
            if found := route.match(call):
                return found, route.handler
        return None


def constant(reply: Reply) -> Before:
    """Return a fault's effect that always answers the same."""
    return lambda _call, _fault: reply
