"""The metrics that exist, compiled once: one definition for gold, reports and rules.

Owns names, their order of dependence and the cache. Runs no SQL.
"""

import difflib
import functools
import graphlib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import resources
from importlib.abc import Traversable
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from tactics import __version__
from tactics.errors import ConfigError, NotFoundError
from tactics.metrics.compile import MAX_ROWS_ORDER, Compiler
from tactics.metrics.definition import (
    Column,
    Definitions,
    Grain,
    Metric,
    read_definitions,
    read_file,
)
from tactics.metrics.formula import Name, Node, Source, walk
from tactics.metrics.parse import check_name, parse_formula
from tactics.metrics.term import ATOM_LEVEL, Term
from tactics.metrics.units import kinds_of
from tactics.sql import load_text

BUILT_IN = "builtin.toml"


class Registry:
    """Metrics by name; checked when made, safe to share between threads."""

    def __init__(self, definitions: Definitions) -> None:
        """Check and compile everything.

        Raises:
            ConfigError: a formula is wrong, a name stands for two things, or metrics form a circle.
        """
        self._grains = definitions.grains
        self._metrics = definitions.metrics
        self._check_names()
        self._trees: dict[Source, Node] = {}
        self._terms: dict[tuple[str, bool], Term] = {}
        for name in self._in_order():
            self._add(name)

    @classmethod
    def load(cls, extra: Path | None = None) -> "Registry":
        """Return the built-in metrics, compiled once per process, and those of the file `extra`.

        Raises:
            ConfigError: the file cannot be read, or a formula in it is wrong.
        """
        if extra is None:
            return _built_in()
        return cls(_read_built_in().merge(read_file(extra), extra))

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Return every metric by name, those of the product first."""
        return MappingProxyType(self._metrics)

    @property
    def grains(self) -> Mapping[str, Grain]:
        """Return every grain by name."""
        return MappingProxyType(self._grains)

    def compile(self, name: str, *, aggregate: bool = False, one_currency: bool = False) -> str:
        """Return a metric as one DuckDB expression.

        Plain, it reads the columns of a row that holds the components already summed. With
        `aggregate` it is the ratio of sums of a group of rows, for any GROUP BY; where money is in
        it, a group of more than one currency gives NULL. `one_currency` leaves that test out: the
        caller groups by the currency.

        Raises:
            NotFoundError: there is no such metric.
            ConfigError: `aggregate`, and the metric means nothing for a group.
        """
        if name not in self._metrics:
            raise NotFoundError(f"no such metric: {name}", hint=_resembling(name, self._metrics))
        term = self._term(name, aggregate=aggregate)
        currency = self._grains[self._metrics[name].grain].currency
        if aggregate and term.monetary and currency and not one_currency:
            return f"CASE WHEN MIN({currency}) = MAX({currency}) THEN {term.sql} END"
        return term.sql

    def _check_names(self) -> None:
        for name, metric in self._metrics.items():
            if metric.grain not in self._grains:
                hint = _resembling(metric.grain, self._grains)
                raise ConfigError(f"metric {name}: unknown grain {metric.grain}", hint=hint)
            if name in self._grains[metric.grain].columns:
                raise ConfigError(
                    f"metric {name}: a column has this name", hint="choose another one"
                )
        columns = {name for grain in self._grains.values() for name in grain.columns}
        currencies = {grain.currency for grain in self._grains.values() if grain.currency}
        for name in sorted(columns | currencies | self._metrics.keys()):
            check_name(name)

    def _in_order(self) -> Iterable[str]:
        """Return the names so that every metric comes after those it is built from.

        Raises:
            ConfigError: there is no such order.
        """
        graph = {name: self._used(name, metric) for name, metric in self._metrics.items()}
        try:
            return tuple(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as exc:
            circle = " -> ".join(reversed(exc.args[1]))
            raise ConfigError(f"metrics form a circle: {circle}", hint="break it") from None

    def _used(self, name: str, metric: Metric) -> set[str]:
        """Return the metrics in its formulas; in `aggregate` its own name is its row's value."""
        row, *group = _sources(name, metric)
        for source in (row, *group):
            self._trees[source] = parse_formula(source)
        in_group = {used for source in group for used in _names(self._trees[source])}
        return (_names(self._trees[row]) | (in_group - {name})) & self._metrics.keys()

    def _add(self, name: str) -> None:
        metric = self._metrics[name]
        row, *group = _sources(name, metric)
        term = self._checked(name, row, aggregate=False)
        if metric.additive and not term.extensive:
            raise row.refuse_all("is declared additive but does not add up", "additive = false")
        self._terms[name, False] = replace(term, extensive=metric.additive)
        for source in group:
            self._terms[name, True] = self._checked(name, source, aggregate=True)

    def _checked(self, name: str, source: Source, *, aggregate: bool) -> Term:
        kind = self._metrics[name].type
        term = self._compile(name, source, aggregate=aggregate)
        if term.constant is not None:
            raise source.refuse_all("is a number", "a metric reads at least one column")
        kinds = kinds_of(term.unit)
        if not kinds:
            raise source.refuse_all(f"is {term.unit}", "no metric is measured in that")
        if kind not in kinds:
            advice = f'type = "{kinds[0]}"'
            raise source.refuse_all(f"is {term.unit}, declared as {kind}", advice)
        return term

    def _compile(self, name: str, source: Source, *, aggregate: bool) -> Term:
        grain = self._metrics[name].grain

        def resolve(wanted: str, in_group: bool) -> Term:  # noqa: FBT001 - the Resolve protocol
            return self._resolve(grain, wanted, aggregate=in_group)

        tree = self._trees[source]
        return Compiler(source, resolve, aggregate=aggregate).compile(tree)

    def _term(self, name: str, *, aggregate: bool) -> Term:
        """Return the compiled metric; the second time from the cache."""
        key = name, aggregate
        if key not in self._terms:
            metric = self._metrics[name]
            if metric.additive:
                self._terms[key] = _summed(self._terms[name, False])
            else:
                source = _sources(name, metric)[0]
                self._terms[key] = self._checked(name, source, aggregate=True)
        return self._terms[key]

    def _resolve(self, grain: str, name: str, *, aggregate: bool) -> Term:
        columns = self._grains[grain].columns
        if column := columns.get(name):
            return _column_term(name, column, aggregate=aggregate)
        metric = self._metrics.get(name)
        if metric is None:
            known = [*columns, *(n for n, m in self._metrics.items() if m.grain == grain)]
            raise LookupError(f"unknown name {name}", _resembling(name, known))
        if metric.grain != grain:
            raise LookupError(f"{name} is of grain {metric.grain}, not {grain}", "one grain only")
        return self._term(name, aggregate=aggregate)


