-- grain: org, source, account (spreadsheet), booking
-- units: booked_impressions count; booking_revenue money in `currency`; flight days inclusive
-- source: silver.bookings
-- part: org
SELECT
    org_id, source, account_id, booking_id, client, campaign, campaign_id, platform, channel,
    flight_start, flight_end, booked_impressions, booking_revenue, currency, status, make_good_for,
    sheet_row, extras, goal, booked_clicks, booked_views, booked_conversions, booked_spend,
    start_share, hiatus, plan, quality_score, fetched_at
FROM silver_bookings
WHERE org_id = $org_id
