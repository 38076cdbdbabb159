"""Who found the pretend companies in Google Search: the truth that the Search Console simulator shows.

A day's searches are a pure function of (seed, property, day), and of (age, restatements) while the
day is fresh. Serves nothing.
"""

import datetime as dt
import functools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

Key: TypeAlias = tuple[str, ...]

FINAL_AFTER = 3  # days: what is younger still moves
SILENT_DAY = 13  # of each month: a day on which nobody searched

_SHARES = {1: 0.8, 2: 0.95}  # how much of a fresh day is known, by its age
_WEEKDAYS = (1.08, 1.05, 1.03, 1.01, 0.99, 0.88, 0.96)
_COUNTRIES = (("aut", "deu"), ("usa", "can"))
_DEVICES = ("MOBILE", "DESKTOP", "TABLET")


@dataclass(frozen=True, slots=True)
class Text:
    """A query or a page's address: as Google has it, and what may be kept of it."""

    shown: str
    kept: str
    anonymous: bool = False  # too rare for Google to show the query

    @classmethod
    def plain(cls, text: str) -> "Text":
        """Return a text that may be kept as it is."""
        return cls(text, text)


@dataclass(frozen=True, slots=True)
class Hit:
    """One page shown for a query, to people of one country and device.

    `weight` is the sum of its positions, an integer. `leads` marks the topmost page of the property
    for that query: by property only that one counts an impression.
    """

    query: Text
    page: Text
    country: str
    device: str
    impressions: int
    clicks: int
    weight: int
    leads: bool

    def shrunk(self, share: float, more: int) -> "Hit":
        """Return what is known of it while the day is fresh."""
        impressions = max(1, round(self.impressions * share) + more)
        weight = round(self.weight * impressions / self.impressions)
        clicks = min(impressions, round(self.clicks * share))
        return replace(self, impressions=impressions, clicks=clicks, weight=weight)


@dataclass(frozen=True, slots=True)
class Sums:
    """Metrics of some hits."""

    impressions: int = 0
    clicks: int = 0
    weight: int = 0

    def plus(self, hit: Hit, *, by_page: bool) -> "Sums":
        """Return the sums with one hit more; by property it may add clicks only."""
        shown = by_page or hit.leads
        return Sums(
            self.impressions + hit.impressions * shown,
            self.clicks + hit.clicks,
            self.weight + hit.weight * shown,
        )


