"""The connector in examples/ is installed as anybody would, and is then a source like any other."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.lab import result_of

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "connector"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
LINES = 120
TOKEN = "desk-token-71c3"
PUBLISHER = {"name": "Acme", "currency": "CHF", "timezone": "Europe/Zurich"}
ORG = '[orgs.acme]\nname = "Acme"\ncurrency = "EUR"\ntimezone = "Europe/Vienna"\n'
NOW = "2026-11-21T09:00:00+00:00"


def cost(day: str, campaign: str, cost: str, **changes: Any) -> dict[str, Any]:
    """Return one row of the desk."""
    row = {"day": day, "campaign": campaign, "name": f"Deal {campaign}", "cost": cost}
    return row | {"views": 1200, "clicks": 40, "sales": 3, "value": "90.10"} | changes


COSTS = [
    cost("2026-11-02", "d1", "12.505"),
    cost("2026-11-02", "d2", "7.40", views=0, clicks=0, sales=0, value="0"),
    cost("2026-11-17", "d1", "31.00"),
    cost("2026-11-17", "d2", "-2.25", name=None),  # a cancelled sale
    cost("2026-11-18", "d1", "1_000"),
]


class Desk(BaseHTTPRequestHandler):
    """The desk's API: two rows a page; the first call of all comes at a busy moment."""

    asked: list[str]

    def do_GET(self) -> None:
        """Answer as the desk's documentation says."""
        self.asked.append(self.path)
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            self._send({}, 401)
        elif len(self.asked) == 1:
            self._send({}, 429)
        elif urlsplit(self.path).path == "/v1/publishers/4711":
            self._send(PUBLISHER)
        else:
            self._send(self._page())

    def _page(self) -> dict[str, Any]:
        query = {name: value for name, [value] in parse_qs(urlsplit(self.path).query).items()}
        rows = [row for row in COSTS if query["from"] <= row["day"] <= query["to"]]
        page = int(query.get("page", "1"))
        onward = page + 1 if len(rows) > 2 * page else None
        return {"costs": rows[2 * page - 2 : 2 * page], "next_page": onward}

    def _send(self, document: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example into a folder of its own, without a network."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(
        EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("*.egg-info", "build")
    )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(folder / "site"), str(folder / "source")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "site"


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[str, list[str]]]:
    """Serve the desk on loopback; return its address and what it was asked."""
    asked: list[str] = []
    handler = type("Handler", (Desk,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture(scope="module")
def environment(
    site: Path, desk: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the environment of a home whose tactics.toml has the README's own lines."""
    home = tmp_path_factory.mktemp("home")
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    text = f'{ORG}{block}base_url = "{desk[0]}"\nhistory_days = 20\n'
    (home / "tactics.toml").write_text(text, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TACTICS_")}
    return kept | {
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "TACTICS_HOME": str(home),
        "TACTICS_CONFIG": str(home / "tactics.toml"),
        "TACTICS_NOW": NOW,
        "TACTICS_ACME_AFFILIATES_TOKEN": TOKEN,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "NO_COLOR": "1",
    }


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` with the example installed."""
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def synced(environment: dict[str, str]) -> dict[str, Any]:
    """Return the result of the first sync."""
    done = run(environment, "tactics", "sync", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return result_of(done)


def rows_of(environment: dict[str, str], sql: str) -> list[dict[str, Any]]:
    """Return the rows of `tactics sql`."""
    done = run(environment, "tactics", "sql", sql, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = result_of(done)["rows"]
    return found


def test_it_is_found_by_its_entry_point(environment: dict[str, str]):
    """A fresh tactics.toml offers the source, its credential and its option."""
    text = run(environment, "tactics", "init", "--print").stdout

    assert "# Affiliate desk. Credentials: token" in text
    assert "#[orgs.acme.sources.affiliates]" in text
    assert "#pending = true" in text


def test_a_sync_brings_its_rows_to_silver(environment: dict[str, str], synced: dict[str, Any]):
    """Typed, in the publisher's own currency; the number that is none is in quarantine."""
    columns = "date, campaign_id, campaign_name, spend, currency, conversions, quality_score"
    found = rows_of(environment, f"SELECT {columns} FROM silver.ad_performance ORDER BY ALL")
    refused = rows_of(environment, "SELECT rule, record FROM silver.quarantine")

    assert [
        (row["date"], row["campaign_id"], Decimal(str(row["spend"])), row["quality_score"])
        for row in found
    ] == [
        ("2026-11-02", "d1", Decimal("12.51"), 100),
        ("2026-11-02", "d2", Decimal("7.40"), 100),
        ("2026-11-17", "d1", Decimal("31.00"), 100),
        ("2026-11-17", "d2", Decimal("-2.25"), 80),
    ]
    assert {row["currency"] for row in found} == {"CHF"}
    assert [(row["rule"], json.loads(row["record"])["cost"]) for row in refused] == [
        ("not_a_number", "1_000")
    ]
    assert [(s["source"], s["outcome"]) for s in synced["sources"]] == [("affiliates", "ok")]


def test_gold_has_it_beside_the_others(environment: dict[str, str], synced: dict[str, Any]):
    """Its spend is in the daily ads and in the channels."""
    assert synced["status"] == "succeeded"
    [ads] = rows_of(environment, "SELECT sum(spend) AS spend, count(*) AS days FROM ad_daily")
    [channel] = rows_of(
        environment, "SELECT channel, sum(spend) AS spend FROM channel_daily GROUP BY ALL"
    )

    assert (Decimal(str(ads["spend"])), ads["days"]) == (Decimal("48.66"), 4)
    assert (channel["channel"], Decimal(str(channel["spend"]))) == ("Affiliates", Decimal("48.66"))


@pytest.mark.usefixtures("synced")
def test_it_was_asked_as_it_wants_to_be(desk: tuple[str, list[str]]):
    """The busy moment was waited out, every page asked for, and the option was sent along."""
    _, asked = desk

    assert asked[0] == asked[1] == "/v1/publishers/4711"
    assert any("page=2" in path for path in asked)
    assert all("pending=false" in path for path in asked[2:])


def test_it_keeps_the_promises_of_the_protocol(environment: dict[str, str]):
    """The suite that every built-in connector passes is run over the installed one."""
    suite = "tests/contract/test_connector_protocol.py"
    words = ("pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", "affiliates", suite)
    done = run(environment, *words)

    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) > 30


def test_it_is_small():
    """The connector with its SQL is at most 120 lines."""
    files = [path for name in ("*.py", "*.sql") for path in EXAMPLE.rglob(name)]
    assert len(files) == 2
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= LINES


def test_it_is_documented():
    """README: the commands; docs/connectors/custom.md: how to write one, with this one as example."""
    commands = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
    assert commands == [
        "pip install -e examples/connector",
        "tactics auth set acme affiliates token",
        "tactics sync",
    ]
    page = (ROOT / "docs" / "connectors" / "custom.md").read_text(encoding="utf-8")
    assert "../../examples/connector" in page
    assert "connectors/custom.md" in (ROOT / "README.md").read_text(encoding="utf-8")
