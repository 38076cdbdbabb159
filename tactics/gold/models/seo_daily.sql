-- grain: org, source, account (property), search type, day (Pacific time)
-- units: clicks, impressions counts of the whole property; position_weight = position × impressions;
--        query_* are the sums of the queries that are named: always below the property's
-- source: silver.search_performance
-- part: day
-- Totals come from the report by day alone. Sums by page count a click once per page, sums by query
-- leave out rare queries: neither is ever a total, and no two are mixed.
-- Source: contract sheet 2 (Google Search Console), sections 3 and 10 (2026-11-21).
SELECT
    org_id, source, account_id,
    coalesce(search_type, 'web') AS search_type,
    date,
    sum(clicks) FILTER (WHERE report = 'site')::BIGINT AS clicks,
    sum(impressions) FILTER (WHERE report = 'site')::BIGINT AS impressions,
    sum(position_weight) FILTER (WHERE report = 'site')::DECIMAL(24, 4) AS position_weight,
    sum(clicks) FILTER (WHERE report = 'query')::BIGINT AS query_clicks,
    sum(impressions) FILTER (WHERE report = 'query')::BIGINT AS query_impressions,
    count(*) FILTER (WHERE report = 'query') AS queries,
    count(*) FILTER (WHERE report = 'page') AS pages,
    coalesce(bool_and(is_final) FILTER (WHERE report = 'site'), false) AS is_final,
    coalesce(bool_or(is_truncated), false) AS is_truncated,
    string_agg(DISTINCT report, ', ' ORDER BY report) FILTER (WHERE is_truncated) AS truncated_reports,
    weakest_finality(finality) AS finality
FROM silver_search_performance
WHERE org_id = $org_id AND date BETWEEN $start AND $end
GROUP BY org_id, source, account_id, coalesce(search_type, 'web'), date
