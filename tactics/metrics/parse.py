"""Reads the text of a formula: numbers, names, `+ - * /`, parentheses and ten functions.

Nothing else of SQL gets through: the words are checked before sqlglot sees them, and its tree is
checked again while it becomes ours. Knows nothing of columns and types.
"""

import itertools
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from tactics.metrics.formula import (
    FUNCTIONS,
    Binary,
    Call,
    Name,
    Negative,
    Node,
    Number,
    Source,
    Span,
)

if TYPE_CHECKING:
    from sqlglot import Token, exp

# Small enough that neither sqlglot nor DuckDB can run out of stack, large enough for any formula
# a person still reads; longer ones are built from other metrics.
MAX_CHARACTERS = 1_000
MAX_WORDS = 150
MAX_NESTING = 15

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,6})?")
_SIGNS = frozenset({"+", "-", "*", "/", "(", ")", ",", "=", "<>", "!=", "<", "<=", ">", ">="})
_ARITHMETIC = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
_COMPARISONS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_LIMITS = (
    f"at most {MAX_CHARACTERS} characters, {MAX_WORDS} words, {MAX_NESTING} parentheses deep: "
    "split it into several metrics"
)
_LANGUAGE = "a formula holds numbers, columns, metrics, + - * / ( ) and " + ", ".join(FUNCTIONS)


def parse_formula(source: Source) -> Node:
    """Return the tree of a formula.

    Raises:
        ConfigError: the text is not a formula; the hint shows where.
    """
    # Here and not at the top: sqlglot takes 0.3 s to import, and a report needs no formula.
    from sqlglot.dialects.duckdb import DuckDB  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    text, dialect = source.text, DuckDB()
    if len(text) > MAX_CHARACTERS:
        end = Span(MAX_CHARACTERS, MAX_CHARACTERS + 1)
        raise source.refuse(end, "has too many characters", _LIMITS)
    try:
        words = dialect.tokenize(text)
        _check_words(source, words)
        trees = dialect.parser().parse(words, text)
    except SqlglotError as exc:
        raise source.refuse(_place(source, exc), "cannot be read", _LANGUAGE) from None
    tree = trees[0] if len(trees) == 1 else None
    if tree is None:
        raise source.refuse_all("is empty", _LANGUAGE)
    return _read(source, tree)


def check_name(name: str) -> None:
    """Refuse a name that a formula or DuckDB would not read as a column.

    Raises:
        ConfigError: it is a word of SQL or a function.
    """
    from sqlglot.generators.duckdb import DuckDBGenerator  # noqa: PLC0415 - see parse_formula

    source = Source(name, name)
    if name in DuckDBGenerator.RESERVED_KEYWORDS:
        raise source.refuse_all("is a word of SQL", "choose another name")
    parse_formula(source)


def _place(source: Source, error: Exception) -> Span:
    details = (getattr(error, "errors", None) or [{}])[0]
    line, column = details.get("line"), details.get("col")
    if line is None or column is None:
        return Span(0, len(source.text))
    before = source.text.split("\n")[: line - 1]
    end = sum(len(passed) + 1 for passed in before) + column
    return Span(max(0, end - len(details.get("highlight") or " ")), end)


def _check_words(source: Source, words: "list[Token]") -> None:
    if len(words) > MAX_WORDS:
        raise source.refuse(_span(words[MAX_WORDS]), "has too many words", _LIMITS)
    depth = 0
    for word, following in itertools.zip_longest(words, words[1:]):
        _check_word(source, word, following)
        _check_neighbours(source, word, following)
        depth += (word.text == "(") - (word.text == ")")
        if depth > MAX_NESTING:
            raise source.refuse(_span(word), "has too many parentheses", _LIMITS)


