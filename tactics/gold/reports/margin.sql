-- columns: those of campaign_margin; the thinnest margin first, unknown ones last
SELECT m.* REPLACE (coalesce(describe_line_freshness(m.as_of, m.flight_end, d.today), m.freshness) AS freshness)
FROM campaign_margin AS m
LEFT JOIN reading_days AS d ON d.org_id = m.org_id
WHERE $org_id::VARCHAR IS NULL OR m.org_id = $org_id
ORDER BY m.org_id, m.margin_percent NULLS LAST, m.booking_id
