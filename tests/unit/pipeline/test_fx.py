"""The ECB's file of reference rates, and files that are not one."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from tactics.config import FxSettings
from tactics.errors import ConfigError
from tactics.model import TOPIC_PROCESSED, RunStatus
from tactics.pipeline import Scope, sync
from tactics.pipeline.fx import parse_rates, read_rates
from tests.unit.pipeline.conftest import Open, orgs_of

FILE = """Date,USD,JPY,CYP,
2026-11-20,1.0832,163.19,N/A,
2026-11-19,1.0857,162.5,0.58,

"""


def test_the_file_of_the_bank():
    """Each rate is a row, newest first as in the file; N/A, blank lines and last commas are none."""
    assert parse_rates(FILE) == [
        (dt.date(2026, 11, 20), "USD", Decimal("1.0832")),
        (dt.date(2026, 11, 20), "JPY", Decimal("163.19")),
        (dt.date(2026, 11, 19), "USD", Decimal("1.0857")),
        (dt.date(2026, 11, 19), "JPY", Decimal("162.5")),
        (dt.date(2026, 11, 19), "CYP", Decimal("0.58")),
    ]


def test_blanks_do_not_matter():
    """The daily file writes a blank after each comma."""
    assert parse_rates("Date, USD\r\n2026-11-20, 1.08\r\n") == [
        (dt.date(2026, 11, 20), "USD", Decimal("1.08"))
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the head must be Date,USD,JPY,…"),
        ("Day,USD\n", "line 1: the head must be Date,USD,JPY,…"),
        ("Date\n2026-11-20\n", "line 1: the head must be Date,USD,JPY,…"),
        ("Date,US\n", "line 1: no currency: 'US'"),
        ("Date,USD,,JPY\n", "line 1: no currency: ''"),
        ("Date,USD,USD\n", "line 1: a currency stands twice"),
        ("Date,USD\n20 November 2026,1.08\n", "line 2: no day: '20 November 2026'"),
        ("Date,USD\n2026-11-20,1.08\n2026-11-20,1.09\n", "line 3: 2026-11-20 stands twice"),
        ("Date,USD,JPY\n2026-11-20,1.08\n", "line 2: wants 2 rates, got 1"),
        ("Date,USD\n2026-11-20,1.08,3\n", "line 2: wants 1 rates, got 2"),
        ("Date,USD\n2026-11-20,-1.08\n", "line 2: no rate of USD: '-1.08'"),
        ("Date,USD\n2026-11-20,0\n", "line 2: no rate of USD: '0'"),
        ("Date,USD\n2026-11-20,1e5\n", "line 2: no rate of USD: '1e5'"),
        ("Date,USD\n2026-11-20,infinity\n", "line 2: no rate of USD: 'infinity'"),
        ("Date,USD\n", "there are no exchange rates in the file"),
        ("Date,USD\n" + "9" * 200_000, "the exchange rates cannot be read"),
        ("Date,USD\n2026-11-20,N/A\n", "there are no exchange rates in the file"),
    ],
)
def test_what_is_not_the_file_is_refused(text: str, problem: str):
    """The error names the line and what is wrong there."""
    with pytest.raises(ConfigError) as caught:
        parse_rates(text, origin="rates.csv")
    assert problem in str(caught.value)
    assert "rates.csv" in str(caught.value)
    assert "eurofxref-hist.csv" in caught.value.hint


def test_the_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A daemon has another working directory than the person who wrote the path; ~ is their home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FxSettings(ecb_rates_file=Path("~/rates.csv")).ecb_rates_file == tmp_path / "rates.csv"
    assert FxSettings().ecb_rates_file is None
    with pytest.raises(ValidationError, match=r"wants an absolute path, got 'rates\.csv'"):
        FxSettings(ecb_rates_file=Path("rates.csv"))


def test_without_a_file_there_are_no_rates():
    """The file is optional."""
    assert read_rates(None) == []


def test_the_file_may_have_a_byte_order_mark(tmp_path: Path):
    """A spreadsheet program that saved the file leaves a mark in front."""
    path = tmp_path / "rates.csv"
    path.write_text(FILE, encoding="utf-8-sig")
    assert len(read_rates(path)) == 5


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    """A missing file, and the archive it is delivered in, are errors of the configuration."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rates(tmp_path / "missing.csv")
    archive = tmp_path / "eurofxref-hist.zip"
    archive.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rates(archive)


@pytest.mark.usefixtures("_installed")
def test_a_broken_file_ends_the_run_with_2_until_it_is_mended(open_workspace: Open, tmp_path: Path):
    """Gold waits with what is new; nothing of it is lost or dead."""
    path = tmp_path / "rates.csv"
    path.write_text("<html>")
    fx = {"ecb_rates_file": str(path)}
    workspace = open_workspace(orgs=orgs_of("", "acme"), fx=fx)
    header = {"org_id": "acme", "table": "ad_performance", "start": None, "end": None}
    workspace.store.bus.append(TOPIC_PROCESSED, header=header)
    result = sync(workspace, Scope(offline=True))
    assert (result.status, result.exit_code) == (RunStatus.FAILED, 2)
    assert str(path) in result.stages[-1].problems[0].message
    path.write_text(FILE)
    assert sync(workspace, Scope(offline=True)).exit_code == 0
    assert workspace.store.bus.lag(TOPIC_PROCESSED, "gold") == 0
    assert workspace.store.jobs.list_dead() == []
