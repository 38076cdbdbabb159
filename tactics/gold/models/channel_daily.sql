-- grain: org, channel of the taxonomy, source, currency, day (the accounts' own calendar days)
-- units: impressions, clicks, video_views counts; spend, conversion_value money in `currency`.
--        conversions and their value are what each source claims: never add sources up
-- source: gold.ad_daily
-- part: day
-- A million rows bear a dozen names of channels: they are added up by name, then each name is looked up
-- once. A row is a campaign, unless several names are one channel: only there campaigns are told apart.
WITH held AS (
    SELECT * FROM ad_daily WHERE org_id = $org_id AND date BETWEEN $start AND $end
),

sums AS (
    SELECT
        channel AS name, source, date, currency, finality, timezone,
        count(*) AS campaigns,
        sum(impressions) AS impressions,
        sum(clicks) AS clicks,
        sum(spend) AS spend,
        sum(conversions) AS conversions,
        sum(conversion_value) AS conversion_value,
        sum(video_views) AS video_views
    FROM held
    GROUP BY ALL
),

named AS (
    SELECT name, clean_ad_name(name) AS ad_name FROM sums GROUP BY name
),

ruled AS (
    SELECT name, ad_rule(ad_name) AS rule FROM named
),

assigned AS (
    SELECT name, rule_channel(rule) AS channel, count(*) OVER (PARTITION BY channel) AS names FROM ruled
),

told_apart AS (
    SELECT
        a.channel, h.source, h.date, h.currency, count(DISTINCT (h.account_id, h.campaign_id)) AS campaigns
    FROM held AS h
    JOIN assigned AS a ON a.name IS NOT DISTINCT FROM h.channel AND a.names > 1
    GROUP BY ALL
)

SELECT
    $org_id AS org_id, a.channel, s.source, s.date,
    coalesce(any_value(t.campaigns), sum(s.campaigns)) AS campaigns,
    sum(s.impressions)::BIGINT AS impressions,
    sum(s.clicks)::BIGINT AS clicks,
    sum(s.spend)::DECIMAL(18, 2) AS spend,
    s.currency,
    sum(s.conversions)::DECIMAL(18, 4) AS conversions,
    sum(s.conversion_value)::DECIMAL(18, 2) AS conversion_value,
    sum(s.video_views)::BIGINT AS video_views,
    weakest_finality(s.finality) AS finality,
    string_agg(DISTINCT s.timezone, ', ' ORDER BY s.timezone) AS timezones
FROM sums AS s
JOIN assigned AS a ON a.name IS NOT DISTINCT FROM s.name
LEFT JOIN told_apart AS t
    ON t.channel = a.channel AND t.source = s.source AND t.date = s.date
    AND t.currency IS NOT DISTINCT FROM s.currency
GROUP BY a.channel, s.source, s.date, s.currency
