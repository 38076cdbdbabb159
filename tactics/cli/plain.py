"""Reads the words of a command line as text, paths and whole numbers, without pydantic.

typer 0.29 builds a pydantic adapter for every option, whose import costs as much as all the rest
of `tactics dlq list`. Leaves kinds of options that it does not know to typer.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import typer

if TYPE_CHECKING:
    from typer._click import Command

HELP_NAMES = ["-h", "--help"]
_KINDS: tuple[type, ...] = (bool, str, int, Path)  # a flag that was not given is no bool yet


@dataclass(frozen=True, slots=True)
class Reader:
    """Stands where typer keeps its adapter: turns the given text into the parameter's value."""

    kind: type
    many: bool
    least: int | None = None
    most: int | None = None

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401 (typer's signature)
        """Return the value; nothing given is None, or an empty tuple where several may be.

        Raises:
            BadParameter: it is not of the kind, or out of range.
        """
        try:
            if self.many:
                return [self._read(item) for item in value or ()]
            return None if value is None else self._read(value)
        except ValueError as exc:
            raise typer.BadParameter(str(exc), ctx=ctx, param=param) from exc

    def _read(self, text: object) -> object:
        if self.kind is not int:
            return self.kind(text)
        try:
            number = int(str(text))
        except ValueError:
            raise ValueError(f"'{text}' is not a whole number") from None
        if self.least is not None and number < self.least:
            raise ValueError(f"{number} is less than {self.least}")
        if self.most is not None and number > self.most:
            raise ValueError(f"{number} is more than {self.most}")
        return number


def read_plainly(command: "Command") -> None:
    """Give every parameter of a command and its verbs a `Reader` that suits it."""
    context = typer.Context(command, help_option_names=HELP_NAMES)
    params: list[Any] = [*command.params, command.get_help_option(context)]
    for param in params:
        descriptor = getattr(param, "type_descriptor", None)
        reader = None if descriptor is None else _reader_for(descriptor)
        if reader is not None:
            param._runtime_param = reader  # noqa: SLF001 (typer has no other way)
    for verb in getattr(command, "commands", {}).values():
        read_plainly(verb)


def _reader_for(descriptor: Any) -> Reader | None:  # noqa: ANN401 (typer keeps the type private)
    annotation = descriptor.annotation
    many = get_origin(annotation) is list
    kind = get_args(annotation)[0] if many else annotation
    if kind not in _KINDS:
        return None
    facts = descriptor.parameter_info
    return Reader(kind, many, facts.min, facts.max)
