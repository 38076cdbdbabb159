"""Where a connection may go, and where its credential may go.

Resolves a `Request` to a URL. The URL that is checked is the very object that is requested, so no
second parser can disagree. Opens no connection.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import quote, unquote_plus, urlencode

import httpx

from tactics.errors import ConfigError, ContractChanged
from tactics.transport.message import Pairs, Request, Response
from tactics.transport.redaction import redact

_REDIRECTS = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)
_VERSION = re.compile(r"v\d+([._]\d+|beta|alpha)?")
_LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The base URLs of a connection (`api`, and what else the vendor needs) and further hosts.

    `hosts` are suffixes that a download or redirect may go to, by https and without the credential;
    `trusted` are those of the vendor's own hosts that get the credential, too.

    Raises:
        ConfigError: a base URL is not an http(s) URL.
    """

    base_urls: Mapping[str, str]
    hosts: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    _bases: dict[str, httpx.URL] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        bases = {name: _parse_base(name, text) for name, text in self.base_urls.items()}
        object.__setattr__(self, "_bases", bases)

    def resolve(self, request: Request) -> httpx.URL:
        """Return the URL of `request`.

        Raises:
            ContractChanged: it would lead away from the hosts of this connection.
        """
        if is_absolute(request):
            url = _parse(request.path)
            self._check(url)
            return _with_query(url, request.query)
        base = str(self._bases[request.base]).rstrip("/")
        path = request.path.lstrip("/")
        text = f"{base}/{path}" if path else base
        if request.query and "?" not in text:  # the usual case: parsed once, not three times
            return _parse(f"{text}?{_encode(request.query)}")
        return _with_query(_parse(text), request.query)

    def owns(self, url: httpx.URL) -> bool:
        """Return whether the credential may go to `url`: an origin of a base URL, a trusted host."""
        return any(_origin(url) == _origin(base) for base in self._bases.values()) or _lies_under(
            url, self.trusted
        )

    def _check(self, url: httpx.URL) -> None:
        if url.userinfo or not (self.owns(url) or _lies_under(url, self.hosts)):
            raise ContractChanged(
                "the vendor leads to a host that is not its own",
                hint="nothing was sent there; set base_url if the vendor has moved",
                host=f"{url.scheme}://{url.netloc.decode('ascii').rpartition('@')[2]}",
            )


def _lies_under(url: httpx.URL, suffixes: tuple[str, ...]) -> bool:
    host = url.raw_host.decode("ascii")
    names = (name.lower().lstrip(".") for name in suffixes)
    https = url.scheme == "https" and not url.userinfo
    return https and any(host == name or host.endswith("." + name) for name in names)


def is_absolute(request: Request) -> bool:
    """Return whether the request names its host itself, as download links and redirects do."""
    return request.path.lower().startswith(("http:", "https:"))


def follow(request: Request, url: httpx.URL, response: Response) -> Request | None:
    """Return the request a redirect asks for, or None when `response` is none.

    Raises:
        ContractChanged: the redirect leads to something that is not a URL.
    """
    location = response.headers.get("location", "")
    if response.status not in _REDIRECTS or not location:
        return None
    try:
        target = url.join(location)
    except httpx.InvalidURL as exc:
        raise ContractChanged("the vendor redirects to something that is no URL") from exc
    if target.scheme not in {"http", "https"}:
        raise ContractChanged("the vendor redirects away from HTTP", scheme=target.scheme)
    again = replace(request, path=str(target), query=())
    if _becomes_get(request, response.status):
        kept = tuple(pair for pair in request.headers if pair[0].lower() != "content-type")
        again = replace(again, method="GET", body=b"", headers=kept)
    return again


def _becomes_get(request: Request, status: int) -> bool:
    if status == HTTPStatus.SEE_OTHER:
        return True
    return request.method == "POST" and status in {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND}


def endpoint_of(request: Request) -> str:
    """Return `request` without ids, as the API call ledger counts it: `GET api/{id}/insights`."""
    path = request.path.partition("?")[0]
    if "://" in path:
        return f"{request.method} download"
    parts = [_nameless(part) for part in path.strip("/").split("/")]
    return f"{request.method} {request.base}/{'/'.join(parts)}"


def _nameless(part: str) -> str:
    thing, colon, verb = part.partition(":")  # Google's verbs: properties/123:runReport
    numbered = any(character.isdigit() for character in thing)
    if (numbered and not _VERSION.fullmatch(thing)) or len(thing) > _LONGEST_WORD:
        thing = "{id}"
    return thing + colon + verb


def _parse(text: str) -> httpx.URL:
    try:
        return httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise ContractChanged(
            "the vendor names something that is no URL", url=redact(text)
        ) from exc


def _parse_base(name: str, text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise ConfigError("a base URL cannot be read", name=name) from exc
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query:
        raise ConfigError(
            "a base URL must look like https://host/path",
            hint="secrets belong into `tactics auth set`, not into a URL",
            name=name,
        )
    return url


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def _with_query(url: httpx.URL, pairs: Pairs) -> httpx.URL:
    """Replace what `pairs` names and leave the rest byte for byte: it may be part of a signature."""
    if not pairs:
        return url
    names = {name for name, _ in pairs}
    parts = url.query.decode("ascii").split("&")
    kept = [part for part in parts if part and unquote_plus(part.partition("=")[0]) not in names]
    query = "&".join([*kept, _encode(pairs)])
    return url.copy_with(query=query.encode("ascii"))


def _encode(pairs: Pairs) -> str:
    return urlencode(pairs, quote_via=quote, safe="")
