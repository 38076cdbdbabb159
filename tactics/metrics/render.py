"""Fills metrics into SQL: `{{ ctr }}` becomes its expression.

Touches nothing else of the statement.
"""

import re

from tactics.errors import ConfigError, NotFoundError
from tactics.metrics.registry import Registry

_MARK = re.compile(r"\{\{(?P<inside>[^{}]*)\}\}")
_INSIDE = re.compile(r"\s*(?P<name>[a-z][a-z0-9_]*)(?P<aggregate>\.aggregate)?\s*")


def render(text: str, registry: Registry) -> str:
    """Return the SQL with every `{{ metric }}` and `{{ metric.aggregate }}` replaced.

    The first reads a row of components already summed, the second a group of rows. Both come in
    parentheses.

    Raises:
        ConfigError: a mark is broken or names no metric.
    """
    rendered = _MARK.sub(lambda mark: _expression(text, mark, registry), text)
    for brackets in ("{{", "}}"):
        if brackets in rendered:
            line = rendered.count("\n", 0, rendered.index(brackets)) + 1
            raise ConfigError(f"{brackets} without its other half", hint="{{ metric }}", line=line)
    return rendered


def _expression(text: str, mark: re.Match[str], registry: Registry) -> str:
    line = text.count("\n", 0, mark.start()) + 1
    inside = _INSIDE.fullmatch(mark["inside"])
    if inside is None:
        hint = "{{ metric }} or {{ metric.aggregate }}"
        raise ConfigError(f"not a metric: {mark[0]}", hint=hint, line=line)
    try:
        expression = registry.compile(inside["name"], aggregate=bool(inside["aggregate"]))
    except NotFoundError as exc:
        raise ConfigError(exc.message, hint=exc.hint, line=line) from None
    return f"({expression})"
