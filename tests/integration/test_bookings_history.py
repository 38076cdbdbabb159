"""What was booked, as it stood on each day on which the sheet was read."""

import datetime as dt

from tests.lab import TODAY, Lab

HISTORY = (
    "SELECT date, booked_impressions FROM silver.bookings_history"
    " WHERE booking_id = 'BK-1001' ORDER BY date"
)


def test_an_edit_leaves_what_was_booked_before(lab: Lab):
    """One row a day that the sheet was read on; the newest reading of a day counts."""
    lab.sync("sheets")
    [(_, before)] = lab.silver(HISTORY)
    lab.world.edit_booking("BK-1001", booked_impressions=before + 1)
    lab.sync("sheets")
    assert lab.silver(HISTORY) == [(TODAY, before + 1)]
    lab.world.edit_booking("BK-1001", booked_impressions=before + 500)
    lab.clock.advance(dt.timedelta(days=1).total_seconds())
    lab.world.advance()
    lab.sync("sheets")
    assert lab.silver(HISTORY) == [
        (TODAY, before + 1),
        (TODAY + dt.timedelta(days=1), before + 500),
    ]


def test_a_refused_row_is_kept_aside_once(lab: Lab):
    """The history does not put a record into quarantine a second time."""
    result = lab.sync("sheets")
    [(refused,)] = lab.silver("SELECT count(*) FROM silver.quarantine WHERE stream = 'bookings'")
    receipts = [receipt for receipt in result.receipts if receipt.key.stream == "bookings"]
    assert refused == sum(receipt.quarantined for receipt in receipts) > 0
    assert len(receipts) == 2  # one for each organisation
