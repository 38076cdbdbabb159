"""Every registered connector keeps the promises of the protocol."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from tactics.config import SourceSettings
from tactics.connectors import (
    Connector,
    Options,
    StreamSpec,
    base_urls_of,
    find_connector,
    known_kinds,
    options_of,
    stream_sql,
)
from tactics.duck import DuckLimits, connect
from tactics.errors import ContractChanged, DecodeError, StreamError, TacticsError
from tactics.lake import find_table
from tactics.model import AccountInfo, Priority, Slice, StreamKey
from tactics.sql import header_facts
from tactics.transport import Response
from tests.unit.connectors.builders import COLUMNS, WEEK

NEEDED: dict[str, dict[str, Any]] = {
    "sheets": {"bookings_range": "Bookings", "crm_range": "CRM"},
    "ttd": {"partner_id": "abc", "report_template_id": 1},
}
CONNECTORS = [find_connector(kind) for kind in known_kinds()]
STREAMS = [(connector, spec) for connector in CONNECTORS for spec in connector.manifest.streams]
each_connector = pytest.mark.parametrize("connector", CONNECTORS, ids=lambda c: c.manifest.kind)
each_stream = pytest.mark.parametrize(
    ("connector", "spec"), STREAMS, ids=lambda x: getattr(x, "name", "") or x.manifest.kind
)


def settings_of(connector: Connector) -> SourceSettings:
    """Return the least that a connection of this kind must say."""
    return SourceSettings.model_validate(NEEDED.get(connector.manifest.kind, {}))


def options(connector: Connector) -> Options:
    """Return the options of the least configuration."""
    return options_of(settings_of(connector), connector)


def work_of(connector: Connector, spec: StreamSpec, **changes: Any) -> Slice:
    """Return a slice of a stream."""
    key = StreamKey("acme", connector.manifest.kind, "act_1", spec.name)
    info = AccountInfo("act_1", "Acme", "EUR", "Europe/Vienna")
    return Slice(key, WEEK, Priority.LIVE, info, **changes)


@each_connector
def test_the_manifest_is_complete(connector: Connector) -> None:
    """Whatever the pipeline, the transport and the operator need to know is there."""
    manifest = connector.manifest
    assert manifest.kind.isidentifier()
    assert manifest.title
    assert manifest.api_version
    assert manifest.breaker.endswith("_breaker")
    assert manifest.credentials
    assert all(manifest.credentials)
    assert manifest.streams
    assert manifest.requests_per_second > 0
    assert manifest.burst >= 1
    assert all(url.startswith("https://") for url in manifest.base_urls.values())
    assert "api" in manifest.base_urls


@each_stream
def test_the_stream_spec_is_consistent(connector: Connector, spec: StreamSpec) -> None:
    """A day is not final while it is still being read again; windows have at least a day."""
    assert spec.entity_keys
    assert spec.slice_days >= 1
    assert spec.final_after_days >= spec.lookback_days or spec.slicing == "snapshot"


@each_connector
def test_base_urls_can_be_replaced(connector: Connector) -> None:
    """Every host of a vendor can be pointed at a proxy or the sandbox."""
    names = {
        name: "base_url" if name == "api" else f"{name}_base_url"
        for name in connector.manifest.base_urls
    }
    extra = {field: f"http://127.0.0.1:1/{name}" for name, field in names.items()}
    settings = SourceSettings.model_validate({**NEEDED.get(connector.manifest.kind, {}), **extra})
    options_of(settings, connector)  # the extra ones are options that the vendor knows
    assert set(base_urls_of(settings, connector).values()) == set(extra.values())


@each_connector
def test_options_are_described(connector: Connector) -> None:
    """Each key has a description, from which the example configuration is made."""
    assert all(field.description for field in connector.options.model_fields.values())


@each_connector
def test_options_survive_json(connector: Connector) -> None:
    """Silver reads the options as JSON beside each page."""
    mine = options(connector)
    assert connector.options.model_validate_json(mine.model_dump_json()) == mine


@each_stream
def test_the_sql_compiles_and_returns_the_columns(
    connector: Connector, spec: StreamSpec, tmp_path: Path
) -> None:
    """The columns of the silver table, in their types, with rule, record and position."""
    connection = connect(None, DuckLimits(tmp_path))
    connection.execute(f"CREATE TABLE pages ({COLUMNS})")
    described = connection.execute(f"DESCRIBE {stream_sql(connector, spec.name)}").fetchall()
    connection.close()
    found = {name: kind for name, kind, *_ in described}
    wanted = dict(find_table(spec.table).columns)
    assert found.pop("record") == found.pop("rule") == "VARCHAR"
    assert found.pop("position") == "BIGINT"
    assert found.pop("page") == "INTEGER"
    del wanted["finality"]  # the lake knows it
    assert {name: kind.replace(" WITH TIME ZONE", "TZ") for name, kind in found.items()} == {
        name: kind.replace(" WITH TIME ZONE", "TZ") for name, kind in wanted.items()
    }


@each_stream
def test_the_sql_says_what_it_makes(connector: Connector, spec: StreamSpec) -> None:
    """Table, grain, units, source and the meaning of the quality score stand in the file's head."""
    folder = Path(inspect.getfile(type(connector))).parent
    assert folder.name.endswith(connector.manifest.kind)
    facts = header_facts((folder / f"{spec.name}.sql").read_text())
    assert facts["table"] == spec.table
    assert {"grain", "units", "source", "quality"} <= facts.keys()


