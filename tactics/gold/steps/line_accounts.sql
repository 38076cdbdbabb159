-- grain: line, source, account, stream that feeds it
-- units: as_of is the last closed day loaded without a gap since the flight's start (or since the
--        account's first day); NULL when nothing of the account is loaded
-- source: lines, line_sources, line_campaigns, coverage_runs
-- A line whose campaign was not found is fed by every account of its sources.
WITH runs AS (
    SELECT *, min(run_start) OVER (PARTITION BY source, account_id, stream) AS first_day
    FROM coverage_runs
    WHERE table_name = 'ad_performance'
),

accounts AS (
    SELECT DISTINCT line_no, source, account_id FROM line_campaigns
    UNION ALL
    SELECT DISTINCT s.line_no, r.source, r.account_id
    FROM line_sources AS s
    JOIN runs AS r ON r.source = s.source
    WHERE s.line_no NOT IN (SELECT line_no FROM line_campaigns)
)

SELECT
    a.line_no, a.source, a.account_id, r.stream,
    max(r.run_end) FILTER (WHERE r.run_start <= greatest(l.flight_start, r.first_day)) AS as_of,
    min(r.first_day) AS first_day
FROM accounts AS a
JOIN lines AS l ON l.line_no = a.line_no
LEFT JOIN runs AS r ON r.source = a.source AND r.account_id = a.account_id
GROUP BY a.line_no, a.source, a.account_id, r.stream
