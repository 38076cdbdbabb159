"""What each check of health looks at, and how it comes out."""

import datetime as dt

import pytest

from tactics.analytics import (
    CheckState,
    CredentialAge,
    GuardVerdict,
    HealthState,
    Latency,
    OpenBreaker,
    QuotaState,
    Stage,
    StageBacklog,
    StageQueue,
    ages_by_source,
)
from tactics.analytics.checks import CHECKS
from tactics.model import RunStatus
from tests.unit.analytics.builders import (
    DAY,
    GIB,
    HOUR,
    LIMITS,
    NOW,
    health,
    line,
    run,
    state,
    stream,
    trouble,
    vitals,
)

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL
MINUTE = HOUR / 60


def test_a_home_that_is_well_is_ok():
    """Each check has a line, and none wants anything."""
    found = health()
    assert found.state is HealthState.OK, found
    assert {check.name for check in found.checks} >= {
        "last_run", "freshness", "quality", "auth", "breakers", "queue", "backlog",
        "dead_letters", "latency", "disk", "clock", "store",
    }  # fmt: skip
    assert not any(check.command for check in found.checks)


SPOILT = {
    "never": {"last_run": None},
    "killed": {"last_run": run(status=RunStatus.FAILED, cut_off=True)},
    "failed": {"last_run": run(status=RunStatus.FAILED, problem="disk full")},
    "silent": {"last_run": run(ended_at=NOW - 27 * HOUR)},
    "source": {"troubles": (trouble("rate_limited"),)},
    "auth": {"troubles": (trouble("credential_error"),)},
    "access": {"troubles": (trouble("permission_denied"),)},
    "config": {"unreadable": (trouble("config_error"),)},
    "stale": {"sources": ages_by_source([stream(through=NOW.date() - 4 * DAY)], NOW)},
    "breaker": {"breakers": (OpenBreaker("meta_breaker", "429", NOW + HOUR, is_sink=False),)},
    "queue": {"queues": (StageQueue("gold", 1, 0, NOW - HOUR),)},
    "dead": {"queues": (StageQueue("gold", 0, 1, None),)},
    "backlog": {"backlog": (StageBacklog("gold", 1, NOW - HOUR),)},
    "latency": {"latencies": (Latency("acme", "meta", Stage.END_TO_END, 2701, 1),)},
    "quota": {"quotas": (QuotaState("acme", "klaviyo", 225, 200, 240),)},
    "disk": {"disk_free_bytes": GIB},
    "clock": {"newest_at": NOW + HOUR},
    "store": {"wal_bytes": GIB},
    "daemon": {"heartbeat_at": NOW - HOUR},
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_what_is_not_well_says_why_and_what_to_do(spoilt):
    """A line that is not ok has a reason of one line and a command of ours."""
    wanting = [check for check in health(**spoilt).checks if check.state is not OK]
    assert len(wanting) == 1, wanting
    assert wanting[0].reason
    assert "\n" not in wanting[0].reason
    assert wanting[0].command.startswith("tactics ")


def test_every_check_is_spoilt_once():
    """The cases above touch every check."""
    names = {check.__name__.removeprefix("check_") for check in CHECKS} - {"quality"}
    found = {c.name for spoilt in SPOILT.values() for c in health(**spoilt).checks if c.severity}
    assert found == names


@pytest.mark.parametrize(
    ("last_run", "wanted", "word"),
    [
        (run(status=RunStatus.DEGRADED), OK, "degraded"),
        (run(status=RunStatus.HALTED), WARN, "halted"),
        (run(status=RunStatus.FAILED, problem="disk full"), FAIL, "disk full"),
        (run(status=RunStatus.FAILED, cut_off=True), WARN, "cut off"),
        (run(ended_at=NOW - 25 * HOUR), OK, "25 h ago"),
        (run(ended_at=NOW - 3 * DAY), WARN, "no run has ended for 3 days"),
    ],
)
def test_the_last_run(last_run, wanted, word):
    """A failure waits for a person; what was cut off goes on by itself."""
    found = line("last_run", last_run=last_run)
    assert (found.state, word in found.reason) == (wanted, True), found


def test_a_run_that_is_going_on():
    """While it lives, the last one counts; when it was killed, that is told."""
    going = run(status=RunStatus.RUNNING, ended_at=None)
    stale = run(ended_at=NOW - 3 * DAY)
    assert state("last_run", last_run=stale, running=going, running_alive=True) is OK
    assert state("last_run", last_run=None, running=going, running_alive=True) is OK
    killed = line("last_run", last_run=stale, running=going, running_alive=False)
    assert (killed.state, "cut off" in killed.reason) == (WARN, True)


def test_a_source_that_failed_when_it_was_last_asked():
    """The command of the error's own hint is taken, else the sync of that source."""
    told = line("last_run", "acme/meta", troubles=(trouble("rate_limited", "too many calls"),))
    assert told.reason == "acme/meta failed when it was last asked: too many calls"
    assert told.command == "tactics sync --org acme --source meta"
    hinted = trouble("circuit_open", hint="`tactics breakers list` shows when")
    assert line("last_run", "acme/meta", troubles=(hinted,)).command == "tactics breakers list"


def test_a_refused_credential_has_its_command():
    """What signs in again is in the vendor's hint."""
    hint = "run `tactics auth set acme meta access_token` (needs access_token)"
    told = line("auth", "acme/meta", troubles=(trouble("credential_expired", hint=hint),))
    assert (told.state, told.command) == (FAIL, "tactics auth set acme meta access_token")


@pytest.mark.parametrize(
    ("days", "wanted", "word"),
    [(300, None, ""), (340, WARN, "ends in 25 days"), (366, WARN, "should have ended")],
)
def test_a_credential_whose_life_runs_out(days, wanted, word):
    """It is told a month ahead, and never called dead: it may be younger in truth."""
    one = CredentialAge("acme", "ttd", "token", NOW - days * DAY, 365, "mend it")
    found = health(credentials=(one,)).find("auth", "acme/ttd/token")
    assert (found and found.state) == wanted
    if found:
        assert word in found.reason
        assert found.command == "mend it"


def test_freshness_in_words():
    """Late data names its end, the stream and for how long newer has been due."""
    sources = ages_by_source([stream(through=dt.date(2026, 11, 17))], NOW)
    found = line("freshness", "acme/meta", sources=sources)
    assert found.reason == (
        "the data of acme/meta ends 2026-11-17 23:00 UTC (insights), where days are missing;"
        " newer has been due for 31 h"
    )
    assert found.state is WARN
    assert found.facts["data_at"] == "2026-11-17T23:00:00Z"


@pytest.mark.parametrize(("days", "wanted"), [(2, OK), (3, WARN), (4, WARN), (5, FAIL)])
def test_late_data_warns_and_then_fails(days, wanted):
    """Later than expected is a warning, two days later than that a failure."""
    sources = ages_by_source([stream(through=NOW.date() - days * DAY)], NOW)
    states = {c.state for c in health(sources=sources).checks if c.name == "freshness"}
    assert states == {wanted}


def test_late_data_says_why_it_is_late():
    """Where the source failed when it was last asked, its words and the way out stand with it."""
    sources = ages_by_source([stream(through=NOW.date() - 4 * DAY)], NOW)
    found = line("freshness", "acme/meta", sources=sources, troubles=(trouble("contract_changed"),))
    assert found.reason.endswith(f"; {trouble('contract_changed').message}"), found.reason
    elsewhere = line("freshness", "acme/meta", sources=sources)
    assert trouble("contract_changed").message not in elsewhere.reason


def test_a_source_without_data_is_a_warning():
    """Nothing at all, or one stream of several without any."""
    nothing = stream(through=None, newest_day=None, checked_at=None)
    [one] = [c for c in health(sources=ages_by_source([nothing], NOW)).checks if c.severity]
    assert (one.state, one.reason) == (WARN, "acme/meta has no data yet")
    both = ages_by_source([nothing, stream(stream="ads")], NOW)
    assert line("freshness", "acme/meta", sources=both).reason == (
        "1 stream of acme/meta without data yet"
    )


def test_quality():
    """What halts is a failure; warnings are told and change nothing."""
    halted = GuardVerdict(NOW - HOUR, 1, 0, ("acme",), "negative revenue")
    told = line("quality", guard=halted)
    assert told.state is FAIL
    assert "halted acme 60 min ago" in told.reason
    assert told.reason.endswith("negative revenue")
    assert state("quality", guard=GuardVerdict(NOW, 0, 3, ())) is OK
    assert state("quality", guard=GuardVerdict(NOW, 0, 0, ())) is OK


def test_breakers():
    """A source's breaker is a warning with its end, one before our own storage a failure."""
    until = NOW + 5 * MINUTE
    source = line("breakers", "b", breakers=(OpenBreaker("b", "429", until, is_sink=False),))
    assert source.reason == "b is open until 2026-11-21 09:05 UTC: 429"
    assert (source.state, source.command) == (WARN, "tactics breakers reset b")
    sink = OpenBreaker("gold_breaker", "disk full", until, is_sink=True)
    assert state("breakers", "gold_breaker", breakers=(sink,)) is FAIL
    cooled = line("breakers", "b", breakers=(OpenBreaker("b", "429", NOW, is_sink=False),))
    assert (cooled.state, cooled.command) == (WARN, "tactics sync")


@pytest.mark.parametrize(
    ("minutes", "wanted"), [(1, OK), (15, OK), (16, WARN), (24 * 60, WARN), (24 * 60 + 1, FAIL)]
)
def test_the_queue_by_its_oldest_write(minutes, wanted):
    """A retry within minutes is ordinary, a day in the queue is not."""
    queues = (
        StageQueue("bronze", 0, 0, None),
        StageQueue("gold", 2, 0, NOW - minutes * MINUTE),
    )
    assert state("queue", queues=queues) is wanted


def test_a_stage_behind_is_told_at_once_and_a_warning_later():
    """Events that wait are visible; only those beyond the whole budget are a warning."""
    young = StageBacklog("silver", 7, NOW - MINUTE)
    assert line("backlog", "silver", backlog=(young,)).reason == (
        "silver has 7 events to do, the oldest for 60 s"
    )
    assert state("backlog", "silver", backlog=(young,)) is OK
    assert state("backlog", "silver", backlog=(StageBacklog("silver", 7, NOW - HOUR),)) is WARN


def test_latency_blames_the_worst_stage():
    """One line per source: the stage that exceeds its budget the most."""
    latencies = (
        Latency("acme", "dv360", Stage.SOURCE_TO_BRONZE, 3600, 4),
        Latency("acme", "dv360", Stage.END_TO_END, 3700, 4),
        Latency("acme", "meta", Stage.END_TO_END, 2700, 4),
    )
    found = [c for c in health(latencies=latencies).checks if c.severity]
    assert [check.reason for check in found] == [
        "acme/dv360 took 60 min source to bronze, at most 15 min are allowed"
    ]
    assert state("latency", latencies=latencies[2:]) is OK


@pytest.mark.parametrize(
    ("free", "wanted"),
    [(LIMITS.disk_warn_bytes, OK), (GIB, WARN), (LIMITS.disk_fail_bytes - 1, FAIL), (0, FAIL)],
)
def test_disk(free, wanted):
    """The thresholds are those of the configuration."""
    assert state("disk", disk_free_bytes=free) is wanted


@pytest.mark.parametrize(("ahead", "wanted"), [(-DAY, OK), (5 * MINUTE, OK), (6 * MINUTE, FAIL)])
def test_a_clock_behind_the_store(ahead, wanted):
    """Five minutes are tolerated: two machines may have written the same home."""
    assert state("clock", newest_at=NOW + ahead) is wanted


@pytest.mark.parametrize(("minutes", "wanted"), [(1, OK), (3, WARN), (11, FAIL)])
def test_the_daemon_by_its_heartbeat(minutes, wanted):
    """Silence is a warning, and soon a failure."""
    assert state("daemon", heartbeat_at=NOW - minutes * MINUTE) is wanted


@pytest.mark.parametrize(("forecast", "wanted"), [(202, None), (203, WARN), (400, WARN)])
def test_a_daily_limit_that_will_not_do(forecast, wanted):
    """From nine tenths on it is told, while calls are still left."""
    found = health(quotas=(QuotaState("acme", "klaviyo", 225, 50, forecast),)).find(
        "quota", "acme/klaviyo"
    )
    assert (found and found.state) == wanted


def test_without_a_daemon_there_is_no_line_about_it():
    """A home that is synced by hand misses none."""
    assert health().find("daemon") is None


def test_a_long_reason_is_cut():
    """A vendor's page of HTML does not fill the screen."""
    told = line("last_run", "acme/meta", troubles=(trouble("decode_error", "x\n" * 500),))
    assert len(told.reason) == 300
    assert "\n" not in told.reason


def test_assessing_twice_is_the_same():
    """Health is a function of the vitals."""
    assert health(**SPOILT["disk"]) == health(**SPOILT["disk"])
    assert vitals() == vitals()
