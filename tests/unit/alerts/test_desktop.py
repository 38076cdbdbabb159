"""The desktop channel, with programs that write down how they were called."""

import json
import sys
from pathlib import Path

import pytest

from tactics.alerts import DesktopChannel
from tactics.errors import ConfigError, UpstreamUnavailable
from tactics.model import Alert, AlertEvent, AlertSeverity
from tests.unit.alerts.messages import HALT, STALE, message, notice

PROGRAM = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["CALLS"], "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
sys.stderr.write(os.environ.get("SAYS", ""))
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def desk(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose PATH has both programs and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("notify-send", "osascript"):
        (folder / name).write_text(PROGRAM)
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "CALLS": str(tmp_path / "calls")}


def calls(desk: dict[str, str]) -> list[list[str]]:
    """Return the arguments of each call."""
    return [json.loads(line) for line in Path(desk["CALLS"]).read_text().splitlines()]


def channel(desk: dict[str, str], platform: str = "linux") -> DesktopChannel:
    """Return a channel to that desktop."""
    return DesktopChannel(desk, timeout_seconds=5, platform=platform)


def test_linux_is_asked_with_arguments(desk: dict[str, str]):
    """Urgency as the alert's, and no word can become an option."""
    assert channel(desk).missing() == ""
    assert channel(desk).send(message(notice(HALT))) == ""
    [call] = calls(desk)
    assert call[:3] == ["--app-name=tactics", "--urgency=critical", "--"]
    assert call[3] == "tactics: DataGuard holds acme back: negative_spend"
    assert call[4] == "spend &lt; 0 &amp; more: 3 rows\ntactics validate"


def test_macos_is_asked_with_arguments(desk: dict[str, str]):
    """The words are arguments of the script, never part of it."""
    nasty = Alert("k", AlertSeverity.INFO, 'a" & do shell script "x', 'b"')
    channel(desk, "darwin").send(message(notice(nasty)))
    [call] = calls(desk)
    assert call[-2:] == ['tactics: a" & do shell script "x', 'b"']
    assert not any("shell" in part for part in call[:-2])
    assert call.count("-e") == 3


def test_several_alerts_are_a_list(desk: dict[str, str]):
    """Four titles, then how many more."""
    many = [notice(STALE, number=n) for n in range(6)]
    channel(desk).send(message(*many, notice(event=AlertEvent.RESOLVED)))
    body = calls(desk)[0][-1].splitlines()
    assert body == ["acme/meta is stale"] * 4 + ["and 3 more: tactics alerts list"]
    channel(desk).send(message(*many[:2]))
    assert calls(desk)[1][-1].splitlines() == ["acme/meta is stale"] * 2


@pytest.mark.parametrize(("platform", "tool"), [("linux", "notify-send"), ("darwin", "osascript")])
def test_a_machine_without_a_desktop_says_so(tmp_path: Path, platform: str, tool: str):
    """A server has nothing to show it on."""
    for environment in ({"PATH": str(tmp_path)}, {}):
        bare = channel(environment, platform)
        assert bare.missing() == f"{tool} is not installed"
        with pytest.raises(ConfigError, match=tool):
            bare.send(message())


def test_a_session_without_a_desktop_is_tried_again(desk: dict[str, str]):
    """Nobody is logged in: perhaps later."""
    broken = {**desk, "CODE": "1", "SAYS": "Cannot autolaunch D-Bus\nwithout X11"}
    with pytest.raises(UpstreamUnavailable, match="Cannot autolaunch D-Bus without X11"):
        channel(broken).send(message())


def test_a_program_that_cannot_be_started_is_tried_again(desk: dict[str, str]):
    """A broken installation stops no other channel."""
    (Path(desk["PATH"]) / "notify-send").write_bytes(b"\x7fELF")
    with pytest.raises(UpstreamUnavailable, match="does not answer"):
        channel(desk).send(message())


def test_a_program_that_hangs_is_ended(desk: dict[str, str]):
    """A message holds nobody up."""
    program = Path(desk["PATH"]) / "notify-send"
    program.write_text(f"#!{sys.executable}\nimport threading\nthreading.Event().wait(30)\n")
    stuck = DesktopChannel(desk, timeout_seconds=0.3, platform="linux")
    with pytest.raises(UpstreamUnavailable, match="does not answer"):
        stuck.send(message())
