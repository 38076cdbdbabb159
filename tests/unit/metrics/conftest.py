"""What the tests of metrics share: the built-in registry, a small one, and a real DuckDB."""

from collections.abc import Callable, Iterator

import pytest

from tactics.duck import Connection, DuckLimits, connect
from tactics.errors import ConfigError
from tactics.metrics import Registry
from tactics.metrics.definition import read_definitions

SMALL = """
[grains.day]
description = "one day of one campaign"
currency = "currency"
[grains.day.columns]
clicks = { type = "count", additive = true, description = "clicks" }
impressions = { type = "count", additive = true, description = "impressions" }
conversions = { type = "count", additive = true, description = "conversions, DECIMAL" }
reach = { type = "count", description = "people, not addable" }
spend = { type = "money", additive = true, description = "spend" }
value = { type = "money", additive = true, description = "value" }
length = { type = "days", description = "days" }
share = { type = "rate", description = "a share" }
first_day = { type = "date", description = "first day" }
last_day = { type = "date", description = "last day" }
[grains.other]
description = "something else"
[grains.other.columns]
visits = { type = "count", additive = true, description = "visits" }
"""

Define = Callable[..., Registry]


def define_metrics(formula: str, *, more: str = "", **settings: object) -> Registry:
    """Return a registry with the metric `m` of this formula over the small grain."""
    entry = {"grain": "day", "formula": formula, "type": "rate", "unit": "x", "description": "d"}
    lines = []
    for key, value in {**entry, **settings}.items():
        text = str(value).lower() if isinstance(value, bool) else f"'''{value}'''"
        lines.append(f"{key} = {text}")
    return Registry(read_definitions(f"{SMALL}\n{more}\n[metrics.m]\n" + "\n".join(lines), "test"))


def refusal(formula: str, **settings: object) -> ConfigError:
    """Return the error that refuses this formula."""
    with pytest.raises(ConfigError) as caught:
        define_metrics(formula, **settings)
    return caught.value


@pytest.fixture(scope="session")
def registry() -> Registry:
    """Return the built-in metrics."""
    return Registry.load()


@pytest.fixture(scope="session")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Return a real DuckDB in memory."""
    connection = connect(None, DuckLimits(tmp_path_factory.mktemp("scratch")))
    yield connection
    connection.close()
