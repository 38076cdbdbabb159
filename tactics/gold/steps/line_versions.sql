-- grain: line that was replanned
-- units: replanned_on is the day from which the newest version is in force; `replanned` says what changed
-- source: gold.booking_versions, lines
WITH pairs AS (
    SELECT
        *,
        lag(flight_start) OVER booking AS old_start,
        lag(flight_end) OVER booking AS old_end,
        lag(booked_impressions) OVER booking AS old_impressions,
        lag(booked_clicks) OVER booking AS old_clicks,
        lag(booked_views) OVER booking AS old_views,
        lag(booked_conversions) OVER booking AS old_conversions,
        lag(booked_spend) OVER booking AS old_spend,
        lag(booking_revenue) OVER booking AS old_revenue
    FROM booking_versions
    WHERE org_id = $org_id
    WINDOW booking AS (PARTITION BY source, account_id, booking_id ORDER BY version)
)

SELECT
    l.line_no,
    v.valid_from AS replanned_on,
    concat_ws(', ',
        CASE WHEN v.flight_start <> v.old_start THEN format('start {} to {}', v.old_start, v.flight_start) END,
        CASE WHEN v.flight_end <> v.old_end THEN format('end {} to {}', v.old_end, v.flight_end) END,
        CASE WHEN v.booked_impressions IS DISTINCT FROM v.old_impressions
            THEN format('{} to {} impressions', coalesce(format('{:,}', v.old_impressions), 'no'), coalesce(format('{:,}', v.booked_impressions), 'no')) END,
        CASE WHEN v.booked_clicks IS DISTINCT FROM v.old_clicks THEN 'booked clicks' END,
        CASE WHEN v.booked_views IS DISTINCT FROM v.old_views THEN 'booked views' END,
        CASE WHEN v.booked_conversions IS DISTINCT FROM v.old_conversions THEN 'booked conversions' END,
        CASE WHEN v.booked_spend IS DISTINCT FROM v.old_spend THEN 'booked spend' END,
        CASE WHEN v.booking_revenue IS DISTINCT FROM v.old_revenue THEN 'revenue' END
    ) AS replanned
FROM lines AS l
JOIN pairs AS v
    ON v.booking_id = l.booking_id AND v.source = l.booking_source AND v.account_id = l.booking_account
WHERE v.version > 1
QUALIFY row_number() OVER (PARTITION BY l.line_no ORDER BY v.version DESC) = 1
