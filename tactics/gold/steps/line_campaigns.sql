-- grain: line, source, account, campaign that delivers it
-- units: none
-- source: lines, line_sources, campaigns
-- By campaign_id; a booking without one is matched by the campaign's name if just one has it.
SELECT l.line_no, c.source, c.account_id, c.campaign_id, false AS by_name
FROM lines AS l
JOIN line_sources AS s ON s.line_no = l.line_no
JOIN campaigns AS c ON c.source = s.source AND c.campaign_id = l.campaign_id
UNION ALL
SELECT l.line_no, c.source, c.account_id, c.campaign_id, true AS by_name
FROM lines AS l
JOIN line_sources AS s ON s.line_no = l.line_no
JOIN campaigns AS c ON c.source = s.source AND list_contains(c.names, lower(trim(l.campaign)))
WHERE l.campaign_id IS NULL
QUALIFY count(*) OVER (PARTITION BY l.line_no) = 1
