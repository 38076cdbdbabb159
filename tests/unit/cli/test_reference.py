"""The page about the command line."""

import re
from pathlib import Path

from tactics.cli.pacing import STATUSES
from tactics.cli.reference import command_reference

PAGE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")


def test_the_reference_in_the_page_is_that_of_the_code():
    """`cog -r docs/cli.md` brings it up to date."""
    block = re.search(r"\]\]\] -->\n(.*?)\n*<!-- \[\[\[end", PAGE, re.DOTALL)
    assert block.group(1) == command_reference().rstrip("\n")


def test_every_status_of_the_pacing_report_is_explained():
    """A word on the screen can be looked up."""
    for name, status in STATUSES.items():
        assert status.word in PAGE, name
