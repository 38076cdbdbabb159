"""A short storm of kills; a long one is `python -m tests.crash.storm`."""

from pathlib import Path

import pytest

from tests.crash.storm import run_storm

pytestmark = pytest.mark.crash


def test_a_home_weathers_kill_after_kill(tmp_path: Path):
    """Six kills at places chosen by a seed, and each layer equals that of a home never killed."""
    storm = run_storm(tmp_path, kills=6, every=6, seed=7, say=print)
    assert storm.kills.total() == 6
    assert storm.compared == 1
