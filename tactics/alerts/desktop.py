"""The desktop channel: a notification on the screen of whoever is logged in.

Runs `notify-send` (Linux) or `osascript` (macOS), with the words as arguments, never as code.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping

from tactics.alerts.message import Message, clip, title_of
from tactics.errors import ConfigError, UpstreamUnavailable
from tactics.model import AlertSeverity

_SCRIPT = (
    "on run words",
    "display notification (item 2 of words) with title (item 1 of words)",
    "end run",
)
_URGENCIES = {
    AlertSeverity.INFO: "low",
    AlertSeverity.WARNING: "normal",
    AlertSeverity.CRITICAL: "critical",
}
LISTED = 4
SAID_CHARACTERS = 200


class DesktopChannel:
    """Shows messages. `environment` is that of the person: PATH, and the way to the session bus."""

    name = "desktop"

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        timeout_seconds: float,
        platform: str = sys.platform,
    ) -> None:
        self._environment = environment
        self._seconds = timeout_seconds
        self._tool = "osascript" if platform == "darwin" else "notify-send"

    def missing(self) -> str:
        """Return what this machine lacks, or nothing."""
        return "" if self._program() else f"{self._tool} is not installed"

    def send(self, message: Message) -> str:
        """Show the message.

        Raises:
            ConfigError: the program is not there.
            UpstreamUnavailable: it fails, as it does where nobody is logged in.
        """
        program = self._program()
        if program is None:
            raise ConfigError(self.missing(), hint="install it, or turn off desktop in [alerts]")
        command = [program, *self._arguments(message)]
        try:
            done = subprocess.run(
                command,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise UpstreamUnavailable("the desktop does not answer", tool=self._tool) from exc
        if done.returncode:
            said = " ".join(done.stderr.decode("utf-8", errors="replace").split())
            hint = "it needs a session with a desktop; a service has none"
            raise UpstreamUnavailable(
                "nothing can be shown", hint=hint, tool=self._tool, said=clip(said, SAID_CHARACTERS)
            )
        return ""

    def _program(self) -> str | None:
        return shutil.which(self._tool, path=self._environment.get("PATH"))

    def _arguments(self, message: Message) -> list[str]:
        title, body = message.headline, "\n".join(_body(message))
        if self._tool == "osascript":
            script = [part for line in _SCRIPT for part in ("-e", line)]
            return [*script, title, body]
        urgency = _URGENCIES[message.severity]
        # The body is markup to most desktops; the title is not.
        return ["--app-name=tactics", f"--urgency={urgency}", "--", title, _as_markup(body)]


def _body(message: Message) -> list[str]:
    if len(message.notices) == 1:
        alert = message.notices[0].alert
        return [part for part in (clip(alert.body, SAID_CHARACTERS), alert.command) if part]
    lines = [title_of(notice) for notice in message.notices[:LISTED]]
    more = len(message.notices) - LISTED
    return [*lines, f"and {more} more: tactics alerts list"] if more > 0 else lines


def _as_markup(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
