"""Brings a call to its simulator and lets the planted faults have their way.

One call at a time, under the world's lock: what a reply shows is one state of the world.
"""

import threading
from collections.abc import Sequence

from tactics.sandbox.api import Call, Handler, Refused, Reply, Simulator
from tactics.sandbox.effects import AFTER, BEFORE
from tactics.sandbox.faults import Fault, Faults


def known_faults(simulators: Sequence[Simulator]) -> dict[str, set[str]]:
    """Return the names of the faults that each API understands."""
    return {
        simulator.name: {*BEFORE, *AFTER, *simulator.before, *simulator.after}
        for simulator in simulators
    }


class Dispatcher:
    """Answers calls to any of the simulators; safe to use from several threads."""

    def __init__(
        self, simulators: Sequence[Simulator], faults: Faults, lock: threading.RLock
    ) -> None:
        self._simulators = {simulator.name: simulator for simulator in simulators}
        self._faults = faults
        self._lock = lock

    def answer(self, call: Call) -> Reply:
        """Return what the API says to a call."""
        simulator = self._simulators.get(call.mount)
        if simulator is None:
            return Reply({"error": f"the sandbox has no {call.mount}"}, status=404)
        with self._lock:
            found = simulator.route(call)
            if found is None:
                return simulator.not_found(call)
            matched, handler = found
            due = self._faults.due(simulator.name, simulator.account(matched), call.path)
            return _spoil(simulator, matched, handler, due)


def _spoil(simulator: Simulator, call: Call, handler: Handler, due: list[Fault]) -> Reply:
    for fault in due:
        before = simulator.before.get(fault.name) or BEFORE.get(fault.name)
        if before and (reply := before(call, fault)):
            fault.fired += 1
            return reply
    try:
        reply = handler(call)
    except Refused as refused:
        reply = refused.reply
    for fault in due:
        after = simulator.after.get(fault.name) or AFTER.get(fault.name)
        if after and (changed := after(call, fault, reply)):
            fault.fired += 1
            reply = changed
    return reply
