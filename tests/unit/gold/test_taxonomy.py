"""The channel rules: each by itself, their order, and that SQL and Python agree."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactics import duck
from tactics.gold import explain, explain_ad
from tactics.gold.taxonomy import clean, compile_macros, load_taxonomy
from tactics.guard.check import PACKAGE as GUARD
from tactics.sql import load_text

# One visit per rule: source, medium, campaign, what GA4 says; rule and channel.
VISITS = [
    ("(direct)", "(none)", "(direct)", "", "direct", "Direct"),
    ("(direct)", "(not set)", "", "", "direct", "Direct"),
    ("google", "cpc", "2026 | PMax | Winter", "", "cross_network", "Cross-network"),
    ("google", "cpc", "Performance Max", "", "cross_network", "Cross-network"),
    ("google", "organic", "(cross-network)", "", "cross_network", "Cross-network"),
    ("google", "cpc", "x", "Cross-network", "google_ads_cross_network", "Cross-network"),
    ("google", "cpc", "x", "Paid Shopping", "google_ads_shopping", "Paid Shopping"),
    ("google", "cpc", "x", "Paid Video", "google_ads_video", "Paid Video"),
    ("google", "cpc", "x", "Display", "google_ads_display", "Display"),
    ("idealo.de", "cpc", "x", "", "paid_shopping", "Paid Shopping"),
    ("google", "cpc", "Shopping | All products", "", "paid_shopping", "Paid Shopping"),
    ("www.google.co.uk", "ppc", "x", "", "paid_search", "Paid Search"),
    ("obscure", "paid", "x", "Paid Search", "paid_search", "Paid Search"),
    ("m.facebook.com", "paid_social", "x", "", "paid_social", "Paid Social"),
    ("linkedin", "cpc", "x", "", "paid_social", "Paid Social"),
    ("t.co", "retargeting", "x", "", "paid_social", "Paid Social"),
    ("youtube", "cpv-cpc", "x", "", "paid_video", "Paid Video"),
    ("news.example", "banner", "x", "", "display", "Display"),
    ("news.example", "cpm", "x", "", "display", "Display"),
    ("news.example", "cpa", "x", "", "paid_other", "Paid Other"),
    ("partner.example", "paid-newsletter", "x", "", "paid_other", "Paid Other"),
    ("amazon.de", "referral", "(referral)", "", "organic_shopping", "Organic Shopping"),
    ("blog.example", "referral", "winter shop", "", "organic_shopping", "Organic Shopping"),
    ("linkedin", "social", "paid push", "", "social_medium", "Organic Social"),
    ("lnkd.in", "referral", "", "", "organic_social", "Organic Social"),
    ("obscure.example", "referral", "", "Organic Social", "organic_social", "Organic Social"),
    ("vimeo.com", "referral", "", "", "organic_video", "Organic Video"),
    ("duckduckgo.com", "referral", "", "", "organic_search", "Organic Search"),
    ("obscure", "organic", "", "", "organic_search", "Organic Search"),
    ("klaviyo", "email", "w47", "", "email", "Email"),
    ("e-mail", "newsletter", "w47", "", "email", "Email"),
    ("partner", "affiliate", "x", "", "affiliates", "Affiliates"),
    ("blog.example", "referral", "", "", "referral", "Referral"),
    ("mail.google.com", "referral", "", "", "referral", "Referral"),
    ("spotify", "audio", "x", "", "audio", "Audio"),
    ("klaviyo", "sms", "x", "", "sms", "SMS"),
    ("firebase", "x", "", "", "mobile_push", "Mobile Push Notifications"),
    ("klaviyo", "mobile_notification", "", "", "mobile_push", "Mobile Push Notifications"),
    ("(data not available)", "(data not available)", "", "", "no_rule", "Unassigned"),
]
ORDER = [
    "Direct",
    "Cross-network",
    "Paid Shopping",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Display",
    "Paid Other",
    "Organic Shopping",
    "Organic Social",
    "Organic Video",
    "Organic Search",
    "Email",
    "Affiliates",
    "Referral",
    "Audio",
    "SMS",
    "Mobile Push Notifications",
]
TAGS = st.one_of(
    st.sampled_from(sorted({tag for visit in VISITS for tag in visit[:3]})),
    st.text(st.characters(min_codepoint=9, max_codepoint=126), max_size=12),
    st.text("abcp-_. /()shop\u00e4\u4e2d'", max_size=10),
)
VENDORS = st.sampled_from(["", *ORDER, "AI Assistants"])


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duck.Connection]:
    """Return a database that has nothing but the compiled rules."""
    folder: Path = tmp_path_factory.mktemp("scratch")
    with duck.connect(None, duck.DuckLimits(folder, threads=1)) as connection:
        for statement in compile_macros():
            connection.execute(statement)
        yield connection


def rule_in_sql(connection: duck.Connection, *tags: str) -> tuple[str, str, str | None]:
    """Return rule, channel and warning as gold's models find them."""
    (row,) = connection.execute(
        "WITH cleaned AS (SELECT clean_tag(?) AS s, clean_tag(?) AS m, clean_tag(?) AS c, clean_tag(?) AS v),"
        " ruled AS (SELECT traffic_rule(s, m, c, v) AS rule FROM cleaned)"
        " SELECT rule, rule_channel(rule), rule_warning(rule) FROM ruled",
        tags,
    ).fetchall()
    return row


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: "-".join(visit[:5]))
def test_each_rule(visit: tuple[str, ...]):
    """A visit finds its rule and its channel, and the answer names the version."""
    source, medium, campaign, vendor, *wanted = visit
    told = explain(source, medium, campaign, vendor=vendor)
    assert [told.rule, told.channel] == wanted
    assert told.version == load_taxonomy().version


