-- grain: line
-- units: as_of, the line's data watermark: the oldest of its accounts', NULL if one has none
-- source: line_accounts, lines, coverage, streams
WITH bounds AS (
    SELECT
        line_no,
        CASE WHEN count(as_of) = count(*) THEN min(as_of) END AS as_of,
        max(first_day) AS first_day,
        max(as_of) AS newest_as_of,
        string_agg(DISTINCT source, ', ' ORDER BY source) AS sources,
        string_agg(DISTINCT source || ' to ' || as_of::VARCHAR, ', ' ORDER BY source || ' to ' || as_of::VARCHAR)
            AS loaded
    FROM line_accounts
    GROUP BY line_no
),

unsettled AS (
    SELECT
        a.line_no,
        count(*) AS days,
        max(s.final_after_days) AS final_after_days
    FROM line_accounts AS a
    JOIN lines AS l ON l.line_no = a.line_no
    JOIN bounds AS b ON b.line_no = a.line_no
    JOIN coverage AS c
        ON c.org_id = $org_id AND c.source = a.source AND c.account_id = a.account_id AND c.stream = a.stream
        AND c.day BETWEEN l.flight_start AND least(l.flight_end, b.as_of) AND c.finality <> 'final'
    JOIN streams AS s ON s.org_id = $org_id AND s.source = a.source AND s.stream = a.stream
    GROUP BY a.line_no
)

SELECT
    b.*,
    coalesce(u.days, 0) > 0 AS provisional,
    u.final_after_days
FROM bounds AS b
LEFT JOIN unsettled AS u ON u.line_no = b.line_no
