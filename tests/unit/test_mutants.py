"""The list of mutants fits the code that it is about."""

from pathlib import Path

import pytest

from tests.mutants.catalog import Mutant, read_mutants

ROOT = Path(__file__).parents[2]
MUTANTS = read_mutants()


def test_there_are_more_than_a_dozen():
    """The list is as long as the house asks for."""
    assert len(MUTANTS) > 12


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place(mutant: Mutant):
    """What it changes is there once, and the tests that must notice are there too."""
    assert mutant.places(ROOT) == 1
    assert mutant.find != mutant.replace
    for test in mutant.tests:
        file, *names = test.split("::")
        assert f"{names[0]}" in (ROOT / file).read_text(encoding="utf-8")
