"""Keeps what a slice brought: a page with the move of its fetch, and the days that it completes.

One transaction each, so that a day is covered only together with its last page. Asks nobody.
"""

import datetime as dt
import json

from tactics.connectors import Options, Step, StreamSpec, finality, pseudonymize
from tactics.crashpoint import reach
from tactics.model import Finality, Slice
from tactics.pipeline.workspace import Workspace
from tactics.store import pack
from tactics.transport import Request, redact


class PageKeeper:
    """Keeps the pages of one stream as they were seen on `today` in the account's time zone."""

    def __init__(
        self, workspace: Workspace, options: Options, spec: StreamSpec, today: dt.date
    ) -> None:
        self._workspace = workspace
        self._options = options
        self._spec = spec
        self._today = today

    def keep(self, work: Slice, request_id: str, request: Request, step: Step) -> None:
        """Commit the page, and with the last one the days that it completes."""
        if step.page is None and step.next is not None:
            return
        store = self._workspace.store
        body = pack(self.storable(step))
        with store.transaction():
            if step.page is not None:
                described = self._describe(work, request)
                store.fetches.append_page(request_id, body, request=described)
                reach("ingest.page_appended")
            if step.unchanged:
                store.fetches.confirm(request_id, day=self._today)
            elif step.next is None:
                whole = self._spec.slicing == "snapshot"
                store.fetches.complete(
                    request_id, days=self._days(work), marker=step.marker, replace=whole
                )
        reach("ingest.page_committed" if step.next is not None else "ingest.slice_completed")

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
