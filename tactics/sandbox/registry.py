"""The simulated APIs. A new one is one more file and one more line here.

Builds them over a scene; knows nothing of what they serve.
"""

from collections.abc import Callable

from tactics.sandbox import (
    drive,
    dv360,
    ga4,
    google,
    google_ads,
    gsc,
    klaviyo,
    meta,
    sheets,
    shopify,
    stripe,
    ttd,
)
from tactics.sandbox.api import Simulator
from tactics.sandbox.scene import Scene

SIMULATORS: tuple[Callable[[Scene], Simulator], ...] = (
    meta.simulator,
    stripe.simulator,
    sheets.simulator,
    drive.simulator,
    google.simulator,
    google_ads.simulator,
    dv360.simulator,
    ga4.simulator,
    gsc.simulator,
    ttd.simulator,
    klaviyo.simulator,
    shopify.simulator,
)


def build_simulators(scene: Scene) -> tuple[Simulator, ...]:
    """Return every simulated API over `scene`, whether or not it is a source of this world."""
    return tuple(build(scene) for build in SIMULATORS)
