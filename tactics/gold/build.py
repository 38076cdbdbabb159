"""Fills a generation: schema, facts, the parts that changed, and each organisation's own tables.

Works inside one open file that nobody else sees; publishes nothing.
"""

import datetime as dt
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tactics import __version__, duck
from tactics.gold.catalog import (
    BLENDED_STEPS,
    KEPT,
    LEDGER_STEPS,
    MATCHING_STEPS,
    PACING_STEPS,
    PACKAGE,
    TABLES,
    Model,
    arguments,
    fill,
    fingerprint,
    load_migrations,
    load_models,
    load_step,
    schema_version,
    silver_inputs,
)
from tactics.gold.columns import (
    calendar_day,
    coverage_columns,
    org_columns,
    rate_columns,
    stream_columns,
    zone_columns,
)
from tactics.gold.engine import attach
from tactics.gold.plan import DAY, Change, Horizon, Part, clip, merge_windows, plan_parts
from tactics.gold.request import GoldBuild
from tactics.gold.taxonomy import compile_macros
from tactics.model import Window
from tactics.sql import load_statements

# A guess, the domain gives none: below it one hot hour decides the pacing rate.
MIN_EXPECTED_IMPRESSIONS = 100
MIN_EXPECTED_UNITS = 10  # the same for clicks, views, conversions and money
# Google Ads may spend twice the average daily budget on one day, so twice the recent pace is the most
# that a line can be expected to reach.
# Source: DOMAIN section 2, platform budget mechanics (support.google.com/google-ads/answer/1704443).
REACH_FACTOR = 2
# An old rate is no rate: the ECB publishes on every working day, and no holiday is longer.
MAX_RATE_AGE_DAYS = 7
# So much of an organisation's silver is read at once: to plan its scans part by part costs more.
SMALL_ROWS = 100_000
# What the tables of an organisation read of silver whatever the day.
ORG_INPUTS = ("bookings", "bookings_history", "crm_deals")