@each_stream
def test_an_undecodable_page_is_one_refused_row(
    connector: Connector, spec: StreamSpec, tmp_path: Path
) -> None:
    """Also a page that the lake has emptied (NULL)."""
    connection = connect(None, DuckLimits(tmp_path))
    connection.execute(f"CREATE TABLE pages ({COLUMNS})")
    for payload in ("'{\"data\": ['", "NULL"):
        connection.execute(
            "INSERT INTO pages VALUES (1, 'o', 's', 'a', 't', 'r', '2026-11-01', '2026-11-07', 0,"
            f" now(), 'v', '{{}}', {payload})"
        )
    sql = stream_sql(connector, spec.name)
    rows = connection.execute(f"SELECT rule, count(*) FROM ({sql}) GROUP BY rule").fetchall()
    connection.close()
    assert rows == [("page_undecodable", 2)]


@each_stream
def test_asking_is_pure(connector: Connector, spec: StreamSpec) -> None:
    """The same slice is asked for in the same way, with no credential in it."""
    work = work_of(connector, spec)
    first, second = (connector.ask(work, options(connector)) for _ in range(2))
    assert first == second
    assert first.base in connector.manifest.base_urls
    assert first.path.startswith("/")
    assert not {name for name, _ in first.query} & {"access_token", "key", "token"}
    assert not {name for name, _ in first.headers} & {"authorization"}
    assert connector.ask_account("act_1", options(connector)) == connector.ask_account(
        "act_1", options(connector)
    )


# Looks like nonsense, and is how a vendor says that there is nothing: dv360 begins with a list of
# what is saved, Google Ads streams no batch, Search Console leaves the only key out.
NOTHING_THERE = {"dv360": b"{}", "google_ads": b"[]", "gsc.sitemaps": b"{}"}
BROKEN = [
    b"",
    b"<html>hello</html>",
    b'{"data": [',
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'"text"',
    b"5",
]


@each_stream
@pytest.mark.parametrize("body", BROKEN)
def test_reading_nonsense_ends_in_a_known_error(
    connector: Connector, spec: StreamSpec, body: bytes
) -> None:
    """A body that is not the vendor's, with status 200, is a DecodeError or ends the stream."""
    kind = connector.manifest.kind
    if body in {NOTHING_THERE.get(kind), NOTHING_THERE.get(f"{kind}.{spec.name}")}:
        return
    work, mine = work_of(connector, spec), options(connector)
    request = connector.ask(work, mine)
    results = []
    for _ in range(2):
        with pytest.raises((DecodeError, StreamError)) as caught:
            connector.read(work, mine, request, Response(200, body))
        results.append((type(caught.value), str(caught.value)))
    assert results[0] == results[1]


@each_stream
@pytest.mark.parametrize("status", [*range(400, 430), 500, 501, 502, 503, 504, 520, 529])
def test_every_bad_status_is_classified(
    connector: Connector, spec: StreamSpec, status: int
) -> None:
    """No status passes as data, and none raises anything but our own errors."""
    work, mine = work_of(connector, spec), options(connector)
    request = connector.ask(work, mine)
    for body in BROKEN:
        with pytest.raises(TacticsError):
            connector.read(work, mine, request, Response(status, body))
        with pytest.raises(TacticsError):
            connector.read_account("act_1", mine, Response(status, body))


@each_connector
def test_an_account_that_makes_no_sense_is_refused(connector: Connector) -> None:
    """The account's answer is checked like any other."""
    for body in BROKEN:
        with pytest.raises((DecodeError, ContractChanged)):
            connector.read_account("act_1", options(connector), Response(200, body))


@each_connector
def test_streams_are_those_of_the_manifest(connector: Connector) -> None:
    """A connection reads streams that the manifest describes."""
    assert set(connector.streams(options(connector))) <= set(connector.manifest.streams)


@each_connector
def test_the_connector_is_documented(connector: Connector) -> None:
    """Its page names every option and every credential."""
    if "://" in connector.manifest.page:
        return  # somebody else's, out of reach
    page = (Path(__file__).parents[2] / connector.manifest.page).read_text()
    names = [*connector.options.model_fields, *connector.manifest.optional_credentials]
    names += [name for names in connector.manifest.credentials for name in names]
    assert [name for name in names if f"`{name}`" not in page] == []
