"""Fetches one slice in a process that may be killed: `child.py HOME URL`."""

import datetime as dt
import sys
from pathlib import Path

from tactics.config import Settings
from tactics.home import Home
from tactics.model import Window
from tactics.pipeline import Workspace
from tactics.pipeline.fetch import SliceFetch
from tests.support import FakeClock
from tests.unit.pipeline.probe.connector import ADS
from tests.unit.pipeline.vendor import open_probe, slice_of


def main(root: str, url: str) -> None:
    """Fetch two days."""
    window = Window(dt.date(2026, 11, 19), dt.date(2026, 11, 20))
    home = Home(Path(root))
    with (
        Workspace.open(Settings(), home, FakeClock(), environment={}) as workspace,
        open_probe(workspace, url) as access,
    ):
        SliceFetch(workspace, access, ADS, dt.date(2026, 11, 21)).run(slice_of(window))


if __name__ == "__main__":
    main(*sys.argv[1:])
