"""The text of tactics.toml.example, generated from the settings models and the connectors.

Every key is there with its default and what it means, so the example cannot lag behind the code.
Reads and writes no file.
"""

import json
from collections.abc import Iterator, Sequence

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tactics.config import Settings, SourceSettings
from tactics.connectors import Connector

HEAD = """\
# tactics.toml: what tactics fetches, and how it behaves.
#
# A line like `#key = value` shows a default: take the `#` away to change it.
# The environment wins over this file: TACTICS_TRANSPORT__MAX_RETRIES=5 sets transport.max_retries.
# Credentials do not belong in here: `tactics auth set <org> <source> <name>` keeps them.

# Your organisation; nothing is ever summed across two of them. The key (`acme`) is its id.
[orgs.acme]
name = "Acme"
currency = "EUR"  # ISO 4217
timezone = "Europe/Vienna"  # IANA

# Sources: take the `#` away in front of those you have. The table's name is the connection's name;
# a second connection of a kind is one more table with `kind = "<kind>"`.
"""


def example_config(connectors: Sequence[Connector]) -> str:
    """Return a commented configuration with every setting, in its default state."""
    lines = [HEAD]
    for connector in connectors:
        lines.extend(_source(connector))
    for name, field in Settings.model_fields.items():
        if name != "orgs":
            lines.extend(_section(name, field))
    return "\n".join(lines).rstrip() + "\n"


def _source(connector: Connector) -> Iterator[str]:
    manifest = connector.manifest
    alternatives = [" + ".join(names) for names in manifest.credentials]
    yield f"# {manifest.title}. Credentials: {', or '.join(alternatives)}" + (
        f"; optional: {', '.join(manifest.optional_credentials)}"
        if manifest.optional_credentials
        else ""
    )
    yield f"#[orgs.acme.sources.{manifest.kind}]"
    examples = {"base_url": manifest.base_urls["api"], "accounts": [manifest.account_example]}
    fields = {**SourceSettings.model_fields, **connector.options.model_fields}
    for name, field in fields.items():
        if name != "kind":
            yield _line(name, field, examples.get(name))
    yield ""


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    model = field.annotation
    assert isinstance(model, type), name
    assert issubclass(model, BaseModel), name
    yield f"# {' '.join((model.__doc__ or '').split())}"
    yield f"[{name}]"
    for key, inner in model.model_fields.items():
        yield _line(key, inner, None)
    yield ""


def _line(name: str, field: FieldInfo, example: object) -> str:
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    value = default or example or next(iter(field.examples or ()), default)
    note = field.description or "not set"
    if value is None:
        return f"# {name}: {note}"
    return f"#{name} = {_toml(value)}" + (f"  # {field.description}" if field.description else "")


def _toml(value: object) -> str:
    """Return a default as TOML; our defaults are scalars, lists and flat tables of them."""
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)
