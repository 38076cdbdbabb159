"""Silver: exactly the winning days are overwritten, in one commit."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from tactics.errors import MappingError
from tactics.home import Home
from tactics.lake import Lake, SilverResult
from tactics.lake.silver import load_silver
from tactics.model import Finality
from tests.unit.lake.support import Vendor, ad, balanced, day, open_lake, rows, spend

pytestmark = pytest.mark.usefixtures("either_size")


@pytest.fixture
def lake(home: Home) -> Iterator[Lake]:
    """Return an open lake."""
    with open_lake(home) as opened:
        yield opened


@pytest.fixture
def vendor() -> Vendor:
    """Return a vendor that has sent nothing yet."""
    return Vendor()


def sync(lake: Lake, vendor: Vendor, name: str, *pages: object, **facts: object) -> SilverResult:
    """Fetch, append and load one request that wins its whole window."""
    lake.append_pages(vendor.fetch(name, pages, **facts), f"bronze-{name}")
    result = lake.load_silver(vendor.load(f"silver-{name}", name))
    assert balanced(result)
    return result


def test_records_become_typed_rows(lake: Lake, home: Home, vendor: Vendor):
    """All columns of the table, provenance and finality included."""
    result = sync(lake, vendor, "r1", [ad("a", 1, "12.345")])
    assert result == SilverResult(1, 1, start=day(1), end=day(1))
    columns = (
        "org_id, source, account_id, stream, entity_id, date, spend, finality, request_id, log_seq"
    )
    assert rows(lake, home, "ad_performance", f"{columns}, fetched_at::VARCHAR") == [
        (
            *("acme", "meta", "act_1", "insights", "a", day(1), Decimal("12.35")),
            *("provisional", "r1", 1, "2026-11-20 06:00:00+00"),
        )
    ]


def test_a_refetch_overwrites_and_vanished_rows_vanish(lake: Lake, home: Home, vendor: Vendor):
    """Promise 4: metrics are windows that are overwritten."""
    sync(lake, vendor, "r1", [ad("a", 1), ad("b", 1), ad("a", 2), ad("b", 2), ad("a", 3)])
    sync(lake, vendor, "r2", [ad("a", 2, "7.00")], first=2, last=3)
    assert spend(lake, home) == [
        ("act_1", "a", "1.00", 1),
        ("act_1", "a", "7.00", 2),
        ("act_1", "b", "1.00", 1),
    ]


def test_an_empty_refetch_empties_its_days(lake: Lake, home: Home, vendor: Vendor):
    """All rows of a window vanished upstream."""
    sync(lake, vendor, "r1", [ad("a", 1), ad("a", 2)])
    result = sync(lake, vendor, "r2", [], first=1, last=1)
    assert (result.received, result.start, result.end) == (0, day(1), day(1))
    assert spend(lake, home) == [("act_1", "a", "1.00", 2)]


def test_the_same_load_again_changes_nothing(lake: Lake, home: Home, vendor: Vendor):
    """The load id is found in the table's snapshots, and the answer is the first one."""
    first = sync(lake, vendor, "r1", [ad("a", 1), ad("b", 1, "N/A"), ad("a", 1)])
    files = lake.files("ad_performance")
    assert lake.load_silver(vendor.load("silver-r1", "r1")) == first
    assert lake.files("ad_performance") == files
    assert len(rows(lake, home, "quarantine", "rule")) == 1


def test_the_same_requests_under_another_load_id_give_the_same_rows(
    lake: Lake, home: Home, vendor: Vendor
):
    """Also without the id: overwriting is idempotent."""
    sync(lake, vendor, "r1", [ad("a", 1), ad("b", 1, "N/A")])
    again = lake.load_silver(vendor.load("another", "r1"))
    assert (again.received, again.written, again.quarantined) == (2, 1, 1)
    assert spend(lake, home) == [("act_1", "a", "1.00", 1)]
    assert len(rows(lake, home, "quarantine", "rule")) == 1


