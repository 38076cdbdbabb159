"""What a message says."""

import datetime as dt
import json

from hypothesis import given
from hypothesis import strategies as st

from tactics.alerts import collapse, pack_content, read_message
from tactics.alerts.message import BODY_CHARACTERS, block_of, clip
from tactics.model import Alert, AlertEvent, AlertSeverity, Notice
from tests.unit.alerts.messages import HALT, NOW, STALE, message, notice

RAISED, ESCALATED, REPEATED, RESOLVED = AlertEvent


def test_one_alert_is_its_own_headline():
    """Whoever reads only one line knows what is the matter."""
    assert message().headline == "tactics: acme/meta is stale"
    assert message(notice(event=RESOLVED)).headline == "tactics: resolved: acme/meta is stale"


def test_several_are_counted_by_kind():
    """The headline of a group says how bad it is."""
    group = message(
        notice(HALT), notice(STALE), notice(STALE), notice(HALT, RESOLVED), notice(HALT, RESOLVED)
    )
    assert group.headline == "tactics: 1 critical, 2 warning, 2 resolved"


def test_a_message_is_as_severe_as_the_worst_that_lasts():
    """What is over frightens nobody."""
    assert message(notice(STALE), notice(HALT)).severity is AlertSeverity.CRITICAL
    assert message(notice(STALE), notice(HALT, RESOLVED)).severity is AlertSeverity.WARNING
    assert message(notice(HALT, RESOLVED)).severity is AlertSeverity.INFO


def test_a_notice_says_what_is_known_and_what_to_do():
    """Title, body, command, since when and how often."""
    assert block_of(notice(seen=3)) == [
        "[warning] acme/meta is stale",
        "  campaign_insights was last fetched 40 h ago",
        "  run: tactics sync --org acme --source meta",
        "  since 2026-11-21T07:00:00Z, seen 3 times",
    ]


def test_a_notice_without_details_is_short():
    """What is not known is not said."""
    bare = Alert("k", AlertSeverity.INFO, "something")
    assert block_of(notice(bare)) == ["[info] something", "  since 2026-11-21T07:00:00Z"]


def test_the_event_is_said():
    """Worse, still, resolved: the reader knows it from before."""
    assert block_of(notice(event=ESCALATED))[0] == "[warning] worse: acme/meta is stale"
    assert block_of(notice(event=REPEATED))[0] == "[warning] still: acme/meta is stale"
    assert block_of(notice(event=RESOLVED)) == [
        "[resolved] resolved: acme/meta is stale",
        "  lasted from 2026-11-21T07:00:00Z to 2026-11-21T09:00:00Z",
    ]


def test_a_long_message_ends_with_how_many_more():
    """Nobody reads a hundred alerts; the list has them all."""
    many = message(*(notice(number=n) for n in range(25)))
    assert many.lines()[-1] == "and 5 more: tactics alerts list"
    assert sum(line.startswith("[warning]") for line in many.lines()) == 20
    assert "more" not in message().lines()[-1]


def test_a_long_body_is_cut():
    """One alert cannot fill the screen."""
    long = Alert("k", AlertSeverity.INFO, "something", "x" * 5000)
    assert len(block_of(notice(long))[1].strip()) == BODY_CHARACTERS
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 3) == "ab…"


def test_of_one_alert_one_thing_is_told():
    """Its end, when that is known; else how it began, not that it was repeated."""
    told = [notice(event=event, number=1) for event in (RAISED, REPEATED)]
    assert [one.event for one in collapse(told)] == [RAISED]
    assert [one.event for one in collapse([*told, notice(event=RESOLVED)])] == [RESOLVED]
    assert collapse([]) == ()


def test_the_worst_comes_first_and_the_end_last():
    """Critical, warning, then what is over."""
    group = collapse([
        notice(HALT, RESOLVED, number=1),
        notice(STALE, number=2),
        notice(HALT, number=3),
    ])
    assert [one.alert_id for one in group] == [3, 2, 1]


def test_the_generic_form():
    """What the json webhook sends: everything, under the id that also is the idempotency key."""
    sent = message(notice(seen=2)).to_json()
    assert json.loads(json.dumps(sent)) == {
        "kind": "tactics.alerts",
        "id": "0123456789abcdef",
        "created_at": "2026-11-21T09:00:00Z",
        "severity": "warning",
        "headline": "tactics: acme/meta is stale",
        "alerts": [
            {
                "notice_id": 1,
                "alert_id": 1,
                "event": "raised",
                "key": "freshness:acme/meta",
                "severity": "warning",
                "org_id": "acme",
                "source": "meta",
                "title": "acme/meta is stale",
                "body": "campaign_insights was last fetched 40 h ago",
                "command": "tactics sync --org acme --source meta",
                "facts": {"age_seconds": 144000.0},
                "seen": 2,
                "since": "2026-11-21T07:00:00Z",
                "at": "2026-11-21T09:00:00Z",
            }
        ],
    }


instants = st.datetimes(
    dt.datetime(2000, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    dt.datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
).map(lambda at: at.replace(microsecond=0))
facts = st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers(), st.booleans()))
alerts = st.builds(Alert, facts=facts)
notices = st.builds(Notice, alert=alerts, since=instants, at=instants)


@given(kept=st.lists(notices), at=instants)
def test_what_is_kept_is_what_is_sent(kept: list[Notice], at: dt.datetime):
    """A message survives the outbox unchanged, so that a repeat is the same message."""
    content = pack_content(kept, at)
    read = read_message("id", content)
    assert read.notices == tuple(kept)
    assert (read.created_at, read.message_id) == (at, "id")
    assert pack_content(read.notices, read.created_at) == content


def test_a_message_says_when_it_was_made():
    """Not when it was sent at last."""
    assert read_message("id", pack_content([notice()], NOW)).created_at == NOW
