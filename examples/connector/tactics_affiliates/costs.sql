-- table: ad_performance
-- grain: one row per campaign and day
-- units: spend and conversion_value in units of the publisher's currency, half up to 2 places
-- source: the desk's API 1, /v1/publishers/<id>/costs
-- quality: 100, less 20 without a campaign name
WITH decoded AS (
  SELECT *, TRY(from_json(payload, '{"costs": [{"day": "VARCHAR", "campaign": "VARCHAR",
    "name": "VARCHAR", "views": "VARCHAR", "clicks": "VARCHAR", "sales": "VARCHAR",
    "cost": "VARCHAR", "value": "VARCHAR"}]}')).costs AS costs
  FROM pages
),
records AS (
  SELECT *, unnest(coalesce(costs, [NULL])) AS r, unnest(range(coalesce(len(costs), 1))) AS position
  FROM decoded
),
judged AS (
  SELECT *,
    TRY_CAST(r.day AS DATE) AS date,
    CASE
      WHEN costs IS NULL THEN 'page_undecodable'
      WHEN nullif(trim(r.campaign), '') IS NULL THEN 'campaign_missing'
      WHEN date IS NULL OR date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      -- a cast alone takes '1_000' for a number; and where one is missing, fewer than five are left
      WHEN NOT regexp_full_match(
        concat_ws(' ', r.views, r.clicks, r.sales, r.cost, r.value),
        '\d+ \d+ \d+ -?\d+(\.\d+)? -?\d+(\.\d+)?'
      ) THEN 'not_a_number'
    END AS rule
  FROM records
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at, position, rule,
  r.campaign AS entity_id, date, r.campaign AS campaign_id, r.name AS campaign_name,
  'affiliate' AS channel,
  TRY_CAST(r.views AS BIGINT) AS impressions, TRY_CAST(r.clicks AS BIGINT) AS clicks,
  TRY_CAST(r.cost AS DECIMAL(15, 2)) AS spend, request ->> '$.account.currency' AS currency,
  TRY_CAST(r.sales AS DECIMAL(15, 4)) AS conversions,
  TRY_CAST(r.value AS DECIMAL(15, 2)) AS conversion_value,
  CAST(NULL AS BIGINT) AS video_views, request ->> '$.account.timezone' AS timezone,
  CASE WHEN r.name IS NULL THEN 80 ELSE 100 END AS quality_score,
  CASE WHEN rule IS NOT NULL THEN coalesce(CAST(to_json(r) AS VARCHAR), left(payload, 4096)) END
    AS record
FROM judged
