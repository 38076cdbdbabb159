-- table: sitemaps
-- grain: one row per sitemap and day on which it was read; what Google said of it at that moment
-- units: counts; submitted_urls over all kinds of content (an image is one more); times UTC; date is the
--        Pacific day of the fetch
-- source: Search Console API, webmasters/v3 sitemaps.list (contract, 2026-11-21)
-- quality: 100, less 20 without a count of errors or of warnings
--
-- Sitemaps that became equal when their URL parameters were taken out are one row: counts are added up,
-- and the oldest download stands, so that no problem is lost.
WITH opened AS (
  SELECT
    * EXCLUDE (payload, request),
    left(payload, 4096) AS page_text,
    TRY(from_json(payload, '{"sitemap": [{
      "path": "VARCHAR", "type": "VARCHAR", "isPending": "VARCHAR", "isSitemapsIndex": "VARCHAR",
      "errors": "VARCHAR", "warnings": "VARCHAR", "lastSubmitted": "VARCHAR",
      "lastDownloaded": "VARCHAR", "contents": [{"submitted": "VARCHAR"}]
    }]}')).sitemap AS found
  FROM pages
),
listed AS (
  SELECT
    * EXCLUDE (found, page_text),
    found IS NULL AS undecodable,
    CASE WHEN found IS NULL THEN page_text END AS page_text,
    unnest(CASE WHEN found IS NULL THEN [NULL] ELSE found END) AS s,
    unnest(CASE WHEN found IS NULL THEN [0] ELSE range(len(found)) END) AS place
  FROM opened
),
typed AS (
  -- TRY_CAST behind a pattern, too: the optimizer may cast before it looks at the pattern
  SELECT
    *,
    nullif(trim(s.path), '') AS path,
    -- `rssFeed` and `RSS_FEED` are the same
    lower(regexp_replace(s.type, '([a-z])([A-Z])', '\1_\2', 'g')) AS type,
    CASE s.isPending WHEN 'true' THEN true WHEN 'false' THEN false END AS is_pending,
    CASE s.isSitemapsIndex WHEN 'true' THEN true WHEN 'false' THEN false END AS is_index,
    CASE WHEN regexp_full_match(s.errors, '\d{1,18}') THEN TRY_CAST(s.errors AS BIGINT) END AS errors,
    CASE WHEN regexp_full_match(s.warnings, '\d{1,18}') THEN TRY_CAST(s.warnings AS BIGINT) END AS warnings,
    list_transform(s.contents, lambda c: CASE
      WHEN regexp_full_match(c.submitted, '\d{1,18}') THEN TRY_CAST(c.submitted AS HUGEINT)
    END) AS submitted,
    CASE WHEN regexp_full_match(s.lastSubmitted, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(s.lastSubmitted AS TIMESTAMPTZ) END AS last_submitted,
    CASE WHEN regexp_full_match(s.lastDownloaded, '\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)')
      THEN TRY_CAST(s.lastDownloaded AS TIMESTAMPTZ) END AS last_downloaded
  FROM listed
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN path IS NULL THEN 'path_missing'
      WHEN s.errors IS NOT NULL AND errors IS NULL THEN 'errors_not_a_count'
      WHEN s.warnings IS NOT NULL AND warnings IS NULL THEN 'warnings_not_a_count'
      WHEN len(list_filter(submitted, lambda n: n IS NULL)) > 0 THEN 'submitted_not_a_count'
      WHEN s.lastSubmitted IS NOT NULL AND last_submitted IS NULL THEN 'last_submitted_not_a_time'
      WHEN s.lastDownloaded IS NOT NULL AND last_downloaded IS NULL THEN 'last_downloaded_not_a_time'
    END AS rule
  FROM typed
),
merged AS (
  -- what is refused stays alone
  SELECT
    log_seq, org_id, source, account_id, stream, request_id, page, fetched_at, window_start AS date, path, rule,
    CASE WHEN rule IS NOT NULL THEN place END AS refused,
    min(place) AS position,
    min(type) AS type,
    bool_or(is_pending) AS is_pending,
    bool_or(is_index) AS is_index,
    TRY_CAST(sum(errors) AS BIGINT) AS errors,
    TRY_CAST(sum(warnings) AS BIGINT) AS warnings,
    TRY_CAST(sum(list_sum(submitted)) AS BIGINT) AS submitted_urls,
    max(last_submitted) AS last_submitted,
    min(last_downloaded) AS last_downloaded,
    min(CASE
      WHEN rule = 'page_undecodable' THEN page_text
      WHEN rule IS NOT NULL THEN CAST(to_json(s) AS VARCHAR)
    END) AS record
  FROM judged
  GROUP BY ALL
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  path AS entity_id,
  date,
  path, type, is_pending, is_index, errors, warnings, submitted_urls, last_submitted, last_downloaded,
  CAST(100 - CASE WHEN errors IS NULL OR warnings IS NULL THEN 20 ELSE 0 END AS INTEGER) AS quality_score,
  rule,
  record
FROM merged
