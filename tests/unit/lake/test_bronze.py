"""How pages are put together in a file, so that silver can read them within its memory."""

import pytest

from tactics.lake.bronze import cut_groups

MIB = 2**20


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([], []),
        ([10] * 20, [(0, 16), (16, 4)]),
        ([5 * MIB] * 7, [(0, 3), (3, 3), (6, 1)]),
        ([10, 40 * MIB, 10], [(0, 1), (1, 1), (2, 1)]),
        ([16 * MIB], [(0, 1)]),
    ],
)
def test_a_group_is_small_in_pages_and_in_bytes(
    sizes: list[int], groups: list[tuple[int, int]]
) -> None:
    """Sixteen pages or 16 MiB, but at least one page."""
    assert list(cut_groups(sizes)) == groups
