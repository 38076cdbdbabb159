"""Statements from files."""

from collections.abc import Iterator

import pytest

from tactics.errors import IntegrityError
from tactics.sql import header_facts, load_statements, load_text

NAMED = """-- what the file is for
-- name: first_one
-- Find it.
SELECT 1;

-- name: second_one
SELECT 2;
SELECT 3
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the name of an installed package that ships some files."""
    folder = tmp_path_factory.mktemp("site") / "shipped_statements"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "named.sql").write_text(NAMED)
    (folder / "none.sql").write_text("SELECT 1")
    (folder / "twice.sql").write_text("-- name: a\nSELECT 1;\n-- name: a\nSELECT 2")
    (folder / "whole.sql").write_text("-- grün\nSELECT 1", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder.parent))
        yield folder.name


def test_named_statements_are_taken_apart(package: str):
    """Each name has its statement, without the closing semicolon and what stood before."""
    assert load_statements(package, "named.sql") == {
        "first_one": "-- Find it.\nSELECT 1",
        "second_one": "SELECT 2;\nSELECT 3",
    }


@pytest.mark.parametrize("file", ["none.sql", "twice.sql"])
def test_names_must_be_there_and_unique(package: str, file: str):
    """A file without a name, or with one twice, is our own mistake."""
    with pytest.raises(IntegrityError, match=f"file={file}"):
        load_statements(package, file)


def test_a_text_is_read_as_utf8(package: str):
    """A file is one text, whatever language its comments have."""
    assert load_text(package, "whole.sql") == "-- grün\nSELECT 1"


def test_the_head_of_a_statement_holds_facts():
    """`-- key: value` lines up to the statement are facts; other comments are not."""
    text = (
        "-- check: gaps\n-- severity:  error \n-- see also: this\n-- plain\nSELECT 1\n-- later: no"
    )
    assert header_facts(text) == {"check": "gaps", "severity": "error"}


def test_a_head_may_be_all_there_is():
    """A text of comments only has facts too; an empty one has none."""
    assert header_facts("-- grain: day") == {"grain": "day"}
    assert header_facts("") == {}
