"""A machine with a real systemd: systemd-nspawn on an overlay of this one's `/`, without a network.

Its disk and its processes live in namespaces of their own, which end with whoever started them:
nothing is written outside of a tmpfs, and no process, mount or cgroup is left behind.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
INIT = next(
    (p for p in map(Path, ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")) if p.exists()), None
)
NEEDED = ("systemd-nspawn", "systemctl", "dbus-daemon", "nsenter", "unshare", "setpriv", "mount")
PYTHON = "/opt/tactics-test/bin/python"
# Whatever ends the test ends `unshare`, and the kernel then all that it has started.
ALONE = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]
ALONE += ["--kill-child=KILL", "--mount-proc", "sh", "-euc"]
DISK = """
mount -t tmpfs tmpfs "$0"
mkdir "$0/tree" "$0/upper" "$0/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$0/upper,workdir=$0/work" "$0/tree"
: > "$0/tree/etc/machine-id"
exec "$@"
"""
PREPARE = """
set -eu
mkdir -p /etc/ld.so.conf.d && echo /opt/python-test/lib > /etc/ld.so.conf.d/python-test.conf
ldconfig
{base} -m venv --without-pip /opt/tactics-test
printf '/opt/source-test\\n/opt/packages-test\\n' > "$({python} -c 'import sysconfig
print(sysconfig.get_path("purelib"))')/test.pth"
printf '#!/bin/sh\\nexec {python} -P -m tactics "$@"\\n' > /usr/local/bin/tactics
chmod 755 /usr/local/bin/tactics
"""


def why_not() -> str:
    """Return why no machine can be started here, or nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs Linux and root, to mount and to start a systemd"
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        return f"needs {', '.join(missing)}: apt-get install systemd-container systemd dbus"
    if INIT is None:
        return "needs systemd: apt-get install systemd"
    if not any(os.access(base, os.W_OK) for base in _bases()):
        return "this machine lets nobody make cgroups"
    return _why_no_overlay()


def _why_no_overlay() -> str:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*ALONE, DISK, folder, "true"], capture_output=True, text=True, check=False, timeout=20
        )
    said = " ".join(done.stderr.split())
    return f"this machine lets nobody mount an overlay: {said}" if done.returncode else ""


@dataclass
class Machine:
    """A running machine, and the way into it."""

    root: Path
    leader: int

    def run(
        self, *command: str, timeout: float = 60, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root, with as little environment as a service has."""
        enter = [
            "nsenter",
            f"--target={self.leader}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
        ]
        return subprocess.run(
            [*enter, "--root", "--wd", "--", *command],
            input=text or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )

    def get(self, *command: str, timeout: float = 60) -> str:
        """Run a command that has to succeed and return what it printed."""
        done = self.run(*command, timeout=timeout)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in it."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def journal(self) -> str:
        """Return the end of its journal."""
        return self.run("journalctl", "--no-pager", "--lines=60").stdout

    def wait_for(self, met: Callable[[], object], what: str, seconds: float = 45) -> None:
        """Return once something is so.

        Raises:
            AssertionError: it does not come about in time.
        """
        if not wait_until(met, seconds):
            raise AssertionError(f"waited {seconds:g} s for {what}\n{self.journal()}")


def wait_until(met: Callable[[], object], seconds: float) -> bool:
    """Return whether something came about in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if met():
            return True
        time.sleep(0.1)  # noqa: TID251 - a real machine takes real time
    return False


@contextmanager
def open_machine(folder: Path) -> Iterator[Machine]:
    """Boot a machine, put this tactics and its Python into it, and end it with the block."""
    with _turn(), _booted(folder) as machine:
        python = Path(sys.base_prefix)
        at_home = python == Path("/usr")  # then the overlay has it already
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        base = f"/usr/bin/{name}" if at_home else f"/opt/python-test/bin/{name}"
        machine.get("sh", "-c", PREPARE.format(base=base, python=PYTHON))
        yield machine


@contextmanager
def _turn() -> Iterator[None]:
    """Let one machine run at a time: two would share their cgroups."""
    with (Path(tempfile.gettempdir()) / "tactics-test-machine.lock").open("w") as file:
        limit = time.monotonic() + 300
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            assert time.monotonic() < limit, "another machine runs for too long"
            time.sleep(0.5)  # noqa: TID251 - another process holds it
        yield


@contextmanager
def _booted(folder: Path) -> Iterator[Machine]:
    disk, console = folder / "disk", folder / "console"
    disk.mkdir()
    with console.open("w") as said:
        process = subprocess.Popen(
            [*ALONE, DISK, str(disk), *_nspawn(disk / "tree")],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        assert wait_until(lambda: _leader_of(process.pid), 30), console.read_text()
        leader = _leader_of(process.pid)
        machine = Machine(Path(f"/proc/{leader}/root"), leader)
        assert wait_until(lambda: _is_up(machine), 60), console.read_text()
        yield machine
    finally:
        _end(process)
        wait_until(_are_groups_gone, 10)


def _nspawn(root: Path) -> list[str]:
    shared = {ROOT: "/opt/source-test", _packages(): "/opt/packages-test"}
    if Path(sys.base_prefix) != Path("/usr"):
        shared[Path(sys.base_prefix)] = "/opt/python-test"
    return [
        "systemd-nspawn", f"--directory={root}", f"--machine=tactics-{os.getpid()}",
        "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--link-journal=no",
        "--resolv-conf=off", "--timezone=off",
        *(f"--bind-ro={here}:{there}" for here, there in shared.items()),
        "--boot", "systemd.unit=basic.target",
    ]  # fmt: skip


def _packages() -> Path:
    import httpx  # noqa: PLC0415  one of those that the machine needs, wherever they lie

    return Path(httpx.__file__).parent.parent


def _leader_of(unshare: int) -> int:
    """Return the machine's first process, which nspawn started; 0 until there is one."""
    grandchildren = (_children_of(nspawn) for nspawn in _children_of(unshare))
    return next((pid for pids in grandchildren for pid in pids if _name_of(pid) == "systemd"), 0)


def _children_of(parent: int) -> list[int]:
    return [pid for pid in _processes() if _fact_of(pid, "PPid") == str(parent)]


def _name_of(process: int) -> str:
    return _fact_of(process, "Name")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _fact_of(process: int, name: str) -> str:
    with suppress(OSError):  # it has ended meanwhile
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line).get(name, "")
    return ""


def _is_up(machine: Machine) -> bool:
    done = machine.run("systemctl", "is-system-running")
    return done.stdout.strip() in {"running", "degraded"}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the first process of the namespace, with which the kernel ends all others of it."""
    for child in _children_of(process.pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _bases() -> list[Path]:
    """Return the cgroups of this process in the trees that systemd uses."""
    bases = [
        Path("/sys/fs/cgroup") / tree / path.lstrip("/")
        for line in Path("/proc/self/cgroup").read_text().splitlines()
        for _, controllers, path in [line.split(":", 2)]
        if controllers in {"", "name=systemd"}
        for tree in ("unified", "systemd", "")
    ]
    return [base for base in bases if (base / "cgroup.procs").exists()]


def _are_groups_gone() -> bool:
    """Remove the cgroups that systemd-nspawn has made beside ours; return whether they are gone."""
    groups = [base / name for base in _bases() for name in ("payload", "supervisor")]
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):  # whoever is in it ends at this moment
                Path(folder).rmdir()
    return not any(group.exists() for group in groups)
