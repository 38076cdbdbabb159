-- grain: org, source, account, kind (campaign, flow), currency, day of the order
-- units: orders count; revenue money in `currency`: what messages are credited with when orders come
-- source: silver.email_revenue
-- part: day
-- Never added to email_daily's conversion_value: that is the same money by the day of sending.
-- Source: contract sheet 5 (Klaviyo), section 6 (2026-11-21).
SELECT
    org_id, source, account_id,
    coalesce(kind, 'unknown') AS kind,
    date,
    count(DISTINCT message_id) AS messages,
    sum(orders)::BIGINT AS orders,
    sum(revenue)::DECIMAL(18, 2) AS revenue,
    currency,
    weakest_finality(finality) AS finality
FROM silver_email_revenue
WHERE org_id = $org_id AND date BETWEEN $start AND $end
GROUP BY org_id, source, account_id, coalesce(kind, 'unknown'), date, currency
