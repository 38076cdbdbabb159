"""Faults that a test plants: named, counted, addressed to an API, an account, a path.

Decides which fault is due and counts what fired. What a fault does is in `effects.py` for every
API and in the API's own file for the vendor's forms.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tactics.errors import ConfigError


@dataclass(slots=True)
class Fault:
    """One planned misbehaviour.

    It concerns calls to `api` whose account and path match the globs (`*` is all). `times` is how
    often it fires (None: always), after letting the first `after` matching calls pass. `seconds` is
    how long slow faults take; 0 means the fault's own default. `options` are the fault's own.
    `fired` counts how often it really changed an answer.
    """

    name: str
    api: str
    account: str = "*"
    path: str = "*"
    times: int | None = 1
    after: int = 0
    seconds: float = 0.0
    options: Mapping[str, object] = field(default_factory=dict)
    fired: int = 0
    seen: int = 0

    def option(self, name: str, default: int) -> int:
        """Return a numeric option."""
        return int(str(self.options.get(name, default)))

    def text(self, name: str, default: str) -> str:
        """Return a text option."""
        return str(self.options.get(name, default))

    def concerns(self, api: str, account: str, path: str) -> bool:
        """Return whether a call is addressed by this fault."""
        return (
            api == self.api and fnmatchcase(account, self.account) and fnmatchcase(path, self.path)
        )

    @property
    def spent(self) -> bool:
        """Return whether it has fired as often as it was meant to."""
        return self.times is not None and self.fired >= self.times


class Faults:
    """The faults planted now; `known` has the names that each API understands."""

    def __init__(self, known: Mapping[str, Collection[str]]) -> None:
        self.known = known
        self._planted: list[Fault] = []

    def plant(self, fault: Fault) -> Fault:
        """Arm a fault and return it: its `fired` is the proof.

        Raises:
            ConfigError: there is no such API, or it has no such fault.
        """
        if fault.name not in self.known.get(fault.api, ()):
            known = ", ".join(sorted(self.known.get(fault.api, ()))) or "none: no such api"
            raise ConfigError(
                "no such fault", hint=f"known: {known}", api=fault.api, fault=fault.name
            )
        self._planted.append(fault)
        return fault

    def due(self, api: str, account: str, path: str) -> list[Fault]:
        """Return the armed faults that concern a call, in the order they were planted."""
        concerned = [fault for fault in self._planted if fault.concerns(api, account, path)]
        for fault in concerned:
            fault.seen += 1
        return [fault for fault in concerned if not fault.spent and fault.seen > fault.after]

    def planted(self) -> tuple[Fault, ...]:
        """Return every fault planted since the last clearing, spent or not."""
        return tuple(self._planted)

    def clear(self) -> None:
        """Heal everything."""
        self._planted.clear()
