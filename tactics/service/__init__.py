"""The daemon as a service of the machine or of one person, kept running by systemd or launchd.

Knows nothing of what the daemon does; only how it is started, watched, stopped and told apart.
"""

from tactics.service.choose import find_manager
from tactics.service.manager import Inside, Manager, Places, ServiceState, left_behind, need_root
from tactics.service.plan import NAME, Found, Plan, Scope, find_secrets, refuse_unfit

__all__ = [
    "NAME",
    "Found",
    "Inside",
    "Manager",
    "Places",
    "Plan",
    "Scope",
    "ServiceState",
    "find_manager",
    "find_secrets",
    "left_behind",
    "need_root",
    "refuse_unfit",
]
