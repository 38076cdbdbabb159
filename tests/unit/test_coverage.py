"""What the coverage gate makes of a measurement."""

import tomllib
from pathlib import Path

import pytest

from tests.coverage import Share, limit, shares

ROOT = Path(__file__).parents[2]


def facts(lines: int, branches: int, missing: list[int], jumps: list[list[int]]) -> dict:
    """Return coverage's facts of one file."""
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": lines - len(missing),
            "num_branches": branches,
            "covered_branches": branches - len(jumps),
        },
        "missing_lines": missing,
        "missing_branches": jumps,
    }


def test_lines_and_branches_of_a_package_are_added_up():
    """Both count the same, and what is missing is named by file."""
    found = shares({
        "tactics/store/bus.py": facts(30, 10, [], []),
        "tactics/store/jobs.py": facts(7, 3, [4], [[3, 4], [8, -1]]),
        "tactics/errors.py": facts(5, 0, [], []),
    })
    assert found["store"] == Share(47, 50, {"tactics/store/jobs.py": "4, 3->4, 8->-1"})
    assert found["store"].percent == pytest.approx(94)
    assert found["errors"].percent == 100


def test_an_empty_module_is_whole():
    """Where there is nothing to reach, nothing is missing."""
    assert shares({"tactics/sandbox/__init__.py": facts(0, 0, [], [])})["sandbox"].percent == 100


def test_what_holds_data_is_held_to_all_of_it():
    """Errors, model, store, pipeline and transport to 100 %, the others to 90 %."""
    assert [limit(name) for name in ("store", "pipeline", "errors", "gold")] == [100, 100, 100, 90]


def test_each_waiver_has_its_reason():
    """Every line of the list says in words why no quick test gets there."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    report = tomllib.loads(text)["tool"]["coverage"]["report"]
    waivers = [*report.get("exclude_also", []), *report.get("omit", [])]
    section = text.split("[tool.coverage.report]")[1].split("\n[")[0]
    lines = [line.strip() for line in section.splitlines() if line.strip().startswith('"')]
    assert len(lines) == len(waivers) > 0
    assert [line for line in lines if not line.partition(" # ")[2].strip()] == []
