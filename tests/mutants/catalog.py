"""The list of mutants and how one is made in a copy of the tree. Runs nothing."""

import tomllib
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

CATALOG = Path(__file__).with_name("mutants.toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong change: in `file` the text `find` becomes `replace`, and one of `tests` must fail."""

    name: str
    promise: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def places(self, root: Path) -> int:
        """Return how often the text to change stands in the file; anything but 1 is a mistake."""
        path = root / self.file
        return path.read_text(encoding="utf-8").count(self.find) if path.is_file() else 0

    def apply(self, root: Path) -> str:
        """Change the file in a copy of the tree; return what it held, for `restore`."""
        text = (root / self.file).read_text(encoding="utf-8")
        self.restore(root, text.replace(self.find, self.replace))
        return text

    def restore(self, root: Path, text: str) -> None:
        """Write the file, and forget what Python compiled of it: same size, same second."""
        path = root / self.file
        path.write_text(text, encoding="utf-8")
        if path.suffix == ".py":
            Path(cache_from_source(str(path))).unlink(missing_ok=True)


def read_mutants() -> list[Mutant]:
    """Return all mutants of the list."""
    entries = tomllib.loads(CATALOG.read_text(encoding="utf-8"))
    return [
        Mutant(name, **{**entry, "tests": tuple(entry["tests"])}) for name, entry in entries.items()
    ]
