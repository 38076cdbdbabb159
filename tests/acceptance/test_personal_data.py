"""What vendors tell about people never reaches a file, a dead letter or a screen of ours."""

import re
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import duckdb
import pytest
import zstandard

from tactics.home import Home
from tactics.model import RunStatus
from tactics.sandbox import Fault, World, serve
from tactics.sandbox.api import Call, Reply
from tactics.sandbox.commerce import open_shop
from tests import ledger
from tests.lab import TODAY, Lab, result_of, troubles

# Those that know people; without an advertiser nobody has booked anything.
SOURCES = ("stripe", "shopify", "sheets", "klaviyo", "gsc", "ga4", "meta")
DAYS = 4
# Answers that cannot be read become dead letters: those that are full of people.
SPOILT = {
    "stripe": "/v1/balance_transactions",
    "sheets": "*/values:batchGet",
    "klaviyo": "/api/segments",
    "gsc": "*/searchAnalytics/query",
}
# An address in whatever form (our own robots are nobody), a telephone number, a name, a street.
PERSONAL = re.compile(
    rb"(?:@|%40)(?![\w-]+-sandbox\.iam\.)[\w-]+\.example"
    rb"|\+43[ \d]{6,}|\bJane \w+|\bjane\.doe|Customer of #|Ada of |Testgasse|\bRing 1\b"
    rb"|192\.0\.2\.17|leave at the door",
    re.IGNORECASE,
)


class Witness(World):
    """Vendors that remember what they were asked and what they said."""

    def __init__(self, *sources: str) -> None:
        super().__init__(today=TODAY, days=DAYS, orgs=("acme",), sources=sources)
        self.asked: list[Call] = []
        self.said: dict[str, bytes] = {}

    def answer(self, call: Call) -> Reply:
        """Answer, and keep the words."""
        reply = super().answer(call)
        self.asked.append(call)
        self.said[call.mount] = self.said.get(call.mount, b"") + reply.content()
        return reply

    def planted(self) -> set[str]:
        """Return what the vendors' books hold of customers and contacts."""
        books = self._scene.payments("acme")
        people = open_shop(books).customers.values()
        deals = self._scene.orgs["acme"].deals
        return {
            *(person.email for person in people),
            *(f"Jane {person.customer_id}" for person in people),
            *(charge.customer for charge in books.charges),
            *(f"Customer of {charge.order}" for charge in books.charges),
            *(deal.contact_email for deal in deals),
            *(deal.phone for deal in deals),
        }


@dataclass
class Shown:
    """A home, and every word that commands printed about it."""

    lab: Lab
    world: Witness
    words: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    letters: int = 0

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command and keep what it prints."""
        done = self.lab.command(*command)
        self.words += [done.stdout, done.stderr]
        return done

    def look_at_letters(self) -> None:
        """Look at all dead letters, in each way that there is."""
        letters = result_of(self.run("dlq", "list", "--json"))["rows"]
        for letter in letters:
            assert self.run("dlq", "inspect", str(letter["job_id"])).returncode == 0
        assert self.run("dlq", "export", str(self.lab.home.root / "letters.jsonl")).returncode == 0
        self.letters += len(letters)


@contextmanager
def open_shown(folder: Path, *sources: str) -> Iterator[Shown]:
    """Serve witnesses to an empty home."""
    world = Witness(*sources)
    with serve(world) as sandbox:
        yield Shown(Lab(world, sandbox, Home(folder / "home").create()), world)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Return a home after a sync that made dead letters; all were looked at."""
    with open_shown(tmp_path_factory.mktemp("people"), *SOURCES) as shown:
        plant = shown.lab.plant
        shown.faults = [plant("truncated_json", api, path=path) for api, path in SPOILT.items()]
        shown.faults.append(plant("personal", "ga4", path="*:runReport", after=2))
        shown.run("sync", "--json")
        shown.look_at_letters()
        yield shown


@pytest.fixture(scope="module")
def healed(shown: Shown) -> Shown:
    """Return the same home after another sync, which went well."""
    result = shown.lab.sync()
    assert result.status is RunStatus.SUCCEEDED, troubles(result)
    ledger.assert_same(ledger.of_silver(shown.lab), ledger.of_vendors(shown.lab))
    return shown


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, shown: Shown) -> Iterator[Shown]:
    """Return another home of the same shop, whose customers could not be read at first."""
    graphql = [call for call in shown.world.asked if call.path.endswith("graphql.json")]
    before = next(n for n, call in enumerate(graphql) if b"query Customers" in call.body)
    with open_shown(tmp_path_factory.mktemp("other"), "shopify") as other:
        other.faults = [other.lab.plant("truncated_json", "shopify", after=before)]
        other.lab.sync()
        other.look_at_letters()
        other.lab.sync()
        yield other


