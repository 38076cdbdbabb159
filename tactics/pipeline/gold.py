"""Step 5: rebuild what silver changed, and publish it.

An organisation that DataGuard halted keeps its last good numbers: its changes go back to the end
of the topic and are built once the findings are gone.
"""

import datetime as dt
from collections.abc import Sequence

from tactics.gold import Change, GoldBuild
from tactics.metrics import Registry, fingerprint, render
from tactics.model import TOPIC_PROCESSED, TOPIC_READY
from tactics.pipeline.delivery import Delivery, Emission, Written
from tactics.pipeline.facts import org_facts
from tactics.pipeline.fx import read_rates
from tactics.pipeline.views import coverage_rows
from tactics.pipeline.workspace import Workspace
from tactics.store import Event

BATCH_CHANGES = 1_000_000  # all that is new: one generation per run


def gold_stage(workspace: Workspace, held_back: frozenset[str]) -> Delivery:
    """Return the stage that builds and publishes a generation."""

    def write(events: Sequence[Event]) -> Written:
        back = tuple(
            Emission(TOPIC_PROCESSED, event.key, event.header)
            for event in events
            if event.header["org_id"] in held_back
        )
        changes = tuple(
            _change(event)
            for event in events
            if event.header["org_id"] not in held_back and event.header["start"]
        )
        return _build(workspace, changes, held_back, and_then=back)

    return Delivery(workspace, "gold", TOPIC_PROCESSED, write, batch_events=BATCH_CHANGES)


def build_gold(stage: Delivery, held_back: frozenset[str]) -> None:
    """Build once from all that is new (a drain would meet its own held-back changes again).

    After an upgrade gold is made anew, also when nothing is new.
    """
    workspace = stage.workspace
    events = workspace.store.bus.read(stage.topic, stage.stage, BATCH_CHANGES)
    if any(event.header["org_id"] not in held_back for event in events):
        stage.deliver(events)
    elif workspace.gold.is_outdated(_render, fingerprint()):
        stage.renew()


def _render(text: str) -> str:
    return render(text, Registry.load())


def _change(event: Event) -> Change:
    header = event.header
    start, end = (dt.date.fromisoformat(header[name]) for name in ("start", "end"))
    return Change(header["org_id"], header["table"], start, end)


def _build(
    workspace: Workspace,
    changes: tuple[Change, ...],
    held_back: frozenset[str],
    *,
    and_then: tuple[Emission, ...],
) -> Written:
    lake, now = workspace.lake, workspace.clock.now()

    def relation(table: str, org_id: str, start: dt.date | None, end: dt.date | None) -> str:
        return lake.relation_sql(table, org_id=org_id, start=start, end=end)

    build = GoldBuild(
        relation=relation,
        render=_render,
        formulas=fingerprint(),
        orgs=tuple(org for org in org_facts(workspace) if org.org_id not in held_back),
        built_at=now,
        changes=changes,
        coverage=coverage_rows(workspace),
        folders=lake.folders(),
        fx_rates=read_rates(workspace.settings.fx.ecb_rates_file),
        pacing=workspace.settings.pacing,
        silver_from=now.date() - dt.timedelta(days=workspace.settings.lake.silver_days),
    )
    generation = workspace.gold.build(build)
    workspace.gold.publish(generation)
    told = {"generation": generation.number, "built_at": now.isoformat()}
    ready = Emission(TOPIC_READY, None, told)
    return Written(sum(generation.tables.values()), (ready, *and_then))
