"""Starts a command and writes what it cost; standard library only, because it must stay small.

Linux counts the memory of whoever starts a process into the peak of the new one. A benchmark that
holds gigabytes would lend them to everything it measures, so this small process stands between.

Usage: launch.py <file for the cost> <command …>
"""

import json
import os
import sys
import time

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


def main() -> None:
    """Run the command to its end, and exit as it did."""
    target, *command = sys.argv[1:]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    cost = {
        "wall": time.perf_counter() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * PEAK_UNIT,
    }
    with open(target, "w", encoding="utf-8") as file:  # noqa: PTH123  pathlib is not small
        json.dump(cost, file)
    sys.exit(abs(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