def test_accounts_do_not_touch_each_other(lake: Lake, home: Home, vendor: Vendor):
    """The same day of another account stays, in the same file or not."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    lake.append_pages(vendor.fetch("r2", [[ad("a", 1, "2.00")]], account="act_2"), "L2")
    lake.load_silver(vendor.load("S1", "r1", "r2"))
    sync(lake, vendor, "r3", [ad("a", 1, "9.00")], account="act_2")
    assert spend(lake, home) == [("act_1", "a", "1.00", 1), ("act_2", "a", "9.00", 1)]


def test_sources_and_organisations_do_not_touch_each_other(lake: Lake, home: Home, vendor: Vendor):
    """Same table, same account name, same day: three owners."""
    others = [Vendor(source="meta_us", seq=10), Vendor(org_id="other", seq=20)]
    sync(lake, vendor, "r1", [ad("a", 1)])
    files = set(lake.files("ad_performance"))
    for number, other in enumerate(others):
        sync(lake, other, f"o{number}", [ad("a", 1, "5.00")])
    assert files <= set(lake.files("ad_performance"))
    owners = rows(lake, home, "ad_performance", "org_id, source, spend::VARCHAR")
    assert owners == [
        ("acme", "meta", "1.00"),
        ("acme", "meta_us", "5.00"),
        ("other", "meta", "5.00"),
    ]


def test_a_superseded_request_does_not_come_back(lake: Lake, home: Home, vendor: Vendor):
    """A retried older load writes only the days of which it is still the newest fetch."""
    old = vendor.fetch("old", [[ad("a", 1, "1.00"), ad("a", 2, "1.00")]], last=2)
    lake.append_pages(old, "L1")
    sync(lake, vendor, "new", [ad("a", 2, "8.00")], first=2, last=2)
    result = lake.load_silver(vendor.load("S1", "old", wins={"old": [1]}))
    assert (result.written, result.superseded) == (1, 1)
    assert spend(lake, home) == [("act_1", "a", "1.00", 1), ("act_1", "a", "8.00", 2)]


def test_a_load_that_wins_nothing_writes_nothing(lake: Lake, home: Home, vendor: Vendor):
    """Every record is superseded; there is no commit."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    result = lake.load_silver(vendor.load("S1", "r1", wins={}))
    assert result == SilverResult(received=1, superseded=1)
    assert lake.files("ad_performance") == []


def test_two_requests_of_one_load_each_keep_their_days(lake: Lake, home: Home, vendor: Vendor):
    """Overlapping windows in one load: each day is taken from its winner only."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1), ad("a", 2)]], last=2), "L1")
    lake.append_pages(vendor.fetch("r2", [[ad("a", 2, "3.00"), ad("a", 3, "3.00")]], first=2), "L2")
    result = lake.load_silver(vendor.load("S", "r1", "r2", wins={"r1": [1], "r2": [2, 3]}))
    assert (result.written, result.superseded, result.duplicate) == (3, 1, 0)
    assert [row[2:] for row in spend(lake, home)] == [("1.00", 1), ("3.00", 2), ("3.00", 3)]


def test_of_a_row_that_two_pages_repeat_the_last_stays(lake: Lake, home: Home, vendor: Vendor):
    """Pages shift while they are read."""
    result = sync(lake, vendor, "r1", [ad("a", 1, "1.00"), ad("b", 1)], [ad("a", 1, "2.00")])
    assert (result.received, result.written, result.duplicate) == (3, 2, 1)
    assert spend(lake, home) == [("act_1", "a", "2.00", 1), ("act_1", "b", "1.00", 1)]


def test_refused_rows_go_to_quarantine_with_their_rule(lake: Lake, home: Home, vendor: Vendor):
    """A bad row is kept as the vendor sent it; its neighbours are written."""
    result = sync(lake, vendor, "r1", [ad("a", 1, "1_000"), ad("b", 1)])
    assert (result.written, result.quarantined) == (1, 1)
    [(table, rule, record, request_id)] = rows(
        lake, home, "quarantine", "table_name, rule, record, request_id"
    )
    assert (table, rule, request_id) == ("ad_performance", "spend_not_a_number", "r1")
    assert '"spend":"1_000"' in record


def test_rows_of_days_that_were_not_asked_for_are_refused(lake: Lake, home: Home, vendor: Vendor):
    """They would overwrite nothing, and stay for ever."""
    sync(lake, vendor, "r1", [ad("a", 1), ad("a", 9)], last=3)
    [(rule, record)] = rows(lake, home, "quarantine", "rule, record")
    assert rule == "date_outside_window"
    assert '"date":"2026-10-09"' in record


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"id": None}, "entity_id_missing"),
        ({"day": "yesterday"}, "date_missing"),
        ({"day": "1066-10-14"}, "date_out_of_range"),
    ],
)
def test_rows_without_identity_are_refused(lake: Lake, home: Home, change, rule):
    """No key or no day: the row can never be overwritten."""
    sync(lake, Vendor(), "r1", [{**ad("a", 1), **change}])
    assert rows(lake, home, "quarantine", "rule") == [(rule,)]


def test_later_refusals_leave_earlier_ones_alone(lake: Lake, home: Home, vendor: Vendor):
    """Quarantine is replaced per request."""
    sync(lake, vendor, "r1", [ad("a", 1, "bad")])
    sync(lake, vendor, "r2", [ad("a", 1, "worse")])
    lake.load_silver(vendor.load("again", "r1", wins={}))
    found = rows(lake, home, "quarantine", "request_id, rule")
    assert found == [("r1", "spend_not_a_number"), ("r2", "spend_not_a_number")]


def test_a_page_that_cannot_be_parsed_spoils_no_other(lake: Lake, home: Home, vendor: Vendor):
    """The stream's SQL decides what becomes of it."""
    result = sync(lake, vendor, "r1", b'[{"id":"a"', [ad("b", 1)])
    assert (result.received, result.written) == (1, 1)
    assert spend(lake, home) == [("act_1", "b", "1.00", 1)]


