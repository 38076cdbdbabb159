"""Makes each mutant in a copy of the tree and runs its tests there: `python3 run.py mutants`.

The copy is outside of the working tree, which is never touched. A mutant that no test notices, a
text that is not there exactly once, or a test that fails without any mutant: exit code 1.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.mutants.catalog import Mutant, read_mutants

ROOT = Path(__file__).parents[2]
COPIED = ("tactics", "migrations", "tests", "docs", "pyproject.toml", "README.md", "run.py")
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")
PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n", "0", "--no-header")
PYTEST += ("--hypothesis-seed", "0")  # a mutant that is killed today is killed tomorrow
PASSED, FAILED = 0, 1
PATIENCE_SECONDS = 300

Verdict = tuple[str, float]


def main() -> int:
    """Try the chosen mutants (all, if none is named) and print what became of them."""
    parser = argparse.ArgumentParser(
        prog="run.py mutants", description=(__doc__ or "").split(":")[0]
    )
    parser.add_argument("names", nargs="*", help="only these mutants")
    names = parser.parse_args().names
    mutants = [mutant for mutant in read_mutants() if not names or mutant.name in names]
    with tempfile.TemporaryDirectory(prefix="tactics-mutants-") as folder:
        root = copy_tree(Path(folder))
        code, said = run_tests(root, sorted({t for m in mutants for t in m.tests}))
        if code != PASSED:
            _say(f"{said}\nthe tests do not pass without a mutant: nothing is proved")
            return 1
        verdicts = [_told(mutant, lambda one: try_mutant(root, one)) for mutant in mutants]
    killed = verdicts.count("killed")
    _say(f"{killed} of {len(mutants)} mutants killed")
    return 0 if killed == len(mutants) and mutants else 1


def copy_tree(folder: Path) -> Path:
    """Return a copy of what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_OUT)
        else:
            shutil.copy(source, folder / name)
    return folder


def try_mutant(root: Path, mutant: Mutant) -> str:
    """Return what became of a mutant: killed, survived, or why it could not be tried."""
    if (places := mutant.places(root)) != 1:
        return f"its text is there {places} times"
    text = mutant.apply(root)
    try:
        code, _ = run_tests(root, mutant.tests)
    finally:
        mutant.restore(root, text)
    return {PASSED: "SURVIVED", FAILED: "killed"}.get(code, f"pytest ended with {code}")


def run_tests(root: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run tests of a copy in a process that imports the copy; return pytest's exit code and words.

    Raises:
        RuntimeError: Python imports another tree than the copy.
    """
    environment = {k: text for k, text in os.environ.items() if not k.startswith("TACTICS_")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["HYPOTHESIS_PROFILE"] = "quick"
    environment["PYTHONPATH"] = str(root)  # before the installed one, which is the working tree
    guard = "import tactics, sys; sys.exit(not tactics.__file__.startswith(sys.argv[1]))"
    for command in (("-c", guard, str(root)), (*PYTEST, *tests)):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        if command[0] == "-c" and done.returncode:
            raise RuntimeError(f"the copy in {root} is not what Python imports")
    return done.returncode, done.stdout[-3000:]


def _told(mutant: Mutant, attempt: Callable[[Mutant], str]) -> str:
    started = time.perf_counter()
    verdict = attempt(mutant)
    seconds = time.perf_counter() - started
    _say(f"{verdict:<10} {seconds:5.1f} s  {mutant.name:<28} {mutant.promise}")
    return verdict


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
