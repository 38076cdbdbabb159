"""How hard generated tests try, by `HYPOTHESIS_PROFILE`: little in the gate, long where `thorough`.

`quick` is for mutants: the same examples every time, and no search for the smallest failing one.
"""

import os

from hypothesis import HealthCheck, Phase, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "")
TIMES = 40 if PROFILE == "thorough" else 1  # as many examples
QUICK = PROFILE == "quick"


def effort(examples: int, *, steps: int = 25) -> settings:
    """Return the settings of a generated test: so many examples in the gate, each of these steps."""
    return settings(
        max_examples=examples * TIMES,
        stateful_step_count=steps if TIMES == 1 else 2 * steps,
        phases=[Phase.generate] if QUICK else [*Phase],
        derandomize=QUICK,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
