"""What a run did, in plain words: the end of `sync` and `validate`, and `runs show`.

Works on a pipeline_result as JSON, so a run of last week reads like the one just finished.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from tactics.cli.failure import leave
from tactics.cli.remedies import remedy_for
from tactics.cli.render import Column, Level, as_table, emit, say, verdict, write_json
from tactics.cli.words import NOTHING, age, listed, plural, visible

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
    if result.get("sources"):
        emit(as_table(source_rows(result["sources"]), SOURCE_COLUMNS))
    if result.get("receipts"):
        rows = receipt_rows(result["receipts"])
        emit("", as_table(rows, RECEIPT_COLUMNS, gap=1), _balance(rows))
    for finding in (result.get("guard") or {}).get("findings") or ():
        emit("", _finding(finding), soft_wrap=True)
    for step in next_steps(result):
        say("next: ", step, style="cyan")


def headline(result: Facts) -> "Text":
    """Return the line that says how the run ended, and how long it took."""
    from rich.text import Text

    words = [f" in {age(_seconds(result))}"] if result.get("finished_at") else []
    if result.get("followed"):
        words.append(f", by following run {result['followed']}")
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
    receipts = result.get("receipts") or ()
    if any(receipt.get("dead_lettered") for receipt in receipts):
        steps.append("see the dead letters with `tactics dlq list`")
    if any(receipt.get("queued") for receipt in receipts):
        steps.append("writes wait for a retry: `tactics queue status`, `tactics queue flush`")
    if any(receipt.get("quarantined") for receipt in receipts):
        steps.append('see refused rows: tactics sql "SELECT * FROM silver.quarantine"')
    if result.get("stale"):
        steps.append("data may be stale: " + oldest(result.get("freshness") or ()))
    return list(dict.fromkeys(steps))


def oldest(freshness: Sequence[Facts]) -> str:
    """Return which sources are oldest, with their newest day."""
    days: dict[str, str] = {}
    for row in freshness:
        name = f"{row['org_id']}/{row['source']}"
        day = str(row.get("newest_day") or "nothing yet")
        days[name] = min(days.get(name, day), day)
    return listed([f"{name} ends {day}" for name, day in sorted(days.items())]) or "no data yet"


def source_rows(sources: Sequence[Facts]) -> list[Facts]:
    """Return one printable row per source."""
    return [
        {
            "name": f"{source['org_id']}/{source['source']}",
            "outcome": source["outcome"],
            "fetched": _fetched(source),
            "note": "; ".join(problem["message"] for problem in source.get("problems") or ()),
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
    text = Text.assemble(
        verdict(finding["severity"], level),
        f" {finding['check']} ({finding['org_id']}, {plural(finding['rows'], 'row')}):",
        f" {visible(finding['message'])}\n",
    )
    for example in finding.get("examples") or ():
        told = {name: value for name, value in example.items() if value not in (None, "")}
        text.append("  " + visible(", ".join(f"{k}={v}" for k, v in told.items())) + "\n")
    return text.append(f"  to do: {visible(finding['hint'])}")


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
    Column("received", "Received", right=True),
    Column("written", "Written", right=True),
    Column("duplicate", "Doubles", right=True),
    Column("quarantined", "Refused", right=True),
    Column("dead_lettered", "Dead", right=True),
    Column("queued", "Queued", right=True),
)
