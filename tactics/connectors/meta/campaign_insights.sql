-- table: ad_performance
-- uses: insights.sql
-- grain: one row per campaign and day of the ad account
-- units: spend and conversion_value in units of `currency`, half-up to 2 places; conversions to 4
-- source: Meta Marketing API v26.0, /act_…/insights at level=campaign, time_increment=1 (contract, 2026-11-21)
-- quality: 100, less 20 without a campaign name, less 20 without conversions
reported AS (
  SELECT
    *,
    100
    - CASE WHEN campaign_name IS NULL THEN 20 ELSE 0 END
    - CASE WHEN conversions IS NULL OR conversion_value IS NULL THEN 20 ELSE 0 END AS quality
  FROM judged
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  campaign_id AS entity_id,
  date,
  campaign_id, campaign_name,
  'social' AS channel,
  impressions, clicks, spend, currency, conversions, conversion_value, video_views, timezone,
  CAST(quality AS INTEGER) AS quality_score,
  rule,
  record
FROM reported
