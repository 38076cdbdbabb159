"""Takes out of queries and page addresses what may name a person.

A list of what may stay, where there can be one (URL parameters); patterns where there cannot.
Knows no vendor. Source: contract sheet "Google Search Console API", section 9 (2026-11-21).
"""

import re
from collections.abc import Collection
from urllib.parse import unquote_plus

PERSONAL = "(personal)"

_NAME = r"[^\s@/?&#=:;,<>\"'()|]+"
_EMAIL = re.compile(rf"{_NAME}(?:@|%40){_NAME}\.[^\W\d_]{{2,}}", re.IGNORECASE)
# Nine digits and more, so that dates and years pass: after +, 0 or a bracket, in the American
# grouping, or in one piece (which also hides EAN codes).
_PHONE = re.compile(
    r"(?<!\w)(?:"
    r"\+\d(?:[\s().\-/]{0,2}\d){6,14}"
    r"|[(0](?:[\s().\-/]{0,2}\d){8,14}"
    r"|\d{3}[\s.\-]\d{3}[\s.\-]\d{4}"
    r"|\d{9,15}"
    r")(?!\w)"
)


def clean_query(query: str) -> str:
    """Return a search query, or `(personal)` when it holds an e-mail address or phone number."""
    return PERSONAL if _hide_addresses(query) != query or _PHONE.search(query) else query


def clean_page(page: str, parameters: Collection[str] = ()) -> str:
    """Return a page's address with the named URL parameters only, and without its fragment.

    E-mail addresses that are left in it become `(personal)`; a bar is written as URLs write it,
    because it separates the keys of a row.
    """
    address, _, query = page.partition("#")[0].partition("?")
    kept = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) in parameters]
    text = f"{address}?{'&'.join(kept)}" if kept else address
    return _hide_addresses(text).replace("|", "%7C")


def _hide_addresses(text: str) -> str:
    # nearly every text is through with the first look; the pattern is slow on long addresses
    return _EMAIL.sub(PERSONAL, text) if "@" in text or "%40" in text else text
