"""What a run did, in plain words: the end of `sync` and `validate`, and `runs show`.

Works on a pipeline_result as JSON, so a run of last week reads like the one just finished.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from tactics.cli.failure import leave
from tactics.cli.remedies import remedy_for
from tactics.cli.render import Column, Level, as_table, console, emit, say, verdict, write_json
from tactics.cli.words import NOTHING, age, brief, folded, listed, plural, visible

if TYPE_CHECKING:
    from rich.text import Text

    from tactics.pipeline import PipelineResult

Facts = Mapping[str, Any]

_LEVELS: dict[str, Level] = {
    "succeeded": "good",
    "ok": "good",
    "unchanged": "good",
    "degraded": "notice",
    "offline": "notice",
    "running": "quiet",
}
_RECEIPT = ("received", "written", "duplicate", "quarantined", "dead_lettered", "queued")


def finish(result: "PipelineResult", *, as_json: bool) -> NoReturn:
    """Print a result and leave with its exit code."""
    if as_json:
        write_json(result.to_json())
    else:
        print_result(result.to_json())
    leave(result.exit_code)


def print_result(result: Facts) -> None:
    """Print the outcome of each source, the receipt and the findings; then, as talk, what to do."""
    emit(headline(result))
    if result.get("sources") and not _asked_nobody(result):
        emit(as_table(source_rows(result["sources"]), SOURCE_COLUMNS))
    if result.get("receipts"):
        rows = receipt_rows(result["receipts"])
        emit("", as_table(rows, RECEIPT_COLUMNS, gap=1), _balance(rows))
    for line in stage_problems(result):
        emit("", line, soft_wrap=True)
    for finding in (result.get("guard") or {}).get("findings") or ():
        emit("", _finding(finding), soft_wrap=True)
    for step in next_steps(result):
        say("next: ", step, style="cyan")


def headline(result: Facts) -> "Text":
    """Return the line that says how the run ended, and how long it took."""
    from rich.text import Text

    words = [f" in {age(_seconds(result))}"] if result.get("finished_at") else []
    if result.get("followed"):
        words.append(", by another process")
    return Text.assemble(f"run {result['run_id']} ", status_text(result["status"]), *words)


def next_steps(result: Facts) -> list[str]:
    """Return what a person does now; nothing when all is well."""
    steps = [f"warning: {text}" for text in result.get("warnings") or ()]
    for source in result.get("sources") or ():
        name = f"{source['org_id']}/{source['source']}"
        names = {"org": source["org_id"], "source": source["source"]}
        problems = source.get("problems") or ()
        steps.extend(f"{name}: {_remedy(problem, names)}" for problem in problems)
    for stage in result.get("stages") or ():
        problems = stage.get("problems") or ()
        steps.extend(f"{stage['name']}: {_remedy(problem, {})}" for problem in problems)
    if result["status"] == "halted":
        steps.append(
            "DataGuard halted: correct the rows above, then `tactics sync`; gold is as it was"
        )
    counts = [*(result.get("receipts") or ()), *(result.get("stages") or ())]
    if any(count.get("dead_lettered") for count in counts):
        steps.append("see the dead letters with `tactics dlq list`")
    if any(count.get("queued") for count in counts):
        steps.append("writes wait for a retry: `tactics queue status`, `tactics queue flush`")
    if any(count.get("quarantined") for count in counts):
        steps.append('see refused rows: `tactics sql "FROM silver.quarantine"`')
    if result.get("stale"):
        steps.append(how_stale(result))
    return list(dict.fromkeys(steps))


def how_stale(result: Facts) -> str:
    """Return how old the data is of the sources that brought nothing; the others are fresh."""
    freshness = result.get("freshness") or ()
    if _asked_nobody(result):
        last = min(freshness, key=lambda row: row["fetched_at"], default=None)
        held = (
            f"the oldest is {_name(last)}, fetched {age(last['age_seconds'])} ago" if last else ""
        )
        return f"nothing was fetched: {held or 'there is no data yet'}"
    silent = {_name(source) for source in result["sources"] if source["outcome"] == "failed"}
    days = dict.fromkeys(sorted(silent), "has no data")
    for row in sorted(freshness, key=lambda row: str(row["newest_day"]), reverse=True):
        if _name(row) in silent:
            days[_name(row)] = f"ends {row['newest_day']}"
    return "data may be stale: " + listed([f"{name} {end}" for name, end in days.items()])


def stage_problems(result: Facts) -> list[str]:
    """Return why the stages after the fetch could not do their work."""
    told = [
        f"{stage['name']}: {visible(brief(problem['message']))}"
        for stage in result.get("stages") or ()
        for problem in stage.get("problems") or ()
    ]
    return list(dict.fromkeys(told))


def source_rows(sources: Sequence[Facts]) -> list[Facts]:
    """Return one printable row per source."""
    return [
        {
            "name": f"{source['org_id']}/{source['source']}",
            "outcome": source["outcome"],
            "fetched": _fetched(source),
            "note": "; ".join(
                dict.fromkeys(brief(problem["message"]) for problem in source.get("problems") or ())
            ),
        }
        for source in sources
    ]


def receipt_rows(receipts: Sequence[Facts]) -> list[Facts]:
    """Return one printable row per stream, its accounts added up, and whether it balances."""
    sums: dict[str, Counter[str]] = {}
    for receipt in receipts:
        name = "/".join(receipt["key"][part] for part in ("org_id", "source", "stream"))
        sums.setdefault(name, Counter()).update({field: receipt[field] for field in _RECEIPT})
    return [
        {
            **{field: row[field] for field in _RECEIPT},
            "name": name,
            "balances": row["received"] == sum(row[field] for field in _RECEIPT[1:]),
        }
        for name, row in sums.items()
    ]


def _name(facts: Facts) -> str:
    return f"{facts['org_id']}/{facts['source']}"


def _asked_nobody(result: Facts) -> bool:
    sources = result.get("sources") or ()
    return bool(sources) and all(source["outcome"] == "offline" for source in sources)


def _seconds(result: Facts) -> float:
    start, end = (dt.datetime.fromisoformat(result[at]) for at in ("started_at", "finished_at"))
    return (end - start).total_seconds()


def _remedy(problem: Facts, names: Facts) -> str:
    return remedy_for(problem["code"], problem.get("hint", ""), names)


def _fetched(source: Facts) -> str:
    slices, pages = source.get("slices") or 0, source.get("pages") or 0
    if slices:
        return f"{plural(slices, 'slice')}, {plural(pages, 'page')}"
    return "nothing was due" if source["outcome"] in {"ok", "unchanged"} else NOTHING


def _finding(finding: Facts) -> "Text":
    """Return one finding of DataGuard: what, where, some rows, and what to do."""
    from rich.text import Text

    level: Level = "bad" if finding["severity"] == "error" else "notice"
    severity = finding["severity"]
    where = f"{finding['check']} ({finding['org_id']}, {plural(finding['rows'], 'row')})"
    lines = [f"{severity} {where}: {finding['message']}"]
    for example in finding.get("examples") or ():
        told = {name: value for name, value in example.items() if value not in (None, "")}
        lines.append("  " + ", ".join(f"{k}={v}" for k, v in told.items()))
    lines.append(f"  to do: {finding['hint']}")
    out = console()
    shown = "\n".join(
        folded(visible(line), out.width, "    ") if out.is_terminal else visible(line)
        for line in lines
    )
    return Text.assemble(verdict(severity, level), shown.removeprefix(severity))


def status_text(value: object) -> "Text":
    """Return the status of a run or the outcome of a source, coloured."""
    return verdict(str(value), _LEVELS.get(str(value), "bad"))


def _balance(rows: Sequence[Facts]) -> "Text":
    lost = [row["name"] for row in rows if not row["balances"]]
    if lost:
        return verdict(f"DOES NOT ADD UP: {listed(lost)}", "bad")
    return verdict("adds up: nothing was lost", "good")


SOURCE_COLUMNS = (
    Column("name", "Source"),
    Column("outcome", "Outcome", status_text),
    Column("fetched", "Fetched"),
    Column("note", "Why", shrink="fold"),
)
RECEIPT_COLUMNS = (
    Column("name", "Stream", shrink="fold"),
    Column("received", "Rows", right=True),
    Column("written", "Written", right=True),
    Column("duplicate", "Doubles", right=True),
    Column("quarantined", "Refused", right=True),
    Column("dead_lettered", "Dead", right=True),
    Column("queued", "Queued", right=True),
)
