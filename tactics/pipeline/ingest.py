"""Step 1: bring home what is missing or restated, one thread per source and a few for its accounts.

What is wrong with one account or stream stays there; what is wrong with the credential or the
network stops the source, and never another one. How one slice is fetched is in `fetch.py`.
"""

import datetime as dt
import functools
import threading
import zoneinfo
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tactics.connectors import Manifest, StreamSpec, plan_slices
from tactics.errors import CredentialError, IntegrityError, NetworkUnreachable, TacticsError
from tactics.model import AccountInfo, Priority, Slice, StreamKey, Window
from tactics.pipeline.access import Access, open_access
from tactics.pipeline.fetch import SliceFetch
from tactics.pipeline.result import Outcome, Problem, SourceOutcome
from tactics.pipeline.scope import Chosen, Progress, Scope
from tactics.pipeline.workspace import Workspace

ACCOUNT_MAX_AGE = dt.timedelta(hours=24)
SNAPSHOT_MAX_AGE = dt.timedelta(hours=24)  # volatile cells do not move Drive's marker
LONG_AGO = dt.timedelta(days=4000)


@dataclass(frozen=True, slots=True)
class Ingest:
    """The fetching that is going on, and its outcomes once it is over."""

    futures: Sequence[Future[SourceOutcome]]
    landed: threading.Event  # set whenever a slice is complete

    def running(self) -> bool:
        """Return whether a source is still being fetched."""
        return not all(future.done() for future in self.futures)

    def wait(self, seconds: float) -> None:
        """Return when a slice has landed, or after `seconds`."""
        self.landed.wait(seconds)
        self.landed.clear()

    def outcomes(self) -> tuple[SourceOutcome, ...]:
        """Return how each source fared (blocks until all are done)."""
        return tuple(future.result() for future in self.futures)


def start_ingest(
    workspace: Workspace, scope: Scope, progress: Progress, pool: ThreadPoolExecutor
) -> Ingest:
    """Start fetching every chosen source, one thread each."""
    landed = threading.Event()
    fetches = [
        SourceFetch(workspace, chosen, progress, landed, window=scope.window)
        for chosen in scope.chosen(workspace.settings)
    ]
    futures = [pool.submit(fetch.run) for fetch in fetches]
    for future in futures:
        future.add_done_callback(lambda _: landed.set())
    return Ingest(futures, landed)


@dataclass(slots=True)
class _StreamFetch:
    """One stream of one account, and what of it is still to be fetched, in order."""

    account_id: str
    name: str
    fetch: SliceFetch
    slices: list[Slice]

    def take(self, priority: Priority) -> Iterator[Slice]:
        """Yield the next slices, as long as they are this urgent."""
        while self.slices and self.slices[0].priority <= priority:
            yield self.slices.pop(0)


