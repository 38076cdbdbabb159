"""The bulk server: the pages add up to the totals, also after changes."""

import datetime as dt
import json
import subprocess
import sys
import tomllib
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

from tactics.config import Settings
from tactics.sandbox import BulkMeta
from tactics.sandbox.api import Call, Reply
from tests.unit.sandbox.asking import ORIGIN

TODAY = dt.date(2026, 11, 21)
PATH = "/v26.0/act_9000000000000001/insights"


@pytest.fixture
def bulk() -> BulkMeta:
    """Return five days of 40 campaigns, in pages of 10."""
    return BulkMeta(10, 20, today=TODAY, campaigns=40)


def ask(bulk: BulkMeta, start: dt.date, end: dt.date, **query: str) -> Reply:
    """Return one page."""
    token = bulk.environment(ORIGIN)["TACTICS_BULK_META_ACCESS_TOKEN"]
    window = json.dumps({"since": str(start), "until": str(end)})
    parameters = {"access_token": token, "limit": "500", "time_range": window, **query}
    return bulk.answer(Call("GET", ORIGIN, "meta", PATH, tuple(parameters.items())))


def read_all(bulk: BulkMeta, start: dt.date, end: dt.date) -> tuple[int, list[dict[str, str]]]:
    """Return the number of pages and all rows of a window."""
    rows: list[dict[str, str]] = []
    pages, after = 0, {}
    while True:
        page = json.loads(ask(bulk, start, end, **after).content())
        rows += page["data"]
        pages += 1
        if "next" not in page["paging"]:
            return pages, rows
        after = {"after": page["paging"]["cursors"]["after"]}


def check(bulk: BulkMeta) -> int:
    """Compare all rows with the totals, and return the number of pages."""
    pages, rows = read_all(bulk, dt.date(2026, 1, 1), dt.date(2027, 1, 1))
    totals = bulk.totals()
    assert len({(row["campaign_id"], row["date_start"]) for row in rows}) == totals.rows
    assert sum(int(row["impressions"]) for row in rows) == totals.impressions
    assert sum(Decimal(row["spend"]) for row in rows) == totals.spend
    return pages


def test_the_pages_add_up_to_the_totals(bulk: BulkMeta) -> None:
    """Every campaign has a row on every day; the pages are full."""
    assert check(bulk) == 20
    assert (bulk.start, bulk.end) == (dt.date(2026, 11, 16), dt.date(2026, 11, 20))


def test_a_window_has_only_its_days(bulk: BulkMeta) -> None:
    """Days outside give nothing."""
    _, rows = read_all(bulk, TODAY - dt.timedelta(days=3), TODAY - dt.timedelta(days=2))

    assert {row["date_start"] for row in rows} == {"2026-11-18", "2026-11-19"}
    assert len(rows) == 80
    assert ask(bulk, TODAY, TODAY).document == {"data": []}


def test_changes_keep_the_totals_right(bulk: BulkMeta) -> None:
    """Restated days differ, added days are there."""
    before = bulk.totals()
    bulk.restate(2)
    assert bulk.totals().spend != before.spend
    bulk.advance(2)

    assert check(bulk) == 28


def test_the_token_and_the_parameters_are_checked(bulk: BulkMeta) -> None:
    """As strict as the small simulator."""
    assert ask(bulk, TODAY, TODAY, access_token="x").status == 400
    assert ask(bulk, TODAY, TODAY, level="galaxy").status == 400
    assert ask(bulk, TODAY, TODAY, time_range="").document == {"data": []}


def test_the_configuration_is_valid(bulk: BulkMeta) -> None:
    """One organisation with one source, and the account says its time zone."""
    settings = Settings.model_validate(tomllib.loads(bulk.config_toml(ORIGIN)))
    token = bulk.environment(ORIGIN)["TACTICS_BULK_META_ACCESS_TOKEN"]
    path = PATH.removesuffix("/insights")
    call = Call("GET", ORIGIN, "meta", path, (("access_token", token),))

    assert settings.orgs["bulk"].sources["meta"].history_days == 6
    assert bulk.answer(call).document["timezone_name"] == "Europe/Vienna"
    assert json.dumps(bulk.totals().to_json())


@pytest.mark.slow
def test_another_process_serves_it() -> None:
    """The module prints where, serves, and ends when it is told to."""
    command = [sys.executable, "-m", "tactics.sandbox", "--today", "2026-11-21"]
    limits = ["--bulk-pages", "2", "--bulk-campaigns", "500", "--max-seconds", "60"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [*command, *limits], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/_control/totals") as response:
            assert json.load(response)["rows"] == 1000
        with urllib.request.urlopen(f"{url}/_control/stop", data=b"") as response:
            assert response.status == 200
        assert process.wait(20) == 0
