"""The tables of docs/reference.md, made from the code that they describe."""

from collections.abc import Iterator

from tactics import errors
from tactics.crashpoint import CRASH_POINTS
from tactics.gold import TABLES as GOLD_TABLES
from tactics.guard import load_checks
from tactics.lake import TABLES as LAKE_TABLES
from tactics.metrics import Registry
from tactics.sql import header_facts, load_text


def as_table(*heads: str, rows: Iterator[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def error_table() -> str:
    """Return every error with its exit code; the class says who acts next."""
    return as_table("error", "group", "exit", "meaning", rows=_error_rows(errors.TacticsError))


def _error_rows(group: type[errors.TacticsError]) -> Iterator[tuple[str, ...]]:
    for error in group.__subclasses__():
        first = (error.__doc__ or "").strip().splitlines()[0]
        yield f"`{error.code}`", f"`{group.__name__}`", str(error.exit_code), first
        yield from _error_rows(error)


def metric_table() -> str:
    """Return the built-in metrics."""
    metrics = Registry.load().metrics
    rows = (
        (f"`{name}`", metric.unit, f"`{metric.formula}`", metric.description)
        for name, metric in metrics.items()
    )
    return as_table("metric", "unit", "formula", "what it says", rows=rows)


def gold_table() -> str:
    """Return the gold tables with the heads of their models."""
    rows = (
        (f"`{name}`", facts["grain"], facts["source"])
        for name in GOLD_TABLES
        for facts in [header_facts(load_text("tactics.gold", f"models/{name}.sql"))]
    )
    return as_table("table", "grain", "source", rows=rows)


def lake_table() -> str:
    """Return the Iceberg tables with their columns."""
    rows = (
        (f"`{spec.namespace}.{name}`", ", ".join(f"`{column}`" for column in spec.columns))
        for name, spec in LAKE_TABLES.items()
    )
    return as_table("table", "columns", rows=rows)


def check_table() -> str:
    """Return the checks of DataGuard."""
    rows = ((f"`{c.name}`", c.severity.value, c.message) for c in load_checks())
    return as_table("check", "severity", "what it finds", rows=rows)


def crash_table() -> str:
    """Return the named crash points."""
    return ", ".join(f"`{name}`" for name in CRASH_POINTS)
