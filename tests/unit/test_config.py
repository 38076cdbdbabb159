"""Settings: defaults, the file, the environment over it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tactics.config import Settings, load_settings
from tactics.errors import ConfigError

SECRET = "sk_live_planted0123456789"
ORG = """
[orgs.acme]
name = "Acme"
currency = "EUR"
timezone = "Europe/Vienna"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with one organisation."""
    file = tmp_path / "tactics.toml"
    file.write_text(ORG + "[gold]\nthreads = 3\n")
    return file


def write(path: Path, text: str) -> Path:
    """Add to the file."""
    path.write_text(path.read_text() + text)
    return path


def sections() -> list[type[BaseModel]]:
    """Return every section that has a default."""
    return [type(value) for _, value in Settings() if isinstance(value, BaseModel)]


def test_an_empty_file_is_complete(tmp_path: Path):
    """Without a key all settings have their defaults."""
    file = tmp_path / "empty.toml"
    file.touch()
    assert load_settings(file, {}) == Settings()


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_every_default_is_valid(section: type[BaseModel]):
    """Each default passes the check that a written value has to pass, and is explained."""
    defaults = section().model_dump()
    assert section.model_validate(defaults) == section()
    assert section.__doc__


def test_the_file_beats_the_default(path: Path):
    """What the file says counts; the keys beside it keep their defaults."""
    settings = load_settings(path, {})
    assert (settings.gold.threads, settings.gold.memory_limit) == (3, "320MB")


def test_the_environment_beats_the_file(path: Path):
    """`TACTICS_SECTION__KEY` is laid over the file, key by key."""
    environment = {"TACTICS_GOLD__THREADS": "7", "TACTICS_LAKE__SILVER_DAYS": "40"}
    settings = load_settings(path, environment)
    assert (settings.gold.threads, settings.lake.silver_days) == (7, 40)
    assert settings.orgs["acme"].name == "Acme"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("true", True),
        ('["a", "b"]', ["a", "b"]),
        ("500MB", "500MB"),
        ('"7"', "7"),
        ("", ""),
    ],
)
def test_values_of_the_environment_are_toml_or_text(path: Path, text: str, value: object):
    """A value reads as TOML; what is none is text."""
    environment = {"TACTICS_ORGS__ACME__SOURCES__META__EXTRA": text}
    source = load_settings(path, environment).orgs["acme"].sources["meta"]
    assert source.model_extra == {"extra": value}


def test_other_variables_are_left_alone(path: Path):
    """Credentials and the variables of other programs are no settings."""
    environment = {"TACTICS_ACME_META_ACCESS_TOKEN": SECRET, "TACTICS_HOME": "/x", "A__B": "1"}
    assert load_settings(path, environment) == load_settings(path, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gold]\nthreds = 3", "gold.threds: extra inputs are not permitted"),
        ("[gould]\nthreads = 3", "gould: extra inputs are not permitted"),
        ("[gold]\nthreads = 0", "gold.threads: input should be greater than or equal to 1"),
        ("[gold]\nmemory_limit = '1'", "gold.memory_limit: string should match pattern"),
        ("[orgs.Acme]\nname = 'A'", "orgs.Acme"),
        ("[pacing]\nwatch_percent = 50", "pacing: bands must ascend"),
        (ORG.replace("EUR", "euro"), "orgs.acme.currency: string should match"),
        (ORG.replace("Europe/Vienna", "Mars"), "orgs.acme.timezone: unknown time zone 'Mars'"),
        (ORG + "[orgs.acme.sources.meta]\nhistory_days = 0", "orgs.acme.sources.meta.history_days"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, text: str, message: str):
    """The error names the key from the top, says what is wrong and which file to edit."""
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert message in str(caught.value)
    assert caught.value.hint == f"edit {file}"


def test_several_mistakes_are_counted(path: Path):
    """The first mistake is told, with how many more there are."""
    with pytest.raises(ConfigError, match=r"\(and 2 more\)"):
        load_settings(write(path, "[lake]\na = 1\nb = 2\nc = 3\n"), {})


@pytest.mark.parametrize(
    "text",
    [
        f'[gold]\nthreads = "{SECRET}"',
        f'[queue]\nauto_redrive = "{SECRET}"',
        f'[orgs.beta]\nname = 1\ncurrency = "{SECRET}"\ntimezone = "UTC"',
        f'[orgs.acme.sources.meta]\nkind = "{SECRET.upper()}"',
        f'[transport]\naccess_token = "{SECRET}"',
        f'[orgs.acme]\nkey = "{SECRET}" "',
    ],
)
def test_a_value_in_the_wrong_place_is_not_repeated(path: Path, text: str):
    """A secret that was pasted somewhere never shows in an error."""
    with pytest.raises(ConfigError) as caught:
        load_settings(write(path, text), {})
    told = f"{caught.value!r} {caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    assert SECRET not in told
    assert SECRET.upper() not in told


def test_a_secret_in_the_environment_is_not_repeated(path: Path):
    """Nor does one that the environment brings."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {"TACTICS_GOLD__THREADS": SECRET})
    assert str(caught.value).startswith("gold.threads: ")
    assert SECRET not in str(caught.value)


def test_without_a_file_the_way_to_one_is_told(tmp_path: Path):
    """A missing file is answered with the command that makes one."""
    with pytest.raises(ConfigError, match="no configuration") as caught:
        load_settings(tmp_path / "none.toml", {})
    assert "tactics init" in caught.value.hint


@pytest.mark.parametrize("data", [b"[gold", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes):
    """What is no TOML, or no text, is refused with its place."""
    file = tmp_path / "broken.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"cannot be read: path=.*broken\.toml"):
        load_settings(file, {})


def test_settings_do_not_change(path: Path):
    """Settings that were checked stay as they are."""
    settings = load_settings(path, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.gold.threads = 5  # type: ignore[misc]


def test_unknown_keys_of_a_source_wait_for_its_connector(path: Path):
    """A vendor's own keys are kept as they are written."""
    text = '[orgs.acme.sources.ads]\nkind = "meta"\naccounts = ["1"]\nreport_mode = "async"\n'
    source = load_settings(write(path, text), {}).orgs["acme"].sources["ads"]
    assert (source.kind, source.accounts) == ("meta", ("1",))
    assert source.model_extra == {"report_mode": "async"}


numbers: st.SearchStrategy[Any] = st.integers(1, 64)


@settings(max_examples=25)  # each one reads a file
@given(numbers)
def test_a_number_arrives_as_it_is(threads: int):
    """A number in the environment is the same number in the settings."""
    loaded = load_settings(EXAMPLE, {"TACTICS_GOLD__THREADS": str(threads)})
    assert loaded.gold.threads == threads


EXAMPLE = Path(__file__).parents[2] / "tactics.toml.example"


def test_a_variable_below_a_value_is_refused(tmp_path: Path) -> None:
    """TACTICS_…__NAME__X, where name is no section, names the variable to correct."""
    file = tmp_path / "tactics.toml"
    file.write_text('[orgs.acme]\nname = "Acme"\n')
    with pytest.raises(ConfigError, match="name is no section") as caught:
        load_settings(file, {"TACTICS_ORGS__ACME__NAME__X": "1"})
    assert "TACTICS_ORGS__ACME__NAME__X" in caught.value.hint
