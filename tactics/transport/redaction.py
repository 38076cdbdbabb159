"""Keeps secrets out of everything that is written down or shown.

Knows the secrets that were registered, in each form they travel in, and the names under which
secrets travel in URLs, forms, JSON and headers. Decides nothing about who may see what.
"""

import functools
import json
import re
import threading
from urllib.parse import quote, quote_plus

from tactics.errors import TacticsError

HIDDEN = "***"

# Shorter values would tear holes into ordinary text, and are no secrets.
_SHORTEST = 6

_CERTAIN = (
    r"access_token|refresh_token|id_token|client_secret|client_assertion|appsecret_proof|app_secret"
    r"|assertion|private_key|api_key|apikey|password|fb_exchange_token|input_token|code_verifier"
    r"|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|x-goog-credential"
)
# Ordinary words: secret only where they are plainly a URL's or form's parameter.
_LIKELY = r"key|token|signature|sig|code|secret"

_PARAMETER = re.compile(
    rf"((?:(?:{_CERTAIN})|(?:[?&]|%3F|%26|^)(?:{_LIKELY}))(?:=|%3D))[^&\s\"'<>]+", re.IGNORECASE
)
_JSON_FIELD = re.compile(rf'("(?:{_CERTAIN}|token|secret)"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_HEADER = re.compile(
    r"(\b(?:authorization|proxy-authorization|ttd-auth|x-shopify-access-token)\b[\"']?\s*[:=]\s*)"
    r"[\"']?(?:(?:bearer|basic|klaviyo-api-key)\s+)?[^\s\"',]+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{6,}", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)", re.DOTALL)

# What every hit contains: searching for words is a hundred times quicker than the patterns are.
_NAMES = (*_CERTAIN.split("|"), *_LIKELY.split("|"))
_PATTERNS = (
    (_JSON_FIELD, tuple(f'{name}"' for name in _NAMES)),
    (_HEADER, ("authorization", "ttd-auth", "x-shopify-access-token")),
    (_BEARER, ("bearer",)),
    (_PARAMETER, tuple(name + sign for name in _NAMES for sign in ("=", "%3d"))),
)

_lock = threading.Lock()
_known: dict[str, tuple[str, ...]] = {}


def register_secret(value: str) -> None:
    """Hide `value` from now on, in every text of this process."""
    if len(value) >= _SHORTEST:
        with _lock:
            _known[value] = forms_of(value)


def forget_secret(value: str) -> None:
    """Stop hiding `value`: a token that has run out, replaced by another."""
    with _lock:
        _known.pop(value, None)


@functools.lru_cache(maxsize=256)
def forms_of(value: str) -> tuple[str, ...]:
    """Return `value` as it stands in plain text, URLs, forms and JSON, the longest first."""
    in_json = json.dumps(value)[1:-1]
    escaped = quote(value, safe="")
    forms = {
        value,
        quote(value),
        escaped,
        quote_plus(value),
        re.sub("%..", lambda hit: hit.group().lower(), escaped),  # some write %2f
        in_json,
        in_json.replace("/", r"\/"),  # PHP escapes slashes
    }
    return tuple(sorted(forms, key=len, reverse=True))


def redact(text: str) -> str:
    """Return `text` without registered secrets and without the values of secret parameters."""
    with _lock:
        forms = [form for known in _known.values() for form in known]
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    text = _PEM.sub(HIDDEN, text)
    # A few letters beyond ASCII count as equal to ASCII ones where case does not matter.
    lowered = text.lower() if text.isascii() else None
    for pattern, words in _PATTERNS:
        if lowered is None or any(word in lowered for word in words):
            text = pattern.sub(_keep_name, text)
    return text


def _keep_name(hit: re.Match[str]) -> str:
    quoted = '"' if hit.group().endswith('"') and hit.re is _JSON_FIELD else ""
    return f"{hit.group(1)}{quoted}{HIDDEN}{quoted}"


def redact_body(body: bytes, secrets: tuple[str, ...]) -> bytes:
    """Return `body` without `secrets`; nothing else is touched, so it stays the vendor's page.

    Meta repeats the access token in `paging.next` of every page.
    Source: contract sheet Meta Marketing API, section 2 (2026-11-21).
    """
    for secret in secrets:
        for form in forms_of(secret):
            body = body.replace(form.encode(), HIDDEN.encode())
    return body


def redact_error(error: BaseException) -> None:
    """Take secrets out of an error and everything it came from, which may quote what was sent.

    In place, because a traceback prints the causes with their own words.
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        pending += [one.__cause__, one.__context__, *one.args]
        one.args = tuple(redact(arg) if isinstance(arg, str) else arg for arg in one.args)
        if isinstance(one, TacticsError):
            _redact_fields(one)


def _redact_fields(error: TacticsError) -> None:
    error.message = redact(error.message)
    error.hint = redact(error.hint)
    error.facts = {
        name: redact(fact) if isinstance(fact, str) else fact for name, fact in error.facts.items()
    }
