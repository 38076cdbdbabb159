-- check: quarantine_share
-- severity: warn
-- needs: quarantine
-- message: more than 1 % of a stream's records were refused
-- hint: `tactics sql "SELECT rule, record FROM silver.quarantine"` shows them with the rule that refused each
-- Only records of fetches that are current: what a later fetch replaced is no longer refused.
WITH current AS (
    SELECT org_id, source, account_id, stream, request_id
    FROM coverage
    QUALIFY can_miss_days
        OR day = max(day) OVER (PARTITION BY org_id, source, account_id, stream)
),

refused AS (
    SELECT
        org_id, source, account_id, stream,
        count(*) AS refused,
        count(DISTINCT rule) AS rules,
        min(rule) AS first_rule
    FROM quarantine
    SEMI JOIN current USING (org_id, source, account_id, stream, request_id)
    GROUP BY ALL
),

kept AS (
    SELECT org_id, source, account_id, stream, count(*) AS kept FROM entities GROUP BY ALL
)

SELECT
    r.org_id, r.source, r.account_id, r.stream, r.refused,
    coalesce(k.kept, 0) AS kept,
    round(100 * r.refused / (r.refused + coalesce(k.kept, 0)), 1) AS refused_percent,
    r.rules, r.first_rule
FROM refused AS r
LEFT JOIN kept AS k USING (org_id, source, account_id, stream)
WHERE r.refused > 0.01 * (r.refused + coalesce(k.kept, 0))
