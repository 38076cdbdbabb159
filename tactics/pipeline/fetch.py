"""Fetches one slice to its end and loses no page on the way.

Pages and the moves of their slice are one transaction; a day counts as covered only together with
the last page. Reads no page beyond what the connector says of it.
"""

import datetime as dt
from dataclasses import replace

from tactics.connectors import Step, StreamSpec, mask
from tactics.crashpoint import reach
from tactics.errors import (
    CursorRejected,
    FieldRejected,
    RecordError,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.model import Priority, Slice, Window
from tactics.pipeline.access import Access
from tactics.pipeline.keep import PageKeeper
from tactics.pipeline.workspace import Workspace
from tactics.transport import Request, Response, redact

MAX_STEPS = 100_000  # of one slice: far above any real one, so that no vendor keeps us for ever
MAX_WAIT_SECONDS = 3 * 3600  # for one report; the vendor's job id is kept for the next sync


class SliceFetch:
    """Fetches slices of one stream, in smaller pieces or without a field where the vendor asks."""

    def __init__(
        self,
        workspace: Workspace,
        access: Access,
        spec: StreamSpec,
        today: dt.date,
        *,
        max_steps: int = MAX_STEPS,
    ) -> None:
        self.workspace = workspace
        self.access = access
        self.spec = spec
        self.today = today
        self.warnings: dict[str, None] = {}
        self._max_steps = max_steps
        self._whole = spec.slicing == "snapshot"
        self._keeper = PageKeeper(workspace, access.options, spec, today)
        self._last_body = b""

    def run(self, work: Slice) -> int:
        """Return the number of pages kept.

        Raises:
            SliceTooLarge: one day is too large for the vendor, even as a report job.
            FieldRejected: the vendor refuses a field that cannot be left out.
        """
        try:
            return self._attempt(work)
        except SliceTooLarge:
            if len(work.window) > 1:
                return sum(self.run(replace(work, window=half)) for half in _halves(work))
            if work.deep:
                raise
            return self.run(replace(work, deep=True))
        except FieldRejected as error:
            name = str(error.facts.get("field", ""))
            if not name or name in work.without:
                raise
            self.warnings[f"{work.key.source} refuses field {name}: fetched without it"] = None
            return self.run(replace(work, without=work.without | {name}))

    def _attempt(self, work: Slice) -> int:
        fetches = self.workspace.store.fetches
        work = replace(work, job=fetches.find_job(work.key, work.window))
        version = self.access.connector.manifest.api_version
        request_id = fetches.begin(work, api_version=version)
        self._keeper.begin()
        try:
            pages = self._follow(work, request_id)
        except TacticsError as error:
            self._give_up(work, request_id, error)
            raise
        self.workspace.store.jobs.complete_for_slice(work.key, work.window, snapshot=self._whole)
        return pages

    def _give_up(self, work: Slice, request_id: str, error: TacticsError) -> None:
        """Note the failure; of what can never be read the shape is kept, among the dead letters."""
        store = self.workspace.store
        with store.transaction():
            self._keeper.flush(request_id)
            store.fetches.fail(request_id, error)
            if isinstance(error, SliceTooLarge):
                store.fetches.forget_job(work.key, work.window)
            if isinstance(error, RecordError):
                evidence = mask(redact(self._last_body.decode("utf-8", "replace"))).encode()
                store.jobs.discard_now(
                    "ingest", work.key, error, payload=evidence, window=work.window
                )
        if isinstance(error, RecordError):
            reach("dead_letter.discarded")

    def _follow(self, work: Slice, request_id: str) -> int:
        """Ask, keep, ask what follows, until the vendor says that was all.

        Raises:
            CursorRejected: the vendor never says so.
        """
        request = self.access.connector.ask(work, self.access.options)
        asked: set[tuple[object, ...]] = set()
        pages, waited = 0, 0.0
        for _ in range(self._max_steps):
            self.workspace.valve.enter()
            step = self._exchange(work, request)
            self._note(work, step)
            self._keeper.keep(work, request_id, request, step)
            pages += step.page is not None
            if step.next is None:
                return pages
            if step.page is not None:
                _refuse_repetition(asked, step.next)
            waited = self._wait(step, waited)
            request = step.next
        raise CursorRejected("the slice has no end", pages=pages)

    def _exchange(self, work: Slice, request: Request) -> Step:
        connector, options = self.access.connector, self.access.options

        def read(response: Response) -> Step:
            self._last_body = response.body
            return connector.read(work, options, request, response)

        self._last_body = b""
        return self.access.client.exchange(
            request, read, account_id=work.key.account_id, priority=work.priority
        )

    def _wait(self, step: Step, waited: float) -> float:
        if waited + step.wait_seconds > MAX_WAIT_SECONDS:
            raise UpstreamUnavailable(
                "the vendor's report is not ready", hint="the next sync goes on waiting for it"
            )
        if step.wait_seconds:
            self.workspace.clock.sleep(step.wait_seconds)
        return waited + step.wait_seconds

    def _note(self, work: Slice, step: Step) -> None:
        self.warnings |= dict.fromkeys(step.warnings)
        if step.pause_seconds:
            self.access.throttle.slow_down(work.key.account_id, step.pause_seconds)
        if step.job:
            self.workspace.store.fetches.remember_job(work.key, work.window, step.job)


def _halves(work: Slice) -> tuple[Window, ...]:
    """Return the halves in the order that leaves no hole when the second one fails."""
    older, newer = work.window.halves()
    return (newer, older) if work.priority is Priority.BACKFILL else (older, newer)


def _refuse_repetition(asked: set[tuple[object, ...]], request: Request) -> None:
    identity = (request.method, request.path, request.query, request.headers, request.body)
    if identity in asked:
        raise CursorRejected(
            "the vendor repeats a cursor", hint="the slice starts again on the next sync"
        )
    asked.add(identity)
