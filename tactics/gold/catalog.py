"""The `.sql` files of gold: models, steps, reports and migrations, and how they depend on each other.

Executes nothing.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

from tactics.sql import header_facts, load_text

PACKAGE = "tactics.gold"
MIGRATIONS = "migrations.gold"

# In the order in which they are built: each reads only what stands before it.
TABLES = (
    "ad_daily",
    "ad_weekly",
    "ad_monthly",
    "channel_daily",
    "web_daily",
    "seo_daily",
    "seo_sitemaps",
    "seo_urls",
    "email_daily",
    "email_orders_daily",
    "revenue_daily",
    "order_charges",
    "orders",
    "order_residuals",
    "revenue_bridge",
    "bookings",
    "booking_versions",
    "freshness",
    "campaign_pacing",
    "campaign_margin",
    "blended_daily",
)
# Kept from build to build beside them, for pacing alone.
KEPT = ("orgs", "booked_days", "booked_campaigns")
# Temporary tables of one organisation that the models of part `org` share. The first needs nothing
# but the ledger, and freshness nothing else; the others read gold's bookings.
LEDGER_STEPS = ("coverage_runs",)
MATCHING_STEPS = ("lines", "line_sources", "campaigns", "line_campaigns")
PACING_STEPS = (
    "line_accounts",
    "watermarks",
    "line_overlaps",
    "plan_days",
    "delivery",
    "line_plans",
    "line_versions",
    "line_totals",
    "unplanned",
)
BLENDED_STEPS = ("business_days", "business_amounts")
STEPS = (*LEDGER_STEPS, *MATCHING_STEPS, *PACING_STEPS, *BLENDED_STEPS)
REPORTS = (
    "pacing",
    "margin",
    "channels",
    "freshness",
    "web",
    "seo",
    "email",
    "revenue",
    "reconciliation",
    "blended",
)

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ARGUMENT = re.compile(r"\$([a-z_]\w*)")
_SILVER = re.compile(r"\bsilver_(\w+)")


@dataclass(frozen=True, slots=True)
class Model:
    """One table of gold: its SELECT, how it is rebuilt, and the silver tables behind it.

    A row depends on days that lie up to `reach` days before or after its own.
    """

    name: str
    sql: str
    part: str
    inputs: frozenset[str]
    reach: int = 0

    @property
    def key(self) -> str:
        """Return the column that the days of a part are compared with."""
        return {"day": "date", "week": "week_start", "month": "month_start"}[self.part]


@functools.cache
def load_models() -> dict[str, Model]:
    """Return the models by name, in building order."""
    models: dict[str, Model] = {}
    for name in TABLES:
        sql = load_text(PACKAGE, f"models/{name}.sql")
        facts = header_facts(sql)
        inputs = set(silver_inputs(sql))
        for upstream in re.findall(r"gold\.(\w+)", facts["source"]):
            inputs |= models[upstream].inputs
        reach = int(facts.get("reach", "0"))
        models[name] = Model(name, sql, facts["part"], frozenset(inputs), reach)
    return models


def load_step(name: str) -> str:
    """Return the SELECT of a step."""
    return load_text(PACKAGE, f"steps/{name}.sql")


def load_report(name: str) -> str:
    """Return the SELECT of a report, its metrics still placeholders."""
    return load_text(PACKAGE, f"reports/{name}.sql")


@functools.cache
def load_migrations() -> tuple[tuple[int, str], ...]:
    """Return number and text of every migration, oldest first."""
    names = sorted(
        file.name for file in resources.files(MIGRATIONS).iterdir() if file.name.endswith(".sql")
    )
    return tuple((int(name.split("_")[0]), load_text(MIGRATIONS, name)) for name in names)


def schema_version() -> int:
    """Return the number of the newest migration."""
    return load_migrations()[-1][0]


def silver_inputs(sql: str) -> list[str]:
    """Return the silver tables that a statement reads."""
    return sorted(set(_SILVER.findall(sql)))


def arguments(sql: str, values: Mapping[str, object]) -> dict[str, object]:
    """Return those of `values` that `sql` names; DuckDB refuses the others."""
    return {name: values[name] for name in set(_ARGUMENT.findall(sql))}


def compile_metrics(render: Callable[[str], str]) -> dict[str, str]:
    """Return the expression of every metric that is needed."""
    return {name: render("{{ " + name + " }}") for name in sorted(needed())}


@functools.cache
def needed() -> frozenset[str]:
    """Return the metrics that models, migrations and reports name."""
    texts = [text for _, text in load_migrations()]
    texts += [model.sql for model in load_models().values()]
    texts += [load_report(name) for name in REPORTS]
    return frozenset(name for text in texts for name in metrics_of(text))


def metrics_of(sql: str) -> set[str]:
    """Return the metrics that a statement names."""
    return set(_PLACEHOLDER.findall(sql))


def fill(sql: str, definitions: Mapping[str, str]) -> str:
    """Return `sql` with the expressions in place of its placeholders."""
    return _PLACEHOLDER.sub(lambda match: definitions[match[1]], sql)


def fingerprint(definitions: Mapping[str, str]) -> str:
    """Return what changes whenever a stored row might: migrations, models, steps, formulas, channels."""
    import hashlib  # noqa: PLC0415 - reports need neither OpenSSL nor rules

    from tactics.gold.taxonomy import compile_macros  # noqa: PLC0415

    digest = hashlib.sha256()
    texts = [text for _, text in load_migrations()]
    texts += [model.sql for model in load_models().values()]
    texts += [load_step(name) for name in STEPS]
    texts += compile_macros()
    for text in texts:
        digest.update(fill(text, definitions).encode())
    return digest.hexdigest()
