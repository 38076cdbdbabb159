"""Keeps what a slice brought: its pages with the moves of its fetch, and the days it completes.

A few pages are one transaction, and a day is covered only together with its last page. Pages that
a crash takes along belong to a slice that is asked for again. Asks nobody.
"""

import datetime as dt
import json

from tactics.connectors import Options, Step, StreamSpec, finality, pseudonymize
from tactics.crashpoint import reach
from tactics.model import Finality, Slice
from tactics.pipeline.workspace import Workspace
from tactics.store import Packed, pack
from tactics.transport import Request, redact

# A commit waits for the disk: at eight pages that is little beside fetching them.
# Source: measured, docs/decisions.md (2026-11-22).
BATCH_PAGES = 8
BATCH_BYTES = 8 * 2**20


class PageKeeper:
    """Keeps the pages of one stream as they were seen on `today` in the account's time zone."""

    def __init__(
        self, workspace: Workspace, options: Options, spec: StreamSpec, today: dt.date
    ) -> None:
        self._workspace = workspace
        self._options = options
        self._spec = spec
        self._today = today
        self._pending: list[tuple[Packed, str]] = []

    def begin(self) -> None:
        """Forget the pages of a slice that came to nothing."""
        self._pending.clear()

    def keep(self, work: Slice, request_id: str, request: Request, step: Step) -> None:
        """Commit the pages so far when they are many, or with the last one the days it completes."""
        page = self.storable(step)
        if page is not None:
            self._pending.append((pack(page), self._describe(work, request)))
        if step.next is None:
            self._finish(work, request_id, step)
        elif len(self._pending) >= BATCH_PAGES or self._pending_bytes() >= BATCH_BYTES:
            self.flush(request_id)

    def flush(self, request_id: str) -> None:
        """Commit the pages that wait for others."""
        if self._pending:
            with self._workspace.store.transaction():
                self._append(request_id)
            reach("ingest.page_committed")

    def _finish(self, work: Slice, request_id: str, step: Step) -> None:
        store = self._workspace.store
        with store.transaction():
            self._append(request_id)
            if step.unchanged:
                store.fetches.confirm(request_id, day=self._today)
            else:
                whole = self._spec.slicing == "snapshot"
                store.fetches.complete(
                    request_id, days=self._days(work), marker=step.marker, replace=whole
                )
        reach("ingest.slice_completed")

    def _append(self, request_id: str) -> None:
        pages, self._pending = self._pending, []  # tried once: a sink that fails, fails the slice
        for body, described in pages:
            self._workspace.store.fetches.append_page(request_id, body, request=described)
            reach("ingest.page_appended")

    def _pending_bytes(self) -> int:
        return sum(len(body.data or b"") for body, _ in self._pending)

    def storable(self, step: Step) -> bytes | None:
        """Return the page of a step with nobody in it."""
        if step.page is None or not step.pseudonyms:
            return step.page
        return pseudonymize(step.page, step.pseudonyms, self._workspace.pseudonym_key)

    def _days(self, work: Slice) -> list[tuple[dt.date, Finality]]:
        if self._spec.slicing == "snapshot":
            return [(self._today, Finality.OPEN)]
        if self._spec.slicing == "daily":
            return [(self._today, Finality.FINAL)]
        return [(day, finality(self._spec, day, self._today)) for day in work.window.days()]

    def _describe(self, work: Slice, request: Request) -> str:
        """Return the redacted request as JSON, with what silver must know to read the page."""
        account = work.account
        facts = {"currency": account.currency, "timezone": account.timezone, "name": account.name}
        described = {
            "method": request.method,
            "path": request.path,
            "query": dict(request.query),
            "account": facts | account.facts,
            "options": self._options.model_dump(mode="json"),
        }
        return redact(json.dumps(described))
