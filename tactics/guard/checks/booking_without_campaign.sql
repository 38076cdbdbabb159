-- check: booking_without_campaign
-- severity: warn
-- needs: bookings
-- message: a booking names no campaign
-- hint: fill in campaign_id; without it the line has no delivery, pacing or margin
SELECT
    org_id, source, account_id, booking_id, client, campaign, flight_start, flight_end, sheet_row
FROM bookings
WHERE trim(coalesce(campaign_id, '')) = ''
    AND NOT coalesce(lower(trim(status)) LIKE 'cancel%', false)
