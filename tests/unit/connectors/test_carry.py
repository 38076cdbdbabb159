"""Small facts travel with the next request."""

from hypothesis import given
from hypothesis import strategies as st

from tactics.connectors.carry import carried, carried_count, carry
from tactics.transport import get


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(), max_size=4))
def test_facts_survive_the_header(facts: dict[str, str]) -> None:
    """Any text comes back as it was, and the header is plain ASCII."""
    request = carry(get("/x").with_headers(accept="y"), **facts)
    assert carried(request) == facts
    assert all(value.isascii() for _, value in request.headers)


def test_facts_are_replaced() -> None:
    """A request carries what it was given last."""
    request = carry(carry(get("/x"), polls=1, early=2), polls=3)
    assert (carried_count(request, "polls"), carried_count(request, "early")) == (3, 0)