def contents(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file as it lies there, and again with all that is packed in it unpacked."""
    for path in filter(Path.is_file, home.rglob("*")):
        name, raw = str(path.relative_to(home)), path.read_bytes()
        yield name, raw.replace(b"\0", b"")  # whole pages of databases are empty
        match raw[:16]:
            case b"SQLite format 3\x00":
                yield name, b"\n".join(_cells_of_sqlite(path))
            case head if head.startswith(b"PAR1"):
                with duckdb.connect() as reader:
                    yield name, _texts(reader, f"read_parquet('{path}')")
            case head if head.startswith(b"Obj\x01"):
                yield name, _unpack_avro(raw)
            case head if head[8:12] == b"DUCK":
                yield name, b"\n".join(_tables_of_duckdb(path))


def _cells_of_sqlite(path: Path) -> Iterator[bytes]:
    """Yield what a reader sees, the write-ahead log included; packed bodies unpacked."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')
            yield from map(_unpack, chain.from_iterable(rows))


def _unpack(cell: object) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    packed = cell.startswith(zstandard.FRAME_HEADER)
    return zstandard.ZstdDecompressor().decompressobj().decompress(cell) if packed else cell


def _tables_of_duckdb(path: Path) -> Iterator[bytes]:
    with duckdb.connect(path, read_only=True) as database:
        for (table,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            yield _texts(database, f'"{table}"')


def _texts(connection: duckdb.DuckDBPyConnection, table: str) -> bytes:
    return repr(connection.sql(f"SELECT COLUMNS(*)::VARCHAR FROM {table}").fetchall()).encode()


def _unpack_avro(raw: bytes) -> bytes:
    """Return the blocks of an Avro file: between its marks two numbers, then deflated data."""
    found = b""
    for block in raw.split(raw[-16:])[1:-1]:
        start = 0
        for _ in range(2):
            while block[start] & 0x80:
                start += 1
            start += 1
        found += zlib.decompress(block[start:], -zlib.MAX_WBITS)
    return found


def find_people(shown: Shown) -> list[tuple[str, set[bytes]]]:
    """Return where something personal stands, with some of it."""
    places = [*contents(shown.lab.home.root), ("printed", "\n".join(shown.words).encode())]
    assert len(places) > 20
    return [(name, found) for name, text in places if (found := set(PERSONAL.findall(text)))]


def test_the_vendors_do_tell_about_people(healed: Shown):
    """What is looked for is in the answers of every vendor, and nothing planted is overlooked."""
    planted = healed.world.planted()
    assert len(planted) > 500
    assert [text for text in planted if not PERSONAL.search(text.encode())] == []
    told = {name for name, words in healed.world.said.items() if PERSONAL.search(words)}
    assert told >= set(SOURCES) - {"klaviyo", "meta"}  # of them we ask nothing personal


def test_dead_letters_tell_nothing_about_people(shown: Shown):
    """After answers that nobody can read, no file and no `tactics dlq` has anything personal."""
    assert [fault.fired for fault in shown.faults] == [1] * len(shown.faults)
    assert shown.letters == len(SPOILT)
    assert find_people(shown) == []


def test_no_file_tells_anything_about_people(healed: Shown):
    """With everything brought home, no layer, log, database or screen has anything personal."""
    assert find_people(healed) == []


def test_unread_customers_are_in_no_dead_letter(other: Shown):
    """A page of customers that breaks off leaves a dead letter without their addresses."""
    assert [fault.fired for fault in other.faults] == [1]
    assert other.letters == 1
    assert find_people(other) == []


def hashes(shown: Shown) -> dict[str, str]:
    """Return the pseudonym of every customer."""
    return dict(shown.lab.silver("SELECT customer_id, email_hash FROM silver.customers"))


def test_a_customers_hash_is_stable_in_one_home_only(shown: Shown, other: Shown):
    """Read twice, a customer has the same pseudonym; another home has another one."""
    before = hashes(shown)
    assert len(set(before.values())) == len(before) > 10
    assert all(re.fullmatch(r"[0-9a-f]{64}", text) for text in before.values())
    calls = len(shown.world.asked)
    assert shown.lab.sync("shopify").status is RunStatus.SUCCEEDED
    assert any(b"query Customers" in call.body for call in shown.world.asked[calls:])
    assert hashes(shown) == before
    elsewhere = hashes(other)
    assert elsewhere.keys() == before.keys()
    assert not set(elsewhere.values()) & set(before.values())
