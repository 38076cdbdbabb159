-- check: search_queries_exceed_site
-- severity: warn
-- month: date
-- needs: search_performance
-- message: the queries of a day have more clicks than the whole site
-- hint: a day was read while it changed; `tactics sync` reads it again until it is final
-- Roll-up: queries that Google withholds make their sum smaller than the property's, never larger.
-- Pages may add up to more, because each URL of one result counts.
WITH days AS (
    SELECT
        org_id, source, account_id, search_type, date,
        sum(clicks) FILTER (report = 'query') AS query_clicks,
        sum(clicks) FILTER (report = 'site') AS site_clicks
    FROM search_performance
    GROUP BY ALL
)

SELECT org_id, source, account_id, search_type, date, query_clicks, site_clicks
FROM days
WHERE query_clicks > site_clicks
