"""The control endpoint: faults, mutations and totals for tests in another process.

Plain functions from a request to a document; the server does the HTTP.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tactics.errors import TacticsError
from tactics.sandbox.faults import Fault, Faults
from tactics.sandbox.ledger import plain


class Totalled(Protocol):
    """Totals that can be written as JSON."""

    def to_json(self) -> Mapping[str, object]:
        """Return plain objects."""
        ...


class Controlled(Protocol):
    """What can be controlled: a world, or the bulk server."""

    faults: Faults

    def totals(self) -> Totalled:
        """Return what the vendors hold now."""
        ...

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """Return the mutations by name; their arguments come by keyword."""
        ...

    def config_toml(self, url: str) -> str:
        """Return a complete tactics.toml."""
        ...

    def environment(self, url: str) -> dict[str, str]:
        """Return the credentials as environment variables."""
        ...


def control(
    world: Controlled, method: str, action: str, body: bytes, *, url: str
) -> tuple[int, object]:
    """Return status and document of one request to the control endpoint."""
    try:
        arguments = json.loads(body) if body else {}
        match (method, action):
            case ("GET", "totals"):
                return 200, world.totals().to_json()
            case ("GET", "config"):
                return 200, {"toml": world.config_toml(url), "environment": world.environment(url)}
            case (_, "faults"):
                return 200, _faults(world.faults, method, arguments)
            case ("POST", name) if name in world.actions():
                return 200, {"result": plain(world.actions()[name](**arguments))}
    except (TacticsError, TypeError, ValueError) as exc:
        return 400, {"error": str(exc), "hint": getattr(exc, "hint", "")}
    return 404, {"error": f"no such action: {method} {action}", "known": sorted(world.actions())}


def _faults(faults: Faults, method: str, arguments: Mapping[str, Any]) -> list[object]:
    if method == "POST":
        faults.plant(Fault(**arguments))
    elif method == "DELETE":
        faults.clear()
    return [dataclasses.asdict(fault) for fault in faults.planted()]
