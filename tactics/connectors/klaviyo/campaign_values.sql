-- table: email_performance
-- uses: report.sql
-- grain: one row per message of a campaign, at the day on which the campaign was sent (the account's
--        time zone). The numbers are those of the whole life of the message so far: opens, clicks and
--        orders of later days are in them. A message stands once, whichever windows were fetched.
-- units: conversion_value in the account's currency; conversions are people who bought, not orders
-- source: Klaviyo 2026-07-15, /api/campaign-values-reports and /api/campaigns (contract, 2026-11-21)
-- quality: 100, less 20 without recipients or delivered, less 10 when another statistic is missing
--
-- The report has no day and no send time: the campaign tells. It reaches beyond the window (see
-- reading.py), so campaigns that were sent on other days are rows of other fetches: left out here.
sent AS (
  SELECT
    report_rows.*,
    nullif(trim(groups.campaign_id), '') AS parent_id,
    nullif(trim(groups.campaign_message_id), '') AS message_id,
    parents.id IS NOT NULL AS is_known,
    parents.about.name AS parent_name,
    CAST(timezone(timezone, TRY_CAST(parents.about.send_time AS TIMESTAMPTZ)) AS DATE) AS date
  FROM report_rows LEFT JOIN parents
    ON parents.request_id = report_rows.request_id AND parents.id = trim(groups.campaign_id)
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN parent_id IS NULL THEN 'campaign_id_missing'
      WHEN message_id IS NULL THEN 'message_id_missing'
      WHEN NOT is_known THEN 'campaign_unknown'
      WHEN date IS NULL THEN 'send_time_not_a_time'
      WHEN misaligned THEN 'series_misaligned'
      ELSE number_rule
    END AS rule
  FROM sent
  WHERE date IS NULL OR date BETWEEN window_start AND window_end
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  'campaign|' || message_id AS entity_id,
  date,
  'campaign' AS kind,
  parent_id, parent_name, message_id,
  groups.send_channel AS send_channel,
  TRY_CAST(asked.start AS DATE) AS window_start,
  TRY_CAST(asked."end" AS DATE) AS window_end,
  CAST(timezone(timezone, fetched_at) AS DATE) AS as_of,
  recipients, delivered, opens_unique, clicks_unique, bounced, unsubscribes, spam_complaints,
  conversions, conversion_value, currency,
  asked.metric_id AS conversion_metric_id,
  CAST(100 - missing_points AS INTEGER) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN page_text
    WHEN rule IS NOT NULL THEN CAST(json_object('groupings', groups, 'statistics', texts) AS VARCHAR)
  END AS record
FROM judged
