-- columns: per org, channel (the platform's word), source and currency, the last 28 closed days of that
--          source; `channel_group` is the channel of the taxonomy, `channel_rule` the rule that says so;
--          ratios are ratio of sums; `spend_percent` is the share of the org's spend in that currency;
--          `timezones` names them all when days of several time zones are summed
WITH closed AS (
    SELECT
        org_id, source, account_id,
        max(watermark) AS last_day
    FROM freshness
    WHERE table_name = 'ad_performance' AND watermark IS NOT NULL
    GROUP BY org_id, source, account_id
),

sums AS (
    SELECT
        a.org_id,
        coalesce(a.channel, 'unknown') AS channel,
        a.source,
        a.currency,
        min(c.last_day) - 27 AS first_day,
        max(c.last_day) AS last_day,
        sum(a.impressions)::BIGINT AS impressions,
        sum(a.clicks)::BIGINT AS clicks,
        sum(a.spend)::DECIMAL(18, 2) AS spend,
        sum(a.conversions)::DECIMAL(18, 4) AS conversions,
        sum(a.conversion_value)::DECIMAL(18, 2) AS conversion_value,
        sum(a.video_views)::BIGINT AS video_views,
        weakest_finality(a.finality) AS finality,
        string_agg(DISTINCT a.timezone, ', ' ORDER BY a.timezone) AS timezones
    FROM ad_daily AS a
    JOIN closed AS c ON c.org_id = a.org_id AND c.source = a.source AND c.account_id = a.account_id
    WHERE a.date BETWEEN c.last_day - 27 AND c.last_day
        AND a.date >= (SELECT min(last_day) FROM closed) - 27
        AND ($org_id::VARCHAR IS NULL OR a.org_id = $org_id)
    GROUP BY a.org_id, coalesce(a.channel, 'unknown'), a.source, a.currency
),

named AS (
    SELECT *, clean_ad_name(nullif(channel, 'unknown')) AS ad_name FROM sums
),

ruled AS (
    SELECT * EXCLUDE (ad_name), ad_rule(ad_name) AS channel_rule FROM named
)

SELECT
    s.org_id, s.channel,
    rule_channel(s.channel_rule) AS channel_group,
    s.channel_rule,
    s.* EXCLUDE (org_id, channel, channel_rule, finality, timezones),
    {{ ctr }} AS ctr,
    {{ cpc }} AS cpc,
    {{ cpm }} AS cpm,
    {{ cpa }} AS cpa,
    {{ roas }} AS roas,
    s.spend / nullif(sum(s.spend) OVER (PARTITION BY s.org_id, s.currency), 0) * 100 AS spend_percent,
    s.finality,
    s.timezones,
    coalesce(describe_freshness(s.last_day, d.today), 'no data') AS freshness
FROM ruled AS s
LEFT JOIN reading_days AS d ON d.org_id = s.org_id
ORDER BY s.org_id, s.currency, s.spend DESC, s.channel, s.source
