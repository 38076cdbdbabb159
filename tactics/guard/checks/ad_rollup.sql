-- check: ad_rollup
-- severity: warn
-- needs: ad_account_totals
-- message: an account's campaigns do not add up to the account's own total
-- hint: compare the day with the platform's own report: purchases that the platform leaves out of its campaigns look like this, and reading again rarely brings them
-- Only days that are over and that both sides cover. Until they are final their numbers move, so that
-- both must have been read within six hours (our limit). More than 0.01 and 0.1 % is no rounding.
-- A metric that one side does not know (NULL) is not compared; a side without rows delivered nothing.
WITH days AS (
    -- a source that reads totals reads no other days but its campaigns'
    SELECT org_id, source, account_id, day AS date
    FROM coverage
    LEFT JOIN (SELECT DISTINCT org_id, source, stream, true AS is_total FROM ad_account_totals)
        USING (org_id, source, stream)
    GROUP BY ALL
    HAVING bool_or(is_total)
        AND count(*) > 1
        AND bool_and(finality <> 'open')
        AND (bool_and(finality = 'final') OR max(fetched_at) - min(fetched_at) <= INTERVAL 6 HOURS)
),

sides AS (
    SELECT true AS is_total, * FROM ad_account_totals
    UNION ALL BY NAME
    SELECT false AS is_total, * FROM ad_performance
),

read_days AS (
    SELECT
        org_id, source, account_id, date, currency, is_total,
        impressions::DECIMAL(18, 4) AS impressions,
        clicks::DECIMAL(18, 4) AS clicks,
        spend::DECIMAL(18, 4) AS spend,
        conversions::DECIMAL(18, 4) AS conversions,
        conversion_value::DECIMAL(18, 4) AS conversion_value
    FROM sides
    SEMI JOIN days USING (org_id, source, account_id, date)
)

SELECT
    org_id, source, account_id, date, metric,
    coalesce(sum(value) FILTER (is_total), 0) AS account_total,
    coalesce(sum(value) FILTER (NOT is_total), 0) AS campaigns_total,
    any_value(currency) AS currency
FROM read_days
UNPIVOT INCLUDE NULLS (value FOR metric IN (impressions, clicks, spend, conversions, conversion_value))
GROUP BY org_id, source, account_id, date, metric
HAVING count(value) = count(*)
    AND abs(account_total - campaigns_total) > 0.01 + 0.001 * abs(account_total)
