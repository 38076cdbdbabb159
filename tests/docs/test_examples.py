"""Each example configuration is one that the program accepts as it stands."""

from pathlib import Path

import pytest

from tactics.config import load_settings
from tactics.connectors import find_connector, options_of

CONFIGS = sorted((Path(__file__).parent.parent.parent / "examples" / "config").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_an_example_configuration_is_accepted(path: Path):
    """Settings, kinds of sources and the vendors' own keys are all valid."""
    settings = load_settings(path, {})
    kinds = set()
    for org in settings.orgs.values():
        for name, source in org.sources.items():
            connector = find_connector(source.kind or name)
            assert connector.streams(options_of(source, connector))
            kinds.add(connector.manifest.kind)
    assert kinds


def test_there_are_examples():
    """The folder of examples has not moved away from under its test."""
    assert len(CONFIGS) >= 2
