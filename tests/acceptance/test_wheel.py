"""The wheel carries what the program reads at run time."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_wheel_carries_sql_and_migrations(tmp_path: Path):
    """Every .sql and .toml file of the package and the migrations lies in the built wheel."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("tactics", "migrations"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        str(path.relative_to(source))
        for folder in ("tactics", "migrations")
        for pattern in ("*.sql", "*.toml")
        for path in (source / folder).rglob(pattern)
    }
    assert wanted
    assert wanted <= carried
