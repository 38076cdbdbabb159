-- What gold reads of each silver table: the columns and types it relies on. Each statement is an
-- empty relation; it stands in for a table of which nothing is held yet.

-- name: ad_performance
-- One row per entity and day of an ad platform.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS campaign_id, NULL::VARCHAR AS campaign_name, NULL::VARCHAR AS channel,
    NULL::BIGINT AS impressions, NULL::BIGINT AS clicks, NULL::DECIMAL(15, 2) AS spend,
    NULL::VARCHAR AS currency, NULL::DECIMAL(15, 4) AS conversions,
    NULL::DECIMAL(15, 2) AS conversion_value, NULL::BIGINT AS video_views, NULL::VARCHAR AS timezone,
    NULL::VARCHAR AS finality, NULL::BIGINT AS log_seq
WHERE false;

-- name: transactions
-- One row per Stripe balance transaction.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS reporting_category, NULL::VARCHAR AS status, NULL::VARCHAR AS currency,
    NULL::BIGINT AS amount_minor, NULL::BIGINT AS fee_minor, NULL::BIGINT AS net_minor,
    NULL::DECIMAL(18, 3) AS amount, NULL::DECIMAL(18, 3) AS fee, NULL::DECIMAL(18, 3) AS net,
    NULL::VARCHAR AS finality
WHERE false;

-- name: bookings
-- One row per line of the bookings sheet.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id,
    NULL::VARCHAR AS booking_id, NULL::VARCHAR AS client, NULL::VARCHAR AS campaign,
    NULL::VARCHAR AS campaign_id, NULL::VARCHAR AS platform, NULL::VARCHAR AS channel,
    NULL::DATE AS flight_start, NULL::DATE AS flight_end, NULL::BIGINT AS booked_impressions,
    NULL::DECIMAL(15, 2) AS booking_revenue, NULL::VARCHAR AS currency, NULL::VARCHAR AS status,
    NULL::VARCHAR AS make_good_for, NULL::INTEGER AS sheet_row, NULL::VARCHAR AS extras,
    NULL::VARCHAR AS goal, NULL::BIGINT AS booked_clicks, NULL::BIGINT AS booked_views,
    NULL::DECIMAL(15, 4) AS booked_conversions, NULL::DECIMAL(15, 2) AS booked_spend,
    NULL::DECIMAL(9, 8) AS start_share, NULL::VARCHAR AS hiatus, NULL::VARCHAR AS plan,
    NULL::INTEGER AS quality_score, NULL::TIMESTAMPTZ AS fetched_at
WHERE false;

-- name: bookings_history
-- The same lines as they stood on each day on which the sheet was read.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS booking_id, NULL::DATE AS flight_start, NULL::DATE AS flight_end,
    NULL::VARCHAR AS goal, NULL::BIGINT AS booked_impressions, NULL::BIGINT AS booked_clicks,
    NULL::BIGINT AS booked_views, NULL::DECIMAL(15, 4) AS booked_conversions,
    NULL::DECIMAL(15, 2) AS booked_spend, NULL::DECIMAL(15, 2) AS booking_revenue,
    NULL::VARCHAR AS currency, NULL::DECIMAL(9, 8) AS start_share, NULL::VARCHAR AS hiatus,
    NULL::VARCHAR AS plan
WHERE false;

-- name: crm_deals
-- One row per deal of the CRM sheet.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS deal_id, NULL::VARCHAR AS company,
    NULL::VARCHAR AS deal_stage, NULL::DECIMAL(15, 2) AS amount, NULL::VARCHAR AS currency,
    NULL::VARCHAR AS booking_id
WHERE false;
