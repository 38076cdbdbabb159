-- check: funnel_order
-- severity: warn
-- month: date
-- message: a later step counts more than the one before it
-- hint: the columns are swapped, or one of them counts something else; compare with the platform
-- A session that is engaged is a session; a mail that is delivered was sent, one that is opened was
-- delivered. Late events may put a few more into the later step of a single row: sums per day.
WITH steps AS (
    SELECT
        org_id, source, account_id, date, 'engaged_sessions of sessions' AS steps,
        sum(engaged_sessions) AS later, sum(sessions) AS earlier
    FROM web_traffic
    GROUP BY ALL
    UNION ALL
    SELECT
        org_id, source, account_id, date, 'delivered of recipients' AS steps,
        sum(delivered) AS later, sum(recipients) AS earlier
    FROM email_performance
    GROUP BY ALL
    UNION ALL
    SELECT
        org_id, source, account_id, date, 'opens of delivered' AS steps,
        sum(opens_unique) AS later, sum(delivered) AS earlier
    FROM email_performance
    GROUP BY ALL
)

SELECT *
FROM steps
WHERE later > earlier
