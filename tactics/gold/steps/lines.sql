-- grain: one line: a booking that is not cancelled
-- units: booked_impressions count; booking_revenue money in `currency`
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
    coalesce(b.booking_revenue, d.amount) AS booking_revenue,
    coalesce(
        CASE WHEN b.booking_revenue IS NULL THEN d.currency END, b.currency, o.currency
    ) AS currency,
    nullif(trim(b.make_good_for), '') AS make_good_for,
    o.timezone,
    o.today,
    CASE WHEN b.booking_revenue IS NULL AND d.amount IS NOT NULL THEN 'revenue from CRM deal ' || d.deal_ids
        WHEN d.amount <> b.booking_revenue AND d.currency = b.currency
            THEN format('CRM deal {} says {} {}', d.deal_ids, d.amount::VARCHAR, d.currency)
    END AS deal_finding,
    CASE WHEN b.currency IS NULL AND b.booking_revenue IS NOT NULL
        THEN 'booking has no currency, read as ' || o.currency
    END AS currency_finding
FROM bookings AS b
JOIN orgs AS o ON o.org_id = b.org_id
LEFT JOIN deals AS d ON d.booking_id = b.booking_id
WHERE b.org_id = $org_id AND NOT is_cancelled(b.status)
