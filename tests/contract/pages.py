"""A page of every stream, as the sandbox serves it: what the fuzzing of silver starts from.

`python -m tests.contract.pages` writes `pages.json` anew from a sync of all ten sources.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tactics.connectors import find_connector, stream_sql
from tactics.duck import Connection, DuckLimits, connect
from tactics.model import TOPIC_RAW
from tactics.pipeline import Workspace
from tactics.store import Event
from tests.lab import open_lab
from tests.unit.connectors.builders import COLUMNS, INSERT, run_silver

KEPT = Path(__file__).with_name("pages.json")
DAYS = 9
SMALL = 6_000  # larger pages say nothing new: of their lists the first items are kept
ITEMS = 4


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a stream, with what silver reads beside it."""

    kind: str
    stream: str
    start: str
    end: str
    request: str
    payload: str

    def insert(self, connection: Connection, log_seq: int, payload: str | None = None) -> None:
        """Put the page, or another body in its place, into the relation `pages`."""
        facts = (self.kind, self.stream, f"r{log_seq}", self.start, self.end, 0)
        body = self.payload if payload is None else payload
        values = (log_seq, *facts, "2026-11-21 09:00:00+00", self.request, body)
        connection.execute(INSERT, values)


def read_pages() -> dict[tuple[str, str], Page]:
    """Return the kept page of each stream, by kind and stream."""
    pages = [Page(**facts) for facts in json.loads(KEPT.read_text(encoding="utf-8"))]
    return {(page.kind, page.stream): page for page in pages}


def open_pages(folder: Path) -> Connection:
    """Return a DuckDB with an empty relation `pages`."""
    connection = connect(None, DuckLimits(folder))
    connection.execute(f"CREATE TABLE pages ({COLUMNS})")
    return connection


def rows_of(connection: Connection, page: Page) -> list[dict[str, Any]]:
    """Return what the stream's SQL makes of the pages there are."""
    sql = stream_sql(find_connector(page.kind), page.stream)
    return run_silver(connection, sql)


def _collect(workspace: Workspace, scratch: Path) -> list[Page]:
    """Return of each stream a page with some good rows."""
    connection = open_pages(scratch)
    best: dict[tuple[str, str], tuple[int, Page]] = {}
    for event in workspace.store.bus.read(TOPIC_RAW, "fuzzing", 100_000):
        page = shortened(_page(event))
        connection.execute("DELETE FROM pages")
        page.insert(connection, 1)
        good = sum(row["rule"] is None for row in rows_of(connection, page))
        score = min(good, ITEMS)
        place = page.kind, page.stream
        if place not in best or score > best[place][0]:
            best[place] = (score, page)
    connection.close()
    return [page for _, (_, page) in sorted(best.items())]


def _page(event: Event) -> Page:
    assert event.key is not None
    assert event.body is not None
    header = event.header
    window = header["window_start"], header["window_end"]
    place = event.key.source, event.key.stream
    return Page(*place, *window, header["request"], event.body.decode())


def shortened(page: Page) -> Page:
    """Return a large page with the first items of its lists."""
    if len(page.payload) <= SMALL:
        return page
    payload = json.dumps(_cut(json.loads(page.payload)), ensure_ascii=False)
    return replace(page, payload=payload)


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return [_cut(item) for item in value[:ITEMS]] if isinstance(value, list) else value


def main() -> None:
    """Sync all sources and keep a page of each stream."""
    with (
        TemporaryDirectory() as folder,
        open_lab(Path(folder), days=DAYS, orgs=("acme",), sources=None) as lab,
    ):
        lab.sync()
        with lab.workspace() as workspace:
            pages = _collect(workspace, Path(folder))
        hidden = [replace(one, request=one.request.replace(lab.sandbox.url, "")) for one in pages]
    text = json.dumps([asdict(page) for page in hidden], indent=1, ensure_ascii=False)
    KEPT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
