-- grain: org, source, account, stream (account NULL: a configured stream that was never loaded)
-- units: days; watermark is the last closed day such that no day since first_day is missing or open.
--        Age depends on now: it is computed when read, never stored
-- source: coverage, streams, orgs, account_zones
-- part: org
WITH days AS (
    SELECT
        source, account_id, stream,
        min(day) AS first_day,
        max(day) AS newest_day,
        max(fetched_at) AS last_fetched_at,
        count(*) FILTER (WHERE finality = 'open') AS days_open,
        count(*) FILTER (WHERE finality = 'provisional') AS days_provisional,
        count(*) FILTER (WHERE finality = 'final') AS days_final,
        count(*) AS days_held
    FROM coverage
    WHERE org_id = $org_id
    GROUP BY source, account_id, stream
)

SELECT
    s.org_id, s.source, d.account_id, coalesce(z.timezone, o.timezone) AS timezone, s.stream, s.table_name,
    d.first_day, d.newest_day, r.run_end AS watermark, d.last_fetched_at,
    coalesce(d.days_open, 0) AS days_open,
    coalesce(d.days_provisional, 0) AS days_provisional,
    coalesce(d.days_final, 0) AS days_final,
    -- A snapshot is one day by nature: nothing is missing between two of them.
    CASE WHEN s.snapshot THEN 0 ELSE coalesce(d.newest_day - d.first_day + 1 - d.days_held, 0) END
        AS days_missing
FROM streams AS s
JOIN orgs AS o ON o.org_id = s.org_id
LEFT JOIN days AS d
    ON d.source = s.source AND d.stream = s.stream
    -- An account that left the configuration is never read again: its age says nothing.
    AND (len(s.accounts) = 0 OR list_contains(s.accounts, d.account_id))
LEFT JOIN coverage_runs AS r
    ON r.source = s.source AND r.stream = s.stream AND r.account_id = d.account_id
    AND r.run_start = d.first_day
LEFT JOIN account_zones AS z
    ON z.org_id = s.org_id AND z.source = s.source AND z.account_id = d.account_id
WHERE s.org_id = $org_id
    -- A stream that the options of its source leave out is never read (again): its age says nothing. Of a
    -- source that is switched off all streams are, and what it holds is as old as it is.
    AND (s.enabled OR NOT EXISTS (
        FROM streams AS o WHERE o.org_id = s.org_id AND o.source = s.source AND o.enabled
    ))