def test_a_request_that_bronze_holds_only_partly_is_left_out(
    lake: Lake, home: Home, vendor: Vendor
):
    """Half of a window must not replace the whole of it; the rest of the load goes on."""
    sync(lake, vendor, "r0", [ad("a", 1)])
    half = vendor.fetch("half", [[ad("a", 1, "5.00")], [ad("b", 1, "5.00")]])
    lake.append_pages(half[:1], "L1")
    lake.append_pages(vendor.fetch("r2", [[ad("a", 1)]], account="act_2"), "L2")
    result = lake.load_silver(vendor.load("S1", "half", "r2"))
    assert (result.incomplete, result.written) == (("half",), 1)
    lake.append_pages(half[1:], "L3")
    assert lake.load_silver(vendor.load("S2", "half")).written == 2
    assert [row[2] for row in spend(lake, home)] == ["5.00", "5.00", "1.00"]


def test_a_load_of_nothing_but_incomplete_requests_is_no_commit(lake: Lake, vendor: Vendor):
    """It comes back when the pages are there."""
    pages = vendor.fetch("half", [[ad("a", 1)], [ad("b", 1)]])
    lake.append_pages(pages[:1], "L1")
    assert lake.load_silver(vendor.load("S1", "half")) == SilverResult(incomplete=("half",))


def test_a_load_before_bronze_exists_is_incomplete(lake: Lake, vendor: Vendor):
    """Nothing was ever appended."""
    vendor.fetch("r1", [[ad("a", 1)]])
    assert lake.load_silver(vendor.load("S1", "r1")).incomplete == ("r1",)


def test_only_days_that_differ_count_as_changed(lake: Lake, vendor: Vendor):
    """Gold rebuilds no more than it must."""
    sync(lake, vendor, "r1", [ad("a", number) for number in range(1, 6)], last=5)
    page = [ad("a", 1), ad("a", 2, "2.00"), ad("a", 3), ad("a", 5)]
    result = sync(lake, vendor, "r2", page, last=5)
    assert (result.start, result.end, result.changed) == (day(2), day(4), True)


def test_a_refetch_without_news_changes_nothing_but_provenance(
    lake: Lake, home: Home, vendor: Vendor
):
    """The rows say which fetch confirmed them; gold has nothing to do."""
    sync(lake, vendor, "r1", [ad("a", 1)])
    result = sync(lake, vendor, "r2", [ad("a", 1)])
    assert not result.changed
    assert rows(lake, home, "ad_performance", "request_id") == [("r2",)]


def test_a_replay_under_another_id_counts_as_changed(lake: Lake, vendor: Vendor):
    """Killed before anybody was told: also days that the load has emptied are told again."""
    sync(lake, vendor, "r1", [ad("a", 1), ad("a", 2)], last=2)
    first = sync(lake, vendor, "r2", [ad("a", 1)], last=2)
    again = lake.load_silver(vendor.load("regrouped", "r2"))
    assert (first.start, first.end) == (day(2), day(2))
    assert (again.start, again.end) == (day(1), day(2))


def test_a_day_that_becomes_final_has_changed(lake: Lake, home: Home, vendor: Vendor):
    """Reports show finality."""
    sync(lake, vendor, "r1", [ad("a", 1)])
    lake.append_pages(vendor.fetch("r2", [[ad("a", 1)]]), "L2")
    assert lake.load_silver(vendor.load("S2", "r2", finality=Finality.FINAL)).changed
    assert rows(lake, home, "ad_performance", "finality") == [("final",)]


