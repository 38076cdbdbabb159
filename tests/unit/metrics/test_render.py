"""Metrics inside of SQL."""

import pytest

from tactics.errors import ConfigError
from tactics.metrics import Registry, render


def test_mark_becomes_the_expression(registry: Registry):
    """A mark is replaced by the metric in parentheses, the rest stays as it is."""
    text = "SELECT {{ ctr }} AS ctr,\n  {{cpc}} AS cpc, '{x}' FROM t"
    assert render(text, registry) == (
        "SELECT (clicks / NULLIF(impressions, 0)) AS ctr,\n"
        "  (spend / NULLIF(clicks, 0)) AS cpc, '{x}' FROM t"
    )


def test_aggregate_mark(registry: Registry):
    """`.aggregate` asks for the ratio of sums."""
    text = render("SELECT {{ ctr.aggregate }} FROM t", registry)
    assert text == "SELECT (SUM(clicks) / NULLIF(SUM(impressions), 0)) FROM t"


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ("{{ crt }}", "no such metric: crt"),
        ("{{ ctr.sum }}", "not a metric: {{ ctr.sum }}"),
        ("{{ }}", "not a metric: {{ }}"),
        ("{{ ctr", "{{ without its other half"),
        ("ctr }}", "}} without its other half"),
    ],
)
def test_broken_marks(registry: Registry, mark: str, message: str):
    """A mark that names no metric is refused with its line."""
    with pytest.raises(ConfigError) as caught:
        render(f"SELECT\n{mark}", registry)
    assert caught.value.message == message
    assert caught.value.facts == {"line": 2}
