"""When to try again, and how long to wait before.

Knows nothing of HTTP; the waiting is the clock's.
"""

import itertools
import random
from collections.abc import Callable
from typing import TypeVar

import tenacity

from tactics.clock import Clock
from tactics.errors import CircuitOpen, NetworkUnreachable, RateLimited, TransientError

T = TypeVar("T")

# A longer wait is not slept through: the breaker remembers it, and the run goes on without.
# Source: contract sheet Klaviyo, section 6: sleep up to 120 s, park beyond (2026-11-21).
LONGEST_WAIT_SECONDS = 120.0
_JITTER = 0.5


def wait_seconds(attempt: int, retry_after: float | None, rng: random.Random) -> float:
    """Return how long to wait after failed attempt number `attempt` (from 1).

    1 s, 2 s, 4 s, …, never less than the vendor asks for, and up to half the step more, so that
    many clients that failed together do not come back together.
    """
    step = 2.0 ** (attempt - 1)
    return max(step, retry_after or 0.0) + rng.uniform(0.0, step * _JITTER)


def may_repeat(error: BaseException, *, idempotent: bool) -> bool:
    """Return whether the same request may be sent again after `error`.

    Without idempotence only if the request was certainly not carried out: it never left, or the
    vendor turned it away at the door.
    """
    if not isinstance(error, TransientError) or isinstance(error, CircuitOpen):
        return False
    if (error.retry_after_seconds or 0.0) > LONGEST_WAIT_SECONDS:
        return False
    return idempotent or isinstance(error, NetworkUnreachable | RateLimited)


def run_attempts(
    attempt: Callable[[int], T],
    *,
    max_retries: int,
    repeat: Callable[[BaseException], bool],
    clock: Clock,
    rng: random.Random,
) -> T:
    """Return what `attempt(number)` returns, called again up to `max_retries` times.

    Raises what the last attempt raised.
    """

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_seconds if isinstance(error, TransientError) else None
        return wait_seconds(state.attempt_number, asked, rng)

    policy = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(max_retries + 1),
        wait=wait,
        retry=tenacity.retry_if_exception(repeat),
        sleep=clock.sleep,
        reraise=True,
    )
    numbers = itertools.count(1)
    return policy(lambda: attempt(next(numbers)))
