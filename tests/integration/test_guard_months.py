"""DataGuard looks at what has changed, and finds what it would find if it looked at everything."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tactics import duck
from tactics.config import GuardSettings
from tactics.guard import DATED, Month, Months, load_checks, run_checks
from tactics.guard.months import UNDATED
from tactics.lake import TABLES
from tactics.pipeline.check import MEMORY, check_silver
from tests.lab import Lab
from tests.unit.guard.rows import SCHEMAS, ad, arrow, booking, covered, deal, total, transaction

FIRSTS = (dt.date(2026, 9, 1), dt.date(2026, 10, 1), dt.date(2026, 11, 1))

# What never looks by month takes no part here.
OTHERS = tuple(check.name for check in load_checks() if not check.month)


class Held:
    """Silver in one file per table and month, as the lake has it, and what DataGuard remembers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[dt.date | None, dt.date | None]] = []
        self.settings = GuardSettings(disabled=OTHERS)

    def check(self, *, by_month: bool) -> dict[str, object]:
        """Return the report over all rows, with or without what is remembered."""
        self.asked.clear()
        limits = duck.DuckLimits(self.folder, threads=1)
        with duck.connect(None, limits, folders=[self.folder]) as connection:
            for table in [table for table in SCHEMAS if table in TABLES]:
                files = [file for first in FIRSTS for file in self._files(table, first)]
                connection.execute(f"CREATE VIEW {table} AS FROM {_scan(table, files)}")
            for name in ("coverage", "orgs"):
                rows = covered(-1, 0) if name == "coverage" else []
                connection.register(name, arrow(name, rows))
            months = Months(self._months(), self._relation, self.folder / "guard.json")
            return run_checks(connection, self.settings, months if by_month else None).to_json()

    def look(self) -> list[tuple[dt.date | None, dt.date | None]]:
        """Check both ways, which must agree; return the spans that were looked at by month."""
        found = self.check(by_month=True)
        asked = list(dict.fromkeys(self.asked))
        assert self.check(by_month=False) == found
        return asked

    def _months(self) -> tuple[Month, ...]:
        return tuple(
            Month(
                first, *_span(first), tuple(f for table in DATED for f in self._files(table, first))
            )
            for first in FIRSTS
        )

    def _relation(self, table: str, start: dt.date | None, end: dt.date | None) -> str:
        self.asked.append((start, end))
        within = [
            first
            for first in FIRSTS
            if (start is None or first >= start) and (end is None or first <= end)
        ]
        return _scan(table, [file for first in within for file in self._files(table, first)])

    def _files(self, table: str, first: dt.date) -> list[str]:
        rows = [row for row in self.rows.get(table, []) if _month_of(row) == first]
        if not rows:
            return []
        held = arrow(table, rows)
        path = self.folder / f"{table}-{first}-{abs(hash(str(held.to_pylist())))}.parquet"
        if not path.exists():
            pq.write_table(held, path)
        return [str(path)]


def _month_of(row: dict[str, Any]) -> dt.date:
    first = row["date"].replace(day=1)
    return min(max(first, FIRSTS[0]), FIRSTS[-1])


def _span(first: dt.date) -> tuple[dt.date | None, dt.date | None]:
    place = FIRSTS.index(first)
    end = FIRSTS[place + 1] - dt.timedelta(days=1) if place + 1 < len(FIRSTS) else None
    return (first if place else None), end


def _scan(table: str, files: list[str]) -> str:
    columns = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in TABLES[table].columns)
    if not files:
        return f"(SELECT {columns} WHERE false)"
    return f"(SELECT * FROM read_parquet({files}, union_by_name = true))"


@pytest.fixture
def held(tmp_path: Path) -> Held:
    """Return three months of faults in every dated kind of row, and some in undated rows."""
    held = Held(tmp_path)
    days = [dt.date(2026, month, number) for month in (9, 10, 11) for number in (3, 14)]
    held.rows["ad_performance"] = [
        ad(date=day, campaign_id=f"c{n}", impressions=0, clicks=20 + n, spend=f"{n}.50")
        for day in days
        for n in range(1, 9)
    ]
    held.rows["ad_account_totals"] = [total(date=day) for day in days]
    held.rows["transactions"] = [
        transaction(date=day, txn_id="t", entity_id="t", net_minor=1, currency="eur")
        for day in days
    ]
    held.rows["bookings"] = [booking(date=days[0], booking_revenue="-1.00")] * 2
    held.rows["crm_deals"] = [deal(date=days[0], created_on=dt.date(2027, 1, 1))]
    assert held.look() == [(None, None)]
    return held


