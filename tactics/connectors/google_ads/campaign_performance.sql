-- table: ad_performance
-- grain: one row per campaign and day of the account
-- units: spend and conversion_value in units of `currency`, half-up to 2 places; conversions to 4
-- source: Google Ads API v26, googleAds:searchStream FROM campaign with segments.date (contract, 2026-11-21)
-- quality: 100, less 20 without a campaign name, less 20 without conversions
--
-- A page is the whole stream, an array of batches. Whole numbers arrive as text, fractions as JSON
-- numbers (copied as text, never through DOUBLE). What is absent is zero, unless its field was not
-- asked for: then it is unknown. A day on which a campaign did nothing has no row.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    request ->> '$.account.currency' AS account_currency,
    request ->> '$.account.timezone' AS account_timezone,
    TRY(from_json(payload, '[{"fieldMask": "VARCHAR", "results": [{
      "customer": {"currencyCode": "VARCHAR", "timeZone": "VARCHAR"},
      "campaign": {"id": "VARCHAR", "name": "VARCHAR", "advertisingChannelType": "VARCHAR"},
      "segments": {"date": "VARCHAR"},
      "metrics": {
        "impressions": "VARCHAR", "clicks": "VARCHAR", "costMicros": "VARCHAR",
        "conversions": "VARCHAR", "conversionsValue": "VARCHAR", "videoTrueviewViews": "VARCHAR"
      }
    }]}]')) AS batches
  FROM pages
),
listed AS (
  SELECT
    * EXCLUDE (batches),
    batches IS NULL AS undecodable,
    string_split(
      coalesce(
        batches[1].fieldMask,
        'metrics.conversions,metrics.conversionsValue,metrics.videoTrueviewViews'
      ), ','
    ) AS asked,
    CASE WHEN batches IS NULL THEN [NULL]
      ELSE flatten(list_transform(batches, lambda b: b.results)) END AS results
  FROM decoded
),
records AS (
  SELECT
    * EXCLUDE (results, asked),
    list_contains(asked, 'metrics.conversions') AS asked_conversions,
    list_contains(asked, 'metrics.conversionsValue') AS asked_value,
    list_contains(asked, 'metrics.videoTrueviewViews') AS asked_views,
    unnest(results) AS r,
    unnest(range(len(results))) AS position
  FROM listed
),
texts AS (
  SELECT
    *,
    nullif(trim(r.campaign.id), '') AS campaign_id,
    nullif(trim(r.campaign.name), '') AS campaign_name,
    nullif(trim(r.campaign.advertisingChannelType), '') AS channel_type,
    coalesce(nullif(trim(r.customer.currencyCode), ''), account_currency) AS currency,
    coalesce(nullif(trim(r.customer.timeZone), ''), account_timezone) AS timezone,
    coalesce(r.metrics.impressions, '0') AS impressions_text,
    coalesce(r.metrics.clicks, '0') AS clicks_text,
    coalesce(r.metrics.costMicros, '0') AS micros_text,
    coalesce(r.metrics.conversions, CASE WHEN asked_conversions THEN '0' END) AS conversions_text,
    coalesce(r.metrics.conversionsValue, CASE WHEN asked_value THEN '0' END) AS value_text,
    coalesce(r.metrics.videoTrueviewViews, CASE WHEN asked_views THEN '0' END) AS views_text
  FROM records
),
typed AS (
  -- the patterns come first: casts alone accept '1_000', hex and 'infinity'
  SELECT
    *,
    CASE WHEN regexp_full_match(r.segments.date, '\d{4}-\d{2}-\d{2}')
      THEN TRY_CAST(r.segments.date AS DATE) END AS date,
    CASE WHEN regexp_full_match(impressions_text, '-?\d+')
      THEN TRY_CAST(impressions_text AS BIGINT) END AS impressions,
    CASE WHEN regexp_full_match(clicks_text, '-?\d+')
      THEN TRY_CAST(clicks_text AS BIGINT) END AS clicks,
    -- 12340000 micros are '12340000e-6': exact, where a division would go through DOUBLE
    CASE WHEN regexp_full_match(micros_text, '-?\d+')
      THEN TRY_CAST(TRY_CAST(micros_text || 'e-6' AS DECIMAL(38, 10)) AS DECIMAL(15, 2))
    END AS spend,
    CASE WHEN regexp_full_match(conversions_text, '-?\d+(\.\d+)?([eE][+-]?\d+)?')
      THEN TRY_CAST(TRY_CAST(conversions_text AS DECIMAL(38, 10)) AS DECIMAL(15, 4))
    END AS conversions,
    CASE WHEN regexp_full_match(value_text, '-?\d+(\.\d+)?([eE][+-]?\d+)?')
      THEN TRY_CAST(TRY_CAST(value_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2))
    END AS conversion_value,
    CASE WHEN regexp_full_match(views_text, '-?\d+')
      THEN TRY_CAST(views_text AS BIGINT) END AS video_views
  FROM texts
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN campaign_id IS NULL THEN 'campaign_id_missing'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN impressions IS NULL THEN 'impressions_not_a_number'
      WHEN clicks IS NULL THEN 'clicks_not_a_number'
      WHEN spend IS NULL THEN 'spend_not_a_number'
      WHEN conversions IS NULL AND conversions_text IS NOT NULL THEN 'conversions_not_a_number'
      WHEN conversion_value IS NULL AND value_text IS NOT NULL
        THEN 'conversion_value_not_a_number'
      WHEN video_views IS NULL AND views_text IS NOT NULL THEN 'video_views_not_a_number'
      WHEN currency IS NULL THEN 'currency_missing'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  campaign_id AS entity_id,
  date,
  campaign_id, campaign_name,
  -- the names that DataGuard knows; a type that is new stays visible, and DataGuard names it
  CASE
    WHEN channel_type = 'VIDEO' THEN 'youtube'
    WHEN channel_type = 'MULTI_CHANNEL' THEN 'app'
    WHEN channel_type IN ('HOTEL', 'TRAVEL', 'LOCAL_SERVICES') THEN 'search'
    WHEN channel_type IN ('LOCAL', 'SMART') THEN 'performance_max'
    ELSE lower(channel_type)
  END AS channel,
  impressions, clicks, spend, currency, conversions, conversion_value, video_views, timezone,
  CAST(
    100
    - CASE WHEN campaign_name IS NULL THEN 20 ELSE 0 END
    - CASE WHEN conversions IS NULL OR conversion_value IS NULL THEN 20 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(json_object(
      'campaign_id', r.campaign.id, 'campaign_name', r.campaign.name,
      'advertising_channel_type', r.campaign.advertisingChannelType,
      'currency_code', r.customer.currencyCode, 'date', r.segments.date,
      'impressions', r.metrics.impressions, 'clicks', r.metrics.clicks,
      'cost_micros', r.metrics.costMicros, 'conversions', r.metrics.conversions,
      'conversions_value', r.metrics.conversionsValue,
      'video_trueview_views', r.metrics.videoTrueviewViews
    ) AS VARCHAR)
  END AS record
FROM judged
