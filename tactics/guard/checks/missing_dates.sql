-- check: missing_dates
-- severity: error
-- message: days are missing inside the loaded range
-- hint: run `tactics sync`: it fetches the missing days again; a day that was never loaded would be read as zero
-- One row per gap. Snapshots (the sheets) are whole at every fetch: days between two are no gaps.
WITH days AS (
    SELECT
        org_id, source, account_id, stream, day,
        lead(day) OVER (PARTITION BY org_id, source, account_id, stream ORDER BY day) AS next_day
    FROM coverage
    WHERE can_miss_days
)

SELECT
    org_id, source, account_id, stream,
    day + 1 AS first_missing,
    next_day - 1 AS last_missing,
    next_day - day - 1 AS missing_days
FROM days
WHERE next_day > day + 1
