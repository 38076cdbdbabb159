"""What is taken out of queries and addresses, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors.gsc.privacy import PERSONAL, clean_page, clean_query

SITE = "https://www.example.com"


@pytest.mark.parametrize(
    "query",
    [
        "jane.doe@example.com",
        "who is JANE@Example.COM",
        "jane%40example.com login",
        "müller@bücher.example",
        "+43 660 1234567",
        "+49 (0) 89 12-34-56",
        "call 0660 1234567 now",
        "(555) 123-4567",
        "555-123-4567",
        "5551234567",
    ],
)
def test_a_personal_query_is_hidden(query: str) -> None:
    """E-mail addresses and phone numbers, wherever they stand."""
    assert clean_query(query) == PERSONAL


@pytest.mark.parametrize(
    "query",
    [
        "shoes",
        "calendar 2025-2026",
        "mlb 2023 2024 2025",
        "öffnungszeiten 24.12.2026",
        "iphone 15 pro 256",
        "@instagram",
        "b@nk",
        "what is 1+1",
        "größe 42 | blau",
        "",
    ],
)
def test_an_ordinary_query_stays(query: str) -> None:
    """Dates, years, models and handles are no phone numbers and no addresses."""
    assert clean_query(query) == query


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        (f"{SITE}/", f"{SITE}/"),
        (f"{SITE}/a?x=1&y=2", f"{SITE}/a"),
        (f"{SITE}/a?id=7&x=1&lang=de", f"{SITE}/a?id=7&lang=de"),
        (f"{SITE}/a?lang=de&ID=7", f"{SITE}/a?lang=de"),
        (f"{SITE}/a?l%61ng=de", f"{SITE}/a?l%61ng=de"),
        (f"{SITE}/a?id=jane@x.example", f"{SITE}/a?id=(personal)"),
        (f"{SITE}/a#faq", f"{SITE}/a"),
        (f"{SITE}/a?id=1#:~:text=secret", f"{SITE}/a?id=1"),
        (f"{SITE}/a?", f"{SITE}/a"),
        (f"{SITE}/unsubscribe/jane@x.example/now", f"{SITE}/unsubscribe/(personal)/now"),
        (f"{SITE}/unsubscribe/jane%40x.example", f"{SITE}/unsubscribe/(personal)"),
        (f"{SITE}/@handle/post", f"{SITE}/@handle/post"),
        (f"{SITE}/tags/a|b", f"{SITE}/tags/a%7Cb"),
        ("android-app://com.example/", "android-app://com.example/"),
    ],
)
def test_an_address_keeps_its_place_and_the_named_parameters(page: str, kept: str) -> None:
    """The order of what stays is the address's own."""
    assert clean_page(page, ("id", "lang")) == kept


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """What was cleaned is clean."""
    assert clean_query(clean_query(text)) == clean_query(text)
    assert clean_page(clean_page(text, ("id",)), ("id",)) == clean_page(text, ("id",))
    assert "|" not in clean_page(text)
