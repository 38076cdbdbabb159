-- check: stale_source
-- severity: warn
-- message: the newest closed day of a source is more than three days old
-- hint: `tactics sources check` says whether it answers, `tactics gaps` what is missing
-- By the time of the data, not of the fetch: a source that answers with old days is stale, too. Search
-- Console is two or three days behind by nature, so that three days are nobody's news.
WITH newest AS (
    SELECT org_id, source, account_id, stream, max(day) FILTER (finality <> 'open') AS newest_day
    FROM coverage
    WHERE can_miss_days
    GROUP BY ALL
)

SELECT
    n.org_id, n.source, n.account_id, n.stream, n.newest_day,
    o.today - n.newest_day AS days_old
FROM newest AS n
JOIN orgs AS o USING (org_id)
WHERE n.newest_day < o.today - 4
