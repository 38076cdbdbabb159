"""What a screen shows of many lines, and what it says of the others.

Knows no column but `status`; that rows come most urgent first was decided in gold.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from tactics.cli.words import plural

Facts = Mapping[str, Any]
MAX_LINES = 40  # of one organisation
MAX_UNBOOKED = 5  # of them; what nobody booked must not push out what somebody waits for


def excerpt(lines: Sequence[Facts], *, whole: bool) -> tuple[Sequence[Facts], list[Text]]:
    """Return the lines to show, in their order, and a line that counts those which are left out."""
    if whole:
        return lines, []
    shown: list[Facts] = []
    unbooked = 0
    for line in lines:
        unbooked += line["status"] == "unbooked"
        if line["status"] != "unbooked" or unbooked <= MAX_UNBOOKED:
            shown.append(line)
    shown = shown[:MAX_LINES]
    left = len(lines) - len(shown)
    return shown, [Text(f"and {plural(left, 'more line')}: see --all", "dim")] if left else []
