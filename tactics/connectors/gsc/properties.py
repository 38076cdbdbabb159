"""Finds a property in the list of those that the identity may read, and those that overlap it.

A property is a URL prefix (`https://www.example.com/`) or a domain (`sc-domain:example.com`), and
is recognised byte for byte. Asks nothing.
"""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from tactics.connectors.gsc.answer import Site
from tactics.errors import ContractChanged, PermissionDenied

DOMAIN = "sc-domain:"
SITES = "/webmasters/v3/sites"

_ADD = "add the service account's e-mail to the property in Search Console (Settings, Users)"


def path_of(account_id: str) -> str:
    """Return the path of a property: its name is one segment, slashes and all."""
    return f"{SITES}/{quote(account_id, safe='')}"


def find_site(account_id: str, sites: Sequence[Site]) -> Site:
    """Return the property that is written exactly like `account_id`.

    Raises:
        ContractChanged: the identity knows no property at all.
        PermissionDenied: it does not know this one, or may not read it.
    """
    if not sites:
        raise ContractChanged("google lists no property for this identity", hint=_ADD)
    site = next((site for site in sites if site.site_url == account_id), None)
    if site is None:
        raise PermissionDenied(
            "the identity has no property of this name",
            hint=f"write it exactly as one of: {_similar(account_id, sites)}; or {_ADD}",
            account_id=account_id,
        )
    if not site.readable:
        raise PermissionDenied(
            "the property is not verified for this identity", hint=_ADD, account_id=account_id
        )
    return site


def overlapping(account_id: str, sites: Sequence[Site]) -> list[str]:
    """Return the other readable properties that count some of the same searches, sorted."""
    return sorted(
        site.site_url
        for site in sites
        if site.readable and site.site_url != account_id and _overlap(site.site_url, account_id)
    )


def contains(wide: str, narrow: str) -> bool:
    """Return whether a property contains a page, or another property."""
    if not wide.startswith(DOMAIN):
        return narrow.startswith(wide)
    domain, host = wide.removeprefix(DOMAIN), _host(narrow)
    return host == domain or host.endswith(f".{domain}")


def _similar(account_id: str, sites: Sequence[Site]) -> str:
    similar = [site.site_url for site in sites if _overlap(site.site_url, account_id)]
    return ", ".join(similar or sorted(site.site_url for site in sites)[:5])


def _overlap(one: str, other: str) -> bool:
    return contains(one, other) or contains(other, one)


def _host(site_url: str) -> str:
    if site_url.startswith(DOMAIN):
        return site_url.removeprefix(DOMAIN)
    return urlsplit(site_url).hostname or ""
