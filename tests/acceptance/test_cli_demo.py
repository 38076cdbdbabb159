"""`tactics demo` on a machine that has nothing."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def run(home, *words):
    """Run `tactics` with an empty HOME and no configuration."""
    environment = {"HOME": str(home), "TMPDIR": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", "tactics", *words],
        check=False, capture_output=True, text=True, timeout=300, env=environment, cwd=home,
    )  # fmt: skip


def test_demo_ends_with_the_pacing_report_and_leaves_its_data(tmp_path):
    """The first run fetches, a second one is quick; other commands can look at the same home."""
    home = tmp_path / "demo"
    first = run(tmp_path, "--home", home, "demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Pacing of acme" in first.stdout
    assert "Pacing of globex" in first.stdout
    assert str(home) in first.stderr
    assert run(tmp_path, "--home", home, "demo").returncode == 0
    assert run(tmp_path, "--home", home, "report", "margin").stdout.startswith("Margin of acme")
    runs = run(tmp_path, "--home", home, "runs", "list").stdout
    assert runs.count("succeeded") == 2


def test_demo_keeps_off_a_home_in_use(tmp_path):
    """A configuration of a person is neither used nor overwritten."""
    config = tmp_path / "tactics.toml"
    config.write_text("# mine\n")
    done = run(tmp_path, "--home", tmp_path, "demo")
    assert done.returncode == 2
    assert "this home is in use" in done.stderr
    assert config.read_text() == "# mine\n"


def test_init_writes_once(tmp_path):
    """The file is valid, private, and never overwritten."""
    first = run(tmp_path, "--home", tmp_path / "new", "init")
    assert first.returncode == 0, first.stderr
    path = tmp_path / "new" / "tactics.toml"
    assert path.stat().st_mode & 0o077 == 0
    assert run(tmp_path, "init", "--print").stdout == path.read_text()
    again = run(tmp_path, "--home", tmp_path / "new", "init")
    assert again.returncode == 2
    assert "there is a configuration already" in again.stderr
    assert run(tmp_path, "--home", tmp_path / "new", "sources", "list").returncode == 0
