"""One folder per source: what to ask a vendor, what its answers mean, how bronze becomes silver."""

from tactics.connectors.base import (
    Connector,
    DailyQuota,
    Manifest,
    Options,
    Slicing,
    Step,
    StreamSpec,
    finality,
)
from tactics.connectors.plain import decode_answer
from tactics.connectors.plan import local_day, plan_slices
from tactics.connectors.registry import (
    BUILT_IN,
    base_urls_of,
    find_connector,
    known_kinds,
    options_of,
    spec_of,
    stream_sql,
)
from tactics.connectors.scrub import mask, pseudonymize

__all__ = [
    "BUILT_IN",
    "Connector",
    "DailyQuota",
    "Manifest",
    "Options",
    "Slicing",
    "Step",
    "StreamSpec",
    "base_urls_of",
    "decode_answer",
    "finality",
    "find_connector",
    "known_kinds",
    "local_day",
    "mask",
    "options_of",
    "plan_slices",
    "pseudonymize",
    "spec_of",
    "stream_sql",
]