@functools.cache
def fingerprint() -> str:
    """Return what is another one whenever a built-in metric may compile to something else.

    It covers the definitions with their columns, the code of this package, and sqlglot's version.
    """
    return digest_files(resources.files("tactics.metrics"), __version__, version("sqlglot"))


def digest_files(folder: Traversable, *facts: str) -> str:
    """Return a digest of some facts and of the names and bytes of the files in a folder."""
    digest = hashlib.sha256(repr(facts).encode())
    files = (file for file in folder.iterdir() if file.is_file())
    for file in sorted(files, key=lambda file: file.name):
        digest.update(repr((file.name, file.read_bytes())).encode())
    return digest.hexdigest()


@functools.cache
def _built_in() -> Registry:
    return Registry(_read_built_in())


def _read_built_in() -> Definitions:
    return read_definitions(load_text("tactics.metrics", BUILT_IN), BUILT_IN)


def _sources(name: str, metric: Metric) -> list[Source]:
    sources = [Source(name, metric.formula)]
    if metric.aggregate is not None:
        sources.append(Source(f"{name} (aggregate)", metric.aggregate))
    return sources


def _names(tree: Node) -> set[str]:
    return {part.name for part in walk(tree) if isinstance(part, Name)}


def _column_term(name: str, column: Column, *, aggregate: bool) -> Term:
    monetary = column.unit.money != 0
    term = Term(name, column.unit, extensive=column.additive, monetary=monetary)
    if not aggregate:
        return term
    if not column.additive:
        raise LookupError(
            f"{name} does not add up over rows", "say which: MIN(…), MAX(…), or SUM of a product"
        )
    return _summed(term)


def _summed(term: Term) -> Term:
    sql = f"SUM({term.sql})"
    return replace(term, sql=sql, level=ATOM_LEVEL, high=term.high + MAX_ROWS_ORDER)


def _resembling(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else "known are " + ", ".join(names)