class SourceFetch:
    """Fetches one source: of all its accounts and streams the newest days first, history last."""

    def __init__(
        self,
        workspace: Workspace,
        chosen: Chosen,
        progress: Progress,
        landed: threading.Event,
        *,
        window: Window | None = None,
    ) -> None:
        self.workspace = workspace
        self.chosen = chosen
        self.progress = progress
        self.landed = landed
        self.window = window
        self.problems: list[Problem] = []
        self.warnings: dict[str, None] = {}
        self.slices = 0
        self.pages = 0
        self.lock = threading.Lock()

    def run(self) -> SourceOutcome:
        """Fetch what is due and say how it went; only our own broken state is raised."""
        with self._apart(), open_access(self.workspace, self.chosen) as access:
            manifest = access.connector.manifest
            accounts = self._accounts(manifest)
            with ThreadPoolExecutor(min(manifest.accounts_at_once, len(accounts) or 1)) as pool:
                plan = functools.partial(self._plan_account, access)
                planned = [streams for streams in pool.map(plan, accounts) if streams]
                for priority in Priority:  # the newest days of every account before any history
                    fetch = functools.partial(self._fetch_account, priority)
                    deque(pool.map(fetch, planned), maxlen=0)
        return self._outcome()

    def _accounts(self, manifest: Manifest) -> list[str]:
        """Return the accounts to read: without those that an earlier connection reads already."""
        readers = self.chosen.accounts(manifest)
        for account_id, name in readers.items():
            if name:
                text = f"{self.chosen.source}: account {account_id} is read by {name} already"
                self.warnings[text] = None
        return [account_id for account_id, name in readers.items() if not name]

    @contextmanager
    def _apart(self, account_id: str = "", stream: str = "") -> Iterator[None]:
        """Note what goes wrong inside the block, and go on after it.

        Raises:
            IntegrityError: our own state is broken.
        """
        try:
            yield
        except IntegrityError:
            raise
        except TacticsError as error:
            self.problems.append(Problem.of(error, account_id=account_id, stream=stream))

    def _hopeless(self) -> bool:
        """Return whether no other account or stream can fare better, or the run is to stop."""
        codes = {problem.code for problem in self.problems}
        return self.workspace.stopping.is_set() or bool(
            codes & {NetworkUnreachable.code, CredentialError.code}
        )

    def _outcome(self) -> SourceOutcome:
        outcome = Outcome.OK if self.pages else Outcome.UNCHANGED
        return SourceOutcome(
            self.chosen.org_id,
            self.chosen.source,
            Outcome.FAILED if self.problems else outcome,
            self.slices,
            self.pages,
            tuple(self.problems),
            tuple(self.warnings),
        )

    def _plan_account(self, access: Access, account_id: str) -> list["_StreamFetch"]:
        """Return what is due in each stream of an account; nothing where that cannot be known."""
        streams: list[_StreamFetch] = []
        if not self._hopeless():
            with self._apart(account_id):
                streams = self._plan_streams(access, account_id)
        return streams

    def _plan_streams(self, access: Access, account_id: str) -> list["_StreamFetch"]:
        info = self._account_info(access, account_id)
        today = self.workspace.clock.now().astimezone(zoneinfo.ZoneInfo(info.timezone)).date()
        streams = []
        for spec in access.connector.streams(access.options):
            with self._apart(account_id, spec.name):
                slices = self._due(spec, info, today)
                self.progress.begin(self.chosen.org_id, self.chosen.source, slices=len(slices))
                fetch = SliceFetch(self.workspace, access, spec, today)
                streams.append(_StreamFetch(account_id, spec.name, fetch, slices))
        return streams

    def _account_info(self, access: Access, account_id: str) -> AccountInfo:
        """Return what the vendor said of the account within the last day."""
        org_id, org, source = self.chosen.org_id, self.chosen.org, self.chosen.source
        accounts = self.workspace.store.accounts
        held = accounts.get(org_id, source, account_id)
        if held and self.workspace.clock.now() - held[1] < ACCOUNT_MAX_AGE:
            return held[0]
        read = functools.partial(access.connector.read_account, account_id, access.options)
        request = access.connector.ask_account(account_id, access.options)
        info = access.client.exchange(request, read, account_id=account_id)
        info = replace(
            info, timezone=info.timezone or org.timezone, currency=info.currency or org.currency
        )
        accounts.put(org_id, source, info)
        return info

    def _fetch_account(self, priority: Priority, streams: Sequence["_StreamFetch"]) -> None:
        for stream in streams:
            self._fetch_stream(stream, priority)

    def _fetch_stream(self, stream: "_StreamFetch", priority: Priority) -> None:
        """Fetch the due slices of one priority; the first failure ends the stream: no hole arises."""
        with self._apart(stream.account_id, stream.name):
            try:
                for work in stream.take(priority):
                    self._fetch_slice(stream, work)
            except BaseException:
                stream.slices.clear()
                raise
            finally:
                self.warnings |= stream.fetch.warnings

    def _fetch_slice(self, stream: "_StreamFetch", work: Slice) -> None:
        if self._hopeless():
            stream.slices.clear()
            return
        pages = stream.fetch.run(work)
        with self.lock:
            self.slices += 1
            self.pages += pages
        self.landed.set()
        self.progress.advance(self.chosen.org_id, self.chosen.source, pages=pages)

    def _due(self, spec: StreamSpec, info: AccountInfo, today: dt.date) -> list[Slice]:
        settings, store = self.chosen.settings, self.workspace.store
        key = StreamKey(self.chosen.org_id, self.chosen.source, info.account_id, spec.name)
        lookback = settings.lookback_days
        covered = store.coverage.days(key, today - LONG_AGO, today)
        slices = plan_slices(
            spec,
            key,
            info,
            covered=covered,
            today=today,
            history_days=settings.history_days,
            lookback_days=spec.lookback_days if lookback is None else lookback,
            only=self.window,
            now=self.workspace.clock.now(),
        )
        held = store.fetches.latest_marker(key) if spec.slicing == "snapshot" else None
        if held is None or self.workspace.clock.now() - held[1] >= SNAPSHOT_MAX_AGE:
            return slices
        return [replace(work, marker=held[0]) for work in slices]
