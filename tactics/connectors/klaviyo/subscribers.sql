-- table: email_subscribers
-- grain: one row per list or segment and day on which it was read; the size at that moment
-- units: profile_count in profiles; date is the day of the fetch in the account's time zone
-- source: Klaviyo 2026-07-15, /api/lists/{id} and /api/segments/{id} with profile_count (contract,
--         2026-11-21)
-- quality: 100, less 10 without a name
WITH opened AS (
  SELECT
    * EXCLUDE (payload, request),
    left(payload, 4096) AS page_text,
    TRY(from_json(payload, '{"data": {
      "type": "VARCHAR", "id": "VARCHAR",
      "attributes": {"name": "VARCHAR", "opt_in_process": "VARCHAR", "profile_count": "VARCHAR"}
    }}')).data AS audience
  FROM pages
),
typed AS (
  SELECT
    *,
    nullif(trim(audience.id), '') AS list_id,
    nullif(trim(audience.attributes.name), '') AS list_name,
    audience.type AS kind,
    CASE WHEN regexp_full_match(audience.attributes.profile_count, '\d+(\.0+)?')
      THEN TRY_CAST(audience.attributes.profile_count AS BIGINT) END AS profile_count
  FROM opened
),
judged AS (
  SELECT
    *,
    CASE
      WHEN audience IS NULL THEN 'page_undecodable'
      WHEN list_id IS NULL THEN 'list_id_missing'
      WHEN kind NOT IN ('list', 'segment') OR kind IS NULL THEN 'kind_unknown'
      WHEN profile_count IS NULL THEN 'profile_count_not_an_integer'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  CAST(0 AS BIGINT) AS position,
  kind || '|' || list_id AS entity_id,
  window_start AS date,
  list_id, list_name, kind, profile_count,
  audience.attributes.opt_in_process AS opt_in_process,
  CAST(100 - CASE WHEN list_name IS NULL THEN 10 ELSE 0 END AS INTEGER) AS quality_score,
  rule,
  CASE WHEN rule IS NOT NULL THEN page_text END AS record
FROM judged
