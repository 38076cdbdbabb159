"""What goes out and what comes back, as values.

A connector builds a `Request` and reads a `Response` without a network. Sends nothing.
"""

import datetime as dt
import email.utils
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from tactics.transport.redaction import redact

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, relative to a base URL.

    `base` names which base URL of the connection (`api`, or an extra one such as `drive`);
    `path` is appended to it, already percent-encoded. An absolute `path` (download links) is taken
    as it is, if its host is allowed. `query` replaces values of the same name in `path`.
    `auth` False sends no credential. `idempotent` False is never repeated blindly.
    """

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes = b""
    base: str = "api"
    auth: bool = True
    idempotent: bool = True

    def __repr__(self) -> str:
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"<Request {self.method} {self.base} {redact(self.path + query)}>"

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
    """A whole response, decompressed. Header names are lower case.

    The credential that was sent is hidden in `body` too, should the vendor repeat it.
    """

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long the vendor asks to wait, from a `retry-after` of seconds or of a date.

    A date is read against the answer's own `date`, so that a wrong clock here does no harm.
    Source: RFC 9110, section 10.2.3.
    """
    text = headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdecimal():
        return float(text)
    until, now = _http_date(text), _http_date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _http_date(text: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
