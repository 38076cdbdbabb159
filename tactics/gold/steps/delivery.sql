-- grain: line, source, account, campaign, channel, day, spend currency
-- units: impressions count; spend money in `currency`; units in those of the line's goal
-- source: gold.booked_days, lines, line_campaigns, line_overlaps, watermarks
-- kind: `flight` counts; `open` lies in the flight but after the watermark; `before` and `after` lie in
-- no flight of the campaign and are shown at the flight that ended last before them, else at the first.
-- A day that several flights share is split by their planned impressions a day, so that no row is
-- counted twice: each line takes round(x * share up to it) - round(x * share up to the one before).
WITH days AS (
    SELECT
        source, account_id, campaign_id, channel, date, currency, impressions, clicks, conversions,
        video_views, spend
    FROM booked_days
    WHERE org_id = $org_id
),

flights AS (
    SELECT
        m.source, m.account_id, m.campaign_id, l.line_no, l.booking_id, l.flight_start, l.flight_end,
        l.goal,
        w.as_of,
        greatest(coalesce(l.goal_booked, 0), 0) / l.total_days AS weight,
        o.line_no IS NOT NULL AS is_shared
    FROM line_campaigns AS m
    JOIN lines AS l ON l.line_no = m.line_no AND l.total_days IS NOT NULL
    JOIN watermarks AS w ON w.line_no = m.line_no
    LEFT JOIN line_overlaps AS o
        ON o.line_no = m.line_no AND o.source = m.source AND o.account_id = m.account_id
        AND o.campaign_id = m.campaign_id
),

inside AS (
    SELECT
        d.* EXCLUDE (clicks, conversions, video_views),
        CASE f.goal
            WHEN 'impressions' THEN d.impressions
            WHEN 'clicks' THEN d.clicks
            WHEN 'views' THEN d.video_views
            WHEN 'conversions' THEN d.conversions
            WHEN 'spend' THEN d.spend
        END::DECIMAL(18, 4) AS units,
        f.* EXCLUDE (source, account_id, campaign_id)
    FROM days AS d
    JOIN flights AS f
        ON f.source = d.source AND f.account_id = d.account_id AND f.campaign_id = d.campaign_id
        AND d.date BETWEEN f.flight_start AND f.flight_end
),

shares AS (
    SELECT
        *,
        CASE
            WHEN sum(weight) OVER whole > 0 THEN sum(weight) OVER earlier / sum(weight) OVER whole
            ELSE count(*) OVER earlier / count(*) OVER whole
        END AS share_to
    FROM inside
    WHERE is_shared
    WINDOW
        whole AS (PARTITION BY source, account_id, campaign_id, channel, date, currency),
        earlier AS (
            PARTITION BY source, account_id, campaign_id, channel, date, currency
            ORDER BY flight_start, booking_id, line_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
),

bounds AS (
    SELECT
        *,
        coalesce(lag(share_to) OVER (
            PARTITION BY source, account_id, campaign_id, channel, date, currency
            ORDER BY flight_start, booking_id, line_no
        ), 0) AS share_from
    FROM shares
),

counted AS (
    SELECT line_no, source, account_id, campaign_id, date, currency, as_of, impressions, spend, units
    FROM inside
    WHERE NOT is_shared
    UNION ALL
    SELECT
        line_no, source, account_id, campaign_id, date, currency, as_of,
        (round(impressions * share_to) - round(impressions * share_from))::BIGINT AS impressions,
        (round(spend * share_to, 2)::DECIMAL(15, 2) - round(spend * share_from, 2)::DECIMAL(15, 2))
        ::DECIMAL(15, 2) AS spend,
        -- whole things stay whole
        CASE
            WHEN goal IN ('conversions', 'spend')
                THEN round(units * share_to, 2)::DECIMAL(18, 4) - round(units * share_from, 2)::DECIMAL(18, 4)
            ELSE round(units * share_to) - round(units * share_from)
        END::DECIMAL(18, 4) AS units
    FROM bounds
),

ends AS (
    SELECT source, account_id, campaign_id, flight_end, flight_start, line_no
    FROM flights
    QUALIFY row_number() OVER (
        PARTITION BY source, account_id, campaign_id, flight_end ORDER BY flight_start, line_no
    ) = 1
),

-- A flight answers for the days from its end to that of the next one, the first also for those before.
turns AS (
    SELECT
        source, account_id, campaign_id, flight_start, line_no,
        if(lag(line_no) OVER by_end IS NULL, DATE '-infinity', flight_end) AS after,
        coalesce(lead(flight_end) OVER by_end, DATE 'infinity') AS until
    FROM ends
    WINDOW by_end AS (PARTITION BY source, account_id, campaign_id ORDER BY flight_end)
),

attributed AS (
    SELECT
        t.line_no, d.source, d.account_id, d.campaign_id, d.date, d.currency,
        CASE WHEN d.date < t.flight_start THEN 'before' ELSE 'after' END AS kind,
        d.impressions, d.spend, NULL::DECIMAL(18, 4) AS units
    FROM days AS d
    ANTI JOIN flights AS f
        ON f.source = d.source AND f.account_id = d.account_id AND f.campaign_id = d.campaign_id
        AND d.date BETWEEN f.flight_start AND f.flight_end
    JOIN turns AS t
        ON t.source = d.source AND t.account_id = d.account_id AND t.campaign_id = d.campaign_id
        AND d.date > t.after AND d.date <= t.until
)

SELECT
    line_no, source, account_id, campaign_id, date, currency,
    CASE WHEN date <= as_of THEN 'flight' ELSE 'open' END AS kind,
    impressions, spend, units
FROM counted
UNION ALL
SELECT line_no, source, account_id, campaign_id, date, currency, kind, impressions, spend, units
FROM attributed
