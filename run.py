#!/usr/bin/env python3
"""Set up and run tactics from a clone: `python3 run.py demo | test | check | …`.

Standard library only. Makes `.venv` beside itself and installs `requirements.lock` (pinned, with
hashes) through whatever package index this machine's pip is set up for.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PARALLEL = ["-n", "2", "--dist", "worksteal"]
QUICK = ["-q", *PARALLEL, "tests", "-m", "not slow and not engine"]
FAST = ["-q", *PARALLEL, "tests", "-m", "not slow"]
# These wait for the disk and for processes of their own: a third worker fills the gaps.
SLOW = ["-q", *PARALLEL, "-n", "3", "tests", "-m", "slow"]
SLOW += ["--durations", "20", "--durations-min", "10"]


def main() -> int:
    """Run the chosen command and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="handed on to the command")
    arguments = parser.parse_args()
    if arguments.rest and arguments.command in ALONE:
        parser.error(f"{arguments.command} takes no further arguments")
    set_up()
    return COMMANDS[arguments.command](arguments.rest)


def set_up() -> None:
    """Make `.venv` and install the lock file, unless that was done for this very lock file."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the point is to tell an older one
        sys.exit(f"error: tactics needs Python 3.11 or newer, this is {sys.version.split()[0]}")
    stamp = VENV / "tactics-lock.sha256"
    parts = [LOCK, ROOT / "pyproject.toml"]
    wanted = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    make_venv()
    say("installing requirements.lock into .venv (once)")
    pip("install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", str(LOCK))
    # A plain path: the import hook that setuptools makes otherwise costs every start 20 ms.
    settings = ["--config-settings", "editable_mode=compat"]
    pip("install", "--quiet", "--no-deps", "--no-build-isolation", *settings, "-e", str(ROOT))
    stamp.write_text(wanted)


def make_venv() -> None:
    """Create `.venv` with pip in it, or say what is missing."""
    if (BIN / "python").exists():
        return
    say("creating .venv")
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        hint = "on Debian and Ubuntu: sudo apt-get install python3-venv"
        sys.exit(f"error: this Python cannot make a virtual environment\n{hint}\n{done.stdout}")


def pip(*arguments: str) -> None:
    """Run the pip of `.venv`, or stop with its message."""
    command = [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit("error: pip could not install the pinned packages (see above); nothing was run")


def demo(rest: list[str]) -> int:
    """Run the whole pipeline against the bundled sandbox and print the pacing report."""
    return tactics("demo", *rest)


def check(_: list[str]) -> int:
    """Format, lint, types, import contracts and the tests that start no engine: the fast gate."""
    steps = [
        tool("ruff", "format", "--check", "--quiet", "."),
        tool("ruff", "check", "--quiet", "."),
        tool("mypy"),
        tool("lint-imports"),
        tool("pytest", *QUICK),
    ]
    return run_steps(steps)


def test(rest: list[str]) -> int:
    """Run every tier of tests, the fast ones under coverage; or those that are named."""
    if rest:
        return run_steps([tool("pytest", "-q", *PARALLEL, *rest)])
    fast = coverage([])
    return run_steps([tool("pytest", *SLOW)]) or fast  # a killed step has a negative code


def docs(_: list[str]) -> int:
    """Write the reference pages and tactics.toml.example anew from the code."""
    pages = ("docs/reference.md", "docs/cli.md")
    cog = [str(BIN / "python"), "-m", "cogapp", "-r", "-I", str(ROOT), *pages]
    example = subprocess.run(tool("tactics", "init", "--print"), capture_output=True, check=True)
    (ROOT / "tactics.toml.example").write_bytes(example.stdout)
    return run_steps([cog])


def bench(rest: list[str]) -> int:
    """Run the benchmarks (a virtual environment of its own holds the peers)."""
    return run_steps([[str(BIN / "python"), "-m", "tests.benchmarks", *rest]])


def mutants(rest: list[str]) -> int:
    """Break one promise at a time in a copy of the tree; a test must notice each."""
    return run_steps([[str(BIN / "python"), "-m", "tests.mutants", *rest]])


def coverage(_: list[str]) -> int:
    """Run the fast tiers under coverage; less of a package than tests/coverage.py wants is an error."""
    steps = [
        tool("coverage", "run", "-m", "pytest", *FAST),
        tool("coverage", "combine", "--quiet"),
        [str(BIN / "python"), "-m", "tests.coverage"],
    ]
    with tempfile.TemporaryDirectory() as folder:  # children that are killed leave half a file
        return run_steps(steps, COVERAGE_FILE=str(Path(folder) / "coverage"))


def tactics(*arguments: str) -> int:
    """Run the `tactics` command of `.venv`."""
    return subprocess.run([str(BIN / "tactics"), *arguments], check=False).returncode


def tool(name: str, *arguments: str) -> list[str]:
    """Return the command line of a tool in `.venv`."""
    return [str(BIN / name), *arguments]


def run_steps(steps: list[list[str]], **environment: str) -> int:
    """Run all steps, also after one failed, and return the first failure."""
    environment = quiet_environment() | environment
    failed: list[tuple[str, int]] = []
    for step in steps:
        label = " ".join([Path(step[0]).name, *step[1:3]])
        say(label)
        code = subprocess.run(step, check=False, cwd=ROOT, env=environment).returncode
        if code:
            failed.append((label, code))
    for label, code in failed:
        say(f"FAILED ({code}): {label}")
    return failed[0][1] if failed else 0


def quiet_environment() -> dict[str, str]:
    """Return the environment without what would change the outcome of a test."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TACTICS_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"TACTICS_HOME": os.path.join(tempfile.gettempdir(), "tactics-no-such-home")}  # noqa: PTH118


def say(text: str) -> None:
    """Print progress where it does not mix with results."""
    print(f"run.py: {text}", file=sys.stderr, flush=True)


COMMANDS = {"demo": demo, "test": test, "check": check, "bench": bench, "docs": docs}
COMMANDS |= {"mutants": mutants, "coverage": coverage}
ALONE = {"check", "docs", "coverage"}

if __name__ == "__main__":
    sys.exit(main())
