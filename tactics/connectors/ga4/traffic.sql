-- table: web_traffic
-- grain: one row per property, day, channel group, source, medium and campaign
-- units: revenue in units of `currency`, half-up to 2 places; key_events to 4; users do not add up
-- source: Google Analytics Data API v1beta, runReport (contract, 2026-11-21)
-- quality: 100, less 20 sampled, 20 without a metric, 10 thresholded, 10 rolled up into (other), 10 (data not available)
--
-- Columns are found by their headers: a metric that Google refused was not asked for, and one that
-- the credential may not see comes as zero; both are unknown here. Every value arrives as text.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    request ->> '$.account.currency' AS account_currency,
    request ->> '$.account.timezone' AS account_timezone,
    TRY(from_json(payload, '{
      "dimensionHeaders": [{"name": "VARCHAR"}], "metricHeaders": [{"name": "VARCHAR"}],
      "rows": [{"dimensionValues": [{"value": "VARCHAR"}], "metricValues": [{"value": "VARCHAR"}]}],
      "metadata": {
        "currencyCode": "VARCHAR", "timeZone": "VARCHAR", "subjectToThresholding": "BOOLEAN",
        "dataLossFromOtherRow": "BOOLEAN", "samplingMetadatas": ["JSON"],
        "schemaRestrictionResponse": {"activeMetricRestrictions": [{"metricName": "VARCHAR"}]}
      }
    }')) AS report
  FROM pages
),
described AS (
  SELECT
    * EXCLUDE (report, account_currency, account_timezone),
    report IS NULL AS undecodable,
    report.rows AS rows,
    upper(coalesce(nullif(trim(report.metadata.currencyCode), ''), account_currency)) AS currency,
    coalesce(nullif(trim(report.metadata.timeZone), ''), account_timezone, 'UTC') AS timezone,
    coalesce(len(report.metadata.samplingMetadatas), 0) > 0 AS is_sampled,
    coalesce(report.metadata.subjectToThresholding, false) AS is_thresholded,
    coalesce(report.metadata.dataLossFromOtherRow, false) AS has_other_row,
    list_transform(report.dimensionHeaders, lambda h: h.name) AS dimensions,
    list_transform(report.metricHeaders, lambda h: h.name) AS metrics,
    coalesce(
      list_transform(
        report.metadata.schemaRestrictionResponse.activeMetricRestrictions, lambda m: m.metricName
      ),
      []
    ) AS blocked
  FROM decoded
),
placed AS (
  -- where each metric stands; NULL: nowhere, or it is not to be believed
  SELECT
    * EXCLUDE (dimensions, metrics, blocked),
    list_position(dimensions, 'date') AS at_date,
    list_position(dimensions, 'sessionDefaultChannelGroup') AS at_group,
    list_position(dimensions, 'sessionSource') AS at_source,
    list_position(dimensions, 'sessionMedium') AS at_medium,
    list_position(dimensions, 'sessionCampaignName') AS at_campaign,
    list_position(metrics, 'sessions') AS at_sessions,
    CASE WHEN NOT list_contains(blocked, 'engagedSessions') THEN list_position(metrics, 'engagedSessions') END AS at_engaged,
    CASE WHEN NOT list_contains(blocked, 'totalUsers') THEN list_position(metrics, 'totalUsers') END AS at_users,
    CASE WHEN NOT list_contains(blocked, 'newUsers') THEN list_position(metrics, 'newUsers') END AS at_new_users,
    CASE WHEN NOT list_contains(blocked, 'screenPageViews') THEN list_position(metrics, 'screenPageViews') END AS at_views,
    CASE WHEN NOT list_contains(blocked, 'keyEvents') THEN list_position(metrics, 'keyEvents') END AS at_key_events,
    CASE WHEN NOT list_contains(blocked, 'ecommercePurchases') THEN list_position(metrics, 'ecommercePurchases') END AS at_purchases,
    CASE WHEN NOT list_contains(blocked, 'purchaseRevenue') THEN list_position(metrics, 'purchaseRevenue') END AS at_revenue,
    CASE WHEN NOT list_contains(blocked, 'totalRevenue') THEN list_position(metrics, 'totalRevenue') END AS at_total
  FROM described
),
records AS (
  SELECT
    * EXCLUDE (rows),
    unnest(CASE WHEN undecodable THEN [NULL] ELSE coalesce(rows, []) END) AS r,
    unnest(CASE WHEN undecodable THEN [0] ELSE range(len(coalesce(rows, []))) END) AS position
  FROM placed
),
texts AS (
  SELECT
    * EXCLUDE (r),
    r.dimensionValues[at_date].value AS date_text,
    r.dimensionValues[at_group].value AS channel_group,
    r.dimensionValues[at_source].value AS traffic_source,
    r.dimensionValues[at_medium].value AS medium,
    r.dimensionValues[at_campaign].value AS campaign,
    r.metricValues[at_sessions].value AS sessions_text,
    r.metricValues[at_engaged].value AS engaged_text,
    r.metricValues[at_users].value AS users_text,
    r.metricValues[at_new_users].value AS new_users_text,
    r.metricValues[at_views].value AS views_text,
    r.metricValues[at_key_events].value AS key_events_text,
    r.metricValues[at_purchases].value AS purchases_text,
    r.metricValues[at_revenue].value AS revenue_text,
    r.metricValues[at_total].value AS total_text
  FROM records
),
typed AS (
  -- The patterns come first: casts alone accept '1_000', hex and 'infinity'. A decimal is cast from
  -- its text in one step: that is exact, and half-up. Large floats may come as 1.83E7.
  SELECT
    *,
    CASE
      WHEN regexp_full_match(date_text, '\d{8}') THEN CAST(TRY_STRPTIME(date_text, '%Y%m%d') AS DATE)
      -- even the day may be rolled up; in a window of one day it is known
      WHEN date_text = '(other)' AND window_start = window_end THEN window_start
    END AS date,
    CASE WHEN regexp_full_match(sessions_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(sessions_text AS BIGINT) END AS sessions,
    CASE WHEN regexp_full_match(engaged_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(engaged_text AS BIGINT) END AS engaged_sessions,
    CASE WHEN regexp_full_match(users_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(users_text AS BIGINT) END AS users,
    CASE WHEN regexp_full_match(new_users_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(new_users_text AS BIGINT) END AS new_users,
    CASE WHEN regexp_full_match(views_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(views_text AS BIGINT) END AS page_views,
    CASE WHEN regexp_full_match(purchases_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(purchases_text AS BIGINT) END AS purchases,
    CASE WHEN regexp_full_match(key_events_text, '-?\d+(\.\d+)?([eE][+-]?\d{1,2})?')
      THEN TRY_CAST(key_events_text AS DECIMAL(15, 4)) END AS key_events,
    CASE WHEN regexp_full_match(revenue_text, '-?\d+(\.\d+)?([eE][+-]?\d{1,2})?')
      THEN TRY_CAST(revenue_text AS DECIMAL(15, 2)) END AS purchase_revenue,
    CASE WHEN regexp_full_match(total_text, '-?\d+(\.\d+)?([eE][+-]?\d{1,2})?')
      THEN TRY_CAST(total_text AS DECIMAL(15, 2)) END AS total_revenue
  FROM texts
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN traffic_source IS NULL OR medium IS NULL OR campaign IS NULL OR channel_group IS NULL
        THEN 'dimension_missing'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN sessions IS NULL THEN 'sessions_not_a_number'
      WHEN engaged_sessions IS NULL AND engaged_text IS NOT NULL
        THEN 'engaged_sessions_not_a_number'
      WHEN users IS NULL AND users_text IS NOT NULL THEN 'users_not_a_number'
      WHEN new_users IS NULL AND new_users_text IS NOT NULL THEN 'new_users_not_a_number'
      WHEN page_views IS NULL AND views_text IS NOT NULL THEN 'page_views_not_a_number'
      WHEN key_events IS NULL AND key_events_text IS NOT NULL THEN 'key_events_not_a_number'
      WHEN purchases IS NULL AND purchases_text IS NOT NULL THEN 'purchases_not_a_number'
      WHEN purchase_revenue IS NULL AND revenue_text IS NOT NULL
        THEN 'purchase_revenue_not_a_number'
      WHEN total_revenue IS NULL AND total_text IS NOT NULL THEN 'total_revenue_not_a_number'
      WHEN NOT coalesce(regexp_full_match(currency, '[A-Z]{3}'), false) THEN 'currency_missing'
    END AS rule
  FROM typed
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  -- two values that were masked look alike and still are two rows: their place keeps them apart
  concat_ws('|', channel_group, traffic_source, medium, campaign)
  || CASE
    WHEN contains(concat(traffic_source, medium, campaign), '***')
      THEN concat('|', page, '.', position)
    ELSE ''
  END AS entity_id,
  date,
  channel_group, traffic_source, medium, campaign,
  sessions, engaged_sessions, users, new_users, page_views, key_events, purchases,
  purchase_revenue, total_revenue, currency, timezone,
  is_sampled, is_thresholded, has_other_row,
  CAST(
    100
    - CASE WHEN is_sampled THEN 20 ELSE 0 END
    - CASE
      WHEN engaged_sessions IS NULL OR users IS NULL OR new_users IS NULL OR page_views IS NULL
        OR key_events IS NULL OR purchases IS NULL OR purchase_revenue IS NULL
        OR total_revenue IS NULL
        THEN 20
      ELSE 0
    END
    - CASE WHEN is_thresholded THEN 10 ELSE 0 END
    - CASE WHEN has_other_row THEN 10 ELSE 0 END
    - CASE
      WHEN '(data not available)' IN (traffic_source, medium, campaign) THEN 10
      ELSE 0
    END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(json_object(
      'date', date_text, 'channel_group', channel_group, 'traffic_source', traffic_source,
      'medium', medium, 'campaign', campaign, 'sessions', sessions_text,
      'engaged_sessions', engaged_text, 'users', users_text, 'new_users', new_users_text,
      'page_views', views_text, 'key_events', key_events_text, 'purchases', purchases_text,
      'purchase_revenue', revenue_text, 'total_revenue', total_text, 'currency', currency
    ) AS VARCHAR)
  END AS record
FROM judged
