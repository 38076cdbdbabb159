"""Which channel a visit, an order or a campaign belongs to, and which rule says so.

The rules are data (`taxonomy.toml`): here they become DuckDB macros and answers to "why". Opens no
database.
"""

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tactics.sql import load_text

UNASSIGNED = "Unassigned"
PAID_OTHER = "Paid Other"
NO_RULE = "no_rule"  # nothing matched
NO_AD_RULE = "ads_other"  # bought, and the platform's word for it is not known

# A host in front of a site's name, and what may follow it: m.facebook.com, google.co.uk.
_SITE = r"(?:(?:www|m|l|lm|mobile|touch|web|out|old|business|[a-z]{2})\.)?(?:%s)(?:\.(?:com|net|org|[a-z]{2}))*"
_BLANKS = "[\\t\\n\\f\\r ]+"
_FIELDS = ("source", "medium", "campaign", "vendor")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one field: it is one of `words`, or matches `pattern` as a whole."""

    field: str
    words: tuple[str, ...] = ()
    pattern: str = ""

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Return whether the condition holds for cleaned fields."""
        value = fields[self.field]
        if self.words:
            return value in self.words
        return re.fullmatch(self.pattern, value, re.ASCII) is not None

    def to_sql(self) -> str:
        """Return the condition over a column called like the field."""
        if self.words:
            return f"{self.field} IN ({', '.join(map(_quote, self.words))})"
        return f"regexp_full_match({self.field}, {_quote(self.pattern)})"


@dataclass(frozen=True, slots=True)
class Rule:
    """A name, the channel it gives, and its conditions: all tests of one of `any_of`."""

    name: str
    channel: str
    any_of: tuple[tuple[Condition, ...], ...]
    warning: str = ""

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Return whether the rule matches cleaned fields."""
        return any(all(test.holds(fields) for test in tests) for tests in self.any_of)

    def to_sql(self) -> str:
        """Return the rule as one condition."""
        return " OR ".join(
            "(" + " AND ".join(test.to_sql() for test in tests) + ")" for tests in self.any_of
        )


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The rules of one version: those of visits and orders, and those of ad platforms' names."""

    version: str
    rules: tuple[Rule, ...]
    ads: tuple[Rule, ...]

    @property
    def channels(self) -> tuple[str, ...]:
        """Return every channel there is, in the order of the rules."""
        named = (rule.channel for rule in (*self.rules, *self.ads))
        return tuple(dict.fromkeys((*named, PAID_OTHER, UNASSIGNED)))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something belongs to a channel; `warning` says what makes the answer doubtful."""

    channel: str
    rule: str
    version: str
    warning: str = ""


def explain(
    source: str | None, medium: str | None, campaign: str | None, *, vendor: str | None = None
) -> Explanation:
    """Return the channel of a visit or an order by its tags, and the rule that decides.

    `vendor` is the channel that the vendor itself reports, where it does (GA4).
    """
    fields = dict(zip(_FIELDS, map(clean, (source, medium, campaign, vendor)), strict=True))
    return _first(load_taxonomy().rules, fields, (NO_RULE, UNASSIGNED))


def explain_ad(name: str | None) -> Explanation:
    """Return the channel of what an ad platform calls `name`; without a name it is unassigned."""
    fields = {"source": re.sub(r"[ _-]+", "_", clean(name))}
    otherwise = (NO_AD_RULE, PAID_OTHER) if fields["source"] else (NO_RULE, UNASSIGNED)
    return _first(load_taxonomy().ads, fields, otherwise)


def clean(text: str | None) -> str:
    """Return a tag as the rules compare it."""
    return re.sub(_BLANKS, " ", text or "").strip(" ").lower()


@functools.cache
def load_taxonomy() -> Taxonomy:
    """Return the rules that are shipped."""
    data = tomllib.loads(load_text("tactics.gold", "taxonomy.toml"))
    sites = {name: _SITE % "|".join(map(re.escape, names)) for name, names in data["sites"].items()}
    patterns = {"like": data["patterns"], "site": sites}
    return Taxonomy(
        data["version"],
        tuple(_read_rule(entry, patterns) for entry in data["rules"]),
        tuple(
            Rule(entry["name"], entry["channel"], ((Condition("source", tuple(entry["names"])),),))
            for entry in data["ads"]
        ),
    )


def compile_macros() -> list[str]:
    """Return the macros that gold's models use; they stay in the generation, for `tactics sql` too.

    `traffic_rule` wants cleaned tags (`clean_tag`), `ad_rule` a cleaned name (`clean_ad_name`), each a
    column by itself: a macro repeats its arguments wherever it names them.
    """
    taxonomy = load_taxonomy()
    every = (*taxonomy.rules, *taxonomy.ads)
    channels = {rule.name: rule.channel for rule in every} | {NO_AD_RULE: PAID_OTHER}
    warnings = {rule.name: rule.warning for rule in every if rule.warning}
    ads = f"WHEN source = '' THEN {_quote(NO_RULE)} {_whens(taxonomy.ads)}"
    bodies = {
        "taxonomy_version()": _quote(taxonomy.version),
        "clean_tag(tag)": f"lower(trim(regexp_replace(coalesce(tag, ''), '{_BLANKS}', ' ', 'g')))",
        "traffic_rule(source, medium, campaign, vendor)": (
            f"CASE {_whens(taxonomy.rules)} ELSE {_quote(NO_RULE)} END"
        ),
        "clean_ad_name(name)": "regexp_replace(clean_tag(name), '[ _-]+', '_', 'g')",
        "ad_rule(source)": f"CASE {ads} ELSE {_quote(NO_AD_RULE)} END",
        "rule_channel(rule)": f"CASE rule {_lookup(channels)} ELSE {_quote(UNASSIGNED)} END",
        "rule_warning(rule)": f"CASE rule {_lookup(warnings)} END",
    }
    return [f"CREATE MACRO {head} AS {body}" for head, body in bodies.items()]


def _read_rule(entry: Mapping[str, Any], patterns: Mapping[str, Mapping[str, str]]) -> Rule:
    any_of = tuple(
        tuple(_read_test(key, value, patterns) for key, value in tests.items())
        for tests in entry["any_of"]
    )
    return Rule(entry["name"], entry["channel"], any_of, entry.get("warning", ""))


def _read_test(
    key: str, value: str | Sequence[str], patterns: Mapping[str, Mapping[str, str]]
) -> Condition:
    field, _, kind = key.rpartition("_")
    assert field in _FIELDS, key
    if kind == "is":
        return Condition(field, tuple(value))
    assert isinstance(value, str), key
    return Condition(field, pattern=patterns[kind][value])


def _first(
    rules: Sequence[Rule], fields: Mapping[str, str], otherwise: tuple[str, str]
) -> Explanation:
    version = load_taxonomy().version
    for rule in rules:
        if rule.holds(fields):
            return Explanation(rule.channel, rule.name, version, rule.warning)
    name, channel = otherwise
    return Explanation(channel, name, version)


def _whens(rules: Sequence[Rule]) -> str:
    return " ".join(f"WHEN {rule.to_sql()} THEN {_quote(rule.name)}" for rule in rules)


def _lookup(values: Mapping[str, str]) -> str:
    return " ".join(f"WHEN {_quote(key)} THEN {_quote(value)}" for key, value in values.items())


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
