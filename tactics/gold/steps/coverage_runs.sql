-- grain: org, source, account, stream, run of closed days without a gap
-- units: days, both ends inclusive
-- source: coverage, streams
-- A snapshot stream is one run: each of its days stands for everything.
WITH closed AS (
    SELECT
        c.source, c.account_id, c.stream, s.table_name, c.day,
        CASE
            WHEN s.snapshot THEN DATE '1970-01-01'
            ELSE c.day - row_number() OVER (
                PARTITION BY c.source, c.account_id, c.stream ORDER BY c.day
            )::INTEGER
        END AS island
    FROM coverage AS c
    JOIN streams AS s ON s.org_id = c.org_id AND s.source = c.source AND s.stream = c.stream
    WHERE c.org_id = $org_id AND c.finality <> 'open'
)

SELECT source, account_id, stream, table_name, min(day) AS run_start, max(day) AS run_end
FROM closed
GROUP BY source, account_id, stream, table_name, island
