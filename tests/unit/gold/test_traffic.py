"""Ads by channel, visits, search and mails: sums by day that say what they cannot be summed into."""

from decimal import Decimal

import pytest

from tactics.gold import StreamFacts
from tactics.gold.catalog import REPORTS
from tactics.home import Home
from tactics.metrics import Registry
from tests.unit.gold.pillars import MAIL, META, SEARCH, WEB, Pillars, org_of
from tests.unit.gold.silver import NOW, day, registry, span


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Pillars:
    """Return gold of visits, searches, mails and ads of a few November days."""
    site = Pillars(Home(tmp_path_factory.mktemp("home")))
    ads(site)
    visits(site)
    searches(site)
    mails(site)
    site.load("09-01", "11-19")
    site.build()
    return site


def ads(site: Pillars) -> None:
    """Plant two platforms, three words for two channels, two currencies, a campaign with two words."""
    site.deliver("c1", date=day("11-01"), channel="social")
    site.deliver("c1", date=day("11-01"), channel="instagram")
    site.deliver("c2", date=day("11-01"), channel="instagram", account_id="act_2", timezone="UTC")
    site.deliver("c3", date=day("11-01"), channel="performance_max", source="google_ads")
    site.deliver("c4", date=day("11-01"), channel="social", currency="USD")
    site.deliver("c5", date=day("11-02"), channel=None)


def visits(site: Pillars) -> None:
    """Plant visits of one and of several sources per channel, and doubtful ones."""
    site.plant("web_traffic", "11-01")
    site.plant(
        "web_traffic", "11-01", traffic_source="bing", users=30, sessions=40, key_events="0.3333"
    )
    paid = {"traffic_source": "linkedin", "medium": "social", "campaign": "paid push"}
    site.plant("web_traffic", "11-01", **paid, channel_group="Paid Social")
    gone = dict.fromkeys(("traffic_source", "medium", "campaign"), "(data not available)")
    site.plant("web_traffic", "11-02", **gone, channel_group="Unassigned", finality="provisional")
    site.plant("web_traffic", "11-03", is_sampled=True)
    site.plant(
        "web_traffic", "11-03", traffic_source="bing", is_thresholded=True, has_other_row=True
    )
    site.plant("web_traffic", "11-03", traffic_source="yahoo", total_revenue="7.00", currency="USD")
    site.plant("web_traffic", "11-03", account_id="properties/2", engaged_sessions=None)


def searches(site: Pillars) -> None:
    """Plant property totals, and the finer rows that never add up to them."""
    for month, clicks in (("11", 100), ("10", 80)):
        for number in range(1, 17):
            on = f"{month}-{number:02d}"
            site.plant("search_performance", on, clicks=clicks, position_weight=clicks * 50)
            site.plant("search_performance", on, report="query", clicks=30, impressions=300)
            site.plant("search_performance", on, report="query", clicks=20, impressions=200)
            site.plant("search_performance", on, report="page", clicks=130, impressions=1500)
    site.plant("search_performance", "11-17", is_final=False, finality="provisional")
    site.plant("search_performance", "11-18", report="query", is_truncated=True)
    site.plant(
        "search_performance",
        "11-17",
        search_type="image",
        clicks=0,
        impressions=0,
        position_weight=0,
    )


def mails(site: Pillars) -> None:
    """Plant campaigns and flows, a message that was reported twice, lists that grow."""
    site.plant(
        "email_performance", "11-01", message_id="m1", as_of=day("11-05"), log_seq=1, opens_unique=1
    )
    site.plant("email_performance", "11-01", message_id="m1", as_of=day("11-20"), log_seq=9)
    site.plant(
        "email_performance",
        "11-01",
        message_id="m2",
        delivered=9000,
        opens_unique=90,
        clicks_unique=9,
    )
    site.plant("email_performance", "11-01", kind="flow", message_id="f1")
    site.plant("email_performance", "11-09", kind="flow", message_id="f1", opens_unique=0)
    site.plant("email_performance", "11-09", message_id="s1", send_channel="sms", opens_unique=None)
    for on, count in (("10-30", 500), ("11-01", 510)):
        site.plant("email_subscribers", on, profile_count=count)
        site.plant("email_subscribers", on, list_id="l2", profile_count=100)
        site.plant("email_subscribers", on, list_id="s1", kind="segment", profile_count=400)
    site.plant("email_revenue", "11-03")
    site.plant("email_revenue", "11-03", message_id="m2", revenue="30.50")
    site.plant("email_revenue", "11-03", kind="flow", revenue="9.00", currency="USD")


