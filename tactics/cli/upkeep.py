"""The tables of `tactics report cost` and `tactics report latency`, read from the store and the home.

Needs no published data. Computes nothing that analytics has not.
"""

from typing import TYPE_CHECKING

from tactics.cli.words import NOTHING, Number, count, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.text import Text

    from tactics.analytics import Cost, LatencySummary, SourceCost, Stored
    from tactics.cli.render import Column, Form
    from tactics.cli.session import Session

_UNITS = (("G", 2**30), ("M", 2**20), ("K", 2**10))
_MINUTE, _HOUR = 60, 3600


def show_cost(session: "Session", days: int, form: "Form") -> None:
    """Print what each connection took, and, but for CSV, what is stored."""
    from tactics import pipeline
    from tactics.cli.health import open_parts
    from tactics.cli.render import Form, emit, envelope, write_csv, write_json

    now = session.clock().now()
    with open_parts(session) as parts:
        cost = pipeline.read_cost(parts, now, days=days)
    rows = [cost_row(one) for one in cost.sources]
    match form:
        case Form.JSON:
            told = envelope("cost", rows, now)
            write_json({**told, "since": cost.since, "stored": stored_rows(cost)})
        case Form.CSV:
            write_csv(rows)
        case Form.TABLE:
            emit(*cost_screen(cost, days))


def show_latency(session: "Session", days: int, form: "Form") -> None:
    """Print how long data took, stage by stage, against the budget."""
    from tactics import pipeline
    from tactics.cli.render import Form, Listing, emit, show

    now = session.clock().now()
    with session.store() as store:
        summaries = pipeline.read_latency(store, now, days=days)
    rows = [latency_row(one) for one in summaries]
    if form is Form.TABLE and rows:
        emit(*latency_screen(summaries, days))
    else:
        empty = "nothing was published in these days, so nothing was measured"
        show(Listing("latency", rows, (), now, empty=empty), form)


def cost_screen(cost: "Cost", days: int) -> "Iterator[RenderableType]":
    """Yield the table of connections, and that of what is stored."""
    from tactics.cli.render import as_table

    rows = [{**cost_row(one), "name": f"{one.org_id}/{one.source}"} for one in cost.sources]
    yield f"what {plural(days, 'day')} took, since {cost.since} (UTC)"
    yield as_table(rows, _cost_columns(), gap=1)
    yield ""
    yield as_table(_stored_lines(cost), _stored_columns())


def latency_screen(summaries: "Sequence[LatencySummary]", days: int) -> "Iterator[RenderableType]":
    """Yield one line per source with its slowest request in each stage, under the budget's."""
    from tactics.analytics import BUDGETS
    from tactics.cli.render import as_table

    target = {stage.value: budget.target_seconds for stage, budget in BUDGETS.items()}
    most = {stage.value: budget.max_seconds for stage, budget in BUDGETS.items()}
    lines: dict[str, dict[str, object]] = {}
    broken: dict[str, int] = {}
    for one in summaries:
        name = f"{one.org_id}/{one.source}"
        lines.setdefault(name, {"name": name})[one.stage.value] = one.worst_seconds
        broken[name] = max(broken.get(name, 0), one.breaches)
    rows = [{**line, "broken": broken[name]} for name, line in lines.items()]
    yield f"the slowest request of each stage, {plural(days, 'day')}"
    heads = [{"name": "target", **target}, {"name": "at most", **most}]
    yield as_table([*heads, *rows], _latency_columns())


def cost_row(one: "SourceCost") -> dict[str, object]:
    """Return one connection as `--json` and `--csv` have it."""
    quota = one.quota
    return {
        "org_id": one.org_id,
        "source": one.source,
        "calls": one.calls,
        "failed": one.failed,
        "retries": one.retries,
        "received_bytes": one.received_bytes,
        "wait_seconds": one.wait_seconds,
        "cpu_seconds": one.cpu_seconds,
        "quota_limit": quota and quota.limit,
        "quota_used": quota and quota.used,
        "quota_forecast": quota and quota.forecast,
    }


