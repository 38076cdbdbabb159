"""What a formula is once it has been read: a small tree whose nodes know where they stand.

Knows nothing of columns, types or SQL.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from tactics.errors import ConfigError

AGGREGATES = frozenset({"SUM", "MIN", "MAX"})
FUNCTIONS = {  # name: fewest and most arguments
    "SUM": (1, 1),
    "MIN": (1, 1),
    "MAX": (1, 1),
    "COALESCE": (2, 8),
    "LEAST": (2, 8),
    "GREATEST": (2, 8),
    "ABS": (1, 1),
    "ROUND": (1, 2),
    "NULLIF": (2, 2),
    "IF": (3, 3),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of the formula's text."""

    start: int
    end: int

    def join(self, *others: "Span") -> "Span":
        """Return the smallest span that holds all of them."""
        spans = (self, *others)
        return Span(min(s.start for s in spans), max(s.end for s in spans))


@dataclass(frozen=True, slots=True)
class Number:
    """A plain decimal number, exactly."""

    value: Fraction
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A component column or another metric."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Negative:
    """`- operand`."""

    operand: "Node"
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`; a comparison stands only in the condition of IF."""

    operator: str
    left: "Node"
    right: "Node"
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`, with as many arguments as `FUNCTIONS` says."""

    function: str
    arguments: tuple["Node", ...]
    span: Span


Node: TypeAlias = Number | Name | Negative | Binary | Call


def walk(node: Node) -> Iterator[Node]:
    """Yield `node` and everything below it."""
    yield node
    match node:
        case Negative(operand=operand):
            yield from walk(operand)
        case Binary(left=left, right=right):
            yield from walk(left)
            yield from walk(right)
        case Call(arguments=arguments):
            for argument in arguments:
                yield from walk(argument)
        case Number() | Name():
            pass


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a formula, and whose it is: what a person needs to find a mistake."""

    owner: str
    text: str

    def refuse(self, span: Span, message: str, advice: str = "") -> ConfigError:
        """Return the error for a mistake at `span`, its hint pointing there with carets."""
        start = min(span.start, len(self.text))
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", start)
        line = self.text[first : len(self.text) if last < 0 else last]
        width = max(1, min(span.end, first + len(line)) - start)
        carets = " " * (start - first) + "^" * width
        return ConfigError(
            f"formula of {self.owner}: {message}",
            hint=f"{line}\n{carets} {advice}".rstrip(),
            line=self.text.count("\n", 0, start) + 1,
            column=start - first + 1,
        )

    def refuse_all(self, message: str, advice: str = "") -> ConfigError:
        """Return the error for a mistake that is not in one place."""
        return self.refuse(Span(0, len(self.text)), message, advice)
