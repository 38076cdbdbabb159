-- columns: those of campaign_pacing; the most urgent line first
-- `freshness` is told anew: its age depends on the day of reading.
SELECT p.* REPLACE (coalesce(describe_line_freshness(p.as_of, p.flight_end, d.today), p.freshness) AS freshness)
FROM campaign_pacing AS p
LEFT JOIN reading_days AS d ON d.org_id = p.org_id
WHERE $org_id::VARCHAR IS NULL OR p.org_id = $org_id
ORDER BY
    p.org_id,
    list_position(
        [
            'broken', 'critical', 'warn', 'under_delivered', 'watch', 'over_delivered', 'unbooked', 'no_data',
            'on_pace', 'hiatus', 'too_early', 'starting', 'scheduled', 'delivered'
        ],
        p.status
    ),
    abs(p.pacing_rate - 100) DESC NULLS LAST,
    p.flight_end,
    p.booking_id,
    p.campaign_id
