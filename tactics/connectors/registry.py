"""Finds connectors by kind and joins them with their settings.

The built-in kinds are the folders beside this file; others come from the entry point group `tactics.connectors`.
Knows no organisation and no credential.
"""

import functools
import sys
from importlib import import_module, metadata
from pkgutil import iter_modules
from typing import Any, cast

from pydantic import ValidationError

from tactics import connectors
from tactics.config import SourceSettings
from tactics.connectors.base import Connector, Options, StreamSpec
from tactics.errors import ConfigError
from tactics.sql import header_facts, load_text

GROUP = "tactics.connectors"
BUILT_IN = tuple(module.name for module in iter_modules(connectors.__path__) if module.ispkg)


def known_kinds() -> tuple[str, ...]:
    """Return every kind that the configuration may name, sorted."""
    return tuple(sorted({*BUILT_IN, *_entry_points()}))


def find_connector(kind: str) -> Connector:
    """Return the connector of a kind.

    Raises:
        ConfigError: nobody provides that kind, or its package cannot be loaded.
    """
    if kind in BUILT_IN:
        return cast("Connector", import_module(f"{GROUP}.{kind}").connector)
    entry = _entry_points().get(kind)
    if entry is None:
        _entry_points_on.cache_clear()  # a daemon lives on while somebody installs a package
        entry = _entry_points().get(kind)
    if entry is None:
        raise ConfigError(
            "no such kind of source", hint=f"known are: {', '.join(known_kinds())}", kind=kind
        )
    try:
        return cast("Connector", entry.load())
    except (ImportError, AttributeError) as exc:
        raise ConfigError("the connector cannot be loaded", kind=kind, entry=entry.value) from exc


def options_of(settings: SourceSettings, connector: Connector) -> Options:
    """Return the vendor's own keys of a connection, checked.

    Raises:
        ConfigError: a key is unknown to this kind of source, or its value is refused.
    """
    try:
        return connector.options.model_validate(settings.model_extra or {})
    except ValidationError as exc:
        problem = exc.errors(include_input=False, include_url=False)[0]
        text = problem["msg"].removeprefix("Value error, ")
        where = "".join(f"{place}: " for place in problem["loc"])
        raise ConfigError(
            f"{where}{text[:1].lower()}{text[1:]}",
            hint=f"see {connector.manifest.page}",
            kind=connector.manifest.kind,
        ) from None  # pydantic quotes the value, which may be a secret in the wrong place


def base_urls_of(settings: SourceSettings, connector: Connector) -> dict[str, str]:
    """Return the base URLs of a connection: `base_url` replaces `api`, `drive_base_url` `drive`.

    Raises:
        ConfigError: the vendor's URL depends on the account, and there is not exactly one.
    """
    extra: dict[str, Any] = {"base_url": settings.base_url, **(settings.model_extra or {})}
    chosen = {
        name: extra.get("base_url" if name == "api" else f"{name}_base_url") or url
        for name, url in connector.manifest.base_urls.items()
    }
    return {name: _of_account(str(url), settings).rstrip("/") for name, url in chosen.items()}


def _of_account(url: str, settings: SourceSettings) -> str:
    if "{account}" not in url:
        return url
    if len(settings.accounts) != 1:
        raise ConfigError(
            "this kind of source takes one account for each connection",
            hint="give every further account a table of its own, with `kind`",
            accounts=len(settings.accounts),
        )
    return url.replace("{account}", settings.accounts[0])


def stream_sql(connector: Connector, stream: str) -> str:
    """Return the SELECT that turns bronze pages of `stream` into rows of its silver table.

    It lies beside the connector, in the same package. A file headed `-- uses: cells.sql` is put
    behind the common table expressions of that file.
    """
    package = import_module(type(connector).__module__).__package__ or ""
    text = load_text(package, f"{stream}.sql")
    shared = header_facts(text).get("uses")
    return text if shared is None else f"{load_text(package, shared).rstrip()},\n{text}"


def spec_of(connector: Connector, stream: str) -> StreamSpec:
    """Return the stream's facts."""
    return next(spec for spec in connector.manifest.streams if spec.name == stream)


def _entry_points() -> dict[str, metadata.EntryPoint]:
    return _entry_points_on(tuple(sys.path))


@functools.lru_cache(maxsize=1)
def _entry_points_on(_: tuple[str, ...]) -> dict[str, metadata.EntryPoint]:
    """Return what is installed on a path: to ask all packages takes 10 ms, and a run asks often."""
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