class Builder:
    """One build in one open connection; call its steps in the order they stand here."""

    def __init__(
        self, connection: duck.Connection, build: GoldBuild, definitions: Mapping[str, str]
    ) -> None:
        self._connection = connection
        self._build = build
        self._definitions = definitions
        self._statements = load_statements(PACKAGE, "tables.sql")
        self._orgs = [org.org_id for org in build.orgs]
        self._carried = False
        self._fresh = False
        self._unplanned_from: dt.date | None = None
        self._bases: dict[str, str] = {}
        self._small: set[str] = set()
        self._held = ""

    def create_schema(self) -> None:
        """Run every migration in the empty file, and lay the taxonomy beside the tables."""
        self._fresh = True
        for _, text in load_migrations():
            self._connection.execute(fill(text, self._definitions))
        for statement in compile_macros():
            self._connection.execute(statement)

    def carry_over(self, previous: Path) -> None:
        """Take from the generation before what this full build cannot make.

        That is every organisation which is not built now, and the days silver no longer holds.
        """
        self._carried, self._fresh = True, False
        attach(self._connection, previous, "previous")
        columns = dict(self._run("select_carried_columns", {}).fetchall())
        for name in [name for name in ("fx_rates", *KEPT, *TABLES) if name in columns]:
            wanted, values = self._worth_carrying(name)
            self._connection.execute(
                f"INSERT INTO {name} ({columns[name]})"
                f" SELECT {columns[name]} FROM previous.{name} WHERE {wanted}",
                values,
            )

    def load_facts(self, number: int) -> None:
        """Write what is known about this generation, its organisations, streams and coverage."""
        build, run = self._build, self._run
        self._bases = dict(run("select_bases", {}).fetchall())
        self._connection.execute("DELETE FROM generation")
        self._connection.execute("DELETE FROM metric_definitions")
        self._delete("orgs")
        generation: dict[str, object] = {
            "number": number,
            "schema_version": schema_version(),
            "fingerprint": fingerprint(self._definitions),
            "formulas": build.formulas,
            "built_at": build.built_at.isoformat(),
        }
        run("insert_generation", generation)
        names = list(self._definitions)
        run("insert_metrics", {"names": names, "expressions": [*self._definitions.values()]})
        run("insert_orgs", org_columns(build))
        run("create_streams", stream_columns(build))
        run("create_coverage", coverage_columns(build))
        run("create_account_zones", zone_columns(build))
        rates = rate_columns(build, self._first_kept - MAX_RATE_AGE_DAYS * DAY)
        run("create_new_rates", rates)
        run("delete_rates", {"first": self._first_kept - MAX_RATE_AGE_DAYS * DAY})
        run("insert_rates", {})

    def changes(self, *, full: bool) -> list[Change]:
        """Return the changes of this build; a full one has changed from the first day to the last."""
        if not full:
            wanted = [change for change in self._build.changes if change.org_id in self._orgs]
            return clip(wanted, self._build.silver_from)
        found: list[Change] = []
        for org_id in self._orgs:
            bounds = [self._bounds(org_id, table) for table in _daily_inputs()]
            found += [change for _, change in bounds if change is not None]
            if sum(rows for rows, _ in bounds) <= SMALL_ROWS:
                self._small.add(org_id)
        return clip(found, self._build.silver_from)

    def rebuild_parts(self, changes: Sequence[Change]) -> None:
        """Delete and insert every day, week and month that a change touches."""
        models = load_models()
        for part in plan_parts(models.values(), changes, self._horizon, self._small):
            self._rebuild(models[part.model], part)

    def rebuild_orgs(self, changes: Sequence[Change]) -> tuple[str, ...]:
        """Make the tables of each organisation anew whose basis is another one; return which."""
        changed = {change.org_id for change in (*changes, *self._build.changes)}
        found = self._find_bases()
        outdated = tuple(
            org_id
            for org_id, basis in found.items()
            if org_id in changed or self._bases.get(org_id) != basis
        )
        for org_id in self._orgs:
            self._run_steps(LEDGER_STEPS, org_id)
            self._replace("freshness", org_id)  # always: it shows when the vendor was last asked
            if org_id in outdated:
                self._rebuild_org(org_id, changes)
        bases = self._bases | found
        self._run("update_bases", {"org_ids": [*bases], "bases": [*bases.values()]})
        return outdated

    def _rebuild_org(self, org_id: str, changes: Sequence[Change]) -> None:
        self._show_silver(ORG_INPUTS, org_id, None, None)
        self._replace("bookings", org_id)
        self._replace("booking_versions", org_id)
        self._run_steps(MATCHING_STEPS, org_id)
        self._refresh_booked_days(org_id, changes)
        self._run_steps(PACING_STEPS, org_id)
        self._run_steps(BLENDED_STEPS, org_id)
        for name in ("campaign_pacing", "campaign_margin", "blended_daily"):
            self._replace(name, org_id)

    def _find_bases(self) -> dict[str, str]:
        """Return what the tables of each organisation are made from, apart from silver's days.

        Silver's undated tables stand for themselves by their files, which never change. Whoever gives
        a model of part `org`, or a step, something else to read must add it here.
        """
        row = self._run("select_common_basis", {}).fetchone()
        common = (__version__, fingerprint(self._definitions), row, self._settings())
        horizon = (self._first_kept, self._build.silver_from)
        ledgers = dict(self._run("select_coverage_bases", {}).fetchall())
        return {
            org.org_id: _digest(
                *common,
                *horizon,
                org,
                calendar_day(self._build.built_at, org.timezone),
                ledgers.get(org.org_id),
                *(self._build.relation(table, org.org_id, None, None) for table in ORG_INPUTS),
            )
            for org in self._build.orgs
        }

    def drop_old(self) -> None:
        """Delete the days that retention no longer keeps."""
        for model in load_models().values():
            if model.part != "org":
                self._connection.execute(
                    f"DELETE FROM {model.name} WHERE {model.key} < $first",
                    {"first": self._first_kept},
                )

    def count_rows(self) -> dict[str, int]:
        """Return how many rows each table has."""
        counts = [f"SELECT '{name}', count(*) FROM {name}" for name in TABLES]
        return dict(self._connection.execute(" UNION ALL ".join(counts)).fetchall())

    @property
    def _horizon(self) -> Horizon:
        """Return what may be rebuilt; a file that holds nothing yet has nothing to lose."""
        today = calendar_day(self._build.built_at, "Pacific/Kiritimati")  # the first to begin a day
        return Horizon(None if self._fresh else self._build.silver_from, today)

    @property
    def _first_kept(self) -> dt.date:
        return self._build.built_at.date() - self._build.keep_days * DAY

    def _worth_carrying(self, name: str) -> tuple[str, dict[str, object]]:
        """Return a condition on the rows of the generation before, and its values."""
        if name == "fx_rates":  # nobody's and everybody's
            return "true", {}
        wanted = "NOT list_contains($org_ids::VARCHAR[], org_id)"
        values: dict[str, object] = {"org_ids": self._orgs}
        model = load_models().get(name)
        if model and model.part != "org" and self._build.silver_from:
            wanted += f" OR {model.key} < $whole_from"
            values["whole_from"] = self._horizon.whole_from(model.reach)
        return wanted, values

    def _bounds(self, org_id: str, table: str) -> tuple[int, Change | None]:
        """Return how many rows silver holds, and the days from the first to the last of them."""
        first = self._build.silver_from
        self._show_silver((table,), org_id, first, None)
        row = self._connection.execute(
            f"SELECT count(*), min(date), max(date) FROM silver_{table} WHERE org_id = $org_id",
            {"org_id": org_id},
        ).fetchone()
        rows, start, end = row or (0, None, None)
        if first is not None and self._carried:
            # From the first day on: a week that was carried and of which silver holds the end.
            return rows, Change(org_id, table, first, max(first, end or first))
        return rows, None if start is None else Change(org_id, table, start, end)

    def _rebuild(self, model: Model, part: Part) -> None:
        window: dict[str, object] = {
            "org_id": part.org_id,
            "start": part.window.start,
            "end": part.window.end,
        }
        reach = model.reach * DAY
        if part.org_id in self._small:
            self._hold_silver(part.org_id)
        else:
            start, end = part.window.start - reach, part.window.end + reach
            self._show_silver(silver_inputs(model.sql), part.org_id, start, end)
        self._connection.execute(
            f"DELETE FROM {model.name} WHERE org_id = $org_id AND {model.key} BETWEEN $start AND $end",
            window,
        )
        self._connection.execute(f"INSERT INTO {model.name} BY NAME {self._sql(model)}", window)

    def _replace(self, name: str, org_id: str) -> None:
        sql = self._sql(load_models()[name])
        self._connection.execute(f"DELETE FROM {name} WHERE org_id = $org_id", {"org_id": org_id})
        values = arguments(sql, self._values(org_id))
        self._connection.execute(f"INSERT INTO {name} BY NAME {sql}", values)

    def _run_steps(self, steps: Sequence[str], org_id: str) -> None:
        for step in steps:
            sql = load_step(step)
            values = arguments(sql, self._values(org_id))
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {step} AS {sql}", values)

    def _refresh_booked_days(self, org_id: str, changes: Sequence[Change]) -> None:
        """Bring booked_days in step with ad_daily and with what is booked now."""
        org: dict[str, object] = {"org_id": org_id}
        self._run("create_new_bookings", org)
        self._run("delete_unbooked_days", org)
        for window in merge_windows(
            Window(change.start, change.end)
            for change in changes
            if (change.org_id, change.table) == (org_id, "ad_performance")
        ):
            values = {**org, "start": window.start, "end": window.end}
            self._run("delete_changed_days", values)
            self._run("insert_changed_days", values)
        if self._connection.execute("SELECT count(*) FROM new_bookings").fetchone() != (0,):
            self._run("insert_new_days", org)
        self._run("delete_booked_campaigns", org)
        self._run("insert_booked_campaigns", org)
        # A value, not a subquery: DuckDB then skips the row groups of the days before it.
        row = self._run("select_unplanned_from", {}).fetchone()
        self._unplanned_from = row[0] if row else None

    def _sql(self, model: Model) -> str:
        return fill(model.sql, self._definitions)

    def _values(self, org_id: str) -> dict[str, object]:
        return {"org_id": org_id, "unplanned_from": self._unplanned_from, **self._settings()}

    def _settings(self) -> dict[str, object]:
        return {
            **self._build.pacing.model_dump(),
            "min_expected_impressions": MIN_EXPECTED_IMPRESSIONS,
            "min_expected_units": MIN_EXPECTED_UNITS,
            "reach_factor": REACH_FACTOR,
            "max_rate_age_days": MAX_RATE_AGE_DAYS,
        }

    def _show_silver(
        self, tables: Sequence[str], org_id: str, start: dt.date | None, end: dt.date | None
    ) -> None:
        """Make the temporary views `silver_<table>` over the files that hold these days."""
        for table in tables:
            query = self._silver_sql(table, org_id, start, end)
            self._connection.execute(f"CREATE OR REPLACE TEMP VIEW silver_{table} AS {query}")

    def _hold_silver(self, org_id: str) -> None:
        """Show a small organisation's whole silver from memory, until another one's is asked for."""
        if self._held == org_id:
            return
        for table in _daily_inputs():
            query = self._silver_sql(table, org_id, None, None)
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE held_{table} AS {query}")
            view = f"CREATE OR REPLACE TEMP VIEW silver_{table} AS FROM held_{table}"
            self._connection.execute(view)
        self._held = org_id

    def _silver_sql(
        self, table: str, org_id: str, start: dt.date | None, end: dt.date | None
    ) -> str:
        relation = self._build.relation(table, org_id, start, end)
        empty, columns = silver_contract()[table]
        return f"SELECT {columns} FROM {relation}" if relation else empty

    def _delete(self, table: str) -> None:
        self._connection.execute(
            f"DELETE FROM {table} WHERE list_contains($org_ids::VARCHAR[], org_id)",
            {"org_ids": self._orgs},
        )

    def _run(self, name: str, values: Mapping[str, object]) -> duck.Connection:
        return self._connection.execute(self._statements[name], values)


@functools.cache
def silver_contract() -> dict[str, tuple[str, str]]:
    """Return, by silver table, its empty relation and the columns gold reads."""
    statements = load_statements(PACKAGE, "inputs.sql")
    return {
        name: (sql, ", ".join(re.findall(r"\bAS (\w+)", sql.partition("SELECT")[2])))
        for name, sql in statements.items()
    }


@functools.cache
def _daily_inputs() -> tuple[str, ...]:
    """Return the silver tables that models of days, weeks and months are made from."""
    daily = [model for model in load_models().values() if model.part == "day"]
    return tuple(sorted({table for model in daily for table in model.inputs}))


def _digest(*facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()
