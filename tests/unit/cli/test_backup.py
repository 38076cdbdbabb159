"""Backup and restore on the command line, on a home that holds only a store."""

import json
import shutil

import pytest

from tactics.home import Home
from tactics.model import StreamKey
from tactics.store import Store

KEY = StreamKey("acme", "meta", "act_1", "campaign_insights")


@pytest.fixture
def saved(tactics, home, clock, tmp_path):
    """Return the backup that a command has made of a home with one event."""
    with Store.open(home.database, clock) as store:
        store.bus.append("t", key=KEY, header={}, body=b"{}")
    (home.root / "tactics.toml").write_text("# mine\n")
    told = tactics("backup", tmp_path / "b.tar.zst")
    assert told.code == 0, told.err
    return tmp_path / "b.tar.zst"


def test_a_backup_says_what_is_in_it_and_what_is_not(tactics, home, saved, tmp_path):
    """Rows by part on stdout; file, size and what is left out as talk."""
    told = tactics("backup", tmp_path / "second.tar.zst")
    assert told.out.splitlines()[0].split() == ["Part", "Tables", "Rows"]
    assert "2 files in " in told.err
    assert "credentials are not in it" in told.err
    row = json.loads(tactics("backup", tmp_path / "third.tar.zst", "--json").out)["rows"][0]
    assert row["rows"]["store"]["events"] == 1
    assert row["path"] == str(tmp_path / "third.tar.zst")
    assert row["size_bytes"] == (tmp_path / "third.tar.zst").stat().st_size


@pytest.mark.parametrize("where", ["b.tar.zst", "nowhere/b.tar.zst"])
def test_a_backup_that_cannot_be_written_is_a_mistake_of_the_command(
    tactics, saved, tmp_path, where
):
    """An existing file is kept, and a folder is not made up."""
    before = saved.read_bytes()
    assert tactics("backup", tmp_path / where).code == 2
    assert saved.read_bytes() == before


def test_there_is_no_backup_of_nothing(tactics, tmp_path):
    """Exit code 4, as wherever there is no data yet."""
    assert tactics("backup", tmp_path / "b.tar.zst").code == 4


def test_restored_verified_and_at_work(tactics, home, saved, tmp_path):
    """Every command works in the new home; the hint tells of the credentials."""
    shutil.rmtree(home.root)
    home.root.mkdir()
    other = tmp_path / "new home"
    told = tactics("--home", other, "restore", saved, "--verify")
    assert told.code == 0, told.err
    assert told.out.splitlines()[0].split() == ["Part", "Tables", "Rows", "as", "saved"]
    assert "restored and verified" in told.err
    assert "tactics doctor" in told.err
    assert tactics("--home", other, "dlq", "list").code == 0
    assert (other / "tactics.toml").read_text() == "# mine\n"


def test_restore_as_json(tactics, home, saved, tmp_path):
    """Where from, when it was saved, and whether it was verified."""
    other = tmp_path / "new"
    told = json.loads(tactics("--home", other, "restore", saved, "--json").out)
    row = told["rows"][0]
    assert told["kind"] == "restore"
    assert (row["home"], row["made_in"], row["verified"]) == (str(other), str(home.root), False)
    assert row["saved_at"].startswith("2026-11-21T09:00:00")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["restore"], 2),
        (["restore", "b.tar.zst", "--in-place"], 2),
        (["restore", "--in-place", "--verify"], 2),
        (["restore", "b.tar.zst"], 2),
        (["--home", "new", "restore", "nowhere.tar.zst"], 2),
        (["--home", "new", "restore", "--in-place"], 4),
    ],
)
def test_what_cannot_be_restored_is_told(tactics, saved, words, code):
    """Not said in one way, into a home in use, or from nowhere."""
    told = tactics(*(saved if word == "b.tar.zst" else word for word in words))
    assert told.code == code, told.err
    assert "hint: " in told.err


def test_a_damaged_backup_ends_with_70(tactics, saved, tmp_path):
    """Nothing is restored from it."""
    saved.write_bytes(saved.read_bytes()[:-200])
    told = tactics("--home", tmp_path / "new", "restore", saved)
    assert told.code == 70
    assert not Home(tmp_path / "new").database.exists()


def test_a_home_that_never_moved_needs_no_mending(tactics, saved):
    """It is said, also as JSON, and nothing is changed."""
    told = tactics("restore", "--in-place", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["rows"][0]["tables"] == 0