def test_what_was_seen_is_not_looked_at_again(held: Held) -> None:
    """Nothing changed: no month is read, and the findings are those of a full look."""
    report = held.check(by_month=True)
    assert held.asked == []
    assert report == held.check(by_month=False)
    assert report["errors"]


def test_new_restated_and_vanished_rows_are_noticed(held: Held) -> None:
    """A month is looked at again when its files are others, and no other month is."""
    ads = held.rows["ad_performance"]
    ads.append(ad(date=dt.date(2026, 11, 20), clicks=5_000))
    assert held.look() == [(FIRSTS[2], None)]
    ads[8] |= {"impressions": 10_000}  # in September
    assert held.look() == [(None, FIRSTS[1] - dt.timedelta(days=1))]
    ads[:] = [row for row in ads if row["date"].month != 10]
    assert held.look() == [(FIRSTS[1], FIRSTS[2] - dt.timedelta(days=1))]
    held.rows["transactions"].clear()
    assert held.look() == [(None, None)]


def test_undated_rows_are_looked_at_always(held: Held) -> None:
    """A sheet's rows belong to no month: a fault there is found, and gone when it is mended."""
    held.rows["bookings"] = [booking(booking_revenue="-7.00")]
    assert held.look() == []
    held.rows["bookings"] = []
    assert held.look() == []
    assert "bookings" not in str(held.check(by_month=True))


def test_other_limits_and_other_checks_look_again(held: Held) -> None:
    """What is remembered holds for the checks and limits that it was found with."""
    held.settings = GuardSettings(credit_percent=1, disabled=OTHERS)
    assert held.look() == [(None, None)]
    held.settings = GuardSettings(credit_percent=1, disabled=(*OTHERS, "funnel_order"))
    assert held.look() == [(None, None)]


@pytest.mark.parametrize("text", ["", "[]", '{"half'])
def test_a_lost_or_broken_memory_is_no_harm(held: Held, text: str) -> None:
    """A memory that a kill or a person broke is forgotten."""
    (held.folder / "guard.json").write_text(text, encoding="utf-8")
    assert held.look() == [(None, None)]
    (held.folder / "guard.json").unlink()
    assert held.look() == [(None, None)]


def test_rows_beyond_the_covered_months_are_found(held: Held) -> None:
    """What lies before the first month, or after the last one, belongs to these."""
    held.rows["ad_performance"] += [
        ad(date=dt.date(2020, 2, 2), conversion_value=Decimal("-1.00")),
        ad(date=dt.date(2031, 3, 3)),
    ]
    assert held.look() == [(None, FIRSTS[1] - dt.timedelta(days=1)), (FIRSTS[2], None)]
    assert "2031-03-03" in str(held.check(by_month=True))


def test_each_table_is_dated_or_not() -> None:
    """Every silver table that the checks put together is looked at by month, or always."""
    checks = {check.name: check.sql for check in load_checks() if check.month}
    silver = {name for name, spec in TABLES.items() if spec.namespace == "silver"}
    assert not set(DATED) & set(UNDATED)
    assert silver - {*DATED, *UNDATED} == {"quarantine", "bookings_history"}
    assert all("coverage" not in sql and "quarantine" not in sql for sql in checks.values())


def test_a_large_lake_is_looked_at_by_month(lab: Lab) -> None:
    """The months of a real lake are remembered, and their findings are those of a full look."""
    lab.sync()
    with lab.workspace() as workspace:
        whole = check_silver(workspace).to_json()
        assert check_silver(workspace, large_bytes=0).to_json() == whole
        remembered = workspace.home.scratch / MEMORY
        first = remembered.read_bytes()
        assert check_silver(workspace, large_bytes=0).to_json() == whole
        assert remembered.read_bytes() == first
    lab.world.restate(5)
    lab.sync()
    with lab.workspace() as workspace:
        whole = check_silver(workspace).to_json()
        assert check_silver(workspace, large_bytes=0).to_json() == whole
        assert remembered.read_bytes() != first
