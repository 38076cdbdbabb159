-- grain: one line: a booking that is not cancelled
-- units: booked_impressions count; booking_revenue, booked_spend money in `currency`; goal_booked in
--        units of `goal`: what the line is paced by
-- source: gold.bookings, silver.crm_deals, orgs
WITH deals AS (
    SELECT
        booking_id,
        arg_min(company, deal_id) AS company,
        string_agg(DISTINCT deal_id, ', ' ORDER BY deal_id) AS deal_ids,
        CASE WHEN count(DISTINCT currency) = 1 THEN sum(amount)::DECIMAL(15, 2) END AS amount,
        max(currency) AS currency
    FROM silver_crm_deals
    WHERE org_id = $org_id AND booking_id IS NOT NULL AND lower(coalesce(deal_stage, '')) NOT LIKE '%lost%'
    GROUP BY booking_id
)

SELECT
    row_number() OVER (ORDER BY b.source, b.account_id, b.booking_id) AS line_no,
    b.booking_id,
    b.source AS booking_source,
    b.account_id AS booking_account,
    coalesce(b.client, d.company) AS client,
    b.campaign,
    nullif(trim(b.campaign_id), '') AS campaign_id,
    nullif(lower(trim(b.platform)), '') AS platform,
    b.channel,
    b.flight_start,
    b.flight_end,
    CASE WHEN b.flight_end >= b.flight_start THEN (b.flight_end - b.flight_start + 1)::INTEGER END
        AS total_days,
    b.booked_impressions,
    CASE WHEN b.booked_spend > 0 THEN b.booked_spend END AS booked_spend,
    g.goal,
    CASE g.goal
        WHEN 'impressions' THEN b.booked_impressions
        WHEN 'clicks' THEN b.booked_clicks
        WHEN 'views' THEN b.booked_views
        WHEN 'conversions' THEN b.booked_conversions
        WHEN 'spend' THEN b.booked_spend
    END::DECIMAL(18, 4) AS goal_booked,
    b.hiatus, b.plan, coalesce(b.start_share, 1) AS start_share,
    coalesce(b.booking_revenue, d.amount) AS booking_revenue,
    coalesce(
        CASE WHEN b.booking_revenue IS NULL THEN d.currency END, b.currency, o.currency
    ) AS currency,
    nullif(trim(b.make_good_for), '') AS make_good_for,
    o.timezone,
    o.today,
    CASE WHEN b.booking_revenue IS NULL AND d.amount IS NOT NULL THEN 'revenue from CRM deal ' || d.deal_ids
        WHEN d.amount <> b.booking_revenue AND d.currency = b.currency
            THEN format('CRM deal {} says {:,.2f} {}', d.deal_ids, d.amount::DOUBLE, d.currency)
    END AS deal_finding,
    CASE WHEN b.currency IS NULL AND b.booking_revenue IS NOT NULL
        THEN 'booking has no currency, read as ' || o.currency
    END AS currency_finding
FROM bookings AS b
CROSS JOIN LATERAL (
    SELECT coalesce(b.goal, CASE
        WHEN b.booked_impressions > 0 THEN 'impressions'
        WHEN b.booked_clicks > 0 THEN 'clicks'
        WHEN b.booked_views > 0 THEN 'views'
        WHEN b.booked_conversions > 0 THEN 'conversions'
        WHEN b.booked_spend > 0 THEN 'spend'
        ELSE 'impressions'
    END) AS goal
) AS g
JOIN orgs AS o ON o.org_id = b.org_id
LEFT JOIN deals AS d ON d.booking_id = b.booking_id
WHERE b.org_id = $org_id AND NOT is_cancelled(b.status)
