"""Asks every configured account who it is: the check of credentials, permissions and versions."""

import datetime as dt
import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tactics.errors import TacticsError
from tactics.pipeline.access import Access, open_access
from tactics.pipeline.gaps import list_days
from tactics.pipeline.result import Problem
from tactics.pipeline.scope import Chosen, Scope
from tactics.pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Used:
    """One credential of a connection, and since when it is in use here."""

    name: str
    first_used_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a stream is held, and how far back it was asked for."""

    stream: str
    first_day: dt.date | None
    wanted_from: dt.date


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What one account answered: who it is, or what is wrong; and what is known here beside it."""

    org_id: str
    source: str
    account_id: str = ""
    name: str = ""
    currency: str = ""
    timezone: str = ""
    api_version: str = ""
    sunset: dt.date | None = None
    scopes: tuple[str, ...] = ()
    credentials: tuple[Used, ...] = ()
    streams: tuple[Reach, ...] = ()
    problem: Problem | None = None


def check_sources(workspace: Workspace, scope: Scope | None = None) -> list[SourceCheck]:
    """Return the answer of every account in scope; one request each, nothing is stored."""
    checks: list[SourceCheck] = []
    for chosen in (scope or Scope()).chosen(workspace.settings):
        try:
            checks.extend(_check_source(workspace, chosen))
        except TacticsError as error:
            blank = SourceCheck(chosen.org_id, chosen.source)
            checks.append(replace(blank, problem=Problem.of(error)))
    return checks


def _check_source(workspace: Workspace, chosen: Chosen) -> Iterator[SourceCheck]:
    days = list_days(workspace.settings, workspace.store, workspace.clock, _only(chosen))
    with open_access(workspace, chosen) as access:
        manifest = access.connector.manifest
        used = workspace.store.sightings.first_used(chosen.org_id, chosen.source)
        for account_id in chosen.settings.accounts or (chosen.source,):
            blank = SourceCheck(
                chosen.org_id,
                chosen.source,
                account_id,
                api_version=manifest.api_version,
                sunset=manifest.sunset,
                scopes=manifest.scopes,
                credentials=tuple(Used(name, at) for name, at in used.items()),
                streams=tuple(
                    Reach(one.key.stream, min(one.held, default=None), one.wanted.start)
                    for one in days
                    if one.key.account_id == account_id
                ),
            )
            yield _check_account(blank, access)


def _only(chosen: Chosen) -> Scope:
    return Scope(orgs=(chosen.org_id,), sources=(chosen.source,))


def _check_account(blank: SourceCheck, access: Access) -> SourceCheck:
    account_id = blank.account_id
    read = functools.partial(access.connector.read_account, account_id, access.options)
    request = access.connector.ask_account(account_id, access.options)
    try:
        info = access.client.exchange(request, read, account_id=account_id)
    except TacticsError as error:
        return replace(blank, problem=Problem.of(error, account_id=account_id))
    return replace(blank, name=info.name, currency=info.currency or "", timezone=info.timezone)
