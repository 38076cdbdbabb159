"""The errors say who acts next."""

import inspect

import pytest

from tactics import errors
from tactics.errors import (
    ConfigError,
    IntegrityError,
    RateLimited,
    RecordError,
    StreamError,
    TacticsError,
    TransientError,
)

ALL = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, TacticsError)
]
GROUPS = (ConfigError, TransientError, RecordError, StreamError, IntegrityError)


def test_a_code_is_the_name_in_snake_case():
    """Programs know an error by its class name, written small."""
    assert RateLimited.code == "rate_limited"
    assert ConfigError.code == "config_error"
    assert TacticsError.code == "tactics_error"


def test_codes_are_unique():
    """No two errors share a code."""
    assert len({kind.code for kind in ALL}) == len(ALL)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_belongs_to_one_group(kind: type[TacticsError]):
    """Whoever catches a group catches each error once, and finds a way out in its docstring."""
    assert sum(issubclass(kind, group) for group in GROUPS) <= 1
    assert kind.__doc__


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("TacticsError", 1),
        ("TransientError", 1),
        ("RecordError", 1),
        ("StreamError", 1),
        ("ConfigError", 2),
        ("CredentialExpired", 3),
        ("NotFoundError", 4),
        ("CountMismatch", 70),
    ],
)
def test_the_group_decides_the_exit_code(name: str, code: int):
    """The process ends with its group's code."""
    assert getattr(errors, name).exit_code == code


def test_an_error_reads_message_facts_cause():
    """The text is the message, then the facts, then the cause; the hint stands apart."""
    error = ConfigError("limit must be positive", hint="edit the file", limit=-1, file="a.toml")
    error.__cause__ = ValueError("bad number")
    assert str(error) == "limit must be positive: limit=-1, file=a.toml: bad number"
    assert (error.message, error.hint) == ("limit must be positive", "edit the file")
    assert error.facts == {"limit": -1, "file": "a.toml"}


def test_an_error_without_more_is_its_message():
    """Without facts, and with a cause that says nothing, only the message is left."""
    error = ConfigError("wrong")
    error.__cause__ = KeyError()
    assert str(error) == str(ConfigError("wrong")) == "wrong"


def test_a_transient_error_may_know_when():
    """How long to wait is kept apart from the facts, when the other side said it."""
    error = RateLimited("too many calls", retry_after_seconds=30, hint="wait", account="a1")
    assert error.retry_after_seconds == 30
    assert str(error) == "too many calls: account=a1"
    assert RateLimited("too many calls").retry_after_seconds is None
