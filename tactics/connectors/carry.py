"""Hands small facts from one step of a slice to the next.

`read` is pure and sees one response at a time, so what it must remember (how often it polled, which
version it began with) travels with the next request, in a header of ours that vendors ignore.
Carries no secret and no personal data.
"""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from tactics.transport import Request

HEADER = "x-tactics-step"


def carry(request: Request, **facts: str | int) -> Request:
    """Return `request` carrying exactly these facts."""
    others = tuple(pair for pair in request.headers if pair[0] != HEADER)
    return replace(request, headers=(*others, (HEADER, urlencode(facts))))


def carried(request: Request) -> dict[str, str]:
    """Return the facts that the request carries."""
    text = next((value for name, value in request.headers if name == HEADER), "")
    return dict(parse_qsl(text, keep_blank_values=True))


def carried_count(request: Request, name: str) -> int:
    """Return a carried number, 0 when there is none."""
    return int(carried(request).get(name, "0"))
