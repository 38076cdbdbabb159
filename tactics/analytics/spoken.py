"""Spans of time and amounts as a sentence names them; the sentences are reasons of health.

Knows no terminal.
"""

import datetime as dt

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_UNITS = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


def span(seconds: float) -> str:
    """Return `45 s`, `12 min`, `9 h` or `3 days`: the largest unit of which there are at least two."""
    seconds = max(seconds, 0.0)
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} days"


def since(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago `moment` was."""
    return span((now - moment).total_seconds())


def bytes_told(size_bytes: float) -> str:
    """Return `1.4 GiB`, `300.0 MiB` or `12 bytes`."""
    for name, unit in _UNITS:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes:.0f} bytes"


def instant(moment: dt.datetime) -> str:
    """Return `2026-11-21 09:00 UTC`."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def iso(moment: dt.datetime) -> str:
    """Return `2026-11-21T09:00:00Z`, for programs."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plural(number: int, noun: str) -> str:
    """Return `1 write`, `2 writes`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: list[str], most: int = 3) -> str:
    """Return `a`, `a and b`, `a, b, c and 4 more`."""
    shown = names[:most] + ([f"{len(names) - most} more"] if len(names) > most else [])
    return " and ".join(filter(None, (", ".join(shown[:-1]), "".join(shown[-1:]))))
