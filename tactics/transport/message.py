"""What goes out and what comes back, as values.

A connector builds a `Request` and reads a `Response` without a network. Sends nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, relative to a base URL.

    `base` names which base URL of the connection (`api`, or an extra one such as `drive`);
    `path` is appended to it, already percent-encoded. An absolute `path` (download links) is taken
    as it is. `auth` False sends no credential. `idempotent` False is never repeated blindly.
    """

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""
    base: str = "api"
    auth: bool = True
    idempotent: bool = True

    def with_query(self, **pairs: str) -> "Request":
        """Return the same request with these query values set (replaced where they stand)."""
        kept = tuple(pair for pair in self.query if pair[0] not in pairs)
        return replace(self, query=kept + tuple(pairs.items()))

    def with_headers(self, **pairs: str) -> "Request":
        """Return the same request with more headers; `_` in a name stands for `-`."""
        added = tuple((name.replace("_", "-"), value) for name, value in pairs.items())
        return replace(self, headers=self.headers + added)


def get(path: str, *query: tuple[str, str], base: str = "api") -> Request:
    """Return a GET request."""
    return Request("GET", path, query=query, base=base)


def post_form(path: str, *fields: tuple[str, str], base: str = "api") -> Request:
    """Return a POST request with a form body."""
    headers = (("content-type", "application/x-www-form-urlencoded"),)
    return Request("POST", path, headers=headers, body=urlencode(fields).encode(), base=base)


def post_json(path: str, value: object, *, base: str = "api") -> Request:
    """Return a POST request with a JSON body."""
    headers = (("content-type", "application/json"),)
    return Request("POST", path, headers=headers, body=json.dumps(value).encode(), base=base)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response, decompressed. Header names are lower case; `url` is redacted."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
