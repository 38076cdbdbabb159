"""A lake that an older program wrote, and one that lies elsewhere than it was made."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tactics.errors import ConfigError
from tactics.home import Home
from tactics.lake import schemas
from tests.unit.lake.support import Vendor, ad, open_lake, rows


def sync(home: Home, vendor: Vendor, name: str, *ads: object) -> None:
    """Fetch and load a page of ads."""
    with open_lake(home) as lake:
        lake.append_pages(vendor.fetch(name, [list(ads)]), name)
        lake.load_silver(vendor.load(f"S-{name}", name))


def test_a_new_column_is_added_to_a_table_that_exists(home: Home, monkeypatch: pytest.MonkeyPatch):
    """Old rows read as NULL, before and after new ones are written beside them."""
    vendor = Vendor()
    spec = schemas.AD_PERFORMANCE
    older = replace(spec, columns=tuple(c for c in spec.columns if c[0] != "video_views"))
    plain = vendor.load
    with monkeypatch.context() as before:
        before.setitem(schemas.TABLES, "ad_performance", older)
        before.setattr(
            vendor,
            "load",
            lambda *ids: replace(
                plain(*ids), sql=f"SELECT * EXCLUDE (video_views) FROM ({plain(*ids).sql})"
            ),
        )
        sync(home, vendor, "r1", ad("A", 1))
    columns = "campaign_id, video_views"
    with open_lake(home) as lake:
        assert rows(lake, home, "ad_performance", columns) == [("A", None)]
    monkeypatch.setattr(
        vendor,
        "load",
        lambda *ids: replace(
            plain(*ids),
            sql=plain(*ids).sql.replace("NULL::BIGINT AS video_views", "7::BIGINT AS video_views"),
            winners=tuple(w for w in plain(*ids).winners if w.day.day > 1),
        ),
    )
    sync(home, vendor, "r2", ad("B", 2))
    with open_lake(home) as lake:
        assert rows(lake, home, "ad_performance", columns) == [("A", None), ("B", 7)]


def test_a_home_that_was_moved_says_so(home: Home):
    """Nothing is read from, and nothing written into, the folder it once was."""
    sync(home, Vendor(), "r1", ad("A", 1))
    copy = Home(Path(f"{home.root}-copy"))
    shutil.copytree(home.root, copy.root)
    with pytest.raises(ConfigError, match="moved or copied") as caught:
        open_lake(copy)
    assert str(home.root) in str(caught.value.facts["made_in"])
    with open_lake(home) as lake:
        assert len(rows(lake, home, "ad_performance")) == 1
