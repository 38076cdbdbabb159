-- check: booking_dates
-- severity: error
-- needs: bookings
-- message: a flight ends before it starts
-- hint: correct flight_start or flight_end in the sheet
-- The sheets connector refuses such rows; this is the second lock on the same door.
SELECT
    org_id, source, account_id, booking_id, campaign_id, flight_start, flight_end, sheet_row
FROM bookings
WHERE flight_end < flight_start
