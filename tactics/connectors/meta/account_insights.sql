-- table: ad_account_totals
-- uses: insights.sql
-- grain: one row per ad account and day, as Meta itself adds it up: what the campaigns are checked against
-- units: spend and conversion_value in units of `currency`, half-up to 2 places; conversions to 4
-- source: Meta Marketing API v26.0, /act_…/insights at level=account, time_increment=1 (contract, 2026-11-21)
-- quality: 100, less 20 without conversions
reported AS (
  SELECT
    *,
    100
    - CASE WHEN conversions IS NULL OR conversion_value IS NULL THEN 20 ELSE 0 END AS quality
  FROM judged
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  account_id AS entity_id,
  date,
  currency, impressions, clicks, spend, conversions, conversion_value, timezone,
  CAST(quality AS INTEGER) AS quality_score,
  rule,
  record
FROM reported
