-- table: search_performance
-- uses: rows.sql
-- grain: one row per property and day: the truth of the property, also for its anonymised queries
-- units: counts; position 1 is the top, position_weight is position × impressions: add up and divide; Pacific days
-- source: Search Console API, webmasters/v3 searchAnalytics.query by DATE (contract, 2026-11-21)
-- quality: 100, less 30 while Google still counts the day, less 20 when the day is cut at 50,000 rows
reported AS (
  SELECT 'site' AS report, * FROM merged
)
SELECT concat_ws('|', report, country, device, page_url, query) AS entity_id, * FROM reported
