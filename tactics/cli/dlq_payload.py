"""A payload changed in single places: `--set data.0.spend=12.50`, and nothing else with it.

Numbers keep every digit they were written with. Knows nothing of dead letters.
"""

from typing import Any

from tactics.errors import ConfigError

_FORM = "write PATH=VALUE: data.0.spend=12.50, or /data/0/spend=12.50"


def set_values(payload: bytes, assignments: list[str]) -> bytes:
    """Return the JSON `payload` with each `path=value` put in.

    A value that is JSON is taken as such (`12.50`, `"text"`, `null`, `[]`), any other as text.

    Raises:
        ConfigError: the payload is no JSON, or a path leads nowhere.
    """
    import msgspec

    try:
        tree = _decode(payload)
    except ValueError:
        hint = "give a whole one with --file"
        raise ConfigError("the payload is not JSON, --set cannot change it", hint=hint) from None
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError("no value to set", hint=_FORM, set=assignment)
        tree = _with(tree, _steps(path), _value(text))
    return msgspec.json.Encoder(decimal_format="number").encode(tree)


def _decode(text: bytes | str) -> object:
    import json
    from decimal import Decimal

    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _value(text: str) -> object:
    try:
        return _decode(text)
    except ValueError:
        return text


def _steps(path: str) -> list[str]:
    """Return the steps of `a.0.b`, or of the JSON pointer `/a/0/b` for names with a dot."""
    if path.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    return path.split(".") if path else []


def _with(tree: Any, steps: list[str], value: object) -> Any:  # noqa: ANN401 (any JSON)
    if not steps:
        return value
    step, *rest = steps
    match tree:
        case dict():
            if rest and step not in tree:
                raise _nowhere(step, tree)
            return {**tree, step: _with(tree.get(step), rest, value)}
        case list():
            if not step.isdecimal() or int(step) >= len(tree):
                raise _nowhere(step, tree)
            place = int(step)
            return [*tree[:place], _with(tree[place], rest, value), *tree[place + 1 :]]
        case _:
            raise _nowhere(step, tree)


def _nowhere(step: str, tree: object) -> ConfigError:
    match tree:
        case dict():
            found = f"names: {', '.join(sorted(tree)[:10])}"
        case list():
            found = f"positions: 0 to {len(tree) - 1}" if tree else "an empty list"
        case _:
            found = "a single value"
    return ConfigError("the path leads nowhere", hint=f"{_FORM}; there are {found}", step=step)
