"""Checks as files."""

import pytest

from tactics.errors import IntegrityError
from tactics.guard.check import load_checks, read_check
from tactics.guard.report import VIEWS
from tests.unit.guard.rows import Bench

HEAD = "-- check: x\n-- severity: warn\n-- message: m\n-- hint: h\n"


def test_head_is_read():
    """The head of a file is the check's facts."""
    check = read_check("x.sql", HEAD + "SELECT 'a' AS org_id;\n")
    assert (check.name, check.severity, check.message, check.hint) == ("x", "warn", "m", "h")
    assert not check.sql.endswith(";")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("y.sql", HEAD),
        ("x.sql", HEAD.replace("warn", "fatal")),
        ("x.sql", HEAD.replace("-- hint: h\n", "")),
        ("x.sql", "SELECT 1"),
    ],
)
def test_broken_head(file: str, text: str):
    """A file whose head is wrong is our own fault, and is named."""
    with pytest.raises(IntegrityError, match=f"file={file}"):
        read_check(file, text)


def test_rows_are_readable(bench: Bench):
    """Every check returns its org first, and types that Python reads without more packages."""
    bench.run()
    for check in load_checks():
        columns = bench.connection.execute(check.sql).description or ()
        assert columns[0][0] == "org_id", check.name
        assert not any("TIME ZONE" in str(column[1]) for column in columns), check.name


def test_messages_fit_the_house():
    """Messages start in lower case and end without a full stop."""
    for check in load_checks():
        assert check.message == check.message.strip(". ")
        assert check.message[0].islower(), check.name


def test_heads_name_what_there_is(bench: Bench):
    """What a check needs is a view that it reads, and its month is a column of its rows."""
    bench.run()
    for check in load_checks():
        assert set(check.needs) <= set(VIEWS), check.name
        read = check.sql.replace("entities", "orders transactions")
        assert all(view in read for view in check.needs), check.name
        columns = [column[0] for column in bench.connection.execute(check.sql).description or ()]
        assert not check.month or check.month in columns, check.name
