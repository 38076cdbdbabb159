-- grain: org, source, account, campaign, channel, currency, day (the account's own calendar day)
-- units: impressions, clicks, video_views counts; spend, conversion_value money in `currency`
-- source: silver.ad_performance
-- part: day
-- Sorted by campaign within what is inserted at once (a month in a full build): a quarter fewer bytes
-- to copy, and the days of one campaign lie together.
SELECT
    org_id, source, account_id, campaign_id,
    arg_max(campaign_name, log_seq) AS campaign_name,
    channel,
    date,
    sum(impressions)::BIGINT AS impressions,
    sum(clicks)::BIGINT AS clicks,
    sum(spend)::DECIMAL(15, 2) AS spend,
    currency,
    sum(conversions)::DECIMAL(15, 4) AS conversions,
    sum(conversion_value)::DECIMAL(15, 2) AS conversion_value,
    sum(video_views)::BIGINT AS video_views,
    weakest_finality(finality) AS finality,
    max(timezone) AS timezone
FROM silver_ad_performance
WHERE org_id = $org_id AND date BETWEEN $start AND $end
GROUP BY org_id, source, account_id, campaign_id, channel, currency, date
ORDER BY campaign_id, date
