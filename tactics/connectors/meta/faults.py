"""Meta's error table: which of our errors an answer is.

The subcode is looked at before the code, because code 2 is transient and 2/1504041 is not.
Source: contract sheet "Meta Marketing API" section 6 (2026-11-21).
"""

import re
from http import HTTPStatus
from typing import Any

from tactics.connectors.meta.answer import Answer, ApiError, decode
from tactics.connectors.meta.usage import regain_seconds
from tactics.errors import (
    ContractChanged,
    CredentialError,
    DecodeError,
    FieldRejected,
    PermissionDenied,
    RateLimited,
    SliceTooLarge,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response

NOT_READY_CODES = frozenset({2601, 2637})
NOT_READY_SUBCODE = 1815107
UNKNOWN_OBJECT = 100
FIRST_WAIT_SECONDS = 300.0  # "5 min x 2^n": the breaker's cool-down carries on from here

_VERSION_ENDED = 2635
_UPGRADE = "this API version has ended: upgrade tactics, or set api_version"

_CODES: tuple[tuple[frozenset[int], type[TacticsError]], ...] = (
    (frozenset({4, 17, 32, 613, *range(80000, 80007), 80008, 80009, 80014}), RateLimited),
    (frozenset({190, 102}), CredentialError),
    (frozenset({3, 10, *range(200, 300)}), PermissionDenied),
    (frozenset({1, 2, 341, 368, 960, 104, *NOT_READY_CODES}), UpstreamUnavailable),
    (frozenset({_VERSION_ENDED}), ContractChanged),
)
_STATUSES: dict[int, type[TacticsError]] = {
    HTTPStatus.UNAUTHORIZED: CredentialError,
    HTTPStatus.FORBIDDEN: PermissionDenied,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}
_SUBCODES: dict[int, type[TacticsError]] = {
    **dict.fromkeys((1504022, 1504039, 2446079), RateLimited),
    **dict.fromkeys((1487534, 1504018, 1504038), SliceTooLarge),
    **dict.fromkeys((1504041, 1504042, 2446289), ContractChanged),
    **dict.fromkeys((99, 1504043, 1504044, NOT_READY_SUBCODE), UpstreamUnavailable),
    **dict.fromkeys((458, 459, 460, 463, 464, 467), CredentialError),
}
_HINTS: dict[type[TacticsError], str] = {
    CredentialError: "sign in again and store the token: tactics auth set <org> meta access_token",
    PermissionDenied: "give the token's user access to this ad account, with ads_read",
    SliceTooLarge: "a smaller window, or the asynchronous report",
}
_BAD_FIELD = re.compile(
    r"\(#100\)\s+(?P<field>[\w.]+)(?:,\s*[\w.]+)*\s+(?:is|are) not valid for fields param"
)


def open_answer(response: Response) -> Answer:
    """Return the answer; it may still hold an error envelope, also with status 200.

    Raises:
        TacticsError: there is no envelope, and the status or the text says that the call failed.
        DecodeError: the call did not fail, but this is no JSON.
        ContractChanged: the call did not fail, but this is other JSON.
    """
    good = response.status == HTTPStatus.OK
    try:
        answer = decode(response)
    except (DecodeError, ContractChanged) as exc:
        unavailable = b"Service Unavailable" in response.body[:4096]
        if good and not unavailable:
            raise
        failed = _error_of_status(response, unavailable=unavailable)
        raise failed from exc
    if answer.error is None and not good:
        error = _error_of_status(response)
        raise error
    return answer


def is_not_ready(answer: Answer) -> bool:
    """Return whether the rows of a completed report are asked for too early."""
    error = answer.error
    return error is not None and (
        error.error_subcode == NOT_READY_SUBCODE or error.code in NOT_READY_CODES
    )


def is_unknown_object(answer: Answer) -> bool:
    """Return whether Meta does not know the report any more (a run lives 30 days)."""
    return answer.error is not None and answer.error.code == UNKNOWN_OBJECT


def error_of(error: ApiError, response: Response) -> TacticsError:
    """Return the error that an envelope stands for; `FieldRejected` carries the fact `field`."""
    facts: dict[str, Any] = {"status": response.status, "code": error.code}
    if error.error_subcode is not None:
        facts["subcode"] = error.error_subcode
    message = error.message or error.error_user_msg or "no message"
    if bad := _BAD_FIELD.search(message):
        return FieldRejected(f"meta refuses a field: {message}", field=bad["field"], **facts)
    kind = _classify(error, message, response.status)
    text = f"meta says: {message}"
    if kind is RateLimited:
        wait = regain_seconds(response.headers) or FIRST_WAIT_SECONDS
        return RateLimited(text, retry_after_seconds=wait, **facts)
    hint = _UPGRADE if error.code == _VERSION_ENDED else _HINTS.get(kind, "")
    return kind(text, hint=hint, **facts)


def _error_of_status(response: Response, *, unavailable: bool = False) -> TacticsError:
    status = response.status
    kind = _STATUSES.get(status, ContractChanged)
    if unavailable or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = UpstreamUnavailable
    return kind("meta refuses without a reason", hint=_HINTS.get(kind, ""), status=status)


def _classify(error: ApiError, message: str, status: int) -> type[TacticsError]:
    if (kind := _SUBCODES.get(error.error_subcode or -1)) is not None:
        return kind
    if "reduce the amount of data" in message.lower():
        return SliceTooLarge
    for codes, kind in _CODES:
        if error.code in codes:
            return kind
    if error.is_transient or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamUnavailable
    return _STATUSES.get(status, ContractChanged)
