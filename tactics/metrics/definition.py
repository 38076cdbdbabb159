"""What metrics files say: grains with their columns, and metrics with their formulas.

Reads and checks TOML; understands no formula.
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tactics.errors import ConfigError
from tactics.metrics.parse import IDENTIFIER
from tactics.metrics.units import DAYS, Kind, Unit, unit_of

Identifier = Annotated[str, StringConstraints(pattern=rf"^{IDENTIFIER.pattern}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Entry):
    """A column that formulas may use; `additive` means that rows of it may be summed."""

    type: Kind
    per_day: bool = False
    additive: bool = False
    description: Text

    @property
    def unit(self) -> Unit:
        """Return what the column is measured in."""
        unit = unit_of(self.type)
        return unit.per(DAYS) if self.per_day else unit


class Grain(_Entry):
    """What one row of a kind of table is, and the component columns it holds.

    `currency` names the column whose values must not be mixed when money is summed.
    """

    description: Text
    currency: Identifier | None = None
    columns: dict[Identifier, Column]


class Metric(_Entry):
    """One number with a name.

    `formula` is over one row of the grain. `aggregate` says it again for a group of rows where
    the ratio of sums of `formula` would not be what the metric means. `additive` metrics may be
    summed as they are.
    """

    grain: Identifier
    formula: Text
    aggregate: Text | None = None
    type: Kind
    unit: Text
    additive: bool = False
    description: Text


class Definitions(_Entry):
    """All of a metrics file."""

    grains: dict[Identifier, Grain] = Field(default_factory=dict)
    metrics: dict[Identifier, Metric] = Field(default_factory=dict)

    def merge(self, extra: "Definitions", origin: object) -> "Definitions":
        """Return both together.

        Raises:
            ConfigError: `extra` says again what is already said.
        """
        twice = [*self.grains.keys() & extra.grains.keys()]
        twice += self.metrics.keys() & extra.metrics.keys()
        if twice:
            raise ConfigError(
                f"already defined: {', '.join(sorted(twice))}",
                hint="choose another name; what is built in keeps its meaning",
                file=origin,
            )
        return Definitions(
            grains={**self.grains, **extra.grains}, metrics={**self.metrics, **extra.metrics}
        )


def read_definitions(text: str, origin: object) -> Definitions:
    """Return what the text of a metrics file says.

    Raises:
        ConfigError: it is not TOML, or a value is refused.
    """
    try:
        return Definitions.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError("the metrics cannot be read", file=origin) from exc
    except ValidationError as exc:
        problem = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise ConfigError(f"{where}: {problem['msg'].lower()}", hint=f"edit {origin}") from None


def read_file(path: Path) -> Definitions:
    """Return what a metrics file says.

    Raises:
        ConfigError: it cannot be read, or a value is refused.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError("the metrics cannot be read", file=path) from exc
    return read_definitions(text, path)
