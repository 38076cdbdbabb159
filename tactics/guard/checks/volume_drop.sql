-- check: volume_drop
-- severity: warn
-- message: an account brings less than half of what it usually does
-- hint: look at the platform: tracking that broke, a filter, or permissions that were taken away look like this
-- The newest closed day against the median of the 28 days before it, of which at least 14 must have
-- something. Small accounts fall for small reasons: below 100 nothing is said. Both limits are ours.
WITH days AS (
    SELECT org_id, source, account_id, stream, 'impressions' AS measure, date, sum(impressions) AS value
    FROM ad_performance WHERE finality <> 'open' GROUP BY ALL
    UNION ALL
    SELECT org_id, source, account_id, stream, 'sessions' AS measure, date, sum(sessions) AS value
    FROM web_traffic WHERE finality <> 'open' GROUP BY ALL
    UNION ALL
    SELECT org_id, source, account_id, stream, 'search impressions' AS measure, date, sum(impressions) AS value
    FROM search_performance WHERE finality <> 'open' AND report = 'site' AND is_final GROUP BY ALL
),

newest AS (
    SELECT org_id, source, account_id, stream, measure, max(date) AS date
    FROM days
    GROUP BY ALL
),

usual AS (
    SELECT
        n.org_id, n.source, n.account_id, n.measure, n.date,
        max(d.value) FILTER (d.date = n.date) AS value,
        median(d.value) FILTER (d.date < n.date) AS usual_value,
        count(*) FILTER (d.date < n.date AND d.value > 0) AS usual_days
    FROM newest AS n
    JOIN days AS d USING (org_id, source, account_id, stream, measure)
    WHERE d.date BETWEEN n.date - 28 AND n.date
    GROUP BY ALL
)

SELECT org_id, source, account_id, measure, date, value, usual_value
FROM usual
WHERE value < 0.5 * usual_value
    AND usual_value >= 100
    AND usual_days >= 14
