"""Which dead letters a command means, at what pace, and who asks.

Reads words of the command line; opens nothing.
"""

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tactics.cli.options import Orgs, Sources
from tactics.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from tactics.store import Author, DeadLetterFilter, Job, Store

Ids: TypeAlias = Annotated[
    list[int] | None, typer.Argument(metavar="[ID]...", help="as `dlq list` shows")
]
ErrorTypes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--error-type", metavar="TYPE", help="only this error; repeatable"),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="a date, an instant, or an age: 30min, 12h, 7d"),
]
Transient: TypeAlias = Annotated[
    bool, typer.Option("--transient", help="only those whose cause may have passed")
]
All: TypeAlias = Annotated[bool, typer.Option("--all", help="all dead letters")]
Limit: TypeAlias = Annotated[int, typer.Option(min=1, help="the newest of them")]

__all__ = ["All", "ErrorTypes", "Ids", "Limit", "Orgs", "Since", "Sources", "Transient"]

_AGE = re.compile(r"(\d+) ?(min|h|d)")
_AGE_UNITS = {"min": dt.timedelta(minutes=1), "h": dt.timedelta(hours=1), "d": dt.timedelta(days=1)}
_RATE = re.compile(r"(\d+)(?:/(s|min|h))?")
_RATE_SECONDS = {"s": 1, "min": 60, "h": 3600}


def read_filter(
    now: dt.datetime,
    *,
    orgs: list[str] | None = None,
    sources: list[str] | None = None,
    error_types: list[str] | None = None,
    since: str | None = None,
    transient: bool = False,
    limit: int = 1,
) -> "DeadLetterFilter":
    """Return the filter that the options ask for; `limit` is for lists alone."""
    from tactics.store import DeadLetterFilter

    return DeadLetterFilter(
        orgs=tuple(orgs or ()),
        sources=tuple(sources or ()),
        error_types=tuple(error_types or ()),
        since=None if since is None else read_since(since, now),
        transient=True if transient else None,
        limit=limit,
    )


def choose(
    store: "Store", wanted: "DeadLetterFilter", ids: list[int] | None, *, every: bool
) -> list[int]:
    """Return the dead letters that are meant, oldest first.

    Raises:
        ConfigError: they are not said in exactly one way: ids, a filter, or all.
        NotFoundError: an id is no dead letter.
    """
    from tactics.store import DeadLetterFilter

    filtered = wanted != DeadLetterFilter(limit=wanted.limit)
    if [bool(ids), every, filtered].count(True) != 1:
        raise ConfigError(
            "say which dead letters, in one way",
            hint="give ids (see `tactics dlq list`), a filter such as --source, or --all",
        )
    if ids:
        return [find_letter(store, job_id).job_id for job_id in ids]
    return store.letters.find(wanted)


def find_letter(store: "Store", job_id: int) -> "Job":
    """Return one dead letter with its payload.

    Raises:
        NotFoundError: there is none of that id.
    """
    letter = store.jobs.get(job_id)
    if letter.state != "discarded":
        raise NotFoundError(
            "this is no dead letter", hint="see `tactics dlq list`", id=job_id, state=letter.state
        )
    return letter


def read_since(text: str, now: dt.datetime) -> dt.datetime:
    """Return the instant that `--since` means; a date is its midnight in UTC.

    Raises:
        ConfigError: it is none of the forms.
    """
    if age := _AGE.fullmatch(text.strip()):
        return now - int(age[1]) * _AGE_UNITS[age[2]]
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        hint = "write 2026-11-21, 2026-11-21T09:00Z, 30min, 12h or 7d"
        raise ConfigError("no such time", hint=hint, since=text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def read_pace(rate: str | None) -> float:
    """Return how many seconds lie between two letters at `rate` (`30/min`); 0 without one.

    Raises:
        ConfigError: it is no rate.
    """
    if rate is None:
        return 0.0
    match = _RATE.fullmatch(rate.strip())
    if match is None or not int(match[1]):
        raise ConfigError("no such rate", hint="write 30/min, 2/s or 500/h", rate=rate)
    return _RATE_SECONDS[match[2] or "min"] / int(match[1])


def find_author() -> "Author":
    """Return who runs this command, on which machine."""
    import getpass
    import os
    import platform

    from tactics.store import Author

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        name = f"uid {os.getuid()}"
    return Author(name, platform.node() or "unknown")