def test_filtered_scans_find_the_rows(lake: Lake, vendor: Vendor):
    """Files that DuckDB wrote carry bounds; without them filtered scans hide rows silently."""
    sync(lake, vendor, "r1", [ad("a", number) for number in (10, 31, 32)], last=32)
    everything = lake.files("ad_performance")
    assert len(everything) == 2
    assert lake.files("ad_performance", org_id="acme", start=day(31), end=day(32)) == everything
    assert len(lake.files("ad_performance", start=day(32))) == 1
    assert lake.files("ad_performance", start=day(2), end=day(9)) == []
    assert lake.files("ad_performance", org_id="nobody") == []


def test_a_relation_has_exactly_the_rows_asked_for(lake: Lake, home: Home, vendor: Vendor):
    """Files may hold more; the relation does not."""
    sync(lake, vendor, "r1", [ad("a", 1), ad("a", 2), ad("a", 3)])
    only = {"org_id": "acme", "start": day(2), "end": day(2)}
    assert rows(lake, home, "ad_performance", "date", **only) == [(day(2),)]


def test_an_unused_table_is_a_typed_relation_without_rows(lake: Lake, home: Home):
    """Views over every table can be made on the first day."""
    for table in ("bookings", "transactions", "quarantine", "pages"):
        assert lake.files(table) == []
        assert rows(lake, home, table, "count(*)") == [(0,)]
        assert [name for name, _ in lake.columns(table)][-1] != ""


def test_sql_that_lacks_a_column_is_refused_by_name(lake: Lake, vendor: Vendor):
    """The message says which column of which table."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    load = vendor.load("S1", "r1")
    broken = replace(load, sql=load.sql.replace("0::BIGINT AS clicks", "0::BIGINT AS klicks"))
    with pytest.raises(MappingError, match=r"missing=\['clicks'\], surplus=\['klicks'\]"):
        lake.load_silver(broken)


@pytest.mark.parametrize("extra", ["finality", "klicks"])
def test_sql_with_a_column_too_many_is_refused_by_name(lake: Lake, vendor: Vendor, extra: str):
    """A column that nobody asked for is a mistake, and finality is not the vendor's to tell."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    load = vendor.load("S1", "r1")
    broken = replace(load, sql=f"SELECT *, 'x' AS {extra} FROM ({load.sql})")
    with pytest.raises(MappingError, match=rf"missing=\[\], surplus=\['{extra}'\]"):
        lake.load_silver(broken)


def test_sql_that_fails_leaves_nothing_behind(lake: Lake, home: Home, vendor: Vendor):
    """A vendor that changes a type spoils this load, not the lake."""
    lake.append_pages(vendor.fetch("r1", [[ad("a", 1)]]), "L1")
    load = vendor.load("S1", "r1")
    broken = replace(load, sql=load.sql.replace("r.id AS entity_id", "r.nothing AS entity_id"))
    with pytest.raises(MappingError):
        lake.load_silver(broken)
    assert lake.files("ad_performance") == []
    assert lake.load_silver(load).written == 1


def test_small_files_of_a_month_do_not_pile_up(lake: Lake, vendor: Vendor):
    """A window that slides by a day leaves one file a month, not one a day."""
    for number in range(1, 12):
        sync(lake, vendor, f"r{number}", [ad("a", number)], first=number, last=number)
    assert len(lake.files("ad_performance")) == 1


def test_blocks_end_in_one_commit_with_the_same_rows(lake: Lake, home: Home, vendor: Vendor):
    """A load larger than memory is read in blocks of whole requests."""
    names = [f"r{number}" for number in range(1, 7)]
    sync(lake, vendor, "old", [ad("a", number, "9.00") for number in range(1, 9)], last=8)
    for number, name in enumerate(names, start=1):
        page = [ad("a", number), ad("a", number), ad("b", number, "bad")]
        lake.append_pages(vendor.fetch(name, [page], first=number, last=number), name)
    load = vendor.load("S", *names)
    result = load_silver(lake._warehouse, lake._engine, load, block_bytes=1)
    assert (result.written, result.duplicate, result.quarantined) == (6, 6, 6)
    assert (result.start, result.end) == (day(1), day(6))
    assert [row[2] for row in spend(lake, home)] == ["1.00"] * 6 + ["9.00"] * 2