def _check_word(source: Source, word: "Token", following: "Token | None") -> None:
    span = _span(word)
    written, called = source.text[span.start : span.end], _opens(following)
    if word.comments:
        raise source.refuse(span, "has a comment", "a minus of a minus is written `a - (-b)`")
    match word.token_type.name:
        case "NUMBER":
            if not _NUMBER.fullmatch(written):
                raise source.refuse(span, "is not a plain number", "up to 15 digits, 6 decimals")
        case "VAR" if called or written.upper() in FUNCTIONS:
            _check_function(source, span, written, called=called)
        case "VAR":
            if not IDENTIFIER.fullmatch(written):
                raise source.refuse(span, f"unknown name {written!r}", "names are lower case, a-z")
        case _:
            if written not in _SIGNS:
                raise source.refuse(span, f"does not know {written[:40]!r}", _LANGUAGE)


def _check_neighbours(source: Source, word: "Token", following: "Token | None") -> None:
    if following is None or not _ends_value(word) or not _starts_value(following):
        return
    if not (word.token_type.name == "VAR" and _opens(following)):
        raise source.refuse(_span(following), "an operator is missing here", "one of + - * /")


def _check_function(source: Source, span: Span, written: str, *, called: bool) -> None:
    if written.upper() not in FUNCTIONS:
        listed = ", ".join(FUNCTIONS)
        raise source.refuse(span, f"unknown function {written}", f"functions are {listed}")
    if not called:
        raise source.refuse(span, f"{written} is a function", f"write {written}(…)")


def _opens(word: "Token | None") -> bool:
    return word is not None and word.text == "("


def _ends_value(word: "Token") -> bool:
    return word.token_type.name in {"VAR", "NUMBER"} or word.text == ")"


def _starts_value(word: "Token") -> bool:
    return word.token_type.name in {"VAR", "NUMBER"} or word.text == "("


def _span(word: "Token") -> Span:
    return Span(word.start, word.end + 1)


def _read(source: Source, tree: "exp.Expr") -> Node:
    kind, span = type(tree).__name__, _span_of(tree)
    match kind:
        case "Paren":
            return _read(source, tree.this)
        case "Literal":
            return Number(Fraction(tree.name), span)
        case "Column":
            return Name(tree.name, span)
        case "Neg":
            return Negative(_read(source, tree.this), span)
        case _ if kind in _ARITHMETIC:
            left, right = _read(source, tree.this), _read(source, tree.args["expression"])
            return Binary(_ARITHMETIC[kind], left, right, span)
        case _ if kind.upper() in FUNCTIONS:
            return _read_call(source, tree, span)
        case _ if kind in _COMPARISONS:
            raise source.refuse(span, "a comparison stands only in IF", "IF(a > b, then, else)")
        case _:
            raise source.refuse(span, "is not a formula here", _LANGUAGE)


def _read_call(source: Source, tree: "exp.Expr", span: Span) -> Call:
    function = type(tree).__name__.upper()
    given = [part for value in tree.args.values() for part in _parts(value)]
    fewest, most = FUNCTIONS[function]
    if not fewest <= len(given) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise source.refuse(span, f"{function} takes {wanted} arguments, got {len(given)}")
    first, *rest = given
    read_first = _read_condition if function == "IF" else _read
    arguments = (read_first(source, first), *(_read(source, part) for part in rest))
    return Call(function, arguments, span)


def _read_condition(source: Source, tree: "exp.Expr") -> Node:
    kind = type(tree).__name__
    if kind == "Paren":
        return _read_condition(source, tree.this)
    if kind not in _COMPARISONS:
        raise source.refuse(_span_of(tree), "IF needs a comparison", "IF(a > b, then, else)")
    left, right = _read(source, tree.this), _read(source, tree.args["expression"])
    return Binary(_COMPARISONS[kind], left, right, _span_of(tree))


def _parts(value: object) -> "list[exp.Expr]":
    from sqlglot import exp  # noqa: PLC0415 - see parse_formula

    values = value if isinstance(value, list) else [value]
    return [part for part in values if isinstance(part, exp.Expr)]


def _span_of(tree: "exp.Expr") -> Span:
    """Return the place of all words below `tree`; sqlglot keeps none for signs."""
    metas = [part.meta for part in tree.walk() if "start" in part.meta]
    spans = [Span(meta["start"], meta["end"] + 1) for meta in metas]
    return spans[0].join(*spans) if spans else Span(0, 1)
