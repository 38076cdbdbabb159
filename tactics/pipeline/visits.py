"""Notes which sources a run asked for what was due; schedules are reckoned from that.

A source of a run that was interrupted or killed was not visited: it is due again at once.
"""

import datetime as dt
from collections.abc import Iterator

from tactics.errors import TransientError
from tactics.pipeline.result import Outcome, SourceOutcome
from tactics.pipeline.scope import Scope
from tactics.pipeline.workspace import Workspace
from tactics.store import Visit


def note_visits(
    workspace: Workspace, scope: Scope, sources: tuple[SourceOutcome, ...], at: dt.datetime
) -> None:
    """Remember that each of these was asked at `at`, unless only chosen days were, or nothing."""
    if scope.offline or scope.window is not None:
        return
    transient = set(_codes(TransientError))
    for source in sources:
        visit = Visit(
            source.org_id,
            source.source,
            at,
            source.outcome.value,
            failures=int(source.outcome is Outcome.FAILED),
            transient=any(problem.code in transient for problem in source.problems),
        )
        workspace.store.visits.note(visit)


def _codes(group: type[TransientError]) -> Iterator[str]:
    yield group.code
    for kind in group.__subclasses__():
        yield from _codes(kind)
