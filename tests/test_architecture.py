"""The house stands as drawn: sizes, names, start-up, shipped files."""

import ast
import functools
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tactics
from tactics.store import list_migrations, render_schema

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "tactics").rglob("*.py"))
MODULE_WALL = 500
FUNCTION_WALL = 50
ENGINES = {"duckdb", "_duckdb", "pyarrow", "pyiceberg", "httpx", "starlette", "sqlglot", "pydantic"}


@functools.cache
def parsed(path: Path) -> ast.Module:
    """Return the tree of a module; several tests look at each."""
    return ast.parse(path.read_text(encoding="utf-8"))


def code_lines(tree: ast.AST, text: str) -> int:
    """Return the lines that hold code: no blanks, comments or docstrings."""
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return sum(
        1
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in docstrings
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path):
    """No module has more than 500 lines of code, no function more than 50 lines."""
    tree = parsed(path)
    assert code_lines(tree, path.read_text(encoding="utf-8")) <= MODULE_WALL
    long = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_WALL
    ]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_owns(path: Path):
    """Each module begins with a docstring."""
    assert ast.get_docstring(parsed(path))


def test_public_names_exist():
    """What a package promises in `__all__` can be imported from it."""
    names = [
        f"{name}.{public}"
        for _, name, is_package in pkgutil.walk_packages(tactics.__path__, "tactics.")
        if is_package and not name.endswith("__main__")
        for module in [importlib.import_module(name)]
        for public in getattr(module, "__all__", ())
        if not hasattr(module, public)
    ]
    assert names == []


def test_packages_are_used_through_their_front_door():
    """Outside a package nobody imports from its modules."""
    packages = {path.parent.name for path in MODULES if path.name == "__init__.py"} - {"tactics"}
    found = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in MODULES
        for module in imported(path)
        if (parts := module.split("."))[0] == "tactics"
        and len(parts) > 2
        and parts[1] in packages - {path.relative_to(ROOT / "tactics").parts[0]}
    ]
    assert found == []


def imported(path: Path) -> list[str]:
    """Return the modules that `path` imports names from."""
    nodes = ast.walk(parsed(path))
    return [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]


def test_migrations_add_up_to_the_schema():
    """The migrations, run one after another, give the schema that is written down."""
    assert render_schema() == (ROOT / "tactics/store/schema.sql").read_text(encoding="utf-8")
    names = [path.name for path in sorted((ROOT / "migrations/state").glob("*.sql"))]
    assert names
    assert all(re.fullmatch(r"\d{4}_[a-z]+(_[a-z]+)+\.sql", name) for name in names)
    assert len(list_migrations()) == len(names)


def test_help_imports_no_engine():
    """`tactics --help` starts without a database, lake or web library."""
    code = (
        "import sys; sys.argv = ['tactics', '--help']\n"
        "import contextlib, io, json\n"
        "from tactics.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not ENGINES & set(json.loads(done.stdout))


def test_the_lock_file_pins_hashes_and_names_no_index():
    """Each requirement has a version and a hash, and no address stands in the file."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(pins) > 20
    assert all(re.match(r"[\w.\[\],-]+==\S+ ", f"{line} ") for line in pins)
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text


def test_no_place_is_named_that_is_not_the_projects():
    """No path of a machine and no address of a package index stands in a file of the project."""
    hosts = "|".join(("py" + "pi.org", "python" + "hosted", "registry.npm" + "js"))
    pattern = re.compile(rf"{hosts}|/{'root'}/|/{'work'}/")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    found = [
        name
        for name in listed
        if (ROOT / name).is_file()
        and pattern.search((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []
