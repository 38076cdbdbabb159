"""What Klaviyo's limit headers and revision header lead to."""

import pytest

from tactics.connectors.klaviyo import KlaviyoOptions, connector
from tactics.connectors.klaviyo.limits import is_quota_spent, pause_seconds
from tests.unit.connectors.builders import respond, slice_of

OPTIONS = KlaviyoOptions(conversion_metric_id="RESQ6t")
WORK = slice_of("subscribers")


@pytest.mark.parametrize(
    ("remaining", "reset", "pause", "spent"),
    [
        ("9", "0", 0, False),
        ("9", "40", 0, False),
        ("0", "0", 0, False),
        ("0", "1", 1, False),
        ("0", "58", 58, False),
        ("0", "120", 120, False),
        ("0", "73473", 0, True),
        ("", "", 0, False),
        ("0", "soon", 0, False),
        ("-1", "5", 0, False),
    ],
)
def test_only_a_full_window_pauses(
    remaining: str, reset: str, pause: float, *, spent: bool
) -> None:
    """Until it resets, if that is a matter of seconds; hours are not slept through."""
    headers = {"ratelimit-remaining": remaining, "ratelimit-reset": reset}
    assert pause_seconds(headers) == pause
    assert is_quota_spent(headers) is spent


def test_without_headers_nothing_is_known() -> None:
    """A proxy may drop them."""
    assert pause_seconds({}) == 0
    assert is_quota_spent({}) is False


def test_the_headers_reach_the_step() -> None:
    """The pause is the throttle's, the spent quota a warning."""
    request = connector.ask(WORK, OPTIONS)
    full = {"ratelimit_limit": "1, 1;w=1, 15;w=60", "ratelimit_remaining": "0"}
    short = connector.read(
        WORK, OPTIONS, request, respond({"data": []}, **full, ratelimit_reset="30")
    )
    hours = connector.read(
        WORK, OPTIONS, request, respond({"data": []}, **full, ratelimit_reset="9999")
    )
    assert (short.pause_seconds, short.warnings) == (30, ())
    assert hours.pause_seconds == 0
    assert "quota" in hours.warnings[0]


@pytest.mark.parametrize(("served", "warnings"), [("2026-07-15", 0), ("2026-10-15", 1)])
def test_the_served_revision_is_compared(served: str, warnings: int) -> None:
    """Another one than asked for is a warning with both."""
    request = connector.ask(WORK, OPTIONS)
    answer = respond({"data": []}, x_klaviyo_api_revision=served)
    step = connector.read(WORK, OPTIONS, request, answer)
    assert len(step.warnings) == warnings
    assert all(served in text and "2026-07-15" in text for text in step.warnings)
