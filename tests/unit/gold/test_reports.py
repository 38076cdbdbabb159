"""Reports and queries over the published generation."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tactics.duck import DuckLimits
from tactics.errors import ConfigError, NotFoundError, StoreCorrupt
from tactics.gold.engine import reading
from tactics.gold.reports import fetch, plain, watermark
from tactics.home import Home
from tests.unit.gold.silver import ACME, NOW, STREAMS, Silver, day

BETA = type(ACME)("beta", "Beta", "USD", "America/New_York", STREAMS)


@pytest.fixture(scope="module")
def two_orgs(tmp_path_factory: pytest.TempPathFactory) -> Silver:
    """Return gold of two organisations: acme with two lines, beta with one."""
    silver = Silver(Home(tmp_path_factory.mktemp("home")))
    silver.orgs = (ACME, BETA)
    silver.book("BK-1")
    silver.book("BK-2", campaign_id="c2")
    silver.deliver("c1", start=day("11-01"), end=day("11-08"))
    silver.deliver("c2", start=day("11-01"), end=day("11-08"), impressions=100, spend="1.00")
    silver.cover(day("09-01"), day("11-08"))
    silver.book("BK-9", org_id="beta", campaign_id="c9", currency="USD")
    facts = {"org_id": "beta", "account_id": "act_9", "currency": "USD"}
    silver.deliver("c9", start=day("11-01"), end=day("11-09"), **facts)
    silver.cover(day("09-01"), day("11-09"), org_id="beta", account_id="act_9")
    silver.build()
    return silver


def test_pacing_shows_the_most_urgent_line_first(two_orgs: Silver) -> None:
    """Within an organisation the broken line stands above the one on pace."""
    report = two_orgs.gold.report("pacing", now=NOW)
    assert [row["booking_id"] for row in report.rows] == ["BK-2", "BK-1", "BK-9"]
    assert report.rows[0]["status"] == "broken"
    assert report.as_of == day("11-08")
    assert report.generation == 1


def test_one_organisation(two_orgs: Silver) -> None:
    """Nothing of another organisation is in the rows, the freshness or the as-of date."""
    report = two_orgs.gold.report("pacing", org_id="beta", now=NOW)
    assert [row["booking_id"] for row in report.rows] == ["BK-9"]
    assert {row["org_id"] for row in report.freshness} == {"beta"}
    assert report.as_of == day("11-09")


def test_age_is_that_of_the_day_of_reading(two_orgs: Silver) -> None:
    """A report read ten days later says so, although nothing was built."""
    later = NOW + dt.timedelta(days=10)
    (row,) = two_orgs.gold.report("pacing", org_id="beta", now=later).rows
    assert row["freshness"] == "21 days behind"


def test_today_is_the_organisation_s_own(two_orgs: Silver) -> None:
    """At 02:00 UTC it is still yesterday in New York."""
    early = dt.datetime(2026, 11, 11, 2, 0, tzinfo=dt.UTC)
    (row,) = two_orgs.gold.report("pacing", org_id="beta", now=early).rows
    assert row["freshness"] == "current"


def test_margin_shows_the_thinnest_first(two_orgs: Silver) -> None:
    """The line that earns least stands first."""
    rows = two_orgs.gold.report("margin", org_id="acme", now=NOW).rows
    assert [(row["booking_id"], row["margin_percent"]) for row in rows] == [
        ("BK-1", 60),
        ("BK-2", 92),
    ]


def test_channels_are_ratios_of_sums(two_orgs: Silver) -> None:
    """The channel's rates come from its sums; currencies of two organisations never meet."""
    acme, beta = two_orgs.gold.report("channels", now=NOW).rows
    assert (acme["spend"], beta["spend"]) == (Decimal("48.00"), Decimal("45.00"))
    assert acme["ctr"] == 160 / 8800
    assert acme["spend_percent"] == 100
    assert (acme["first_day"], acme["last_day"]) == (day("10-12"), day("11-08"))


