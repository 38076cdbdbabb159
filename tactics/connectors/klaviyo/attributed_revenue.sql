-- table: email_revenue
-- grain: one row per message, currency and day of the order (the account's time zone); orders that
--        no e-mail is credited with, and days without an order, have no row
-- units: revenue in `currency`: that of the order, else the account's
-- source: Klaviyo 2026-07-15, /api/metric-aggregates by day (contract, 2026-11-21)
-- quality: 100, less 20 without revenue
WITH opened AS (
  SELECT
    * EXCLUDE (payload, request),
    left(payload, 4096) AS page_text,
    upper(trim(request ->> '$.account.currency')) AS account_currency,
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    TRY(from_json(payload, '{
      "data": {"attributes": {
        "dates": ["VARCHAR"],
        "data": [{
          "dimensions": ["VARCHAR"], "measurements": {"count": ["VARCHAR"], "sum_value": ["VARCHAR"]}
        }]
      }},
      "asked": {"metric_id": "VARCHAR", "by": ["VARCHAR"]}
    }')) AS answer
  FROM pages
),
groups AS (
  SELECT
    * EXCLUDE (answer),
    answer.data.attributes.data IS NULL AS undecodable,
    answer.data.attributes.dates AS days,
    answer.asked AS asked,
    unnest(CASE WHEN answer.data.attributes.data IS NULL THEN [NULL]
      ELSE answer.data.attributes.data END) AS g,
    unnest(CASE WHEN answer.data.attributes.data IS NULL THEN [0]
      ELSE range(len(answer.data.attributes.data)) END) AS number
  FROM opened
),
named AS (
  SELECT
    *,
    nullif(trim(g.dimensions[list_position(asked.by, '$attributed_message')]), '') AS message_id,
    nullif(trim(g.dimensions[list_position(asked.by, '$attributed_flow')]), '') AS flow_id,
    upper(nullif(trim(g.dimensions[list_position(asked.by, '$value_currency')]), '')) AS order_currency,
    coalesce(
      len(g.measurements.count) <> len(days) OR len(g.measurements.sum_value) <> len(days),
      NOT undecodable
    ) AS misaligned
  FROM groups
),
points AS (
  SELECT
    *,
    -- one refused row for what does not fit together
    unnest(range(1, CASE WHEN misaligned OR undecodable THEN 2 ELSE len(days) + 1 END)) AS point
  FROM named
  WHERE undecodable OR message_id IS NOT NULL
),
texts AS (
  SELECT
    * EXCLUDE (point),
    number * 1000 + point - 1 AS position,
    days[point] AS day_text,
    g.measurements.count[point] AS orders_text,
    g.measurements.sum_value[point] AS revenue_text,
    coalesce(order_currency, account_currency) AS currency
  FROM points
),
numbers AS (
  SELECT
    *,
    CASE WHEN regexp_full_match(orders_text, '\d+(\.0+)?') THEN TRY_CAST(orders_text AS BIGINT) END AS orders,
    CASE WHEN regexp_full_match(revenue_text, '-?\d+(\.\d+)?([eE][+-]?\d+)?')
      THEN TRY_CAST(TRY_CAST(revenue_text AS DECIMAL(38, 10)) AS DECIMAL(15, 2)) END AS revenue,
    -- Midnight is a day whatever its offset says; any other time is the instant of a local midnight.
    CASE
      WHEN regexp_full_match(day_text, '\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?')
        THEN TRY_CAST(left(day_text, 10) AS DATE)
      ELSE CAST(timezone(timezone, TRY_CAST(day_text AS TIMESTAMPTZ)) AS DATE)
    END AS date
  FROM texts
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN misaligned THEN 'series_misaligned'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN orders IS NULL THEN 'orders_not_an_integer'
      WHEN revenue IS NULL AND revenue_text IS NOT NULL THEN 'revenue_not_a_number'
      WHEN NOT coalesce(regexp_full_match(currency, '[A-Z]{3}'), false) THEN 'currency_missing'
    END AS rule
  FROM numbers
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  CASE WHEN flow_id IS NULL THEN 'campaign' ELSE 'flow' END || '|' || message_id || '|' || currency AS entity_id,
  date,
  CASE WHEN flow_id IS NULL THEN 'campaign' ELSE 'flow' END AS kind,
  message_id,
  asked.metric_id AS metric_id,
  orders, revenue, currency,
  CAST(100 - CASE WHEN revenue IS NULL THEN 20 ELSE 0 END AS INTEGER) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN page_text
    WHEN rule IS NOT NULL THEN CAST(json_object(
      'date', day_text, 'dimensions', g.dimensions, 'count', orders_text, 'sum_value', revenue_text
    ) AS VARCHAR)
  END AS record
FROM judged
WHERE rule IS NOT NULL OR orders <> 0 OR revenue <> 0
