"""Values of the lake."""

import datetime as dt

from tactics.lake import MaintenanceReport, SilverResult


def test_a_result_survives_the_snapshot_summary():
    """A replay answers what the first try answered."""
    result = SilverResult(9, 5, 1, 2, 1, dt.date(2026, 10, 1), dt.date(2026, 10, 3), ("r7",))
    assert SilverResult.from_json(result.to_json()) == result


def test_a_result_without_changes_survives_too():
    """No span of days means: nothing to build again."""
    restored = SilverResult.from_json(SilverResult(received=1, superseded=1).to_json())
    assert not restored.changed


def test_reports_add_up():
    """Maintenance sums over tables."""
    total = MaintenanceReport(1, 2, 3, 4, 5) + MaintenanceReport(10, 20, 30, 40, 50)
    assert total == MaintenanceReport(11, 22, 33, 44, 55)
