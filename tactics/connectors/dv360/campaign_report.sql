-- table: ad_performance
-- grain: one row per campaign and day of the advertiser
-- units: spend and conversion_value in units of `currency`, half-up to 2 places; conversions to 4
-- source: Bid Manager API v2, a STANDARD report by date, advertiser and campaign (contract, 2026-11-21)
-- quality: 100, less 20 without a campaign name, less 20 without conversions, less 20 without
--          impressions or clicks, less 10 without the value of conversions
--
-- Columns by position, as connectors/dv360/query.py asks for them: date, advertiser, currency,
-- campaign id, campaign, impressions, clicks, cost, conversions, video views, and (unless
-- options.cm360_revenue is false) revenue after clicks and after views. '-', 'Unknown' and nothing
-- are null; '< 1000' is no number.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    request ->> '$.account.currency' AS account_currency,
    request ->> '$.account.timezone' AS timezone,
    TRY(from_json(payload, '{"columns": ["VARCHAR"], "rows": [["VARCHAR"]]}')).rows AS data
  FROM pages
),
records AS (
  SELECT
    * EXCLUDE (data),
    data IS NULL AS undecodable,
    unnest(CASE WHEN data IS NULL THEN [NULL] ELSE data END) AS r,
    unnest(CASE WHEN data IS NULL THEN [0] ELSE range(len(data)) END) AS position
  FROM decoded
),
cells AS (
  SELECT
    *,
    list_transform(r, lambda c: CASE WHEN trim(c) NOT IN ('', '-', 'Unknown') THEN trim(c) END) AS c
  FROM records
),
texts AS (
  SELECT
    *,
    c[1] AS date_text,
    c[2] AS advertiser_id,
    coalesce(c[3], account_currency) AS currency,
    c[4] AS campaign_id,
    nullif(trim(r[5]), '') AS campaign_name,
    list_transform(
      c[6:12],
      -- separators of thousands are not expected, but cost nothing
      lambda n: CASE WHEN regexp_full_match(n, '-?\d{1,3}(,\d{3})+(\.\d+)?') THEN replace(n, ',', '') ELSE n END
    ) AS n
  FROM cells
),
typed AS (
  -- the patterns come first: casts alone accept '1_000', hex and 'infinity'
  SELECT
    *,
    CASE WHEN regexp_full_match(date_text, '\d{4}[/-]\d{2}[/-]\d{2}')
      THEN TRY_CAST(replace(date_text, '/', '-') AS DATE) END AS date,
    CASE WHEN regexp_full_match(n[1], '-?\d+(\.0+)?') THEN TRY_CAST(n[1] AS BIGINT) END AS impressions,
    CASE WHEN regexp_full_match(n[2], '-?\d+(\.0+)?') THEN TRY_CAST(n[2] AS BIGINT) END AS clicks,
    CASE WHEN regexp_full_match(n[3], '-?\d+(\.\d+)?') THEN TRY_CAST(n[3] AS DECIMAL(38, 10)) END AS spend,
    CASE WHEN regexp_full_match(n[4], '-?\d+(\.\d+)?')
      THEN TRY_CAST(n[4] AS DECIMAL(38, 10)) END AS conversions,
    CASE WHEN regexp_full_match(n[5], '-?\d+(\.0+)?') THEN TRY_CAST(n[5] AS BIGINT) END AS video_views,
    CASE WHEN regexp_full_match(n[6], '-?\d+(\.\d+)?')
      THEN TRY_CAST(n[6] AS DECIMAL(38, 10)) END AS click_value,
    CASE WHEN regexp_full_match(n[7], '-?\d+(\.\d+)?')
      THEN TRY_CAST(n[7] AS DECIMAL(38, 10)) END AS view_value
  FROM texts
),
rounded AS (
  SELECT
    * EXCLUDE (spend, conversions),
    TRY_CAST(spend AS DECIMAL(15, 2)) AS spend,
    TRY_CAST(conversions AS DECIMAL(15, 4)) AS conversions,
    -- added up before rounding
    CASE WHEN click_value IS NOT NULL OR view_value IS NOT NULL
      THEN TRY_CAST(coalesce(click_value, 0) + coalesce(view_value, 0) AS DECIMAL(15, 2))
    END AS conversion_value
  FROM typed
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN campaign_id IS NULL THEN 'campaign_id_missing'
      WHEN advertiser_id IS DISTINCT FROM account_id THEN 'advertiser_not_asked_for'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN impressions IS NULL AND n[1] IS NOT NULL THEN 'impressions_not_a_number'
      WHEN clicks IS NULL AND n[2] IS NOT NULL THEN 'clicks_not_a_number'
      WHEN spend IS NULL THEN 'spend_not_a_number'
      WHEN conversions IS NULL AND n[4] IS NOT NULL THEN 'conversions_not_a_number'
      WHEN video_views IS NULL AND n[5] IS NOT NULL THEN 'video_views_not_a_number'
      WHEN (click_value IS NULL AND n[6] IS NOT NULL)
        OR (view_value IS NULL AND n[7] IS NOT NULL)
        OR (conversion_value IS NULL AND click_value IS NOT NULL)
        THEN 'conversion_value_not_a_number'
      WHEN currency IS NULL THEN 'currency_missing'
    END AS rule
  FROM rounded
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  campaign_id AS entity_id,
  date,
  campaign_id, campaign_name,
  'programmatic' AS channel,
  impressions, clicks, spend, currency, conversions, conversion_value, video_views, timezone,
  CAST(
    100
    - CASE WHEN campaign_name IS NULL THEN 20 ELSE 0 END
    - CASE WHEN conversions IS NULL THEN 20 ELSE 0 END
    - CASE WHEN impressions IS NULL OR clicks IS NULL THEN 20 ELSE 0 END
    - CASE WHEN conversion_value IS NULL THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(to_json(r) AS VARCHAR)
  END AS record
FROM judged
