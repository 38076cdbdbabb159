"""How Klaviyo lets a call in: key, scope, revision, rate limits; and how it says no.

Source: the klaviyo contract sheet of 2026-11-21, sections 1, 2 and 5.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tactics.sandbox.api import Call, Refused, Reply
from tactics.sandbox.plan import Org
from tactics.sandbox.scene import Scene

MEDIA_TYPE = "application/vnd.api+json"
REVISIONS = ("2026-07-15", "2026-10-15")
OLDEST_SERVED = "2025-01-15"
_SECOND, _MINUTE, _DAY = 1, 60, 86_400
_PREFIX = "Klaviyo-API-Key "

# Calls in a second, a minute and (reports) a day, from the OpenAPI's x-klaviyo-ratelimit.
XS, S, M, L = (1, 15), (3, 60), (10, 150), (75, 750)
REPORTS = (1, 2, 225)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who calls, and which headers a good answer gets."""

    org: Org
    headers: dict[str, str]


class Access:
    """Checks every call and counts it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._counts: dict[tuple[str, str, int, int], int] = {}

    def find_org(self, call: Call) -> Org | None:
        """Return the organisation of the key; None when nobody has it."""
        text = call.headers.get("authorization", "")
        for org in self._scene.orgs.values():
            if text == f"{_PREFIX}{key_of(self._scene, org)}":
                return org
        return None

    def admit(self, call: Call, lane: str, limits: tuple[int, ...]) -> Admitted:
        """Let a call in, or refuse it.

        Raises:
            Refused: the key, the revision or the media type is wrong, or there were too many calls.
        """
        org = self.find_org(call)
        if org is None:
            detail = "Missing or invalid private key."
            raise Refused(error_reply(401, "not_authenticated", detail))
        _check_media(call)
        served = _served_revision(call.headers)
        headers = self._count(org.org_id, lane, limits)
        return Admitted(org, {**headers, "x-klaviyo-api-revision": served})

    def _count(self, org_id: str, lane: str, limits: tuple[int, ...]) -> dict[str, str]:
        """Count a call in its fixed windows and return the headers of the tightest.

        Raises:
            Refused: one of the windows is full; the headers are replaced by `Retry-After`.
        """
        factor = self._scene.limits.klaviyo_limit_factor
        now = self._scene.clock.monotonic()
        windows = list(zip((_SECOND, _MINUTE, _DAY), limits, strict=False))
        keys = [(org_id, lane, size, int(now // size)) for size, _ in windows]
        left = [
            limit * factor - self._counts.get(key, 0)
            for key, (_, limit) in zip(keys, windows, strict=True)
        ]
        resets = [size - int(now % size) for size, _ in windows]
        full = [reset for reset, room in zip(resets, left, strict=True) if room <= 0]
        if full:
            raise Refused(too_many(max(full)))
        for key in keys:
            self._counts[key] = self._counts.get(key, 0) + 1
        room, reset, place = min(
            (room - 1, -reset, place)
            for place, (room, reset) in enumerate(zip(left, resets, strict=True))
        )
        described = ", ".join(f"{limit * factor};w={size}" for size, limit in windows)
        return {
            "ratelimit-limit": f"{windows[place][1] * factor}, {described}",
            "ratelimit-remaining": str(room),
            "ratelimit-reset": str(-reset if room == 0 else 0),
        }


def key_of(scene: Scene, org: Org) -> str:
    """Return the private key of an organisation."""
    return scene.keys[org.org_id].make("klaviyo", prefix="pk_", size=16)


def error_reply(
    status: int, code: str, detail: str, *, source: dict[str, str] | None = None
) -> Reply:
    """Return Klaviyo's error body."""
    found = hashlib.blake2b(f"{status}:{code}:{detail}".encode(), digest_size=16).hexdigest()
    error = {
        "id": f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}",
        "status": status,
        "code": code,
        "title": code.replace("_", " ").capitalize(),
        "detail": detail,
        "source": source or {},
        "meta": {},
    }
    return Reply({"errors": [error]}, status, {"cid": found[:12]}, media_type=MEDIA_TYPE)


def too_many(seconds: int) -> Reply:
    """Return the refusal of a call too many."""
    detail = f"Request was throttled. Expected available in {seconds} seconds."
    return error_reply(429, "throttled", detail).with_headers({"retry-after": str(seconds)})


def invalid(detail: str, **source: str) -> Reply:
    """Return the refusal of a wrong request; `source` is `pointer` or `parameter`."""
    return error_reply(400, "invalid", detail, source=source)


def _check_media(call: Call) -> None:
    if call.method == "POST" and call.headers.get("content-type") != MEDIA_TYPE:
        raise Refused(error_reply(415, "unsupported_media_type", f"Send {MEDIA_TYPE}."))


def _served_revision(headers: Mapping[str, str]) -> str:
    """Return the revision that answers.

    Raises:
        Refused: there is none, or it has ended and the caller does not want another one.
    """
    asked = headers.get("revision", "")
    if asked in REVISIONS:
        return asked
    if not asked or asked > REVISIONS[-1]:
        raise Refused(error_reply(400, "invalid_revision", f"Revision '{asked}' is not valid."))
    if headers.get("x-klaviyo-revision-fall-forward-opt-out", "") == "1":
        raise Refused(error_reply(410, "gone", f"Revision {asked} has been retired."))
    return OLDEST_SERVED
