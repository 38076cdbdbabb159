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

-- name: web_traffic
-- One row per property, day, channel group, source, medium and campaign.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS channel_group, NULL::VARCHAR AS traffic_source, NULL::VARCHAR AS medium,
    NULL::VARCHAR AS campaign, NULL::BIGINT AS sessions, NULL::BIGINT AS engaged_sessions,
    NULL::BIGINT AS users, NULL::BIGINT AS new_users, NULL::BIGINT AS page_views,
    NULL::DECIMAL(15, 4) AS key_events, NULL::BIGINT AS purchases,
    NULL::DECIMAL(15, 2) AS purchase_revenue, NULL::DECIMAL(15, 2) AS total_revenue,
    NULL::VARCHAR AS currency, NULL::VARCHAR AS timezone, NULL::BOOLEAN AS is_sampled,
    NULL::BOOLEAN AS is_thresholded, NULL::BOOLEAN AS has_other_row, NULL::VARCHAR AS finality
WHERE false;

-- name: search_performance
-- One row per property, day and what its report goes by (site, page, query, query_page).
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS search_type, NULL::VARCHAR AS report, NULL::BIGINT AS clicks,
    NULL::BIGINT AS impressions, NULL::DECIMAL(18, 4) AS position_weight, NULL::BOOLEAN AS is_final,
    NULL::BOOLEAN AS is_truncated, NULL::VARCHAR AS finality
WHERE false;

-- name: sitemaps
-- One row per sitemap of a property and day on which it was read.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS path, NULL::VARCHAR AS type, NULL::BOOLEAN AS is_pending, NULL::BOOLEAN AS is_index,
    NULL::BIGINT AS errors, NULL::BIGINT AS warnings, NULL::BIGINT AS submitted_urls,
    NULL::TIMESTAMPTZ AS last_submitted, NULL::TIMESTAMPTZ AS last_downloaded
WHERE false;

-- name: url_inspections
-- One row per page and day on which Google was asked about it.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS page_url, NULL::VARCHAR AS verdict, NULL::VARCHAR AS coverage_state,
    NULL::VARCHAR AS indexing_state, NULL::VARCHAR AS robots_state, NULL::VARCHAR AS fetch_state,
    NULL::TIMESTAMPTZ AS last_crawl, NULL::VARCHAR AS google_canonical,
    NULL::VARCHAR AS user_canonical, NULL::VARCHAR AS crawled_as
WHERE false;

-- name: orders
-- One row per order of a shop, as it is now.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS order_id, NULL::VARCHAR AS order_name, NULL::TIMESTAMPTZ AS cancelled_at,
    NULL::BOOLEAN AS is_first_order, NULL::VARCHAR AS financial_status, NULL::BOOLEAN AS is_test,
    NULL::VARCHAR AS gateways, NULL::VARCHAR AS utm_source, NULL::VARCHAR AS utm_medium,
    NULL::VARCHAR AS utm_campaign, NULL::DECIMAL(15, 2) AS gross, NULL::DECIMAL(15, 2) AS discounts,
    NULL::DECIMAL(15, 2) AS tax, NULL::DECIMAL(15, 2) AS shipping, NULL::DECIMAL(15, 2) AS total,
    NULL::DECIMAL(15, 2) AS refunded, NULL::DECIMAL(15, 2) AS net_payment, NULL::VARCHAR AS currency,
    NULL::INTEGER AS units, NULL::VARCHAR AS finality
WHERE false;

-- name: order_refunds
-- One row per refund of an order, on the day of the refund.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS order_id, NULL::DECIMAL(15, 2) AS amount, NULL::VARCHAR AS currency,
    NULL::VARCHAR AS finality
WHERE false;

-- name: email_performance
-- One row per message and day of sending (a flow's: per day), as of the newest fetch.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS entity_id, NULL::VARCHAR AS kind, NULL::VARCHAR AS message_id,
    NULL::VARCHAR AS send_channel, NULL::DATE AS window_start, NULL::DATE AS as_of,
    NULL::BIGINT AS recipients, NULL::BIGINT AS delivered, NULL::BIGINT AS opens_unique,
    NULL::BIGINT AS clicks_unique, NULL::BIGINT AS bounced, NULL::BIGINT AS unsubscribes,
    NULL::BIGINT AS spam_complaints, NULL::BIGINT AS conversions,
    NULL::DECIMAL(15, 2) AS conversion_value, NULL::VARCHAR AS currency, NULL::VARCHAR AS finality,
    NULL::BIGINT AS log_seq
WHERE false;

-- name: email_subscribers
-- One row per list or segment and day on which it was counted.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS list_id, NULL::VARCHAR AS kind, NULL::BIGINT AS profile_count
WHERE false;

-- name: email_revenue
-- One row per message and day on which orders came that it is credited with.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS kind, NULL::VARCHAR AS message_id, NULL::BIGINT AS orders,
    NULL::DECIMAL(15, 2) AS revenue, NULL::VARCHAR AS currency, NULL::VARCHAR AS finality
WHERE false;

-- name: transactions
-- One row per Stripe balance transaction.
SELECT
    NULL::VARCHAR AS org_id, NULL::VARCHAR AS source, NULL::VARCHAR AS account_id, NULL::DATE AS date,
    NULL::VARCHAR AS txn_id, NULL::VARCHAR AS order_ref, NULL::VARCHAR AS reporting_category,
    NULL::VARCHAR AS status, NULL::VARCHAR AS currency,
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