def test_every_rule_is_tried():
    """No rule is without an example above."""
    assert {rule.name for rule in load_taxonomy().rules} <= {visit[4] for visit in VISITS}


@pytest.mark.parametrize("medium", ["cpc", "xcpx", "ppc", "retargeting", "paid", "paidsearch"])
def test_paid_mediums(medium: str):
    """What GA4's pattern calls paid is paid."""
    assert explain("bing", medium, "x").channel == "Paid Search"


@pytest.mark.parametrize("medium", ["ppcx", "xretargeting", "unpaid", "c-p", "organic"])
def test_mediums_that_are_not_paid(medium: str):
    """The pattern must match the whole medium."""
    assert explain("bing", medium, "x").channel == "Organic Search"


def test_social_medium_of_paid_posts_warns():
    """utm_medium=social on paid LinkedIn is filed as organic, as GA4 does, and the answer says why."""
    told = explain("linkedin", "social", "Q4 lead gen")
    assert told.channel == "Organic Social"
    assert "tag what is paid for with paid_social or cpc" in told.warning
    assert explain("linkedin", "referral", "").warning == ""


def test_case_and_blanks_do_not_matter():
    """Tags are typed by people."""
    assert explain(" LinkedIn\n", "CPC ", None) == explain("linkedin", "cpc", "")


def test_nothing_known_is_unassigned():
    """Without any tag nobody guesses."""
    assert explain(None, None, None).channel == "Unassigned"


def test_channels_come_in_the_order_of_ga4():
    """The first rules of the channels stand in GA4's order; a later rule never wins."""
    first = dict.fromkeys(
        rule.channel for rule in load_taxonomy().rules if "google_ads" not in rule.name
    )
    assert list(first) == ORDER


@pytest.mark.parametrize(
    ("earlier", "later", "tags"),
    [
        ("cross_network", "paid_search", ("google", "cpc", "pmax")),
        ("cross_network", "paid_shopping", ("google", "cpc", "shopping cross-network")),
        ("paid_shopping", "paid_search", ("google", "cpc", "shopping")),
        ("paid_search", "paid_other", ("google", "cpc", "x")),
        ("display", "paid_other", ("x", "cpm", "x")),
        ("organic_social", "referral", ("facebook.com", "referral", "x")),
        ("organic_search", "referral", ("google.com", "referral", "x")),
        ("organic_video", "referral", ("youtube.com", "referral", "x")),
        ("social_medium", "organic_search", ("google", "social", "x")),
    ],
)
def test_the_first_match_wins(earlier: str, later: str, tags: tuple[str, str, str]):
    """Where two rules match, the earlier one decides."""
    fields = dict(zip(("source", "medium", "campaign"), tags, strict=True)) | {"vendor": ""}
    rules = {rule.name: rule for rule in load_taxonomy().rules}
    assert rules[earlier].holds(fields)
    assert rules[later].holds(fields)
    assert explain(*tags).rule == earlier


@settings(max_examples=120, deadline=None)
@given(st.tuples(TAGS, TAGS, TAGS, VENDORS))
def test_sql_and_python_agree(sql: duck.Connection, tags: tuple[str, str, str, str]):
    """Whatever the tags, gold files a visit under the rule that `explain` names."""
    told = explain(*tags[:3], vendor=tags[3])
    assert rule_in_sql(sql, *tags) == (told.rule, told.channel, told.warning or None)


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("social", "Paid Social"),
        ("Search", "Paid Search"),
        ("PERFORMANCE_MAX", "Cross-network"),
        ("demand-gen", "Cross-network"),
        ("shopping", "Paid Shopping"),
        ("you tube", "Paid Video"),
        ("ctv", "Paid Video"),
        ("audio", "Audio"),
        ("programmatic", "Display"),
        ("affiliate", "Affiliates"),
        ("newsletter", "Email"),
        ("sms", "SMS"),
        ("hologram", "Paid Other"),
        ("", "Unassigned"),
    ],
)
def test_names_of_ad_platforms(sql: duck.Connection, name: str, channel: str):
    """What a platform calls its channel maps to one of the same channels."""
    assert explain_ad(name).channel == channel
    (row,) = sql.execute(
        "SELECT rule_channel(rule) FROM (SELECT ad_rule(name) AS rule FROM (SELECT clean_ad_name(?) AS name))",
        [name],
    ).fetchall()
    assert row == (channel,)


def test_no_ad_name_stands_in_two_rules():
    """A platform's word means one channel."""
    names = [word for rule in load_taxonomy().ads for word in rule.any_of[0][0].words]
    assert len(names) == len(set(names))
    assert all(name == clean(name).replace(" ", "_").replace("-", "_") for name in names)


def test_rule_names_are_unique():
    """A rule's name says which rule it was."""
    taxonomy = load_taxonomy()
    names = [rule.name for rule in (*taxonomy.rules, *taxonomy.ads)]
    assert len(names) == len(set(names))


def test_what_data_guard_knows_is_mapped():
    """Every name of an ad channel that DataGuard accepts has a channel here, print and people aside."""
    known = tomllib.loads(load_text(GUARD, "channels.toml"))
    names = {name for name, entry in known.items() for name in (name, *entry["aliases"])}
    unmapped = {name for name in names if explain_ad(name).rule == "ads_other"}
    assert unmapped == {"influencer", "print", "linear_tv"}
