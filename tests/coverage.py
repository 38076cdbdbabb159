"""Holds each package to its share of covered lines and branches: `python3 run.py coverage`.

Reads what `coverage run` measured, and says per package what no test of the fast tier reaches. What
may stay out is in pyproject.toml (`[tool.coverage.report]`), each with its reason.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import coverage

WHOLE = ("errors", "model", "store", "pipeline", "transport")
ELSEWHERE = 90.0


@dataclass(slots=True)
class Share:
    """How much of a package the tests reach, and where they do not get to."""

    reached: int = 0
    wanted: int = 0
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """Return the share, lines and branches together."""
        return 100 * self.reached / self.wanted if self.wanted else 100.0


def main() -> int:
    """Print the share of each package; exit code 1 if one has less than its limit."""
    found = shares(_measured())
    for name, share in sorted(found.items(), key=lambda item: item[1].percent):
        _say(f"{_rounded_down(share.percent):>6.2f} %  of {limit(name):>3.0f}  {name}")
    short = [name for name, share in found.items() if share.percent < limit(name)]
    for name in short:
        for path, places in found[name].missing.items():
            _say(f"missing: {path}: {places}")
    _say(f"too little: {', '.join(short)}" if short else "every package has its share")
    return 1 if short or not set(WHOLE) <= found.keys() else 0


def shares(files: Mapping[str, Any]) -> dict[str, Share]:
    """Return the share of each package or top module of tactics, from coverage's report of files."""
    found: dict[str, Share] = {}
    for path, facts in files.items():
        share = found.setdefault(PurePath(path).parts[1].removesuffix(".py"), Share())
        counts = facts["summary"]
        share.wanted += counts["num_statements"] + counts["num_branches"]
        share.reached += counts["covered_lines"] + counts["covered_branches"]
        places = [*map(str, facts["missing_lines"])]
        places += [f"{start}->{end}" for start, end in facts["missing_branches"]]
        if places:
            share.missing[path] = ", ".join(places)
    return found


def limit(name: str) -> float:
    """Return the percentage that a package must have."""
    return 100.0 if name in WHOLE else ELSEWHERE


def _measured() -> dict[str, Any]:
    measured = coverage.Coverage()
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(path))
        files: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["files"]
    return files


def _rounded_down(percent: float) -> float:
    return int(percent * 100) / 100  # 99.996 is not all of it


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
