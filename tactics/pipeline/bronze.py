"""Step 2: pages from the log to `bronze.pages`, whole and once.

Refuses a page that is not what its envelope says; changes none.
"""

import hashlib
from collections.abc import Iterator, Sequence

from tactics.errors import DecodeError
from tactics.model import TOPIC_CLEANED, TOPIC_RAW, RawPage, StreamKey
from tactics.pipeline.delivery import Delivery, Emission, Written
from tactics.pipeline.workspace import Workspace
from tactics.store import Event


def bronze_stage(workspace: Workspace) -> Delivery:
    """Return the stage that writes bronze."""

    def write(events: Sequence[Event]) -> Written:
        pages = workspace.store.fetches.raw_pages(events)
        for page in pages:
            inspect_page(page)
        load_id = name_load("bronze", [page.log_seq for page in pages])
        load = workspace.lake.append_pages(pages, load_id)
        return Written(load.written, tuple(_emissions(pages, load_id)))

    return Delivery(workspace, "bronze", TOPIC_RAW, write)


def _emissions(pages: Sequence[RawPage], load_id: str) -> Iterator[Emission]:
    """Yield an event per stream: what silver cannot do for one must not hold another back."""
    requests: dict[StreamKey, dict[str, None]] = {}
    for page in pages:
        requests.setdefault(page.key, {})[page.request_id] = None
    for key, request_ids in requests.items():
        yield Emission(TOPIC_CLEANED, key, {"load_id": load_id, "request_ids": [*request_ids]})


def name_load(stage: str, sequence: Sequence[int]) -> str:
    """Return the id of a load: the same events always get the same one."""
    digest = hashlib.sha256(",".join(map(str, sequence)).encode()).hexdigest()[:16]
    return f"{stage}-{sequence[0]}-{sequence[-1]}-{digest}"


def inspect_page(page: RawPage) -> None:
    """Check structure (text, not empty) and completeness (inside its window) of one page.

    Raises:
        DecodeError: the page is empty or no UTF-8 text.
    """
    if not page.payload:
        raise DecodeError("a page is empty", request_id=page.request_id, page=page.page)
    try:
        page.payload.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise DecodeError(
            "a page is not UTF-8 text", request_id=page.request_id, page=page.page
        ) from exc
