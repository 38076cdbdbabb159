-- grain: day and silver table (ad_performance, orders, transactions, email_performance)
-- units: is_complete: every account that was expected on that day is loaded; missing names the others
-- source: coverage, streams
-- An account is expected from its first loaded day on: as long as the configuration has it, else to its
-- last. One that the configuration has and that was never loaded is missing on every day. A stream that
-- was never loaded is not, when the account has others: many are optional.
WITH wanted AS (
    SELECT source, stream, table_name, snapshot, enabled, accounts
    FROM streams
    WHERE org_id = $org_id
        AND table_name IN ('ad_performance', 'orders', 'transactions', 'email_performance')
),

held AS (
    SELECT
        w.table_name, w.source, c.account_id, w.stream, w.snapshot,
        w.enabled AND (len(w.accounts) = 0 OR list_contains(w.accounts, c.account_id)) AS is_active,
        min(c.day) AS first_day,
        max(c.day) AS last_day
    FROM wanted AS w
    JOIN coverage AS c ON c.org_id = $org_id AND c.source = w.source AND c.stream = w.stream
    GROUP BY ALL
),

configured AS (
    SELECT DISTINCT
        table_name, source,
        unnest(CASE WHEN len(accounts) = 0 THEN [NULL] ELSE accounts END) AS account_id
    FROM wanted
    WHERE enabled
),

never AS (
    SELECT table_name, source, account_id
    FROM configured AS c
    WHERE NOT EXISTS (
        SELECT 1
        FROM held AS h
        WHERE h.table_name = c.table_name AND h.source = c.source
            AND (c.account_id IS NULL OR h.account_id = c.account_id)
    )
),

days AS (
    SELECT unnest(generate_series(min(first_day), max(last_day), INTERVAL 1 DAY))::DATE AS day
    FROM held
),

expected AS (
    SELECT
        d.day, h.table_name, h.source, h.account_id,
        c.day IS NOT NULL OR (h.snapshot AND d.day <= h.last_day) AS is_loaded,
        coalesce(c.finality, 'final') AS finality
    FROM days AS d
    JOIN held AS h ON d.day >= h.first_day AND (h.is_active OR d.day <= h.last_day)
    LEFT JOIN coverage AS c
        ON c.org_id = $org_id AND c.source = h.source AND c.account_id = h.account_id
        AND c.stream = h.stream AND c.day = d.day
    UNION ALL
    SELECT d.day, n.table_name, n.source, n.account_id, false, 'open'
    FROM days AS d
    CROSS JOIN never AS n
)

SELECT
    day, table_name,
    bool_and(is_loaded) AS is_complete,
    bool_or(is_loaded) AS is_begun,
    weakest_finality(finality) AS finality,
    string_agg(
        DISTINCT CASE WHEN NOT is_loaded THEN source || coalesce(' ' || account_id, '') END, ', '
        ORDER BY CASE WHEN NOT is_loaded THEN source || coalesce(' ' || account_id, '') END
    ) AS missing
FROM expected
GROUP BY day, table_name
