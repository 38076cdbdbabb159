"""What is told to the service manager."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tactics.daemon.systemd import Systemd

Hear = Callable[[], str]


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[tuple[str, Hear]]:
    """Return the address of a service manager, and what it hears next."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.settimeout(5)
        yield str(path), lambda: listening.recv(4096).decode()


def test_ready_alive_and_stopping(channel: tuple[str, Hear]):
    """The manager hears when the service is ready, that it lives, and that it stops."""
    address, hear = channel
    systemd = Systemd({"NOTIFY_SOCKET": address})
    systemd.ready("answers")
    assert hear() == f"READY=1\nSTATUS=answers\nMAINPID={os.getpid()}"
    systemd.alive("idle")
    assert hear() == "WATCHDOG=1\nSTATUS=idle"
    systemd.status("stuck")
    assert hear() == "STATUS=stuck"
    systemd.stopping()
    assert hear() == "STOPPING=1\nSTATUS=stopping"


def test_a_socket_without_a_file():
    """An address that begins with @ is one of Linux's abstract ones."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0tactics-test-notify")
        listening.settimeout(5)
        Systemd({"NOTIFY_SOCKET": "@tactics-test-notify"}).stopping()
        assert listening.recv(99).startswith(b"STOPPING=1")


def test_without_a_manager_nobody_is_told(tmp_path: Path):
    """In a terminal there is no manager, and one that has gone is no error."""
    Systemd({}).ready("x")
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}).alive("x")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_says_how_often(environment: dict[str, str], seconds: float | None):
    """The time is in microseconds, and may be meant for another process."""
    assert Systemd(environment).watchdog_seconds == seconds
