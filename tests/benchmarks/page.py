"""docs/benchmarks.md: one section for each part; what is kept by hand below the marker stays.

A run of some parts writes these alone and leaves the others as they were measured.
"""

import datetime as dt
import importlib.metadata
import os
import platform
import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.measure import LOCK, Row

MARKER = "<!-- Below this line the page is kept by hand: `--write` leaves it alone. -->"
FRAME = """# Benchmarks

Written by `python3 run.py bench --write`; `python3 run.py bench guard reports --write` measures two
parts anew and leaves the others. Each pair ran in turn in the same minutes, on the same machine,
with the same data: totals are compared before times are. **Ratios are what to read**; the times of
two sections may come from different hours. Times are medians, memory is the highest peak of a
process. "Reach" is what was promised, for full sizes; a dash means that nothing was.

Floors are no products: they parse or add up the same data with DuckDB alone, without a log, a
durable commit, typing rules or a ledger. What is not reached, and why, stands in the last section.
"""
NOTES = """

## What is left, and why

Nothing is noted yet.
"""
HEADER = (
    "work", "ours", "peer or floor", "ratio", "reach", "reached", "peak memory, ours / other",
)  # fmt: skip
OWN = ("duckdb", "pyiceberg", "pyarrow", "httpx")
PEERS = ("dlt", "persist-queue", "litequeue", "huey", "numexpr")
_REACHED = {True: "yes", False: "**no**", None: "-"}
_SECTION = re.compile(r"^## (\w+)$\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [HEADER, ("---",) * len(HEADER)]
    lines += [
        (
            row.work,
            row.ours,
            row.other or "-",
            row.ratio,
            row.reach or "-",
            _REACHED[row.reached],
            row.peak or "-",
        )
        for row in rows
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_page(page: Path, sections: Mapping[str, str], order: Sequence[str]) -> None:
    """Put the sections into the page, in this order, among those that it has."""
    held = page.read_text(encoding="utf-8") if page.exists() else ""
    measured, _, notes = held.partition(MARKER)
    found = {name: text.strip() + "\n" for name, text in _SECTION.findall(measured)}
    found |= sections
    parts = [f"## {name}\n\n{found[name]}" for name in order if name in found]
    text = "\n".join((FRAME, *parts, MARKER)) + (notes or NOTES)
    page.write_text(text, encoding="utf-8")


def describe_run(now: dt.datetime, *, command: str, rounds: int) -> str:
    """Return when and how something was measured, on what, with which versions."""
    own = [f"{name} {importlib.metadata.version(name)}" for name in OWN]
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    peers = [f"{name} {locked[name]}" for name in PEERS]
    return (
        f"`{command}` on {now:%Y-%m-%d}, {rounds} {'round' if rounds == 1 else 'rounds'}, on"
        f" {machine()}; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {', '.join(own)}; peers: {', '.join(peers)}.\n"
    )


def machine() -> str:
    """Return what the work ran on: cores, processor, memory, system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = f"{os.cpu_count()} cores of {_processor()}"
    return f"{cores}, {memory:.0f} GB, {platform.system()} {platform.release()}"


def _processor() -> str:
    """Return the processor's name where the system tells it, else its kind."""
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        found = re.search(r"^model name\s*: (.+)$", facts.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()
