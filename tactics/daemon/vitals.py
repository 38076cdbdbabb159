"""What the daemon's process takes of the machine. Reads /proc; elsewhere as much as Python knows."""

import os
import resource
import sys
import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Vitals:
    """Memory now, open files, threads, and processor time since the start."""

    memory_bytes: int
    open_files: int
    threads: int
    cpu_seconds: float


def read_vitals() -> Vitals:
    """Return what this process takes now."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Vitals(
        memory_bytes=_memory_bytes(usage.ru_maxrss),
        open_files=_open_files(),
        threads=threading.active_count(),
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 3),
    )


def _memory_bytes(peak: int) -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return peak if sys.platform == "darwin" else peak * 1024


def _open_files() -> int:
    folder = "/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd"
    return len(os.listdir(folder)) - 1  # noqa: PTH208 (the listing itself is one)
