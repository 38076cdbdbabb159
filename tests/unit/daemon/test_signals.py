"""Signals as words in a pipe."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from tactics.daemon.signals import DRAINED, Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Return what hears SIGHUP."""
    before = signal.getsignal(signal.SIGHUP)
    signals = Signals()
    signals.catch([signal.SIGHUP])
    yield signals
    signals.close()
    signal.signal(signal.SIGHUP, before)


def test_a_signal_is_a_word(signals: Signals):
    """A signal does not end the process; its number can be waited for and read."""
    os.kill(os.getpid(), signal.SIGHUP)
    assert select.select([signals], [], [], 5)[0] == [signals]
    assert signals.hear() == bytes([signal.SIGHUP])


def test_threads_have_words_of_their_own(signals: Signals):
    """What is said and what the kernel sends come in one order."""
    signals.tell(DRAINED)
    os.kill(os.getpid(), signal.SIGHUP)
    assert signals.hear() == bytes([DRAINED, signal.SIGHUP])


def test_a_flood_of_signals_stops_nobody(signals: Signals):
    """When nobody reads, a full pipe drops words that say the same."""
    for _ in range(70_000):
        signal.raise_signal(signal.SIGHUP)
    assert set(signals.hear()) == {signal.SIGHUP}
