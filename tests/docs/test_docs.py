"""What the documents say is what the program does."""

import functools
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tactics.cli.example import example_config
from tactics.config import load_settings
from tactics.connectors import BUILT_IN, find_connector

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `tactics …`."""
    command = [sys.executable, "-m", "tactics", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment or None
    )


@functools.cache
def help_of(*nouns: str) -> subprocess.CompletedProcess[str]:
    """Return what `tactics … --help` prints."""
    return run(*nouns, "--help")


def commands_in(page: Path) -> list[list[str]]:
    """Return the `tactics` commands of the console blocks of a page."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    found = [line.removeprefix("$ ") for line in lines if line.startswith("$ tactics ")]
    return [shlex.split(line, comments=True)[1:] for line in found]


def test_the_reference_is_up_to_date():
    """docs/reference.md is what the code generates."""
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "-I", str(ROOT), "docs/reference.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_configuration_is_generated_and_loads(tmp_path: Path):
    """tactics.toml.example is what the settings generate, and it is a valid configuration."""
    text = (ROOT / "tactics.toml.example").read_text(encoding="utf-8")
    assert text == example_config([find_connector(kind) for kind in BUILT_IN])
    path = tmp_path / "tactics.toml"
    path.write_text(text, encoding="utf-8")
    assert load_settings(path, {}).orgs


def test_every_key_of_the_example_is_accepted(tmp_path: Path):
    """The example with every comment sign taken away is still a valid configuration."""
    text = (ROOT / "tactics.toml.example").read_text(encoding="utf-8")
    path = tmp_path / "tactics.toml"
    path.write_text(re.sub(r"^#(?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE), encoding="utf-8")
    assert tomllib.loads(path.read_text(encoding="utf-8"))
    settings = load_settings(path, {})
    assert set(settings.orgs["acme"].sources) == set(BUILT_IN)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    """Each relative link of a page leads to a file."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path):
    """Each command that a page shows is one the program has."""
    for words in commands_in(page):
        verbs = [word for word in words if not word.startswith("-")]
        whole = len(verbs) > 1 and help_of(*verbs[:2]).returncode == 0
        done = help_of(*verbs[: 2 if whole else 1])
        assert done.returncode == 0, (words, done.stderr)
        for option in (word for word in words if word.startswith("--")):
            assert option in done.stdout, (words, option)


def test_every_connector_has_its_page():
    """docs/connectors has a page per kind of source, which names its credentials."""
    for kind in BUILT_IN:
        text = (ROOT / "docs" / "connectors" / f"{kind}.md").read_text(encoding="utf-8")
        for names in find_connector(kind).manifest.credentials:
            assert all(name in text for name in names)


def test_every_command_is_documented():
    """docs/cli.md names every command that `tactics --help` lists."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    done = run("--help")
    listed = re.findall(r"^  ([a-z]+)  ", done.stdout, re.MULTILINE)
    assert len(listed) >= 14
    assert [name for name in listed if f"tactics {name}" not in text] == []


def test_the_changelog_begins_with_what_is_unreleased():
    """CHANGELOG.md keeps a changelog."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in text


def test_a_command_without_a_home_says_what_to_do(tmp_path: Path):
    """In an empty HOME the error names the next command."""
    done = run("report", "pacing", HOME=str(tmp_path), PATH="/usr/bin:/bin")
    assert done.returncode == 4
    assert "tactics sync" in done.stderr
    assert json.dumps(done.stdout) == '""'
