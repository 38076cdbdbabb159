-- check: negative_spend
-- severity: warn
-- month: month_start
-- needs: ad_performance
-- message: credits are a large part of a campaign's spend in a month
-- hint: platforms credit invalid traffic and over-delivery; guard.credit_percent sets how much is usual
WITH credited AS (
    SELECT DISTINCT org_id, source, account_id, campaign_id
    FROM ad_performance
    WHERE spend < 0
),

months AS (
    SELECT
        org_id, source, account_id, campaign_id,
        date_trunc('month', date)::DATE AS month_start,
        coalesce(sum(spend) FILTER (spend > 0), 0) AS spend,
        -sum(spend) FILTER (spend < 0) AS credits,
        currency
    FROM ad_performance
    SEMI JOIN credited USING (org_id, source, account_id, campaign_id)
    GROUP BY org_id, source, account_id, campaign_id, month_start, currency
)

SELECT *
FROM months
WHERE credits > spend * (SELECT credit_percent FROM settings) / 100