def stored_rows(cost: "Cost") -> list[dict[str, object]]:
    """Return what lies where, the largest first, as `--json` has it."""
    return [
        {
            "place": one.place,
            "table": one.table,
            "org_id": one.org_id,
            "stored_bytes": one.size_bytes,
        }
        for one in sorted(cost.stored, key=lambda one: -one.size_bytes)
        if one.size_bytes
    ]


def _stored_lines(cost: "Cost") -> list[dict[str, object]]:
    """Return a line per table, the organisations in it beside each other; and the sum."""
    tables: dict[tuple[str, str], list[Stored]] = {}
    for one in sorted(cost.stored, key=lambda one: -one.size_bytes):
        if one.size_bytes:
            tables.setdefault((one.place, one.table), []).append(one)
    sums = {key: sum(one.size_bytes for one in parts) for key, parts in tables.items()}
    lines: list[dict[str, object]] = [
        {
            "place": place,
            "table": table,
            "stored_bytes": sums[place, table],
            "orgs": [f"{one.org_id} {size(one.size_bytes)}" for one in parts if one.org_id],
        }
        for (place, table), parts in sorted(tables.items(), key=lambda item: -sums[item[0]])
    ]
    return [*lines, {"place": "total", "stored_bytes": cost.stored_bytes, "orgs": []}]


def latency_row(one: "LatencySummary") -> dict[str, object]:
    """Return one stage of one source as `--json` and `--csv` have it."""
    return {
        "org_id": one.org_id,
        "source": one.source,
        "stage": one.stage.value,
        "runs": one.runs,
        "median_seconds": one.median_seconds,
        "p95_seconds": one.p95_seconds,
        "worst_seconds": one.worst_seconds,
        "last_seconds": one.last_seconds,
        "target_seconds": one.budget.target_seconds,
        "max_seconds": one.budget.max_seconds,
        "above_target": one.above_target,
        "breaches": one.breaches,
    }


def size(value: "Number | None") -> str:
    """Return `12.3M`: bytes in units of 1,024."""
    if value is None:
        return NOTHING
    for unit, factor in _UNITS:
        if value >= factor:
            return f"{float(value) / factor:,.1f}{unit}"
    return f"{value:,.0f}"


def duration(seconds: float | None) -> str:
    """Return `0.4 s`, `3:20` minutes or `1:05 h`."""
    if seconds is None:
        return NOTHING
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f}:{seconds % _MINUTE:02.0f} m"
    return f"{seconds // _HOUR:.0f}:{seconds % _HOUR // _MINUTE:02.0f} h"


def _cost_columns() -> "Sequence[Column]":
    from tactics.cli.render import Column

    return (
        Column("name", "Source", shrink="fold"),
        Column("calls", "Calls", count, right=True),
        Column("failed", "Failed", count, right=True),
        Column("retries", "Retried", count, right=True),
        Column("received_bytes", "Received", size, right=True),
        Column("cpu_seconds", "CPU", duration, right=True),
        Column("quota_used", "Today", count, right=True),
        Column("quota_forecast", "Forecast", count, right=True),
        Column("quota_limit", "Limit", count, right=True),
    )


def _stored_columns() -> "Sequence[Column]":
    from tactics.cli.render import Column

    return (
        Column("place", "Stored in"),
        Column("table", "Table"),
        Column("stored_bytes", "Bytes", size, right=True),
        Column("orgs", "Of them", ", ".join, shrink="fold"),
    )


def _latency_columns() -> "Sequence[Column]":
    from tactics.cli.render import Column

    return (
        Column("name", "Source", shrink="fold"),
        Column("source_to_bronze", "Bronze", duration, right=True),
        Column("bronze_to_silver", "Silver", duration, right=True),
        Column("silver_to_gold", "Gold", duration, right=True),
        Column("gold_to_dashboard", "Reports", duration, right=True),
        Column("end_to_end", "In all", duration, right=True),
        Column("broken", "Broken", _broken, right=True),
    )


def _broken(value: object) -> "str | Text":
    from tactics.cli.render import verdict

    return NOTHING if value is None else verdict(str(value), "bad" if value else "good")
