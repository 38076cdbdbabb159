"""The simulated APIs. A new one is one more file and one more line here.

Builds them over a scene; knows nothing of what they serve.
"""

from collections.abc import Callable

from tactics.sandbox import drive, google, meta, sheets, stripe
from tactics.sandbox.api import Simulator
from tactics.sandbox.scene import Scene

SIMULATORS: tuple[Callable[[Scene], Simulator], ...] = (
    meta.simulator,
    stripe.simulator,
    sheets.simulator,
    drive.simulator,
    google.simulator,
)


def build_simulators(scene: Scene) -> tuple[Simulator, ...]:
    """Return every simulated API over `scene`, whether or not it is a source of this world."""
    return tuple(build(scene) for build in SIMULATORS)
