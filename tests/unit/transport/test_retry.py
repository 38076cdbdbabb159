"""When to try again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.errors import (
    CircuitOpen,
    ContractChanged,
    NetworkUnreachable,
    RateLimited,
    UpstreamUnavailable,
)
from tactics.transport import wait_seconds
from tactics.transport.retry import may_repeat, run_attempts


@given(st.integers(1, 10), st.one_of(st.none(), st.floats(0, 1e5)), st.integers())
def test_wait_keeps_its_bounds(attempt, retry_after, seed):
    """The wait is never less than the step or the server's wish, nor half a step more."""
    step = 2.0 ** (attempt - 1)
    wait = wait_seconds(attempt, retry_after, random.Random(seed))
    assert max(step, retry_after or 0) <= wait <= max(step, retry_after or 0) + step / 2


def test_waits_double():
    """The steps are 1 s, 2 s and 4 s."""

    class Still(random.Random):
        def uniform(self, a, b):
            return a

    assert [wait_seconds(n, None, Still()) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("error", "always", "without_idempotence"),
    [
        (UpstreamUnavailable("x"), True, False),
        (RateLimited("x", retry_after_seconds=120), True, True),
        (RateLimited("x", retry_after_seconds=121), False, False),
        (NetworkUnreachable("x"), True, True),
        (CircuitOpen("x"), False, False),
        (ContractChanged("x"), False, False),
        (KeyboardInterrupt(), False, False),
    ],
)
def test_what_may_be_repeated(error, always, without_idempotence):
    """Without idempotence only what certainly was not carried out is sent again."""
    assert may_repeat(error, idempotent=True) is always
    assert may_repeat(error, idempotent=False) is without_idempotence


def test_last_error_comes_out_after_the_waits(clock):
    """First try and three retries, then the last error itself."""
    errors = [UpstreamUnavailable(str(number)) for number in range(4)]

    def attempt(number):
        raise errors[number - 1]

    with pytest.raises(UpstreamUnavailable) as caught:
        run_attempts(
            attempt,
            max_retries=3,
            repeat=lambda _: True,
            clock=clock,
            rng=random.Random(1),
        )
    assert caught.value is errors[3]
    assert [step <= s <= step * 1.5 for step, s in zip((1, 2, 4), clock.slept, strict=True)] == [
        True
    ] * 3


def test_foreign_error_may_be_repeated_too(clock):
    """An error without a server's wish waits its step."""
    results = iter([ValueError("x"), "done"])

    def attempt(_):
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    done = run_attempts(
        attempt, max_retries=1, repeat=lambda _: True, clock=clock, rng=random.Random(1)
    )
    assert done == "done"
    assert 1 <= clock.slept[0] <= 1.5
