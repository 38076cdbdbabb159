"""The log channel."""

import json
import stat
from pathlib import Path

import pytest

from tactics.alerts import LogChannel
from tactics.errors import SinkUnavailable
from tests.unit.alerts.messages import HALT, message, notice


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log will be."""
    return tmp_path / "alerts.log"


def lines(path: Path) -> list[dict[str, object]]:
    """Return the lines of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_notice_is_a_line_of_json(path: Path):
    """A script finds the id of the message, what it is about, and the command."""
    log = LogChannel(path, max_bytes=4096)
    assert log.send(message(notice(), notice(HALT, number=2))) == ""
    log.send(message(message_id="second"))
    assert [(line["id"], line["key"], line["command"]) for line in lines(path)] == [
        ("0123456789abcdef", "freshness:acme/meta", "tactics sync --org acme --source meta"),
        ("0123456789abcdef", "quality:acme/negative_spend", "tactics validate"),
        ("second", "freshness:acme/meta", "tactics sync --org acme --source meta"),
    ]


def test_it_is_readable_by_its_owner_only(path: Path):
    """Also the files that were moved aside."""
    log = LogChannel(path, max_bytes=10)
    for _ in range(3):
        log.send(message())
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_it_stays_small(path: Path):
    """A full file is moved aside, the oldest of three goes; the newest line is in the file itself."""
    log = LogChannel(path, max_bytes=10)
    for number in range(6):
        log.send(message(message_id=str(number)))
    kept = [path, *(path.with_name(f"alerts.log.{n}") for n in (1, 2, 3))]
    assert sorted(path.parent.iterdir()) == sorted(kept)
    assert [[line["id"] for line in lines(file)] for file in kept] == [["5"], ["4"], ["3"], ["2"]]


def test_a_file_below_its_limit_is_not_moved(path: Path):
    """Rotation is by size."""
    log = LogChannel(path, max_bytes=10_000)
    for _ in range(5):
        log.send(message())
    assert len(lines(path)) == 5
    assert list(path.parent.iterdir()) == [path]


def test_words_of_any_language_are_kept(path: Path):
    """The file is UTF-8, a line break stays inside its line."""
    odd = notice(HALT)
    LogChannel(path, max_bytes=4096).send(message(odd, message_id="ü\n☀"))
    assert lines(path)[0]["id"] == "ü\n☀"


def test_a_log_that_cannot_be_written_says_so(path: Path):
    """It is tried again later, as any channel is."""
    path.mkdir()
    with pytest.raises(SinkUnavailable, match=r"alerts\.log") as caught:
        LogChannel(path, max_bytes=10**6).send(message())
    assert "free space" in caught.value.hint
