"""Tells systemd how the service stands, by a datagram to `$NOTIFY_SOCKET`; without one, nobody.

Knows no service. Source: sd_notify(3), systemd 257 (read 2026-11-22).
"""

import os
import socket
from collections.abc import Mapping

_MOST = 200  # characters of a status that a person reads on one line


class Systemd:
    """The way to the service manager that started us."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_seconds = _watchdog_seconds(environment)

    def ready(self, status: str) -> None:
        """Say that the service works now."""
        self._send(f"READY=1\nSTATUS={status[:_MOST]}\nMAINPID={os.getpid()}")

    def alive(self, status: str) -> None:
        """Feed the watchdog."""
        self._send(f"WATCHDOG=1\nSTATUS={status[:_MOST]}")

    def status(self, status: str) -> None:
        """Say how it stands, without feeding the watchdog."""
        self._send(f"STATUS={status[:_MOST]}")

    def stopping(self) -> None:
        """Say that the service comes to its end."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto(text.encode(), self._address)
        except OSError:  # best effort: the manager sees by our exit, too, what has become of us
            return


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Return within what time the watchdog wants to be fed, None without one for this process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        return int(environment["WATCHDOG_USEC"]) / 1e6 or None
    except (KeyError, ValueError):
        return None
