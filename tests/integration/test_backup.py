"""A home that was backed up and restored elsewhere is the home it was."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tactics.home import Home
from tactics.model import RunStatus
from tactics.pipeline import back_up, restore_backup, verify
from tests.lab import Lab, open_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Return a lab with one organisation and 12 days of history."""
    with open_lab(tmp_path, days=12, orgs=("acme",)) as lab:
        yield lab


def elsewhere(lab: Lab, home: Home) -> Lab:
    """Return the same lab, at work in another home."""
    return Lab(lab.world, lab.sandbox, home, lab.clock)


def test_a_restored_home_answers_and_goes_on(lab: Lab, tmp_path: Path):
    """At another path, with the original gone: the same rows, and the same work left to do."""
    lab.sync()
    before = lab.layers()
    saved = back_up(lab.home, lab.clock, tmp_path / "b.tar.zst", config=lab.config)
    shutil.rmtree(lab.home.root)
    home = Home(tmp_path / "far" / "away")
    restored = restore_backup(saved.path, home)
    assert restored.rows == saved.rows
    verify(home, restored.rows, lab.clock)
    other = elsewhere(lab, home)
    assert other.layers() == before
    lab.world.restate(5)
    lab.world.edit_booking()
    assert other.sync().status is RunStatus.SUCCEEDED
    changed = other.layers()
    assert changed != before
    assert other.sync().status is RunStatus.SUCCEEDED
    assert other.layers() == changed
