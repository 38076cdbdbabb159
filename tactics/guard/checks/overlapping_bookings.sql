-- check: overlapping_bookings
-- severity: warn
-- needs: bookings
-- message: two bookings of one campaign run at the same time
-- hint: delivery cannot be told apart and counts for both; merge them, or give each its own campaign
-- Make-goods overlap their original on purpose; cancelled lines run no more.
WITH lines AS (
    SELECT
        org_id, source, account_id, booking_id, platform, campaign_id, flight_start, flight_end,
        sheet_row,
        arg_max(booking_id, flight_end) OVER earlier AS overlaps_booking,
        max(flight_end) OVER earlier AS busy_until
    FROM bookings
    WHERE trim(campaign_id) <> ''
        AND trim(coalesce(make_good_for, '')) = ''
        AND NOT coalesce(lower(trim(status)) LIKE 'cancel%', false)
    WINDOW earlier AS (
        PARTITION BY org_id, lower(trim(platform)), campaign_id
        ORDER BY flight_start, flight_end, booking_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)

SELECT * EXCLUDE (busy_until)
FROM lines
WHERE flight_start <= busy_until
