"""Connectors are found by kind and joined with their settings."""

from pathlib import Path

import pytest

from tactics.config import SourceSettings
from tactics.connectors import base_urls_of, find_connector, known_kinds, options_of, spec_of
from tactics.connectors.meta import MetaOptions
from tactics.errors import ConfigError


def test_the_built_in_kinds_are_known() -> None:
    """Meta, Sheets and Stripe are there without any installation step."""
    assert {"meta", "sheets", "stripe"} <= set(known_kinds())


def test_an_unknown_kind_names_the_known_ones() -> None:
    """A typing error in `kind` is answered with what there is."""
    with pytest.raises(ConfigError, match="no such kind of source: kind=mta") as caught:
        find_connector("mta")
    assert ", ".join(known_kinds()) in caught.value.hint


def test_vendor_keys_become_options() -> None:
    """Keys that the common settings do not know go to the connector."""
    settings = SourceSettings.model_validate({"accounts": ["act_1"], "report_mode": "async"})
    options = options_of(settings, find_connector("meta"))
    assert isinstance(options, MetaOptions)
    assert options.report_mode == "async"


@pytest.mark.parametrize(
    ("kind", "extra", "words"),
    [
        ("meta", {"report_mood": "async"}, "report_mood: extra inputs are not permitted"),
        (
            "meta",
            {"report_mode": "maybe"},
            "report_mode: input should be 'auto', 'sync' or 'async'",
        ),
        ("sheets", {}, "set bookings_range or crm_range"),
        ("sheets", {"bookings_range": "B!A1"}, None),
        ("sheets", {"bookings_range": " "}, "bookings_range: a range needs the name of a tab"),
        ("sheets", {"crm_range": "#1!A1"}, "crm_range: cells must be written like A1:K"),
        ("sheets", {"crm_range": "C", "aliases": {"nmae": ["x"]}}, "aliases: no column nmae"),
        ("stripe", {"timezone": "Mars"}, "timezone: unknown time zone 'Mars'"),
    ],
)
def test_wrong_keys_are_named(kind: str, extra: dict[str, object], words: str | None) -> None:
    """A key that the vendor does not have, or a bad value, is a configuration error."""
    settings = SourceSettings.model_validate(extra)
    if words is None:
        assert options_of(settings, find_connector(kind))  # `B!A1` can be a tab's name
        return
    with pytest.raises(ConfigError, match=words):
        options_of(settings, find_connector(kind))


def test_base_urls_can_be_pointed_elsewhere() -> None:
    """`base_url` and `drive_base_url` replace the vendor's hosts, without a trailing slash."""
    extra = {"crm_range": "CRM", "base_url": "http://127.0.0.1:1/s/", "drive_base_url": "http://d"}
    urls = base_urls_of(SourceSettings.model_validate(extra), find_connector("sheets"))
    assert urls == {"api": "http://127.0.0.1:1/s", "drive": "http://d"}
    usual = base_urls_of(SourceSettings(), find_connector("sheets"))
    assert usual["drive"] == "https://www.googleapis.com/drive/v3"


def test_a_stream_is_found_by_name() -> None:
    """The manifest's facts of a stream are at hand by its name."""
    assert spec_of(find_connector("meta"), "campaign_insights").table == "ad_performance"


def install(folder: Path) -> None:
    """Install a package that brings two connectors, one of them broken."""
    facts = folder / "acme_ads-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ads\nVersion: 1.0\n")
    names = "acme = acme_ads:connector\nbroken = acme_ads:nothing\nmeta = acme_ads:connector\n"
    (facts / "entry_points.txt").write_text(f"[tactics.connectors]\n{names}")
    (folder / "acme_ads.py").write_text("connector = 'the connector'\n")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package in a folder that Python looks into."""
    install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_package_is_found_that_is_installed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that has looked in vain need not be started anew."""
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="no such kind"):
        find_connector("acme")
    install(tmp_path)
    assert find_connector("acme") == "the connector"


@pytest.mark.usefixtures("installed")
def test_others_add_connectors_by_entry_point() -> None:
    """An installed package adds a kind; it cannot replace a built-in one."""
    assert {"acme", "broken", "meta"} <= set(known_kinds())
    assert find_connector("acme") == "the connector"
    assert find_connector("meta").manifest.title == "Meta Ads"


@pytest.mark.usefixtures("installed")
def test_a_connector_that_cannot_be_loaded_says_where_it_comes_from() -> None:
    """The operator sees the entry point that is broken."""
    with pytest.raises(ConfigError, match="entry=acme_ads:nothing"):
        find_connector("broken")
