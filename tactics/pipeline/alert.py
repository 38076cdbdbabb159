"""The end of a run: raises and resolves alerts, delivers what is due, and gives a sign of life.

Gathers what `alarms.py` judges, and lets `notify.py` tell it. A run never fails by it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from tactics.alerts import check_answer
from tactics.connectors import Manifest, find_connector
from tactics.errors import ConfigError, TacticsError
from tactics.model import RunStatus
from tactics.pipeline.alarms import Observed, Watched, alerts_of, keys_over
from tactics.pipeline.health import read_health
from tactics.pipeline.notify import AlertReport, deliver_due, raise_alerts
from tactics.pipeline.result import PipelineResult
from tactics.pipeline.scope import Chosen, Scope
from tactics.pipeline.workspace import Workspace
from tactics.store import DeadLetterFilter
from tactics.transport import get, redact, send_hook

COUNTED_CAUSES = 1000


def tell(workspace: Workspace, result: PipelineResult) -> PipelineResult:
    """Return the result of a run, its alerts told; what goes wrong with them is a warning in it."""
    try:
        warnings = after_run(workspace, result).warnings
    except Exception as exc:  # noqa: BLE001  the run is over and recorded: telling must not undo it
        warnings = (redact(f"alerts: {type(exc).__name__}: {exc}"),)
    return replace(result, warnings=(*result.warnings, *warnings)) if warnings else result


def after_run(workspace: Workspace, result: PipelineResult) -> AlertReport:
    """Raise what is the matter, resolve what is over, and deliver what is due."""
    report = _judge(workspace, result)
    return replace(report, warnings=(*report.warnings, *_sign_of_life(workspace, result)))


def between_runs(workspace: Workspace) -> AlertReport:
    """Do the same by health alone: a source gets stale, and a disk full, also when nothing runs."""
    now = workspace.clock.now()
    return _judge(workspace, PipelineResult("", RunStatus.RUNNING, now, now))


def _judge(workspace: Workspace, result: PipelineResult) -> AlertReport:
    seen = observe(workspace, result)
    alerts = alerts_of(seen)
    outbox = workspace.store.outbox
    with workspace.store.transaction():
        over = keys_over(seen, outbox.open_keys(), alerts)
        raised = raise_alerts(workspace, alerts)
        outbox.resolve(over)
    return replace(deliver_due(workspace), raised=raised, resolved=tuple(over))


def observe(workspace: Workspace, result: PipelineResult) -> Observed:
    """Return what is looked at once a run has ended and is recorded."""
    letters: Counter[str] = Counter()
    for cause in workspace.store.letters.causes(DeadLetterFilter(limit=COUNTED_CAUSES)):
        letters[cause.error_type] += cause.letters
    return Observed(
        result,
        read_health(workspace, workspace.clock.now()),
        tuple(_watched(workspace)),
        letters,
    )


def _watched(workspace: Workspace) -> Iterator[Watched]:
    for chosen in Scope().chosen(workspace.settings):
        try:
            manifest = find_connector(chosen.kind).manifest
        except ConfigError:
            continue  # the run reports it where the source is fetched
        yield Watched(
            chosen.org_id,
            chosen.source,
            manifest.title,
            manifest.api_version,
            manifest.sunset,
            workspace.credentials.how_to_renew(
                chosen.org_id, chosen.source, _renewable(workspace, chosen, manifest)
            ),
        )


def _renewable(workspace: Workspace, chosen: Chosen, manifest: Manifest) -> str:
    """Return the credential that a person renews: the last of the alternative that is in use."""
    used = workspace.store.sightings.first_used(chosen.org_id, chosen.source)
    for names in manifest.credentials:
        if used.keys() >= set(names):
            return names[-1]
    return manifest.credentials[0][-1]


def _sign_of_life(workspace: Workspace, result: PipelineResult) -> list[str]:
    """Ask for the heartbeat's URL after a run that brought everything; return what went wrong.

    Source: healthchecks.io, Pinging API: GET counts as success, the answer is 200 (2026-11-22).
    """
    url = workspace.settings.alerts.heartbeat_url
    if url is None or result.status is not RunStatus.SUCCEEDED or result.stale:
        return []
    try:
        response = send_hook(
            get(url),
            settings=workspace.settings.transport,
            clock=workspace.clock,
            timeout_seconds=workspace.settings.alerts.timeout_seconds,
        )
        check_answer(response)
    except TacticsError as error:
        return [redact(f"alerts: heartbeat: {error}")]
    return []
