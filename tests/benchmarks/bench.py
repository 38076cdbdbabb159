"""What all parts share: how often, how large, and one home that holds millions of rows.

Measures nothing.
"""

import functools
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tactics.sandbox import BulkMeta
from tests.benchmarks.child import do
from tests.benchmarks.measure import clean_environment, run
from tests.lab import TODAY

ROWS_PER_PAGE = 500
YEAR = 365  # days, as many as silver keeps
BOOKINGS = 500


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a bulk world: pages of 500 rows, and how many campaigns have a row a day."""

    pages: int
    campaigns: int

    @classmethod
    def of(cls, rows: int, days: int) -> Self:
        """Return a world of (at least) so many rows on so many days."""
        campaigns = -(-rows // days)
        return cls(-(-rows // ROWS_PER_PAGE), campaigns)

    def world(self) -> BulkMeta:
        """Return the world; the same in every process."""
        return BulkMeta(ROWS_PER_PAGE, self.pages, today=TODAY, campaigns=self.campaigns)


class Bench:
    """The sizes of one run. `rows` is that of the large tables; what is smaller is a share of it.

    The held rows lie on `days` days. Where nobody looks at times and memory, these may be fewer than a
    year's, and processes of their own (`apart`) may be saved.
    """

    def __init__(
        self,
        *,
        rows: int,
        rounds: int = 3,
        pages: int = 2000,
        scale: tuple[int, ...] = (),
        days: int = YEAR,
        apart: bool = True,
    ) -> None:
        self.rows = rows
        self.rounds = rounds
        self.pages = pages
        self.scale = scale
        self.days = days
        self.apart = apart
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def share(self, part: float) -> int:
        """Return a share of `rows`: 0.1 of 10 M are the million of a backlog."""
        return max(1, round(self.rows * part))

    @functools.cached_property
    def folder(self) -> Path:
        """Return a folder that is gone when the run is over."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory()))

    @functools.cached_property
    def shape(self) -> Shape:
        """Return the size of the home that several parts share."""
        return Shape.of(self.rows, self.days)

    @functools.cached_property
    def home(self) -> str:
        """Return a home that holds `rows` rows, silver and gold, made when asked for."""
        home = str(self.folder / "held")
        self.plant(home, self.shape, bookings=BOOKINGS)
        return home

    def plant(self, home: str, shape: Shape, *, bookings: int = 0) -> None:
        """Make a home that holds the rows of a world, as if they had been fetched."""
        self.call("plant:plant", home=home, bookings=bookings, **asdict(shape))

    def call(self, function: str, **arguments: Any) -> tuple[Any, int]:
        """Call `module:function` of the benchmarks in a process of its own; return result and peak."""
        name = f"tests.benchmarks.{function}"
        if not self.apart:
            answer = do(name, arguments)
        else:
            command = [sys.executable, "-m", "tests.benchmarks.child", name, json.dumps(arguments)]
            answer = json.loads(run(command, clean_environment()).output.splitlines()[-1])
        return answer["result"], answer["peak_bytes"]
