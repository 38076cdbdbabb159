-- grain: org, source, account, campaign, channel, currency, ISO week (`week_start` is its Monday)
-- units: impressions, clicks, video_views counts; spend, conversion_value money in `currency`
-- source: gold.ad_daily
-- part: week
SELECT
    org_id, source, account_id, campaign_id,
    arg_max(campaign_name, date) AS campaign_name,
    channel,
    date_trunc('week', date)::DATE AS week_start,
    count(*)::INTEGER AS days,
    max(date) AS last_day,
    sum(impressions)::BIGINT AS impressions,
    sum(clicks)::BIGINT AS clicks,
    sum(spend)::DECIMAL(15, 2) AS spend,
    currency,
    sum(conversions)::DECIMAL(15, 4) AS conversions,
    sum(conversion_value)::DECIMAL(15, 2) AS conversion_value,
    sum(video_views)::BIGINT AS video_views,
    weakest_finality(finality) AS finality,
    max(timezone) AS timezone
FROM ad_daily
WHERE org_id = $org_id AND date BETWEEN $start AND $end
GROUP BY org_id, source, account_id, campaign_id, channel, currency, week_start
