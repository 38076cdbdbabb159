"""Klaviyo's query language: filters, sparse fieldsets, cursors, allowed parameters.

Source: the klaviyo contract sheet of 2026-11-21, sections 3 and 4. Knows no resource.
"""

import base64
import binascii
import datetime as dt
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlencode

from tactics.sandbox.api import Call, Refused
from tactics.sandbox.klaviyo_access import invalid

Document: TypeAlias = dict[str, Any]
T = TypeVar("T")

_TERM = re.compile(r"([a-z-]+)\(([\w.$]+),(\"[^\"]*\"|'[^']*'|\[[^\]]*\]|[^(),]+)\)")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "greater-than": operator.gt,
    "greater-or-equal": operator.ge,
    "less-than": operator.lt,
    "less-or-equal": operator.le,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a filter."""

    operator: str
    field: str
    value: str

    def holds(self, found: object) -> bool:
        """Return whether a value passes; times are compared as instants."""
        if self.operator in _ORDER:
            if found is None:
                return False
            return _ORDER[self.operator](_instant(str(found)), _instant(self.value))
        text = str(found).lower() if isinstance(found, bool) else str(found)
        if self.operator == "contains":
            return self.value in text
        wanted = re.findall(r"[^\[\],\"']+", self.value) if self.operator != "equals" else []
        return text in (wanted or [self.value])


def parse_filter(text: str, allowed: Mapping[str, Collection[str]]) -> list[Term]:
    """Return the conditions of a filter; AND is the only way to join them.

    Raises:
        Refused: it is no filter, or a field or an operator is not allowed.
    """
    inner = text[4:-1] if text.startswith("and(") and text.endswith(")") else text
    terms = [Term(found[1], found[2], found[3].strip("\"'")) for found in _TERM.finditer(inner)]
    if _TERM.sub("", inner).strip(", "):
        raise Refused(invalid("Invalid filter provided.", parameter="filter"))
    for term in terms:
        if term.operator not in allowed.get(term.field, ()):
            detail = f"'{term.field}' cannot be filtered with '{term.operator}'."
            raise Refused(invalid(detail, parameter="filter"))
    return terms


def check_parameters(call: Call, *allowed: str) -> None:
    """Refuse a query parameter that the call does not have.

    Raises:
        Refused: there is one.
    """
    for name, _ in call.query:
        if name not in allowed:
            raise Refused(invalid(f"'{name}' is not an allowed query parameter.", parameter=name))


def page_size(call: Call, most: int) -> int:
    """Return `page[size]`, the largest when it is not said.

    Raises:
        Refused: it is no number, or too large.
    """
    text = call.first("page[size]", str(most))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        detail = f"Page size must be an integer between 1 and {most}."
        raise Refused(invalid(detail, parameter="page[size]"))
    return int(text)


def cut(items: Sequence[T], cursor: str, size: int) -> tuple[list[T], str | None]:
    """Return one page and the cursor of the next one."""
    start = _offset(cursor)
    after = start + size
    return list(items[start:after]), _cursor(after) if after < len(items) else None


def link(call: Call, **changes: str | None) -> str:
    """Return the URL of the call with other query values; None leaves one out."""
    query = {name: value for name, value in call.query if name not in changes}
    query |= {name: value for name, value in changes.items() if value is not None}
    url = f"{call.base}{call.path}"
    return f"{url}?{urlencode(query)}" if query else url


def sparse(attributes: Document, wanted: str) -> Document:
    """Return the attributes of a sparse fieldset such as `name,contact.city`; all when empty.

    Raises:
        Refused: there is no such field.
    """
    if not wanted:
        return attributes
    kept: Document = {}
    for name in wanted.split(","):
        head, _, rest = name.partition(".")
        if head not in attributes:
            raise Refused(invalid(f"'{name}' is not a valid field.", parameter="fields"))
        inner = attributes[head]
        kept[head] = sparse(inner, rest) | kept.get(head, {}) if rest else inner
    return kept


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("next:"))
    except (binascii.Error, ValueError) as exc:
        raise Refused(invalid("Invalid page cursor.", parameter="page[cursor]")) from exc


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"next:{offset}".encode()).decode()


def _instant(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as exc:
        raise Refused(invalid(f"'{text}' is not a datetime.", parameter="filter")) from exc
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
