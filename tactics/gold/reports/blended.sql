-- tables: ad_performance, orders, transactions
-- columns: per org, first the last 28 days and the 28 before (`period` = 28 days, 28 days before), then the
--          last eight blocks of 7 days (`period` = 7 days), newest first, all ending on the last closed day of
--          which spend and revenue are known (without revenue: spend). Money is in `currency`, the org's;
--          `is_converted` says that some of it was in another one, at rates of `rate_date` and later.
--          A sum is NULL when one of its days is not known; `days_known` counts those with spend and revenue.
--          mer, amer, roas_blended, roas_claimed, over_claim are revenue or value per unit of spend or revenue
WITH last AS (
    SELECT
        org_id,
        coalesce(
            max(date) FILTER (WHERE spend IS NOT NULL AND store_revenue IS NOT NULL),
            max(date) FILTER (WHERE spend IS NOT NULL OR store_revenue IS NOT NULL)
        ) AS last_day
    FROM blended_daily
    WHERE finality <> 'open' AND ($org_id::VARCHAR IS NULL OR org_id = $org_id)
    GROUP BY org_id
),

spans AS (
    SELECT
        org_id, last_day AS as_of,
        unnest(
            [
                {'place': 0, 'period': '28 days', 'last_day': last_day, 'length': 28},
                {'place': 1, 'period': '28 days before', 'last_day': last_day - 28, 'length': 28}
            ]
            || list_transform(
                range(8),
                lambda k: {
                    'place': (2 + k)::INTEGER, 'period': '7 days', 'last_day': (last_day - 7 * k::INTEGER)::DATE,
                    'length': 7
                }
            ),
            recursive := true
        )
    FROM last
    WHERE last_day IS NOT NULL
),

sums AS (
    SELECT
        s.org_id, s.as_of, s.place, s.period,
        s.last_day - s.length + 1 AS first_day,
        s.last_day,
        any_value(b.currency) AS currency,
        count(*) FILTER (WHERE b.spend IS NOT NULL AND b.store_revenue IS NOT NULL) AS days_known,
        CASE WHEN count(b.spend) = s.length THEN sum(b.spend)::DECIMAL(18, 2) END AS spend,
        any_value(b.revenue_basis) AS revenue_basis,
        CASE WHEN count(b.store_revenue) = s.length THEN sum(b.store_revenue)::DECIMAL(18, 2) END
            AS store_revenue,
        CASE WHEN count(b.stripe_net) = s.length THEN sum(b.stripe_net)::DECIMAL(18, 2) END AS stripe_net,
        CASE WHEN count(b.orders) = s.length THEN sum(b.orders)::BIGINT END AS orders,
        CASE WHEN count(b.new_customers) = s.length THEN sum(b.new_customers)::BIGINT END AS new_customers,
        CASE WHEN count(b.new_customer_revenue) = s.length THEN sum(b.new_customer_revenue)::DECIMAL(18, 2) END
            AS new_customer_revenue,
        CASE WHEN count(b.ad_value) = s.length THEN sum(b.ad_value)::DECIMAL(18, 2) END AS ad_value,
        CASE WHEN count(b.email_value) = s.length THEN sum(b.email_value)::DECIMAL(18, 2) END AS email_value,
        CASE WHEN count(b.claimed_value) = s.length THEN sum(b.claimed_value)::DECIMAL(18, 2) END
            AS claimed_value,
        bool_or(b.is_converted) AS is_converted,
        min(b.rate_date) AS rate_date,
        weakest_finality(b.finality) AS finality,
        nullif(
            array_to_string(list_sort(list_distinct(flatten(list(string_split(b.findings, '; '))))), ' | '), ''
        ) AS findings
    FROM spans AS s
    JOIN blended_daily AS b
        ON b.org_id = s.org_id AND b.date BETWEEN s.last_day - s.length + 1 AND s.last_day
    GROUP BY s.org_id, s.as_of, s.place, s.period, s.last_day, s.length
)

SELECT
    s.* EXCLUDE (as_of, place, is_converted, rate_date, finality, findings),
    {{ mer }} AS mer,
    {{ amer }} AS amer,
    {{ cac }} AS cac,
    {{ roas_blended }} AS roas_blended,
    {{ roas_claimed }} AS roas_claimed,
    {{ over_claim }} AS over_claim,
    {{ average_order_value }} AS average_order_value,
    s.is_converted, s.rate_date, s.finality, s.findings,
    describe_freshness(s.as_of, d.today) AS freshness
FROM sums AS s
LEFT JOIN reading_days AS d ON d.org_id = s.org_id
ORDER BY s.org_id, s.place
