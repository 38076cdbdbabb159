"""Loopback simulators of the vendors' APIs, with seeded data, exact totals and plantable faults.

`serve(World(today=…))` is all a test or a demo needs; nothing in here ever leaves the machine.
"""

from tactics.sandbox.bulk import BulkMeta
from tactics.sandbox.faults import Fault
from tactics.sandbox.ledger import AdDay, AdSum, MoneySum, Movement, Totals
from tactics.sandbox.scene import Limits
from tactics.sandbox.server import LoggedRequest, Sandbox, serve
from tactics.sandbox.world import World

__all__ = [
    "AdDay",
    "AdSum",
    "BulkMeta",
    "Fault",
    "Limits",
    "LoggedRequest",
    "MoneySum",
    "Movement",
    "Sandbox",
    "Totals",
    "World",
    "serve",
]
