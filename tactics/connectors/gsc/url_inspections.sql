-- table: url_inspections
-- grain: one row per inspected page and day on which Google was asked; what its index held at that moment
-- units: states as Google writes them, NULL where it does not know; times UTC; date is the Pacific day of
--        the fetch; canonicals without the URL parameters that are not kept
-- source: Search Console API, v1 urlInspection.index.inspect (contract, 2026-11-21)
-- quality: 100, less 20 without a coverage state
WITH opened AS (
  SELECT
    * EXCLUDE (payload, request),
    left(payload, 4096) AS page_text,
    TRY(from_json(payload, '{"pageUrl": "VARCHAR", "indexStatusResult": {
      "verdict": "VARCHAR", "coverageState": "VARCHAR", "robotsTxtState": "VARCHAR",
      "indexingState": "VARCHAR", "pageFetchState": "VARCHAR", "lastCrawlTime": "VARCHAR",
      "googleCanonical": "VARCHAR", "userCanonical": "VARCHAR", "crawledAs": "VARCHAR"
    }}')) AS answer
  FROM pages
),
named AS (
  SELECT
    * EXCLUDE (answer),
    answer IS NULL AS undecodable,
    nullif(trim(answer.pageUrl), '') AS page_url,
    answer.indexStatusResult AS status
  FROM opened
),
typed AS (
  SELECT
    *,
    upper(nullif(trim(status.verdict), '')) AS verdict,
    nullif(trim(status.coverageState), '') AS coverage_state,
    CASE WHEN status.indexingState NOT LIKE '%\_UNSPECIFIED' ESCAPE '\' THEN status.indexingState END AS indexing_state,
    CASE WHEN status.robotsTxtState NOT LIKE '%\_UNSPECIFIED' ESCAPE '\' THEN status.robotsTxtState END AS robots_state,
    CASE WHEN status.pageFetchState NOT LIKE '%\_UNSPECIFIED' ESCAPE '\' THEN status.pageFetchState END AS fetch_state,
    CASE WHEN status.crawledAs NOT LIKE '%\_UNSPECIFIED' ESCAPE '\' THEN status.crawledAs END AS crawled_as,
    -- TRY_CAST behind a pattern, too: the optimizer may cast before it looks at the pattern
    CASE WHEN regexp_full_match(status.lastCrawlTime, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(status.lastCrawlTime AS TIMESTAMPTZ) END AS last_crawl
  FROM named
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN page_url IS NULL THEN 'page_url_missing'
      WHEN verdict IS NULL THEN 'verdict_missing'
      WHEN status.lastCrawlTime IS NOT NULL AND last_crawl IS NULL THEN 'last_crawl_not_a_time'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  CAST(0 AS BIGINT) AS position,
  page_url AS entity_id,
  window_start AS date,
  page_url, verdict, coverage_state, indexing_state, robots_state, fetch_state, last_crawl,
  nullif(trim(status.googleCanonical), '') AS google_canonical,
  nullif(trim(status.userCanonical), '') AS user_canonical,
  crawled_as,
  CAST(100 - CASE WHEN coverage_state IS NULL THEN 20 ELSE 0 END AS INTEGER) AS quality_score,
  rule,
  CASE WHEN rule IS NOT NULL THEN page_text END AS record
FROM judged
