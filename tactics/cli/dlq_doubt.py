"""What speaks against a retry of a dead letter, before anybody tries it.

Compares values; asks no vendor and no sink.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    from tactics.cli.session import Session
    from tactics.store import Job, Store

OFTEN = 3  # failures of the same kind that are no accident


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a retry would meet: `open_until` by breaker, and by source the breaker it is behind.

    `sources` is None when the configuration cannot be read.
    """

    open_until: "Mapping[str, dt.datetime]" = field(default_factory=dict)
    sources: Mapping[tuple[str, str], str] | None = None


def look_around(session: "Session", store: "Store") -> Surroundings:
    """Return what a retry would meet now."""
    from tactics.store import BreakerState

    open_until = {
        breaker.name: breaker.open_until
        for breaker in store.breakers.list_all()
        if breaker.state is BreakerState.OPEN and breaker.open_until is not None
    }
    return Surroundings(open_until, _breakers(session))


def _breakers(session: "Session") -> dict[tuple[str, str], str] | None:
    from tactics.cli.wiring import configured
    from tactics.errors import ConfigError

    try:
        return {
            (one.org_id, one.source): one.connector.manifest.breaker
            for one in configured(session.settings())
            if one.settings.enabled
        }
    except ConfigError:  # dead letters are looked at without a configuration, too
        return None


def doubt_about(letter: "Job", around: Surroundings) -> str:
    """Return why a retry may fail again, or nothing if nothing is known against it."""
    return _nobody_reads(letter, around) or _left_alone(letter, around) or _unchanged(letter)


def _nobody_reads(letter: "Job", around: Surroundings) -> str:
    key = letter.key
    if key is None or around.sources is None or letter.stage not in {"ingest", "silver"}:
        return ""
    named = (key.org_id, key.source) in around.sources
    return "" if named else f"{key.org_id}/{key.source} is not configured, or disabled"


def _left_alone(letter: "Job", around: Surroundings) -> str:
    for name in _breakers_before(letter, around):
        if until := around.open_until.get(name):
            return f"{name} is open until {until:%H:%M} UTC"
    return ""


def _breakers_before(letter: "Job", around: Surroundings) -> list[str]:
    """Return the breaker of the sink, or the vendor's and what its connection may have of its own."""
    if letter.stage != "ingest":
        return [f"{letter.stage}_breaker"]
    key = letter.key
    vendor = (around.sources or {}).get((key.org_id, key.source)) if key else None
    if key is None or vendor is None:
        return []
    return [vendor, f"{vendor}.{key.org_id}", f"{vendor}.{key.org_id}.{key.source}"]


def _unchanged(letter: "Job") -> str:
    if letter.edited_at is not None:
        return ""
    if letter.error_type == "interrupted":
        return "the process ended at every try, which the data may have caused"
    if letter.stage == "ingest":
        times = f" {letter.attempt} times" if letter.attempt >= OFTEN else ""
        return f"the vendor is asked again, and has answered like this{times}"
    if not letter.transient:
        return "nothing was changed: edit it, or mend what the error names"
    return ""
