"""Which properties count some of the same searches."""

import pytest

from tactics.connectors.gsc.answer import Site
from tactics.connectors.gsc.properties import overlapping


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        ("sc-domain:example.com", "https://www.example.com/", True),
        ("sc-domain:example.com", "http://example.com/", True),
        ("sc-domain:example.com", "sc-domain:shop.example.com", True),
        ("sc-domain:example.com", "https://notexample.com/", False),
        ("sc-domain:example.com", "https://example.com.evil.example/", False),
        ("https://www.example.com/", "https://www.example.com/shop/", True),
        ("https://www.example.com/", "http://www.example.com/", False),
        ("https://www.example.com/shop/", "https://www.example.com/blog/", False),
        ("sc-domain:example.com", "sc-domain:example.org", False),
    ],
)
def test_a_domain_contains_its_hosts_and_a_prefix_its_paths(
    one: str, other: str, *, overlaps: bool
) -> None:
    """Both ways round."""
    sites = [Site(one, "siteOwner"), Site(other, "siteFullUser")]
    assert overlapping(one, sites) == ([other] if overlaps else [])
    assert overlapping(other, sites) == ([one] if overlaps else [])


def test_what_cannot_be_read_does_not_overlap() -> None:
    """An unverified property is in the list, in either spelling of its level."""
    for level in ("siteUnverifiedUser", "SITE_UNVERIFIED_USER"):
        sites = [Site("https://www.example.com/", level)]
        assert overlapping("sc-domain:example.com", sites) == []
