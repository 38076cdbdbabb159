-- grain: org, channel of the taxonomy, source, currency, day (the accounts' own calendar days)
-- units: impressions, clicks, video_views counts; spend, conversion_value money in `currency`.
--        conversions and their value are what each source claims: never add sources up
-- source: gold.ad_daily
-- part: day
WITH named AS (
    SELECT *, clean_ad_name(channel) AS ad_name
    FROM ad_daily
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
),

ruled AS (
    SELECT * EXCLUDE (channel), ad_rule(ad_name) AS rule FROM named
),

assigned AS (
    SELECT *, rule_channel(rule) AS channel FROM ruled
)

SELECT
    org_id, channel, source, date,
    count(DISTINCT (account_id, campaign_id)) AS campaigns,
    sum(impressions)::BIGINT AS impressions,
    sum(clicks)::BIGINT AS clicks,
    sum(spend)::DECIMAL(18, 2) AS spend,
    currency,
    sum(conversions)::DECIMAL(18, 4) AS conversions,
    sum(conversion_value)::DECIMAL(18, 2) AS conversion_value,
    sum(video_views)::BIGINT AS video_views,
    weakest_finality(finality) AS finality,
    string_agg(DISTINCT timezone, ', ' ORDER BY timezone) AS timezones
FROM assigned
GROUP BY org_id, channel, source, date, currency
