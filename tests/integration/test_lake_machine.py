"""Window overwrite against a dictionary: loads late, repeated, renamed and killed, in any order."""

import datetime as dt
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tactics.home import Home
from tactics.lake import Lake, SilverResult, planning
from tests.effort import effort
from tests.unit.lake.support import Row, Vendor, ad, balanced, day, open_lake, rows

ACCOUNTS = ("act_1", "act_2")
LAST_DAY = 33  # the window of days crosses a month
WAIT = dt.timedelta(minutes=5)
FIRST_FETCH = dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)

Place = tuple[str, int]  # an account and a day


class WindowMachine(RuleBasedStateMachine):
    """Fetches overlap as they like; silver holds of each day what its newest loaded fetch says."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = TemporaryDirectory()
        self.home = Home(Path(self.folder.name) / "home").create()
        self.lake: Lake = open_lake(self.home)
        self.vendor = Vendor()
        self.said: dict[str, dict[Place, dict[str, str]]] = {}  # request: what it found, by place
        self.newest: dict[Place, str] = {}  # the coverage ledger: the newest fetch of each day
        self.silver: dict[Place, dict[str, str]] = {}
        self.waiting: list[str] = []
        self.loads: dict[str, tuple[tuple[str, ...], SilverResult]] = {}

    @initialize(small=st.booleans())
    def fetch_first(self, *, small: bool) -> None:
        """Begin with something to overwrite, in loads that are held in memory or that are not."""
        if not small:
            self.patch.setattr(planning, "SMALL_BYTES", -1)
        self._fetch("act_1", 29, LAST_DAY, {"a": [1] * 5, "b": [2] * 5}, repeated=False)
        self._load([self.waiting.pop()])

    @rule(
        account=st.sampled_from(ACCOUNTS),
        first=st.integers(29, LAST_DAY),
        length=st.integers(1, 3),
        found=st.dictionaries(
            st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=3), max_size=3
        ),
        repeated=st.booleans(),
    )
    def fetch(
        self, account: str, first: int, length: int, found: dict[str, list[int]], *, repeated: bool
    ) -> None:
        """The vendor tells some days anew: with other numbers, with fewer campaigns, or nothing."""
        self._fetch(account, first, min(first + length - 1, LAST_DAY), found, repeated=repeated)

    def _fetch(
        self, account: str, first: int, last: int, found: dict[str, list[int]], *, repeated: bool
    ) -> None:
        name = f"r{len(self.said)}"
        days = range(first, last + 1)
        self.said[name] = {(account, number): {} for number in days}
        page: list[Row] = []
        for campaign, amounts in found.items():
            for number, amount in zip(days, amounts, strict=False):
                page.append(ad(campaign, number, f"{amount}.00"))
                self.said[name][account, number][campaign] = f"{amount}.00"
        pages = [[{**row, "spend": "77.00"} for row in page], page] if repeated else [page]
        fetched_at = FIRST_FETCH + len(self.said) * WAIT
        made = self.vendor.fetch(
            name, pages, first=first, last=last, account=account, fetched_at=fetched_at
        )
        self.lake.append_pages(made, f"bronze-{name}")
        self.newest |= dict.fromkeys(self.said[name], name)
        self.waiting.append(name)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def load(self, data: st.DataObject) -> None:
        """Some of what waits is loaded, not always in the order in which it was fetched."""
        some = st.lists(st.sampled_from(self.waiting), min_size=1, max_size=3, unique=True)
        chosen = data.draw(some)
        self.waiting = [name for name in self.waiting if name not in chosen]
        self._load(chosen)

    def _load(self, names: list[str]) -> None:
        load_id = f"silver-{len(self.loads)}"
        result = self._run(load_id, names)
        self.loads[load_id] = (tuple(names), result)

    def _run(self, load_id: str, names: list[str]) -> SilverResult:
        """Load requests that win the days of which they are the newest fetch, as the pipeline does."""
        wins = {
            name: [
                number
                for place in self.said[name]
                for number in [place[1]]
                if self._wins(name, place)
            ]
            for name in names
        }
        result = self.lake.load_silver(self.vendor.load(load_id, *names, wins=wins))
        assert balanced(result)
        for name in names:
            self.silver |= {p: found for p, found in self.said[name].items() if self._wins(name, p)}
        self._compare()
        return result

    def _wins(self, name: str, place: Place) -> bool:
        return self.newest[place] == name

    @precondition(lambda self: self.loads)
    @rule(data=st.data())
    def load_again(self, data: st.DataObject) -> None:
        """A process that died before it could say so loads the same again under its id."""
        load_id = data.draw(st.sampled_from(sorted(self.loads)))
        names, result = self.loads[load_id]
        if result.written or result.start:  # else nothing was committed that could be found again
            again = self.lake.load_silver(self.vendor.load(load_id, *names))
            assert again == result
            self._compare()

    @precondition(lambda self: self.loads)
    @rule(data=st.data())
    def load_under_another_name(self, data: st.DataObject) -> None:
        """The same requests in another batch change nothing that is newer than they are."""
        names, _ = self.loads[data.draw(st.sampled_from(sorted(self.loads)))]
        self._run(f"again-{len(self.loads)}-{data.draw(st.integers(0, 10**6))}", [*names])

    @rule()
    def maintain(self) -> None:
        """Merging files and forgetting snapshots changes no row."""
        self.lake.maintain(FIRST_FETCH + dt.timedelta(days=1))
        self._compare()

    @rule()
    def open_again(self) -> None:
        """Another process goes on with the same files."""
        self.lake.close()
        self.lake = open_lake(self.home)

    def _compare(self) -> None:
        columns = "account_id, date, campaign_id, spend::VARCHAR"
        found: dict[Place, dict[str, str]] = {}
        for account, date, campaign, spend in rows(self.lake, self.home, "ad_performance", columns):
            place = (account, (date - day(1)).days + 1)
            assert campaign not in found.setdefault(place, {}), "a row is there twice"
            found[place][campaign] = spend
        assert found == {place: facts for place, facts in self.silver.items() if facts}

    def teardown(self) -> None:
        """Load what still waits, newest first: the end is the same; then remove the files."""
        try:
            if self.waiting:
                self._load(self.waiting[::-1])
            assert self.silver.keys() == self.newest.keys()
            assert all(self.silver[p] == self.said[name][p] for p, name in self.newest.items())
        finally:
            self.patch.undo()
            self.lake.close()
            self.folder.cleanup()


TestWindowMachine = WindowMachine.TestCase
TestWindowMachine.settings = effort(5, steps=8)


def test_a_superseded_load_tells_what_nobody_was_told(tmp_path: Path):
    """Killed after its commit and queued, a load tells its days though a newer fetch has them all."""
    home, vendor = Home(tmp_path / "home").create(), Vendor()
    with open_lake(home) as lake:
        lake.append_pages(vendor.fetch("killed", [[ad("a", 1)]], last=1), "bronze-1")
        lake.load_silver(vendor.load("untold", "killed"))
        lake.append_pages(vendor.fetch("newer", [[ad("a", 1)]], last=1), "bronze-2")
        retried = lake.load_silver(vendor.load("retried", "killed", wins={}))
        newer = lake.load_silver(vendor.load("drained", "newer"))
    assert (newer.start, retried.start, retried.end) == (None, day(1), day(1))
