"""Each row of the contracts' error tables and each gotcha has a test, or a reason not to."""

import ast
import functools
import tomllib
from pathlib import Path

import pytest

from tactics.connectors.registry import BUILT_IN

TESTS = Path(__file__).parent.parent
DOCS = TESTS.parent / "docs" / "connectors"
EVIDENCE = tomllib.loads((TESTS / "contract" / "evidence.toml").read_text(encoding="utf-8"))
# As many as the sheets have (2026-11-21): rows of the error table, numbered gotchas.
COUNTS = {
    "dv360": (12, 10),
    "ga4": (8, 10),
    "google_ads": (15, 10),
    "gsc": (11, 10),
    "klaviyo": (9, 10),
    "meta": (12, 10),
    "sheets": (9, 10),
    "shopify": (10, 10),
    "stripe": (9, 11),
    "ttd": (14, 10),
}
CLAIMS = [
    pytest.param(source, claim, id=f"{source}-{part[:-1]}{number}")
    for source, parts in EVIDENCE.items()
    for part, lines in parts.items()
    for number, (_about, *claims) in enumerate(lines, 1)
    for claim in claims
]


@functools.cache
def text_of(path: Path) -> str:
    """Return a file's text with single blanks only."""
    return " ".join(path.read_text(encoding="utf-8").split())


@functools.cache
def functions_of(path: Path) -> set[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_nothing_of_a_sheet_is_left_out():
    """Every source has as many lines as its sheet has rows and gotchas, none without evidence."""
    assert set(EVIDENCE) == set(BUILT_IN)
    assert {
        source: (len(parts["rows"]), len(parts["gotchas"])) for source, parts in EVIDENCE.items()
    } == COUNTS
    lines = [line for parts in EVIDENCE.values() for part in parts.values() for line in part]
    assert [line for line in lines if len(line) < 2] == []


@pytest.mark.parametrize(("source", "claim"), CLAIMS)
def test_the_evidence_is_there(source: str, claim: str):
    """The test exists, its table has the case; or the page says why nothing is needed."""
    if claim.startswith("docs: "):
        assert claim.removeprefix("docs: ") in text_of(DOCS / f"{source}.md")
        return
    where, _, case = claim.partition(" @ ")
    name, _, function = where.partition("::")
    assert function in functions_of(TESTS / name)
    assert case in text_of(TESTS / name)