class SearchLog:
    """The searches that led to one property, from `first` on."""

    def __init__(self, seed: int, site_url: str, first: dt.date) -> None:
        self._seed = seed
        self.site_url = site_url
        self.first = first
        self._queries, self._pages = _catalog(site_url)
        self._floods: dict[dt.date, int] = {}
        self._hits = functools.cache(self._make)

    def flood(self, day: dt.date, rows: int) -> None:
        """Let a day have exactly `rows` queries, each of them with a page of its own."""
        self._floods[day] = rows
        self._hits.cache_clear()

    def hits(self, day: dt.date, today: dt.date, version: int) -> tuple[Hit, ...]:
        """Return what is known of a day on `today`, after `version` restatements."""
        age = (today - day).days
        if age < 1 or day < self.first or day.day == SILENT_DAY:
            return ()
        fresh = age < FINAL_AFTER
        return self._hits(day, age if fresh else FINAL_AFTER, version if fresh else 0)

    def _make(self, day: dt.date, age: int, version: int) -> tuple[Hit, ...]:
        if day in self._floods:
            return tuple(_flood(self.site_url, self._floods[day]))
        dice = random.Random(f"{self._seed}:gsc:{self.site_url}:{day}")
        hits = [
            hit for rank in range(len(self._queries)) for hit in self._searched(rank, day, dice)
        ]
        if age == FINAL_AFTER:
            return tuple(hits)
        late = random.Random(f"{self._seed}:gsc:{self.site_url}:{day}:{version}")
        return tuple(hit.shrunk(_SHARES[age], late.randint(0, 2 * version)) for hit in hits)

    def _searched(self, rank: int, day: dt.date, dice: random.Random) -> Iterable[Hit]:
        """Yield the hits of the query of this rank: one or two pages, one or two crowds."""
        home, abroad = _COUNTRIES["sc-domain:" not in self.site_url]
        volume = 260 / (rank + 1) * _WEEKDAYS[day.weekday()]
        for crowd in range(1 + rank % 2):
            where = (home, abroad)[crowd], _DEVICES[(rank + crowd) % 3]
            impressions = max(1, round(volume * dice.uniform(0.8, 1.2) / (crowd + 1)))
            first = self._shown(rank, rank, where, dice, impressions=impressions)
            yield first
            if rank % 3 == 0:  # a second page of the property, below the first
                fewer = max(1, impressions // 3)
                again = self._shown(rank, rank + 1, where, dice, impressions=fewer)
                weight = again.weight + 5 * again.impressions
                yield replace(again, leads=False, weight=weight)

    def _shown(
        self, rank: int, page: int, where: tuple[str, str], dice: random.Random, *, impressions: int
    ) -> Hit:
        top = 1 + rank % 12
        return Hit(
            query=self._queries[rank],
            page=self._pages[page % len(self._pages)],
            country=where[0],
            device=where[1],
            impressions=impressions,
            clicks=min(impressions, round(impressions * dice.uniform(0.05, 0.5) / top)),
            weight=impressions * top + dice.randint(0, impressions),
            leads=True,
        )


def sum_up(hits: Sequence[Hit], key: Callable[[Hit], Key], *, by_page: bool) -> dict[Key, Sums]:
    """Return the sums of hits by key; keys that no impression counts for are left out."""
    sums: dict[Key, Sums] = {}
    for hit in hits:
        name = key(hit)
        sums[name] = sums.get(name, Sums()).plus(hit, by_page=by_page)
    return {name: found for name, found in sums.items() if found.impressions}


def base_of(site_url: str) -> str:
    """Return the address of the website behind a property, without the last slash."""
    if site_url.startswith("sc-domain:"):
        return f"https://www.{site_url.removeprefix('sc-domain:')}"
    return site_url.rstrip("/")


def _flood(site_url: str, rows: int) -> Iterable[Hit]:
    base = base_of(site_url)
    for number in range(rows):
        query = Text.plain(f"article {number:05d}")
        page = Text.plain(f"{base}/a/{number:05d}")
        clicks = max(0, 40 - number // 10)  # long ties, most of them at zero
        yield Hit(query, page, "aut", "MOBILE", 40, clicks, 400, leads=True)


def _catalog(site_url: str) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Return the queries and the pages of a property, the most frequent first."""
    base = base_of(site_url)
    brand = base.removeprefix("https://").removeprefix("www.").partition(".")[0]
    queries = (
        *map(Text.plain, (brand, f"{brand} login", "media agency", "what's media buying?")),
        Text(f"jane.doe@{brand}.example", "(personal)"),
        *map(
            Text.plain, ("werbung größen", 'display ads "price"', "cpm | cpc", "budget 2025-2026")
        ),
        Text(f"{brand} +43 660 1234567", "(personal)"),
        *map(Text.plain, ("media plan 50%", "роклама", "📈 pacing", "retargeting kosten")),
        *(Text(f"{brand} rare {number}", "", anonymous=True) for number in range(8)),
    )
    pages = (
        Text.plain(f"{base}/"),
        Text(f"{base}/?utm_source=mail&utm_medium=x", f"{base}/"),
        Text.plain(f"{base}/services"),
        Text(f"{base}/contact?email=jane.doe%40{brand}.example", f"{base}/contact"),
        Text(f"{base}/contact?ref=Ab", f"{base}/contact"),
        Text(f"{base}/contact?ref=aB", f"{base}/contact"),
        Text(f"{base}/prices#faq", f"{base}/prices"),
        Text.plain(f"{base}/blog/gr%C3%B6%C3%9Fen"),
        Text(f"{base}/tags/a|b", f"{base}/tags/a%7Cb"),
    )
    return queries, pages
