"""The columns of an answer."""

from tactics.cli.sql import distinct


def test_a_join_hides_no_column():
    """Two columns of one name are both shown, the second under a name that is free."""
    assert distinct(["a", "b"]) == ["a", "b"]
    assert distinct(["a", "a", "a_1", "a"]) == ["a", "a_2", "a_1", "a_3"]
