-- table: email_performance
-- uses: report.sql
-- grain: one row per message of a flow and day of sending (the account's time zone); days on which
--        all numbers are zero have no row
-- units: conversion_value in the account's currency; conversions are people who bought, not orders
-- source: Klaviyo 2026-07-15, /api/flow-series-reports (daily) and /api/flows (contract, 2026-11-21)
-- quality: 100, less 20 without recipients or delivered, less 10 when another statistic is missing,
--          less 10 when the flow is no longer listed
dated AS (
  -- Midnight is a day whatever its offset says; any other time is the instant of a local midnight.
  SELECT
    report_rows.*,
    nullif(trim(groups.flow_id), '') AS parent_id,
    nullif(trim(groups.flow_message_id), '') AS message_id,
    parents.about.name AS parent_name,
    CASE
      WHEN regexp_full_match(day_text, '\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?')
        THEN TRY_CAST(left(day_text, 10) AS DATE)
      ELSE CAST(timezone(timezone, TRY_CAST(day_text AS TIMESTAMPTZ)) AS DATE)
    END AS date
  FROM report_rows LEFT JOIN parents
    ON parents.request_id = report_rows.request_id AND parents.id = trim(groups.flow_id)
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN parent_id IS NULL THEN 'flow_id_missing'
      WHEN message_id IS NULL THEN 'message_id_missing'
      WHEN misaligned THEN 'series_misaligned'
      WHEN date IS NULL THEN 'date_not_a_date'
      ELSE number_rule
    END AS rule
  FROM dated
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  'flow|' || message_id AS entity_id,
  date,
  'flow' AS kind,
  parent_id, parent_name, message_id,
  groups.send_channel AS send_channel,
  TRY_CAST(asked.start AS DATE) AS window_start,
  TRY_CAST(asked."end" AS DATE) AS window_end,
  CAST(timezone(timezone, fetched_at) AS DATE) AS as_of,
  recipients, delivered, opens_unique, clicks_unique, bounced, unsubscribes, spam_complaints,
  conversions, conversion_value, currency,
  asked.metric_id AS conversion_metric_id,
  CAST(
    100 - missing_points - CASE WHEN parent_name IS NULL THEN 10 ELSE 0 END AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN page_text
    WHEN rule IS NOT NULL THEN CAST(json_object(
      'groupings', groups, 'date_time', day_text, 'statistics', texts
    ) AS VARCHAR)
  END AS record
FROM judged
WHERE rule IS NOT NULL OR NOT nothing_happened