def test_json_is_plain(two_orgs: Silver) -> None:
    """A report becomes JSON: dates as text, money as numbers, NULL as null."""
    text = json.dumps(two_orgs.gold.report("pacing", org_id="acme", now=NOW).to_json())
    report = json.loads(text)
    assert report["kind"] == "pacing"
    assert report["as_of"] == "2026-11-08"
    assert report["rows"][1]["booking_revenue"] == 100
    assert report["rows"][1]["flight_start"] == "2026-11-01"
    assert report["rows"][1]["findings"] is None
    assert report["freshness"][0]["last_fetched_at"] == "2026-11-21T09:00:00+00:00"


def test_unknown_report(two_orgs: Silver) -> None:
    """The error lists the reports there are."""
    with pytest.raises(NotFoundError) as caught:
        two_orgs.gold.report("profit", now=NOW)
    assert "pacing, margin, channels" in caught.value.hint


def test_nothing_published(silver: Silver) -> None:
    """Before the first sync there is no report, and the hint says what to run."""
    with pytest.raises(NotFoundError) as caught:
        silver.gold.report("pacing", now=NOW)
    assert "tactics sync" in caught.value.hint


def test_published_file_is_gone(silver: Silver) -> None:
    """A pointer to a file that somebody deleted is an integrity error, not a trace."""
    generation = silver.build()
    generation.path.unlink()
    with pytest.raises(StoreCorrupt):
        silver.gold.report("pacing", now=NOW)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM ad_daily",
        "CREATE TABLE memory.x AS SELECT 1",
        "SELECT 1; SELECT 2",
        "COPY ad_daily TO '/tmp/stolen.csv'",
        "EXPLAIN ANALYZE DELETE FROM ad_daily",
        "ATTACH '/tmp/other.duckdb'",
        "SET threads = 64",
        "",
        "SELEC 1",
        "SELECT * FROM nowhere",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT 'x'::INTEGER",
    ],
)
def test_queries_only_read(two_orgs: Silver, sql: str) -> None:
    """Whatever is not one reading statement over our own data is refused as a usage error."""
    with pytest.raises(ConfigError):
        two_orgs.gold.query(sql)


def test_query_with_parameters_and_a_limit(two_orgs: Silver) -> None:
    """Parameters are bound, and a cut result says that it was cut."""
    answer = two_orgs.gold.query(
        "SELECT date FROM ad_daily WHERE campaign_id = $id ORDER BY date", {"id": "c1"}, max_rows=2
    )
    assert answer.columns == ("date",)
    assert answer.rows == [(day("11-01"),), (day("11-02"),)]
    assert answer.truncated


def test_only_the_rows_that_are_shown_are_sorted(two_orgs: Silver, tmp_path: Path) -> None:
    """To put all of them in order would need more memory than there is, and a scratch folder."""
    (tmp_path / "taken").touch()
    limits = DuckLimits(tmp_path / "taken" / "scratch", memory_limit="50MB", threads=1)
    sql = "SELECT hash(i) AS h, i AS h FROM range(8000000) AS r(i) ORDER BY ALL;"
    with reading(two_orgs.gold.current(), limits) as connection:
        answer = fetch(connection, sql, (), max_rows=3)
    assert [row[0] for row in answer.rows] == sorted(row[0] for row in answer.rows)
    assert (len(answer.rows), len(set(answer.columns)), answer.truncated) == (3, 2, True)


@pytest.mark.parametrize(
    "sql", ["SHOW TABLES", "DESCRIBE ad_daily", "SUMMARIZE ad_daily", "FROM ad_daily -- all\n;\n"]
)
def test_whatever_reads_may_be_cut_short(two_orgs: Silver, sql: str) -> None:
    """Also what is no SELECT by its looks, and what ends in a remark."""
    assert len(two_orgs.gold.query(sql, max_rows=2).rows) == 2


