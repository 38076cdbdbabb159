"""The generated example configuration."""

import re
import tomllib

import pytest

from tactics.cli.example import example_config
from tactics.config import Settings, SourceSettings
from tactics.connectors import find_connector, known_kinds, options_of


@pytest.fixture(scope="module")
def example():
    """Return the text with every connector in it."""
    return example_config([find_connector(kind) for kind in known_kinds()])


@pytest.fixture(scope="module")
def opened(example):
    """Return the settings with every `#` before a key or table taken away."""
    text = re.sub(r"^#(?=\S)", "", example, flags=re.MULTILINE)
    return Settings.model_validate(tomllib.loads(text))


def test_the_example_loads_as_it_is(example):
    """A fresh tactics.toml is valid: one organisation, no source, all defaults."""
    settings = Settings.model_validate(tomllib.loads(example))
    assert settings.orgs["acme"].sources == {}
    assert settings.model_dump(exclude={"orgs"}) == Settings().model_dump(exclude={"orgs"})


def test_every_shown_default_is_the_default(opened):
    """Taking every `#` away changes nothing but the sources."""
    assert opened.model_dump(exclude={"orgs"}) == Settings().model_dump(exclude={"orgs"})
    assert set(opened.orgs["acme"].sources) == set(known_kinds())


def test_every_vendor_option_shown_is_accepted(opened):
    """The connectors accept what the example offers."""
    for kind, source in opened.orgs["acme"].sources.items():
        options_of(source, find_connector(kind))


def test_every_key_is_there(example):
    """No setting is missing, whichever model it lives in."""
    models = [field.annotation for name, field in Settings.model_fields.items() if name != "orgs"]
    models += [find_connector(kind).options for kind in known_kinds()]
    keys = {key for model in models for key in model.model_fields} | set(
        SourceSettings.model_fields
    )
    shown = set(re.findall(r"^# ?(\w+)(?: =|:)", example, flags=re.MULTILINE))
    assert keys - {"kind"} <= shown


def test_credentials_are_named_and_never_asked_for_in_the_file(example):
    """Each source says which credentials it uses; none is a key."""
    for kind in known_kinds():
        for names in find_connector(kind).manifest.credentials:
            assert " + ".join(names) in example
            assert not any(re.search(rf"^#?{name} =", example, re.MULTILINE) for name in names)
