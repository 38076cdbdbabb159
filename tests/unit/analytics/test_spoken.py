"""Spans and amounts in sentences."""

import pytest

from tactics.analytics.spoken import bytes_told, instant, iso, listed, plural, since, span
from tests.unit.analytics.builders import HOUR, NOW


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-3, "0 s"),
        (90, "90 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172800, "2 days"),
    ],
)
def test_a_span(seconds, told):
    """The largest unit of which there are at least two."""
    assert span(seconds) == told


@pytest.mark.parametrize(
    ("size", "told"), [(12, "12 bytes"), (2048, "2.0 KiB"), (3 * 2**29, "1.5 GiB")]
)
def test_bytes(size, told):
    """In units of 1,024."""
    assert bytes_told(size) == told


def test_instants():
    """For people, for programs, and how long ago."""
    assert instant(NOW) == "2026-11-21 09:00 UTC"
    assert iso(NOW) == "2026-11-21T09:00:00Z"
    assert since(NOW - 3 * HOUR, NOW) == "3 h"


def test_lists_and_numbers():
    """One, two, and more than fit."""
    assert plural(1, "write") == "1 write"
    assert plural(1200, "write") == "1,200 writes"
    assert [listed(list("abcde"[:n])) for n in (0, 1, 2, 3, 5)] == [
        "", "a", "a and b", "a, b and c", "a, b, c and 2 more",
    ]  # fmt: skip
