-- grain: line, source, account, campaign that another line means on some of the same days
-- units: none
-- source: lines, line_campaigns
SELECT
    m.line_no, m.source, m.account_id, m.campaign_id,
    string_agg(DISTINCT o.booking_id, ', ' ORDER BY o.booking_id) AS booking_ids
FROM line_campaigns AS m
JOIN line_campaigns AS n
    ON n.source = m.source AND n.account_id = m.account_id AND n.campaign_id = m.campaign_id
    AND n.line_no <> m.line_no
JOIN lines AS l ON l.line_no = m.line_no
JOIN lines AS o
    ON o.line_no = n.line_no AND o.flight_start <= l.flight_end AND o.flight_end >= l.flight_start
WHERE l.total_days IS NOT NULL AND o.total_days IS NOT NULL
GROUP BY m.line_no, m.source, m.account_id, m.campaign_id
