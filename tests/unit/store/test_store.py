"""The store as a whole."""

import random
import subprocess
import sys

from tactics import store as package
from tactics.home import Home
from tactics.model import TOPIC_RAW
from tactics.store import Pruned, Store
from tests.support import FakeClock
from tests.unit.store.builders import KEY, fetch_days


def test_the_package_exports_what_it_names() -> None:
    """`__all__` is sorted and complete: every public name is there."""
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, type(sys))
    }
    assert sorted(package.__all__) == package.__all__
    assert public == set(package.__all__)


def test_the_import_loads_no_engine() -> None:
    """Listing dead letters must not pay for the lake, or for reading pages."""
    heavy = {
        "pyarrow",
        "duckdb",
        "_duckdb",
        "pyiceberg",
        "zstandard",
        "msgspec",
        "pydantic",
        "httpx",
    }
    code = f"import sys, tactics.store; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_health_tells_sizes_and_soundness(store: Store) -> None:
    """The WAL is visible, so that one that grows without bound is noticed."""
    store.bus.append("t", header={}, body=random.Random(1).randbytes(100_000))
    health = store.health(check=True)
    assert health.problems == ()
    assert health.schema_version == len(package.list_migrations())
    assert health.file_bytes > 0
    assert health.wal_bytes > 100_000


def test_space_of_pruned_pages_is_free(store: Store, clock: FakeClock) -> None:
    """Pruned pages leave room for new ones."""
    store.bus.append(TOPIC_RAW, header={}, body=random.Random(1).randbytes(500_000))
    store.bus.acknowledge(TOPIC_RAW, "bronze", 1)
    clock.advance(8 * 86400)
    store.bus.prune(7)
    assert store.health().free_bytes > 400_000


def test_closing_leaves_one_file(home: Home, clock: FakeClock) -> None:
    """The last one out moves everything into the file itself."""
    with Store.open(home.database, clock) as store:
        store.bus.append("t", header={})
    assert [file.name for file in home.root.glob("tactics.db*")] == ["tactics.db"]
    assert home.database.stat().st_size > 0


def test_pruning_says_what_went(store: Store, clock: FakeClock) -> None:
    """One call forgets what nobody needs, everywhere."""
    fetch_days(store)
    clock.advance(60)
    fetch_days(store)
    store.bus.acknowledge(TOPIC_RAW, "bronze", 1)
    clock.advance(100 * 86400)
    assert store.prune(cache_days=7) == Pruned(events=1, jobs=0, fetches=1, runs=0)


def test_a_key_needs_no_escaping(store: Store) -> None:
    """Names that a vendor chose are values, never SQL."""
    nasty = type(KEY)("a'b", 'x"; DROP TABLE events; --', "act_1", "☀")
    request_id = fetch_days(store, key=nasty)
    assert store.fetches.get_many([request_id])[request_id].key == nasty
    assert store.fetches.pages_of(request_id)[0].key == nasty