@pytest.mark.parametrize(
    ("sql", "is_enough"),
    [
        ("SELECT spend FROM AD_DAILY", True),
        (
            "WITH a AS (FROM ad_daily) FROM a JOIN freshness AS f ON a.org_id = f.org_id",
            True,
        ),
        ("FROM ad_daily AS a JOIN silver.bookings AS b ON a.org_id = b.org_id", False),
        ("FROM silver.bookings", False),
        ("SELECT (SELECT count(*) FROM silver.ids) FROM ad_daily", False),
        ("FROM information_schema.tables", False),
        ("FROM nowhere", False),
        ("SHOW ALL TABLES", False),
        ("SELECT 1", False),
        ("SELEC 1", False),
        ("", False),
    ],
)
def test_gold_knows_when_it_is_enough(two_orgs: Silver, sql: str, *, is_enough: bool) -> None:
    """What names tables of gold and no other needs no view beside them."""
    assert (two_orgs.gold.answer(sql) is not None) is is_enough


def test_gold_answers_alone(two_orgs: Silver) -> None:
    """The rows are those of any query; what cannot be right is told without the lake."""
    sql = "SELECT org_id, sum(spend) FROM ad_daily GROUP BY ALL ORDER BY ALL"
    assert two_orgs.gold.answer(sql) == two_orgs.gold.query(sql)
    with pytest.raises(ConfigError):
        two_orgs.gold.answer("SELECT nonsense FROM ad_daily")


def test_views_beside_the_tables(two_orgs: Silver) -> None:
    """Views of silver and bronze can be joined with gold under their own schema."""
    answer = two_orgs.gold.query(
        "SELECT count(*) FROM silver.ids JOIN campaign_pacing USING (campaign_id)",
        views={"silver.ids": "SELECT 'c1' AS campaign_id", "plain": "SELECT 1"},
    )
    assert answer.rows == [(1,)]


def test_instants_are_aware(two_orgs: Silver) -> None:
    """An instant comes back in UTC and says so; other columns of the row are untouched."""
    answer = two_orgs.gold.query(
        "SELECT stream, last_fetched_at, 1 AS x, 2 AS x FROM freshness WHERE account_id = 'act_1'"
    )
    assert answer.rows == [("insights", NOW, 1, 2)]
    assert answer.rows[0][1].utcoffset() == dt.timedelta(0)


def test_instants_within_a_list_are_aware_too(two_orgs: Silver) -> None:
    """A person's own SQL may gather them."""
    sql = "SELECT list(last_fetched_at) FROM freshness WHERE account_id = 'act_1'"
    assert two_orgs.gold.query(sql).rows == [([NOW],)]


def test_watermark_of_nothing() -> None:
    """Without a loaded ad stream there is no as-of date."""
    assert watermark([{"table_name": "ad_performance", "watermark": None}]) is None


def test_watermark_is_that_of_the_report_s_own_tables() -> None:
    """What a report is not made of does not hold it back."""
    rows = [
        {"table_name": "ad_performance", "watermark": day("11-01")},
        {"table_name": "orders", "watermark": day("11-09")},
        {"table_name": "transactions", "watermark": day("11-08")},
    ]
    assert watermark(rows) == day("11-01")
    assert watermark(rows, ["orders", "transactions"]) == day("11-08")


def test_plain_values() -> None:
    """Whole decimals are whole numbers in JSON."""
    assert [plain(Decimal("2.00")), plain(Decimal("2.50")), plain(None)] == [2, 2.5, None]


@pytest.mark.parametrize(("zone", "told"), [("America/New_York", "current"), ("", "1 day behind")])
def test_an_account_is_late_by_its_own_day(silver: Silver, zone: str, told: str) -> None:
    """At four in the morning in Vienna yesterday is not over in New York."""
    zones = (("meta", "act_1", zone),) if zone else ()
    silver.orgs = (replace(ACME, zones=zones),)
    silver.deliver(start=day("11-01"), end=day("11-19"))
    silver.cover(day("11-01"), day("11-19"))
    silver.build()
    night = dt.datetime(2026, 11, 21, 3, 0, tzinfo=dt.UTC)
    rows = silver.gold.report("freshness", org_id=None, now=night).rows
    [row] = [row for row in rows if row["source"] == "meta"]
    assert row["freshness"] == told
    assert row["timezone"] == (zone or "Europe/Vienna")
