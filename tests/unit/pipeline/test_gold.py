"""What silver changed on its way to the published tables, and what is held back."""

import pytest

from tactics import duck
from tactics.errors import SinkUnavailable
from tactics.model import TOPIC_PROCESSED, TOPIC_READY, StreamKey
from tactics.pipeline import Workspace
from tactics.pipeline.gold import build_gold, gold_stage, org_facts
from tests.unit.pipeline.conftest import Open, orgs_of

pytestmark = pytest.mark.usefixtures("_installed")


@pytest.fixture
def workspace(open_workspace: Open) -> Workspace:
    """Return a workspace with two organisations."""
    return open_workspace(orgs=orgs_of("", "acme", "beta"))


def change(workspace: Workspace, org_id: str, start: str | None = "2026-11-20") -> None:
    """Tell gold that silver changed a day of an organisation (None: that nothing changed)."""
    header = {"org_id": org_id, "table": "ad_performance", "start": start, "end": start}
    key = StreamKey(org_id, "probe", "", "ads")
    workspace.store.bus.append(TOPIC_PROCESSED, key=key, header=header)


def build(workspace: Workspace, *held_back: str) -> int:
    """Build once; return how many generations were told."""
    held = frozenset(held_back)
    stage = gold_stage(workspace, held)
    build_gold(stage, held)
    assert stage.problems == []
    return workspace.store.bus.lag(TOPIC_READY, "nobody")


def waiting(workspace: Workspace) -> list[str]:
    """Return the organisations whose changes wait."""
    events = workspace.store.bus.read(TOPIC_PROCESSED, "gold", 99)
    return [event.header["org_id"] for event in events]


def test_changes_become_one_generation(workspace: Workspace):
    """All that is new is built at once, published, and told."""
    change(workspace, "acme")
    change(workspace, "beta", start=None)
    assert build(workspace) == 1
    assert waiting(workspace) == []
    [ready] = workspace.store.bus.read(TOPIC_READY, "nobody", 9)
    current = workspace.gold.current()
    assert current is not None
    assert str(ready.header["generation"]) in current.name


def test_without_news_nothing_is_built(workspace: Workspace):
    """When silver changed nothing, the published generation stays."""
    assert build(workspace) == 0
    assert workspace.gold.current() is None


def orgs_in_gold(workspace: Workspace) -> list[str]:
    """Return the organisations that the published generation shows."""
    sql = "SELECT DISTINCT org_id FROM freshness ORDER BY ALL"
    return [str(row[0]) for row in workspace.gold.query(sql).rows]


def test_only_halted_changes_move_nothing(workspace: Workspace):
    """While all that is new is held back, run after run leaves it where it is."""
    change(workspace, "acme")
    for _ in range(3):
        assert build(workspace, "acme") == 0
    assert waiting(workspace) == ["acme"]
    assert workspace.store.bus.position(TOPIC_PROCESSED, "gold") == 0


def test_a_halted_organisation_waits(workspace: Workspace):
    """Changes of a halted organisation are published once its findings are gone, others at once."""
    change(workspace, "acme")
    change(workspace, "beta")
    assert build(workspace, "acme") == 1
    assert waiting(workspace) == ["acme"]
    assert orgs_in_gold(workspace) == ["beta"]
    assert build(workspace) == 2
    assert waiting(workspace) == []
    assert orgs_in_gold(workspace) == ["acme", "beta"]


def test_held_back_changes_leave_the_retry_queue(workspace: Workspace):
    """A queued change of an organisation that is halted meanwhile goes back to the topic."""
    change(workspace, "acme")
    stage = gold_stage(workspace, frozenset({"acme"}))
    [event] = workspace.store.bus.read(stage.topic, stage.stage, 9)
    workspace.store.bus.acknowledge(stage.topic, stage.stage, event.seq)
    workspace.store.jobs.enqueue(stage.stage, event.seq, event.key, SinkUnavailable("full"))
    stage.retry(ignore_schedule=True)
    assert waiting(workspace) == ["acme"]


def test_every_source_has_its_streams(open_workspace: Open):
    """Gold knows the streams of disabled sources too, and none of a kind that nobody reads."""
    orgs = orgs_of("", "acme", enabled=False)
    orgs["acme"]["sources"]["lost"] = {"kind": "nothing"}
    [facts] = org_facts(open_workspace(orgs=orgs))
    assert (facts.org_id, facts.currency, facts.timezone) == ("acme", "EUR", "Europe/Vienna")
    assert [(one.source, one.stream, one.snapshot) for one in facts.streams] == [
        ("probe", "ads", False),
        ("probe", "sheet", True),
    ]


def test_nothing_is_expected_of_a_stream_that_the_options_leave_out(open_workspace: Open):
    """The probe reads its ads unless told otherwise; with wrong options, everything is expected."""
    for options, expected in (
        ({}, {"ads"}),
        ({"read": ["ads", "sheet"]}, {"ads", "sheet"}),
        ({"read": 5}, {"ads", "sheet"}),
    ):
        orgs = orgs_of("", "acme")
        orgs["acme"]["sources"]["probe"] |= options
        [facts] = org_facts(open_workspace(orgs=orgs))
        assert {one.stream for one in facts.streams if one.enabled} == expected
        assert len(facts.streams) == 2


def test_after_an_upgrade_gold_is_made_anew_without_news(workspace: Workspace):
    """A generation of other definitions, or a broken one, is replaced by the next build, once."""
    change(workspace, "acme")
    assert build(workspace) == 1
    for spoil in (make_older, break_file):
        spoil(workspace)
        told = build(workspace)
        assert build(workspace) == told
    assert told == 3


def make_older(workspace: Workspace) -> None:
    """Let other definitions have made what is published."""
    connection = duck.connect(workspace.gold.current(), workspace.gold_limits)
    connection.execute("UPDATE generation SET fingerprint = 'older'")
    connection.close()


def break_file(workspace: Workspace) -> None:
    """Damage what is published."""
    path = workspace.gold.current()
    assert path is not None
    path.write_bytes(b"no database" * 500)
