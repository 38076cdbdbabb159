-- tables: search_performance
-- columns: per org, source, account (property) and search type, the last 28 final days and, as `previous_*`,
--          the 28 before. `*_change_percent` compares the two; it is NULL when either has fewer days than
--          28. `search_position` is weighted by impressions (1 is the top, so a rise is a loss);
--          `anonymised_share` of the clicks belong to queries that are not named; `truncated_days` were
--          cut at the vendor's row limit, so that their queries and pages are not all there
WITH last AS (
    SELECT org_id, source, account_id, search_type, max(date) AS last_day
    FROM seo_daily
    WHERE is_final AND clicks IS NOT NULL AND ($org_id::VARCHAR IS NULL OR org_id = $org_id)
    GROUP BY org_id, source, account_id, search_type
),

numbered AS (
    SELECT s.*, l.last_day, (l.last_day - s.date) // 28 AS period
    FROM seo_daily AS s
    JOIN last AS l
        ON l.org_id = s.org_id AND l.source = s.source AND l.account_id = s.account_id
        AND l.search_type = s.search_type
    WHERE s.date BETWEEN l.last_day - 55 AND l.last_day AND s.clicks IS NOT NULL
),

sums AS (
    SELECT
        org_id, source, account_id, search_type, last_day, period,
        count(*) AS days,
        sum(clicks)::BIGINT AS clicks,
        sum(impressions)::BIGINT AS impressions,
        sum(position_weight) AS position_weight,
        -- Days without rows by query stay out of both sides of the share.
        sum(query_clicks)::BIGINT AS query_clicks,
        sum(clicks) FILTER (WHERE query_clicks IS NOT NULL)::BIGINT AS queried_clicks,
        count(*) FILTER (WHERE is_truncated) AS truncated_days
    FROM numbered
    GROUP BY org_id, source, account_id, search_type, last_day, period
),

rated AS (
    SELECT
        *,
        {{ search_ctr }} AS search_ctr,
        {{ search_position }} AS search_position,
        (SELECT {{ anonymised_share }} FROM (SELECT s.queried_clicks AS clicks, s.query_clicks AS query_clicks) AS q)
            AS anonymised_share
    FROM sums AS s
)

SELECT
    n.org_id, n.source, n.account_id, n.search_type,
    n.last_day - 27 AS first_day,
    n.last_day,
    n.days,
    n.clicks, n.impressions, n.search_ctr, n.search_position, n.anonymised_share, n.truncated_days,
    p.clicks AS previous_clicks,
    p.impressions AS previous_impressions,
    p.search_ctr AS previous_search_ctr,
    p.search_position AS previous_search_position,
    CASE WHEN n.days = 28 AND p.days = 28 THEN (n.clicks - p.clicks) / nullif(p.clicks, 0) * 100 END
        AS clicks_change_percent,
    CASE WHEN n.days = 28 AND p.days = 28 THEN (n.impressions - p.impressions) / nullif(p.impressions, 0) * 100 END
        AS impressions_change_percent,
    CASE WHEN n.days = 28 AND p.days = 28 THEN n.search_position - p.search_position END AS position_change,
    -- Final days come two to three days late: that is no delay.
    CASE WHEN n.last_day >= d.today - 4 THEN 'current' ELSE describe_freshness(n.last_day, d.today) END
        AS freshness
FROM rated AS n
LEFT JOIN rated AS p
    ON p.org_id = n.org_id AND p.source = n.source AND p.account_id = n.account_id
    AND p.search_type = n.search_type AND p.period = 1
LEFT JOIN reading_days AS d ON d.org_id = n.org_id
WHERE n.period = 0
ORDER BY n.org_id, n.clicks DESC, n.source, n.account_id, n.search_type
