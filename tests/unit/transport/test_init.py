"""What the package offers."""

import subprocess
import sys

import pytest

from tactics import transport


def test_every_public_name_is_there():
    """Each name of __all__ can be imported, the lazy ones included."""
    assert sorted(transport.__all__) == sorted(set(transport.__all__))
    assert all(getattr(transport, name) is not None for name in transport.__all__)
    assert set(transport._LAZY) <= set(transport.__all__)


def test_unknown_name_is_an_attribute_error():
    """A misspelt name fails as it does in any module."""
    with pytest.raises(AttributeError, match="has no attribute 'Klient'"):
        transport.Klient  # noqa: B018


def test_values_cost_no_http_library():
    """Connectors build requests without paying for httpx and tenacity."""
    program = (
        "import sys, tactics.transport as t; t.get('/x'); t.redact('x')\n"
        "print([m for m in ('httpx', 'tenacity', 'pybreaker', 'jwt') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