def test_channels_are_those_of_the_taxonomy(site: Pillars) -> None:
    """Two words for one channel are one row, and a campaign under both is one campaign.

    Platforms and currencies are never added.
    """
    sql = "SELECT * FROM channel_daily WHERE date = ? ORDER BY channel, currency"
    rows = site.read(sql, day("11-01"))
    assert [(row["channel"], row["source"], row["currency"], row["campaigns"]) for row in rows] == [
        ("Cross-network", "google_ads", "EUR", 1),
        ("Paid Social", "meta", "EUR", 2),
        ("Paid Social", "meta", "USD", 1),
    ]
    assert (rows[1]["spend"], rows[1]["conversions"], rows[1]["ctr"]) == (15, 3, 0.01)
    assert rows[1]["timezones"] == "Europe/Vienna, UTC"


def test_ads_without_a_channel_are_unassigned(site: Pillars) -> None:
    """Nobody guesses, and nothing is lost."""
    assert site.day_of("channel_daily", "11-02")["channel"] == "Unassigned"
    totals = (
        "SELECT (SELECT sum(spend) FROM channel_daily) = (SELECT sum(spend) FROM ad_daily) AS equal"
    )
    assert site.one(totals)["equal"]


def test_the_channels_report_names_the_rule(site: Pillars) -> None:
    """Beside the platform's word stand the channel and the rule that says so."""
    rows = site.gold.report("channels", now=NOW).rows
    told = {(row["channel"], row["channel_group"], row["channel_rule"]) for row in rows}
    assert told == {
        ("instagram", "Paid Social", "ads_social"),
        ("social", "Paid Social", "ads_social"),
        ("unknown", "Unassigned", "no_rule"),
    }


def visit(site: Pillars, on: str, channel: str) -> dict[str, object]:
    """Return a channel's row of a day."""
    sql = "SELECT * FROM web_daily WHERE date = ? AND channel = ? AND account_id = 'properties/1' AND currency = 'EUR'"
    (row,) = site.read(sql, day(on), channel)
    return row


def test_visits_are_summed_and_people_are_not(site: Pillars) -> None:
    """Sessions add up; users of two sources are at most their sum, and nobody knows how many."""
    row = visit(site, "11-01", "Organic Search")
    assert (row["sessions"], row["users"], row["users_at_most"]) == (140, None, 110)
    assert row["key_events"] == Decimal("2.8333")
    assert row["key_event_rate"] == pytest.approx(2.8333 / 140)
    assert row["engagement_rate"] == 120 / 140


def test_users_of_one_row_are_known(site: Pillars) -> None:
    """Where one row of the report stands for the channel, its people are counted."""
    assert visit(site, "11-01", "Organic Social")["users"] == 80


def test_doubtful_channels_are_marked(site: Pillars) -> None:
    """Visits that the vendor files elsewhere, and those that a warning is about, are counted."""
    row = visit(site, "11-01", "Organic Social")
    assert (row["regrouped_sessions"], row["warned_sessions"]) == (100, 100)
    assert "paid_social" in str(row["warnings"])
    assert visit(site, "11-02", "Unassigned")["unattributed_sessions"] == 100
    assert visit(site, "11-01", "Organic Search")["regrouped_sessions"] == 0


def test_quality_flags_are_those_of_any_row(site: Pillars) -> None:
    """One sampled row makes the channel's day sampled; currencies and properties stay apart."""
    row = visit(site, "11-03", "Organic Search")
    flags = [row[name] for name in ("is_sampled", "is_thresholded", "has_other_row")]
    assert flags == [True, True, True]
    sql = "SELECT count(*) AS n FROM web_daily WHERE date = ?"
    assert site.read(sql, day("11-03")) == [{"n": 3}]


def test_the_web_report(site: Pillars) -> None:
    """A channel's 28 days are ratios of sums, with what makes them doubtful and the taxonomy's version."""
    rows = site.gold.report("web", now=NOW).rows
    (row,) = [
        row
        for row in rows
        if row["channel"] == "Organic Search"
        and row["currency"] == "EUR"
        and row["account_id"] == "properties/1"
    ]
    assert (row["sessions"], row["quality"]) == (340, "sampled, thresholded, other row")
    assert row["engagement_rate"] == 240 / 340
    assert row["session_percent"] == pytest.approx(340 / 640 * 100)
    assert row["taxonomy"] == "2026-11-21"
    assert {row["account_id"] for row in rows} == {"properties/1"}  # the other one was never closed


def test_search_totals_come_from_the_property(site: Pillars) -> None:
    """Sums by page and by query are no totals; the share of unnamed queries is what they lack."""
    row = site.one("SELECT * FROM seo_daily WHERE date = DATE '2026-11-01'")
    assert (row["clicks"], row["impressions"]) == (100, 1000)
    assert (row["query_clicks"], row["queries"], row["pages"]) == (50, 2, 1)
    assert [row["search_ctr"], row["search_position"], row["anonymised_share"]] == [0.1, 5, 0.5]


