"""Every DuckDB connection: offline, bounded, UTC, confined."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.duck import Connection, DuckError, DuckLimits, connect


@pytest.fixture
def limits(tmp_path: Path) -> DuckLimits:
    """Return small bounds."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return DuckLimits(scratch, memory_limit="100MB", threads=1)


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """Return a folder whose name needs quoting, with a file; another file lies beside it."""
    folder = tmp_path / "it's shown"
    folder.mkdir()
    (folder / "in.csv").write_text("a\n1\n")
    (tmp_path / "out.csv").write_text("a\n2\n")
    return folder


@pytest.fixture
def connection(limits: DuckLimits, shown: Path) -> Iterator[Connection]:
    """Return a connection that may see one folder."""
    opened = connect(None, limits, folders=[shown])
    yield opened
    opened.close()


def setting(connection: Connection, name: str) -> object:
    """Return the value of a DuckDB setting."""
    row = connection.execute("SELECT current_setting(?)", [name]).fetchone()
    assert row is not None
    return row[0]


def test_it_reads_what_it_is_shown(connection: Connection, shown: Path, limits: DuckLimits):
    """Files in the named folders can be read, and written like the scratch."""
    rows = connection.execute("FROM read_csv(?)", [str(shown / "in.csv")]).fetchall()
    assert rows == [(1,)]
    connection.execute(f"COPY (SELECT 1) TO '{limits.scratch}/made.csv'")


@pytest.mark.parametrize("path", ["{root}/out.csv", "{shown}/../out.csv", "/etc/passwd"])
def test_it_reads_nothing_else(connection: Connection, shown: Path, path: str):
    """A file outside cannot be read, not even by way of a folder that is shown."""
    text = path.format(root=shown.parent, shown=shown)
    with pytest.raises(DuckError, match="Permission"):
        connection.execute("FROM read_text(?)", [text]).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{root}/made.csv'",
        "ATTACH '{root}/made.duckdb'",
        "EXPORT DATABASE '{root}/made'",
        "FROM glob('{root}/*')",
        "FROM 'https://127.0.0.1:1/x.csv'",
    ],
)
def test_it_does_nothing_elsewhere(connection: Connection, shown: Path, statement: str):
    """Outside its folders a connection writes, opens, lists and fetches nothing."""
    with pytest.raises(DuckError):
        connection.execute(statement.format(root=shown.parent)).fetchall()
    assert not list(shown.parent.glob("made*"))


@pytest.mark.parametrize("statement", ["INSTALL httpfs", "LOAD httpfs", "INSTALL x FROM community"])
def test_no_extension_comes_in(connection: Connection, statement: str):
    """Nothing can be installed or loaded, by hand or by itself."""
    with pytest.raises(DuckError):
        connection.execute(statement)
    assert setting(connection, "autoinstall_known_extensions") is False
    assert setting(connection, "autoload_known_extensions") is False


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
    ],
)
def test_the_confinement_cannot_be_lifted(connection: Connection, statement: str):
    """No statement changes what a connection may do."""
    with pytest.raises(DuckError, match="locked"):
        connection.execute(statement)


def test_times_are_utc(connection: Connection):
    """An instant reads as UTC whatever the machine's time zone is."""
    sql = "SELECT '2026-11-21T09:00:00+01:00'::TIMESTAMPTZ::VARCHAR"
    assert connection.execute(sql).fetchall() == [("2026-11-21 08:00:00+00",)]


def test_limits_hold(connection: Connection, limits: DuckLimits):
    """Memory, threads and the place to spill to are as given."""
    assert setting(connection, "threads") == 1
    assert setting(connection, "memory_limit") == "95.3 MiB"
    assert setting(connection, "temp_directory") == str(limits.scratch)


def test_a_published_file_is_read_only(tmp_path: Path, limits: DuckLimits):
    """A database that is opened for reading can be read and not changed."""
    path = tmp_path / "gold.duckdb"
    with connect(path, limits) as writer:
        writer.execute("CREATE TABLE t AS SELECT 1 AS a")
    with connect(path, limits, read_only=True) as reader:
        assert reader.execute("FROM t").fetchall() == [(1,)]
        with pytest.raises(DuckError, match="read-only"):
            reader.execute("INSERT INTO t VALUES (2)")
