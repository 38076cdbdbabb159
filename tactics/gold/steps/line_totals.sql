-- grain: line
-- units: impressions counts; spend money in `spend_currency`, NULL when it comes in several currencies
-- source: delivery, lines, watermarks, line_campaigns, line_overlaps, campaigns
WITH last_days AS (
    SELECT l.line_no, least(w.as_of, l.flight_end) AS last_day
    FROM lines AS l
    JOIN watermarks AS w ON w.line_no = l.line_no
    WHERE w.as_of IS NOT NULL
),

sums AS (
    SELECT
        d.line_no,
        coalesce(sum(d.impressions) FILTER (WHERE d.kind = 'flight'), 0)::BIGINT AS delivered_impressions,
        coalesce(sum(d.units) FILTER (WHERE d.kind = 'flight'), 0)::DECIMAL(18, 4) AS delivered_units,
        coalesce(sum(d.units) FILTER (WHERE d.kind = 'flight' AND d.date > r.last_day - 7), 0)::DECIMAL(18, 4)
            AS recent_units,
        coalesce(sum(d.impressions) FILTER (WHERE d.kind = 'open'), 0)::BIGINT AS open_impressions,
        coalesce(sum(d.impressions) FILTER (WHERE d.kind = 'before'), 0)::BIGINT AS early_impressions,
        coalesce(sum(d.impressions) FILTER (WHERE d.kind = 'after'), 0)::BIGINT AS late_impressions,
        coalesce(sum(d.impressions) FILTER (WHERE d.kind = 'flight' AND d.date > r.last_day - 7), 0)::BIGINT
            AS recent_impressions,
        coalesce(sum(d.spend) FILTER (WHERE d.kind = 'flight'), 0)::DECIMAL(15, 2) AS spend,
        coalesce(sum(d.spend) FILTER (WHERE d.kind IN ('before', 'after')), 0)::DECIMAL(15, 2) AS outside_spend,
        coalesce(sum(d.spend) FILTER (WHERE d.kind = 'flight' AND d.date > r.last_day - 7), 0)::DECIMAL(15, 2)
            AS recent_spend,
        coalesce(-sum(d.impressions) FILTER (WHERE d.kind = 'flight' AND d.impressions < 0), 0) AS credited_impressions,
        coalesce(-sum(d.spend) FILTER (WHERE d.kind = 'flight' AND d.spend < 0), 0) AS credited_spend,
        string_agg(DISTINCT d.currency, ', ' ORDER BY d.currency) AS currencies,
        count(DISTINCT d.currency) AS currency_count
    FROM delivery AS d
    LEFT JOIN last_days AS r ON r.line_no = d.line_no
    GROUP BY d.line_no
),

places AS (
    SELECT
        m.line_no,
        string_agg(DISTINCT m.source, ', ' ORDER BY m.source) AS sources,
        string_agg(DISTINCT m.account_id, ', ' ORDER BY m.account_id) AS account_ids,
        string_agg(DISTINCT m.campaign_id, ', ' ORDER BY m.campaign_id) AS campaign_ids,
        min(c.campaign_name) AS campaign_name,
        min(c.channel) AS channel,
        bool_or(m.by_name) AS by_name,
        string_agg(DISTINCT c.timezone, ', ' ORDER BY c.timezone) AS timezones
    FROM line_campaigns AS m
    JOIN campaigns AS c
        ON c.source = m.source AND c.account_id = m.account_id AND c.campaign_id = m.campaign_id
    GROUP BY m.line_no
),

neighbours AS (
    SELECT line_no, string_agg(DISTINCT booking_ids, ', ' ORDER BY booking_ids) AS booking_ids
    FROM line_overlaps
    GROUP BY line_no
),

make_goods AS (
    SELECT g.make_good_for, sum(s.delivered_impressions)::BIGINT AS impressions
    FROM lines AS g
    JOIN sums AS s ON s.line_no = g.line_no
    WHERE g.make_good_for IS NOT NULL
    GROUP BY g.make_good_for
)

SELECT
    l.line_no,
    p.line_no IS NOT NULL AS found,
    p.sources, p.account_ids, p.campaign_ids, p.campaign_name, p.channel AS delivered_channel,
    coalesce(p.by_name, false) AS by_name,
    p.timezones,
    coalesce(s.delivered_impressions, 0) AS delivered_impressions,
    CASE WHEN l.goal <> 'spend' OR coalesce(s.currency_count, 0) <= 1 THEN coalesce(s.delivered_units, 0) END
        AS delivered_units,
    CASE WHEN l.goal <> 'spend' OR coalesce(s.currency_count, 0) <= 1 THEN coalesce(s.recent_units, 0) END
        AS recent_units,
    coalesce(s.open_impressions, 0) AS open_impressions,
    coalesce(s.early_impressions, 0) AS early_impressions,
    coalesce(s.late_impressions, 0) AS late_impressions,
    coalesce(s.recent_impressions, 0) AS recent_impressions,
    coalesce(s.credited_impressions, 0) AS credited_impressions,
    coalesce(s.credited_spend, 0) AS credited_spend,
    s.currencies,
    CASE WHEN s.currency_count = 1 THEN s.currencies END AS spend_currency,
    CASE WHEN coalesce(s.currency_count, 0) <= 1 THEN coalesce(s.spend, 0) END AS spend,
    CASE WHEN coalesce(s.currency_count, 0) <= 1 THEN coalesce(s.outside_spend, 0) END AS outside_spend,
    CASE WHEN coalesce(s.currency_count, 0) <= 1 THEN coalesce(s.recent_spend, 0) END AS recent_spend,
    o.booking_ids AS overlapping,
    coalesce(g.impressions, 0) AS make_good_impressions
FROM lines AS l
LEFT JOIN sums AS s ON s.line_no = l.line_no
LEFT JOIN places AS p ON p.line_no = l.line_no
LEFT JOIN neighbours AS o ON o.line_no = l.line_no
LEFT JOIN make_goods AS g ON g.make_good_for = l.booking_id