def test_a_day_without_totals_has_none(site: Pillars) -> None:
    """Rows by query alone leave the property's totals unknown."""
    row = site.day_of("seo_daily", "11-18")
    assert (row["clicks"], row["search_ctr"], row["anonymised_share"]) == (None, None, None)
    assert (row["is_truncated"], row["truncated_reports"], row["is_final"]) == (
        True,
        "query",
        False,
    )


def test_no_impressions_have_no_position(site: Pillars) -> None:
    """Search types are apart, and nothing is divided by nothing."""
    row = site.one("SELECT * FROM seo_daily WHERE search_type = 'image'")
    assert (row["search_ctr"], row["search_position"], row["anonymised_share"]) == (
        None,
        None,
        None,
    )


def test_the_seo_report(site: Pillars) -> None:
    """Final days only; a change is told where both spans are whole."""
    web, image = site.gold.report("seo", now=NOW).rows
    assert (web["first_day"], web["last_day"], web["days"]) == (day("10-20"), day("11-16"), 16)
    assert (web["clicks"], web["search_position"], web["anonymised_share"]) == (1600, 5, 0.5)
    assert (web["previous_clicks"], web["clicks_change_percent"]) == (80 * 16, None)
    assert (web["freshness"], image["search_type"]) == ("4 days behind", "image")


def test_the_seo_report_compares_whole_spans(pillars: Pillars) -> None:
    """28 days against the 28 before: clicks, impressions, position."""
    pillars.orgs = (org_of(SEARCH),)
    for number in range(56):
        on = f"{day('11-18') - number * (day('11-02') - day('11-01'))}"[5:]
        recent = number < 28
        pillars.plant(
            "search_performance",
            on,
            clicks=120 if recent else 100,
            position_weight=4000 if recent else 5000,
        )
    pillars.build()
    (row,) = pillars.gold.report("seo", now=NOW).rows
    changes = [row[f"{name}_change_percent"] for name in ("clicks", "impressions")]
    assert changes == [pytest.approx(20), 0]
    assert (row["position_change"], row["freshness"]) == (-1, "current")
    assert row["anonymised_share"] is None


def plant_spans(pillars: Pillars, *without: str) -> None:
    """Plant 56 days of searches, 100 clicks each, but none on some days."""
    pillars.orgs = (org_of(SEARCH),)
    for on in span(day("09-24"), day("11-18")):
        if f"{on:%m-%d}" not in without:
            pillars.plant("search_performance", f"{on:%m-%d}")


def test_a_day_that_was_read_and_has_no_row_is_zero(pillars: Pillars) -> None:
    """Nobody found the site on some days: they count, with no clicks and no position."""
    plant_spans(pillars, "10-01", "10-02", "11-10")
    pillars.load("09-01", "11-20", SEARCH)
    pillars.build()
    (row,) = pillars.gold.report("seo", now=NOW).rows
    assert (row["days"], row["clicks"], row["previous_clicks"]) == (28, 2700, 2600)
    assert row["clicks_change_percent"] == pytest.approx(100 / 26)
    assert (row["search_position"], row["position_change"]) == (5, 0)


def test_a_day_that_was_not_read_is_unknown(pillars: Pillars) -> None:
    """A hole in the ledger is no zero: the spans are not compared."""
    plant_spans(pillars, "10-01", "11-10")
    pillars.load("09-01", "11-09", SEARCH)
    pillars.load("11-11", "11-20", SEARCH)
    pillars.build()
    (row,) = pillars.gold.report("seo", now=NOW).rows
    assert (row["days"], row["clicks"], row["clicks_change_percent"]) == (27, 2700, None)
    assert row["previous_clicks"] == 2700


def test_queries_without_a_total_leave_the_day_unknown(pillars: Pillars) -> None:
    """Somebody did find the site on that day, so it is not zero."""
    plant_spans(pillars, "11-10")
    pillars.plant("search_performance", "11-10", report="query", clicks=3)
    pillars.load("09-01", "11-20", SEARCH)
    pillars.build()
    (row,) = pillars.gold.report("seo", now=NOW).rows
    assert (row["days"], row["clicks_change_percent"]) == (27, None)


def test_of_two_search_types_no_day_is_taken_for_zero(pillars: Pillars) -> None:
    """The connection was switched from one to the other: a day was read for one of them."""
    plant_spans(pillars, "11-10")
    pillars.plant("search_performance", "11-10", search_type="image")
    pillars.load("09-01", "11-20", SEARCH)
    pillars.build()
    web, image = pillars.gold.report("seo", now=NOW).rows
    assert (web["days"], image["days"]) == (27, 1)


