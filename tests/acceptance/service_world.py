"""Runs in the machine of test_systemd.py: `service_world.py serve|fetching|synced|compare …`."""

import datetime as dt
import os
import signal
import sys
import time
from pathlib import Path

from tactics.clock import SystemClock
from tactics.config import load_settings
from tactics.home import Home
from tactics.model import RunStatus
from tactics.pipeline import Workspace, query
from tactics.sandbox import Fault, World, serve
from tactics.store import Store
from tests.integration.test_sync import AD_SUMS, MONEY_SUMS

PORT = 8899
DAYS = 6
PATIENCE_SECONDS = 120


def make_world() -> World:
    """Return the same world in every process."""
    today = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - the daemon's clock is the real one
    return World(today=today, days=DAYS, orgs=("acme",), sources=("meta", "stripe"))


def serve_slowly(folder: str) -> None:
    """Write configuration and credentials into `folder` and serve; SIGUSR1 makes it quick."""
    world = make_world()
    world.faults.plant(Fault("latency", "meta", times=None, seconds=0.4))
    signal.signal(signal.SIGUSR1, lambda *_: world.faults.clear())
    with serve(world, port=PORT) as server:
        write_folder(Path(folder), world, server.url)
        while True:
            signal.pause()


def write_folder(folder: Path, world: World, url: str) -> None:
    """Write tactics.toml and one file for each credential, as docs/service.md has it."""
    secrets = folder / "credentials"
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    for variable, text in world.environment(url).items():
        _, org, source, name = variable.lower().split("_", 3)
        path = secrets / f"{org}.{source}.{name}"
        path.write_text(text)
        path.chmod(0o600)
    (folder / "tactics.toml.new").write_text(world.config_toml(url))
    (folder / "tactics.toml.new").rename(folder / "tactics.toml")


def is_fetching(store: Store) -> bool:
    """Return whether pages have come in while a run goes on."""
    latest = store.runs.latest()
    return bool(latest and latest.status is RunStatus.RUNNING and store.bus.get(1))


def has_synced(store: Store) -> bool:
    """Return whether a sync has brought everything home."""
    runs = store.runs.list_runs(99)
    return any((run.command, run.status) == ("sync", RunStatus.SUCCEEDED) for run in runs)


def wait_for(home: Home, what: str) -> bool:
    """Return whether it came about in time."""
    met = {"fetching": is_fetching, "synced": has_synced}[what]
    limit = time.monotonic() + PATIENCE_SECONDS
    with Store.open(home.database, SystemClock(), readonly=True) as store:
        while time.monotonic() < limit and not met(store):
            time.sleep(0.05)  # noqa: TID251 - a real daemon takes real time
        return met(store)


def compare(home: Home, config: Path) -> None:
    """Compare gold's ads and silver's money with what the vendors say."""
    world = make_world()
    totals = world.totals().between(world.today - dt.timedelta(days=DAYS + 40), world.today)
    names = ("org_id", "source", "account_id", "campaign_id", "day", "campaign_name")
    ads = sorted(
        (*key, s.impressions, s.clicks, s.spend, s.conversions, s.conversion_value, s.video_views)
        for key, s in totals.ad_sums(*names).items()
    )
    money = sorted(
        (org_id, day, currency.upper(), s.amount_minor, s.fee_minor, s.net_minor)
        for (org_id, day, currency), s in totals.money_sums("org_id", "day").items()
    )
    settings = load_settings(config, os.environ)
    with Workspace.open(settings, home, SystemClock(), environment=os.environ) as workspace:
        assert query(workspace, AD_SUMS)[1] == ads
        assert query(workspace, MONEY_SUMS)[1] == money
    assert ads
    assert money


def main(what: str, *words: str) -> int:
    """Do one of the things above."""
    match what:
        case "serve":
            serve_slowly(*words)
        case "compare":
            compare(Home(Path(words[0])), Path(words[1]))
        case _:
            return 0 if wait_for(Home(Path(words[0])), what) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
