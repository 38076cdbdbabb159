"""What the answers of an API mean that only says what HTTP says.

For connectors of small APIs. A vendor with codes of its own has an error table of its own.
"""

from http import HTTPStatus
from typing import TypeVar

import msgspec

from tactics.errors import (
    ContractChanged,
    CredentialError,
    DecodeError,
    PermissionDenied,
    RateLimited,
    TacticsError,
    UpstreamUnavailable,
)
from tactics.transport import Response, retry_after_seconds

_Shape = TypeVar("_Shape")


def decode_answer(response: Response, shape: type[_Shape], *, vendor: str) -> _Shape:
    """Return the JSON body of a good answer as `shape`, a msgspec Struct of what must be there.

    Raises:
        TacticsError: the status is not 200; the class says who acts next.
        ContractChanged: the body is JSON of another shape.
        DecodeError: the body is no JSON.
    """
    if response.status != HTTPStatus.OK:
        error = error_of_status(response, vendor=vendor)
        raise error
    try:
        return msgspec.json.decode(response.body, type=shape)
    except msgspec.ValidationError as exc:
        raise ContractChanged(f"{vendor} answers in another shape") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        size = len(response.body)
        raise DecodeError(f"{vendor}'s answer is not JSON", size_bytes=size) from exc


def error_of_status(response: Response, *, vendor: str) -> TacticsError:
    """Return the error of an answer with a status other than 200; its body is not looked at.

    Source: RFC 9110 section 15, RFC 6585 section 4.
    """
    status, down = response.status, HTTPStatus.INTERNAL_SERVER_ERROR
    wait = retry_after_seconds(response.headers)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return CredentialError(f"{vendor} refuses the credential", status=status)
        case HTTPStatus.FORBIDDEN:
            return PermissionDenied(f"{vendor} does not allow this", status=status)
        case HTTPStatus.TOO_MANY_REQUESTS:
            text = f"{vendor} says: too many calls"
            return RateLimited(text, retry_after_seconds=wait, status=status)
        case _ if status == HTTPStatus.REQUEST_TIMEOUT or status >= down:
            text = f"{vendor} is not available"
            return UpstreamUnavailable(text, retry_after_seconds=wait, status=status)
        case _:
            return ContractChanged(f"{vendor} refuses the request", status=status)