def test_mails_count_once(site: Pillars) -> None:
    """Of two reports of a message the newer one counts, never both."""
    row = site.one("SELECT * FROM email_daily WHERE date = DATE '2026-11-01' AND kind = 'campaign'")
    assert (row["messages"], row["delivered"], row["opens_unique"]) == (2, 10_000, 490)
    assert (row["open_rate"], row["click_rate"]) == (0.049, 59 / 10_000)
    assert row["click_to_open"] == 59 / 490
    assert row["conversion_value"] == Decimal("1624.80")


def test_kinds_and_send_channels_are_apart(site: Pillars) -> None:
    """A text message has no opens: NULL, not 0; a mail that nobody opened has no click-to-open."""
    rows = site.read("SELECT * FROM email_daily WHERE date = ? ORDER BY send_channel", day("11-09"))
    assert [(row["kind"], row["send_channel"]) for row in rows] == [
        ("flow", "email"),
        ("campaign", "sms"),
    ]
    assert (rows[0]["open_rate"], rows[0]["click_to_open"]) == (0, None)
    assert (rows[1]["open_rate"], rows[1]["click_rate"]) == (None, 0.05)


def test_subscribers_are_a_state(site: Pillars) -> None:
    """The newest count of all lists of the week before, without segments; older ones say nothing."""
    sql = "SELECT DISTINCT date, subscribers, subscribers_as_of FROM email_daily ORDER BY date"
    first, later = site.read(sql)
    assert (first["subscribers"], first["subscribers_as_of"]) == (610, day("11-01"))
    assert (later["subscribers"], later["subscribers_as_of"]) == (None, None)


def test_orders_of_mails_are_a_table_of_their_own(site: Pillars) -> None:
    """By the day of the order, per kind and currency; the day of sending knows nothing of it."""
    rows = site.read("SELECT * FROM email_orders_daily ORDER BY kind")
    assert [(row["kind"], row["orders"], row["revenue"], row["currency"]) for row in rows] == [
        ("campaign", 4, Decimal("150.50"), "EUR"),
        ("flow", 2, Decimal("9.00"), "USD"),
    ]
    assert site.read("SELECT * FROM email_daily WHERE date = ?", day("11-03")) == []


def test_the_email_report(site: Pillars) -> None:
    """Rates of 28 days, subscribers as last counted, and what orders say beside it."""
    rows = site.gold.report("email", now=NOW).rows
    campaign = next(
        row for row in rows if (row["kind"], row["send_channel"]) == ("campaign", "email")
    )
    assert (campaign["delivered"], campaign["open_rate"]) == (10_000, 0.049)
    assert (campaign["conversion_value"], campaign["order_day_revenue"]) == (
        Decimal("1624.80"),
        Decimal("150.50"),
    )
    assert (campaign["subscribers"], campaign["subscribers_as_of"]) == (610, day("11-01"))
    flow = next(row for row in rows if row["kind"] == "flow")
    assert (flow["order_day_orders"], flow["messages"]) == (None, 2)


def test_subscribers_counted_today_are_reported_today(pillars: Pillars) -> None:
    """The report's rates end with the last closed day; the newest count of the lists is told at once."""
    pillars.orgs = (org_of(MAIL),)
    pillars.plant("email_performance", "11-19")
    pillars.plant("email_performance", "11-21", kind="flow", finality="open")
    pillars.plant("email_subscribers", "11-21")
    pillars.load("11-01", "11-20")
    pillars.load("11-21", "11-21", finality="open")
    pillars.build()
    (row,) = pillars.gold.report("email", now=NOW).rows
    assert (row["kind"], row["subscribers"], row["subscribers_as_of"]) == (
        "campaign",
        500,
        day("11-21"),
    )


def test_a_report_is_as_old_as_what_it_is_made_of(site: Pillars) -> None:
    """Each report's as-of date is that of its own tables."""
    assert site.gold.report("web", now=NOW).as_of == day("11-19")


def test_people_are_never_summed() -> None:
    """Users and subscribers refuse SUM wherever a formula is written."""
    metrics: Registry = registry()
    for grain, name in (("web", "users"), ("email", "subscribers")):
        assert not metrics.grains[grain].columns[name].additive


@pytest.mark.parametrize("stream", [META, WEB, SEARCH, MAIL], ids=lambda stream: stream.source)
def test_every_report_of_an_org_with_one_source(pillars: Pillars, stream: StreamFacts) -> None:
    """Whatever an org has, each report answers; without data it has columns and no row."""
    pillars.orgs = (org_of(stream),)
    pillars.build()
    for name in REPORTS:
        report = pillars.gold.report(name, now=NOW)
        assert report.columns
        assert name == "freshness" or report.rows == []
