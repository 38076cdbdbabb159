"""DataGuard: looks at what is about to be used, and halts what cannot be trusted.

Each check is one SQL file that returns the offending rows. Corrects nothing.
"""

from tactics.guard.check import Check, load_checks
from tactics.guard.months import DATED, Month, Months
from tactics.guard.report import GuardReport, run_checks

__all__ = ["DATED", "Check", "GuardReport", "Month", "Months", "load_checks", "run_checks"]
