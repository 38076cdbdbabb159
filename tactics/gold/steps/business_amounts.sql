-- grain: day and item (spend, ad_value, email_value, store_revenue, stripe_net, new_customer_revenue)
-- units: amount money in the org's currency: NULL when a part of it has no rate. Rates are those of the
--        European Central Bank: the last one on or before the day, at most max_rate_age_days old
-- source: gold.channel_daily, gold.email_daily, gold.orders, gold.revenue_bridge, fx_rates, orgs, streams
-- What is in the org's currency is never touched; what is converted is rounded to cents.
WITH basis AS (
    SELECT coalesce(bool_or(table_name = 'orders'), false) AS has_shop FROM streams WHERE org_id = $org_id
),

amounts AS (
    SELECT date, 'spend' AS item, currency, spend::DECIMAL(18, 3) AS amount
    FROM channel_daily
    WHERE org_id = $org_id
    UNION ALL
    SELECT date, 'ad_value', currency, conversion_value::DECIMAL(18, 3)
    FROM channel_daily
    WHERE org_id = $org_id
    UNION ALL
    SELECT date, 'email_value', currency, conversion_value::DECIMAL(18, 3)
    FROM email_daily
    WHERE org_id = $org_id
    UNION ALL
    SELECT
        date, 'store_revenue', currency,
        CASE WHEN has_shop THEN net_sales ELSE (charges + stripe_refunds + disputes)::DECIMAL(18, 3) END
    FROM revenue_bridge
    CROSS JOIN basis
    WHERE org_id = $org_id
    UNION ALL
    SELECT date, 'stripe_net', currency, stripe_net
    FROM revenue_bridge
    WHERE org_id = $org_id
    UNION ALL
    SELECT date, 'new_customer_revenue', currency, (gross - discounts - refunded)::DECIMAL(18, 3)
    FROM orders
    WHERE org_id = $org_id AND is_first_order AND NOT is_voided
),

sums AS (
    SELECT date, item, currency, sum(amount)::DECIMAL(18, 3) AS amount
    FROM amounts
    GROUP BY date, item, currency
    HAVING sum(amount) <> 0
),

-- The euro is what the others are measured in.
rates AS (
    SELECT date AS rate_date, currency, per_eur FROM fx_rates
),

priced AS (
    SELECT
        s.*, o.currency AS org_currency,
        CASE WHEN s.currency = 'EUR' THEN 1 WHEN s.date - f.rate_date <= $max_rate_age_days THEN f.per_eur END
            AS from_rate,
        CASE WHEN o.currency = 'EUR' THEN 1 WHEN s.date - t.rate_date <= $max_rate_age_days THEN t.per_eur END
            AS to_rate,
        least(
            CASE WHEN s.currency <> 'EUR' THEN f.rate_date END,
            CASE WHEN o.currency <> 'EUR' THEN t.rate_date END
        ) AS rate_date
    FROM sums AS s
    JOIN orgs AS o ON o.org_id = $org_id
    ASOF LEFT JOIN rates AS f ON f.currency = s.currency AND s.date >= f.rate_date
    ASOF LEFT JOIN rates AS t ON t.currency = o.currency AND s.date >= t.rate_date
),

converted AS (
    SELECT
        date, item, currency, org_currency,
        currency IS DISTINCT FROM org_currency AS is_converted,
        CASE
            WHEN currency = org_currency THEN amount
            ELSE round(amount::DOUBLE / from_rate::DOUBLE * to_rate::DOUBLE, 2)::DECIMAL(18, 3)
        END AS amount,
        CASE WHEN currency <> org_currency AND from_rate IS NOT NULL AND to_rate IS NOT NULL THEN rate_date END
            AS rate_date,
        to_rate::DOUBLE / from_rate::DOUBLE AS rate
    FROM priced
)

SELECT
    date, item,
    CASE WHEN count(amount) = count(*) THEN sum(amount)::DECIMAL(18, 2) END AS amount,
    bool_or(is_converted AND amount IS NOT NULL) AS is_converted,
    min(rate_date) AS rate_date,
    list(DISTINCT format('{} {:.6f} {} of {}', currency, rate, org_currency, rate_date::VARCHAR))
        FILTER (WHERE rate_date IS NOT NULL) AS rates,
    list(DISTINCT coalesce(currency, 'an unknown currency')) FILTER (WHERE amount IS NULL) AS without_rate
FROM converted
GROUP BY date, item
