"""Search Console's error bodies: the newer status beside the older reasons.

Source: contract sheet "Google Search Console API", section 5 (2026-11-21). Decides nothing.
"""

from typing import NoReturn

from tactics.sandbox.api import Before, Refused, Reply, constant

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def error_reply(status: int, message: str, reason: str) -> Reply:
    """Return an error body."""
    told = [{"message": message, "domain": "global", "reason": reason}]
    error = {"code": status, "message": message, "errors": told, "status": _STATUS_NAMES[status]}
    return Reply({"error": error}, status=status)


def refuse(message: str) -> NoReturn:
    """Refuse a request that is wrong.

    Raises:
        Refused: always.
    """
    raise Refused(error_reply(400, message, "badRequest"))


def no_permission(site_url: str) -> Reply:
    """Return the answer for a property that is not this user's, or is spelt in another way."""
    return error_reply(
        403,
        f"User does not have sufficient permission for site '{site_url}'. See also:"
        " https://support.google.com/webmasters/answer/2451999.",
        "forbidden",
    )


def not_in_property() -> Reply:
    """Return the answer about a page of another property, or of somebody else's.

    This part of the API has no older reasons beside the status.
    """
    message = "You do not own this site, or the inspected URL is not part of this property."
    error = {"code": 403, "message": message, "status": _STATUS_NAMES[403]}
    return Reply({"error": error}, status=403)


_ERRORS = {
    "rate_limit": (429, "Quota exceeded for quota metric 'Queries'", "rateLimitExceeded"),
    "project_rate_limit": (403, "Rate Limit Exceeded", "rateLimitExceeded"),
    "user_rate_limit": (403, "User Rate Limit Exceeded", "userRateLimitExceeded"),
    "quota_exceeded": (403, "Search Analytics load quota exceeded", "quotaExceeded"),
    "daily_limit": (403, "Daily Limit Exceeded", "dailyLimitExceeded"),
    "permission": (403, "Forbidden", "forbidden"),
    "insufficient_permissions": (403, "Insufficient Permission", "insufficientPermissions"),
    "access_not_configured": (
        403,
        "Google Search Console API has not been used in project 1 before or it is disabled.",
        "accessNotConfigured",
    ),
    "auth_expired": (401, "Invalid Credentials", "authError"),
    "bad_request": (400, "Bad Request", "badRequest"),
    "invalid_parameter": (400, "Invalid value for 'dimensions'", "invalidParameter"),
    "not_found": (404, "Not Found", "notFound"),
    "http_500": (500, "Internal Error", "internalError"),
    "http_503": (503, "Backend Error", "backendError"),
}

BEFORE: dict[str, Before] = {name: constant(error_reply(*parts)) for name, parts in _ERRORS.items()}
BEFORE["not_in_property"] = constant(not_in_property())
