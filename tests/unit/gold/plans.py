"""Many lines, one build: each test plants its own line, and all lines of a module are built at once.

A build costs a quarter of a second whatever it holds, and every edge case deserves a test of its own.
Lines do not touch: each has its own account, campaign and booking, named after its test.
"""

from collections.abc import Callable
from typing import Any, Self, TypeAlias, TypeVar

from tests.unit.gold.silver import Silver, day, span

Row: TypeAlias = dict[str, Any]
Test = TypeVar("Test", bound=Callable[..., None])


class Line:
    """A booked campaign in an account of its own; by default 10,000 impressions, 1 to 10 November."""

    def __init__(self, silver: Silver, name: str) -> None:
        self._silver = silver
        self._name = name

    def book(self, suffix: str = "", **facts: Any) -> Self:
        """Book the campaign; a second booking of it has a suffix."""
        facts = {"campaign_id": self._name, "campaign": self._name, **facts}
        self._silver.book(self._name + suffix, **facts)
        return self

    def deliver(self, start: str, end: str | None = None, **facts: Any) -> Self:
        """Deliver a thousand impressions for five euros a day, from `start` to `end`."""
        days = {"start": day(start), "end": day(end or start)}
        self._silver.deliver(self._name, **{"account_id": self._name, **days, **facts})
        return self

    def cover(self, end: str, start: str = "09-01", **facts: Any) -> Self:
        """Load the account from `start` (September) to `end`."""
        self._silver.cover(day(start), day(end), **{"account_id": self._name, **facts})
        return self

    def lose(self, start: str, end: str | None = None) -> Self:
        """Forget that these days were loaded."""
        for lost in span(day(start), day(end or start)):
            del self._silver.coverage["acme", "meta", self._name, "insights", lost]
        return self

    def deal(self, suffix: str = "", **facts: Any) -> Self:
        """Add a CRM deal of the booking."""
        self._silver.deal(f"D-{self._name}{suffix}", **{"booking_id": self._name, **facts})
        return self


class Plans:
    """The lines of one test module; an instance decorates a test with what it plants."""

    def __init__(self) -> None:
        self._plans: dict[str, Callable[[Line], object]] = {}

    def __call__(self, plan: Callable[[Line], object]) -> Callable[[Test], Test]:
        """Remember what the decorated test plants."""

        def remember(test: Test) -> Test:
            self._plans[test.__name__] = plan
            return test

        return remember

    def build(self, silver: Silver) -> None:
        """Plant all lines and build them together."""
        for name, plan in self._plans.items():
            plan(Line(silver, name))
        silver.build()
