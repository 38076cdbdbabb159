"""Incremental builds of tables that look around: what changed on one day moves others."""

import datetime as dt
import random
from collections import Counter

import pytest

from tactics.gold import TABLES, build
from tactics.gold.plan import DAY
from tactics.home import Home
from tests.unit.gold.pillars import Pillars, org_of
from tests.unit.gold.silver import TODAY, day

VOLATILE = ("freshness",)
ORDER_IDS = range(900, 999)


def tables_of(pillars: Pillars) -> dict[str, list[str]]:
    """Return every row of every table as text."""
    return {
        name: sorted(map(str, pillars.read(f"SELECT * FROM {name}")))
        for name in (*TABLES, "fx_rates")
        if name not in VOLATILE
    }


def built_anew(pillars: Pillars, home: Home) -> dict[str, list[str]]:
    """Return the tables of the same silver, built from nothing."""
    other = Pillars(home)
    other.rows, other.coverage, other.orgs = pillars.rows, pillars.coverage, pillars.orgs
    other.build()
    return tables_of(other)


def test_a_late_charge_mends_the_day_of_its_order(
    pillars: Pillars, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A charge that arrives alone takes the order of three weeks before out of the residual."""
    pillars.order("#1", "10-20")
    pillars.build()
    assert pillars.day_of("revenue_bridge", "10-20")["residual"] == -100
    pillars.charge("#1", "11-10")
    pillars.build(changes=[pillars.change("transactions", day("11-10"), day("11-10"))])
    row = pillars.day_of("revenue_bridge", "10-20")
    assert (row["residual"], row["timing"]) == (0, -100)
    assert tables_of(pillars) == built_anew(pillars, Home(tmp_path_factory.mktemp("anew")))


def test_a_second_order_of_the_name_unties_the_first(pillars: Pillars) -> None:
    """A reference that has become ambiguous means nothing any more, also for the order that had it."""
    pillars.order("#1", "10-20")
    pillars.charge("#1", "11-01")
    pillars.build()
    pillars.order("#1", "11-12", account_id="second", order_id="777")
    pillars.build(changes=[pillars.change("orders", day("11-12"), day("11-12"))])
    row = pillars.day_of("revenue_bridge", "10-20")
    assert (row["residual"], row["timing"]) == (-100, 0)


def test_a_count_of_subscribers_shows_in_the_week_after(pillars: Pillars) -> None:
    """A list that was counted on Sunday is what Wednesday's mail was sent to."""
    pillars.plant("email_performance", "11-04")
    pillars.build()
    pillars.plant("email_subscribers", "11-01")
    pillars.build(changes=[pillars.change("email_subscribers", day("11-01"), day("11-01"))])
    assert pillars.day_of("email_daily", "11-04")["subscribers"] == 500


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_changes_equals_a_build_from_nothing(
    pillars: Pillars, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Whatever arrives, changes or vanishes: increments lead to what all of it gives at once."""
    dice = random.Random(seed)
    pillars.load("10-01", "11-19")
    pillars.build()
    for _ in range(4):
        changes = [arrive(pillars, dice) for _ in range(12)] + [
            vanish(pillars, dice) for _ in range(3)
        ]
        pillars.build(changes=[change for change in changes if change])
    assert tables_of(pillars) == built_anew(pillars, Home(tmp_path_factory.mktemp("anew")))


def test_read_at_once_or_by_part(pillars: Pillars, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small organisation's silver is read once; part by part gives the same rows."""
    dice = random.Random(1)
    pillars.load("10-01", "11-19")
    for _ in range(200):
        arrive(pillars, dice)
    rows = sum(len(pillars.rows[table]) for table in CHANCES)
    asked, found = [], []
    for limit in (rows, rows - 1):
        monkeypatch.setattr(build, "SMALL_ROWS", limit)
        pillars.asked.clear()
        pillars.build()
        asked.append(Counter(table for table, *_ in pillars.asked))
        found.append(tables_of(pillars))
    assert {asked[0][table] for table in CHANCES} == {2}  # for its bounds, and for all of it
    assert asked[1]["orders"] > 2
    assert found[0] == found[1]


def arrive(pillars: Pillars, dice: random.Random):
    """Plant one row of any table; return the change that silver would tell."""
    table = dice.choice(list(CHANCES))
    on = day("10-01") + dice.randrange(50) * DAY
    CHANCES[table](pillars, f"{on:%m-%d}", dice)
    return pillars.change(table, on, on)


def vanish(pillars: Pillars, dice: random.Random):
    """Take one row of any table away; return the change that silver would tell."""
    rows = pillars.rows[dice.choice(list(CHANCES))]
    table = next(name for name, held in pillars.rows.items() if held is rows)
    if not rows:
        return None
    row = rows.pop(dice.randrange(len(rows)))
    return pillars.change(table, row["date"], row["date"])


def name(dice: random.Random) -> str:
    """Return an order's name; there are few, so that they meet."""
    return f"#{dice.randrange(12)}"


def new_order(pillars: Pillars, dice: random.Random) -> str:
    """Return the id of an order that the shop does not have: silver holds each once."""
    held = {row["order_id"] for row in pillars.rows["orders"]}
    return dice.choice([text for text in map(str, ORDER_IDS) if text not in held])


CHANCES = {
    "ad_performance": lambda p, on, dice: p.deliver(
        f"c{dice.randrange(3)}", date=day(on), channel=dice.choice(["social", "search", None])
    ),
    "web_traffic": lambda p, on, dice: p.plant(
        "web_traffic", on, medium=dice.choice(["cpc", "social", "organic"])
    ),
    "search_performance": lambda p, on, dice: p.plant(
        "search_performance", on, report=dice.choice(["site", "query", "page"])
    ),
    "sitemaps": lambda p, on, dice: p.plant("sitemaps", on, errors=dice.randrange(3)),
    "url_inspections": lambda p, on, dice: p.plant(
        "url_inspections", on, verdict=dice.choice(["PASS", "FAIL"])
    ),
    "orders": lambda p, on, dice: p.order(
        name(dice),
        on,
        order_id=new_order(p, dice),
        gateways=dice.choice(["stripe", "paypal"]),
    ),
    "order_refunds": lambda p, on, dice: p.plant(
        "order_refunds", on, order_id=str(dice.choice(ORDER_IDS))
    ),
    "transactions": lambda p, on, dice: p.charge(name(dice), on, dice.choice([10_000, 9_000])),
    "email_performance": lambda p, on, dice: p.plant(
        "email_performance", on, message_id=f"m{dice.randrange(5)}"
    ),
    "email_subscribers": lambda p, on, dice: p.plant(
        "email_subscribers", on, profile_count=dice.randrange(900)
    ),
    "email_revenue": lambda p, on, dice: p.plant("email_revenue", on),
}


def test_days_whose_neighbours_are_gone_stay_as_they_are(pillars: Pillars) -> None:
    """Silver forgets the charge of an old order: its day keeps what it was found to be."""
    first = TODAY - dt.timedelta(days=365)
    ordered, charged = first + 5 * DAY, first - 5 * DAY
    pillars.order("#1", "11-01", date=ordered)
    pillars.charge("#1", "11-01", date=charged)
    pillars.build(full=True)
    bridge = f"SELECT residual, timing FROM revenue_bridge WHERE date = DATE '{ordered}'"
    assert pillars.one(bridge) == {"residual": 0, "timing": -100}
    pillars.rows["transactions"].clear()
    pillars.build(changes=[pillars.change("orders", ordered, ordered)], silver_from=first)
    assert pillars.one(bridge) == {"residual": 0, "timing": -100}
    pillars.build(full=True, silver_from=first)
    assert pillars.one(bridge) == {"residual": 0, "timing": -100}


def test_a_short_memory_still_builds(pillars: Pillars) -> None:
    """With 31 days of silver, new days are built all the same."""
    pillars.build(silver_from=TODAY - 31 * DAY, full=True)
    pillars.order("#1", "11-19")
    pillars.charge("#1", "11-19")
    changes = [
        pillars.change(table, day("11-19"), day("11-19")) for table in ("orders", "transactions")
    ]
    pillars.build(changes=changes, silver_from=TODAY - 31 * DAY)
    assert pillars.day_of("revenue_bridge", "11-19")["residual"] == 0


def test_another_org_is_left_alone(pillars: Pillars) -> None:
    """Rows of an organisation that is not built now stay, in every table."""
    pillars.order("#1", "11-01")
    pillars.charge("#1", "11-01")
    pillars.load("11-01", "11-02")
    pillars.build()
    before = tables_of(pillars)
    pillars.orgs = (type(org_of())("beta", "Beta", "USD", "UTC", ()),)
    pillars.build(full=True)
    assert {name: rows for name, rows in tables_of(pillars).items() if rows} == {
        name: rows for name, rows in before.items() if rows
    }
