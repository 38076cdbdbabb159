"""Signals as words in a pipe, so that nothing but the kernel acts while one arrives.

A Python handler that sets an Event can meet its own thread inside that Event, and hang for ever.
"""

import os
import select
import signal
from collections.abc import Iterable

DOOM, DRAINED = 254, 255  # words of our own beside the numbers of signals


class Signals:
    """What signals and threads have to say, read by one thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """Return what can be waited for with `select`."""
        return self._read

    def catch(self, numbers: Iterable[signal.Signals]) -> None:
        """Hear these signals from now on; only the main thread may ask for that."""
        for number in numbers:
            signal.signal(number, _do_nothing)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def tell(self, word: int) -> None:
        """Say a word; from any thread."""
        select.select([], [self._write], [])  # a flood of signals may have filled it for a moment
        os.write(self._write, bytes([word]))

    def hear(self) -> bytes:
        """Return the next words, at least one."""
        return os.read(self._read, 64)

    def close(self) -> None:
        """Hear nothing any more; signals have their usual effect again."""
        signal.set_wakeup_fd(-1)
        os.close(self._read)
        os.close(self._write)


def _do_nothing(*_: object) -> None:
    """Keep a signal from ending the process: its number is in the pipe by now."""
