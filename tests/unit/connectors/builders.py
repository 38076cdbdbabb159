"""Slices, responses and pages for the connector tests, and a way to run a stream's SQL."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tactics.connectors import Connector, stream_sql
from tactics.duck import Connection, DuckLimits, connect
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.transport import Response

TODAY = dt.date(2026, 11, 21)
WEEK = Window(dt.date(2026, 11, 1), dt.date(2026, 11, 7))
COLUMNS = (
    "log_seq BIGINT, org_id VARCHAR, source VARCHAR, account_id VARCHAR, stream VARCHAR,"
    " request_id VARCHAR, window_start DATE, window_end DATE, page INTEGER,"
    " fetched_at TIMESTAMPTZ, api_version VARCHAR, request VARCHAR, payload VARCHAR"
)
INSERT = "INSERT INTO pages VALUES (?, 'acme', ?, 'act_1', ?, ?, ?, ?, ?, ?, 'v1', ?, ?)"


def account(**changes: Any) -> AccountInfo:
    """Return an account in Vienna that pays in euro."""
    facts: dict[str, Any] = {"name": "Acme", "currency": "EUR", "timezone": "Europe/Vienna"}
    return AccountInfo("act_1", **{**facts, **changes})


def slice_of(
    stream: str, *, account_id: str = "act_1", info: AccountInfo | None = None, **changes: Any
) -> Slice:
    """Return a slice of one week."""
    key = StreamKey("acme", "source", account_id, stream)
    facts: dict[str, Any] = {
        "window": WEEK,
        "priority": Priority.LIVE,
        "account": info or account(),
    }
    return Slice(key, **{**facts, **changes})


def respond(value: object, status: int = 200, **headers: str) -> Response:
    """Return a response with a JSON body (bytes stay bytes); `_` in a header name is `-`."""
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return Response(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


def described(options: dict[str, object] | None = None, **account: object) -> dict[str, object]:
    """Return the request facts that silver reads beside a page."""
    known = {"currency": "EUR", "timezone": "Europe/Vienna", **account}
    return {"method": "GET", "path": "/", "query": {}, "account": known, "options": options or {}}


def run_silver(connection: Connection, sql: str) -> list[dict[str, Any]]:
    """Return what a stream's SQL makes of the pages; a relation would be planned twice."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE made AS {sql}")
    return rows_of(connection.execute("FROM made"))


def rows_of(answer: Connection) -> list[dict[str, Any]]:
    """Return the rows of what was executed, by the names of their columns."""
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


class Silver:
    """Runs the SQL of one stream over pages in memory."""

    def __init__(self, connector: Connector, stream: str, scratch: Path) -> None:
        self.connection = connect(None, DuckLimits(scratch))
        self.connection.execute(f"CREATE TABLE pages ({COLUMNS})")
        self.sql = stream_sql(connector, stream)
        self._source, self._stream, self._seq = connector.manifest.kind, stream, 0

    def clear(self) -> "Silver":
        """Forget all pages; opening a database anew costs more than the test."""
        self.connection.execute("DELETE FROM pages")
        self._seq = 0
        return self

    def add(
        self,
        payload: object,
        *,
        request: dict[str, object] | None = None,
        request_id: str = "r1",
        window: Window = WEEK,
    ) -> None:
        """Add one page; text and bytes are taken as they are."""
        text = payload.decode() if isinstance(payload, bytes) else payload
        self._seq += 1
        facts = (self._source, self._stream, request_id, window.start, window.end, self._seq - 1)
        fetched_at = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
        body = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        values = (self._seq, *facts, fetched_at, json.dumps(request or described()), body)
        self.connection.execute(INSERT, values)

    def rows(self) -> list[dict[str, Any]]:
        """Return what the SQL makes of the pages, in the vendor's order."""
        rows = run_silver(self.connection, self.sql)
        return sorted(rows, key=lambda row: (row["log_seq"], row["position"]))

    def row(self) -> dict[str, Any]:
        """Return the only row."""
        [row] = self.rows()
        return row

    def rules(self) -> list[str | None]:
        """Return the rule of each row, None for a good one."""
        return [row["rule"] for row in self.rows()]


def pick(row: dict[str, Any], names: Sequence[str]) -> list[Any]:
    """Return some columns of a row."""
    return [row[name] for name in names]
