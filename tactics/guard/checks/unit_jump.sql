-- check: unit_jump
-- severity: warn
-- message: an account's spend is more than 10 times its usual day
-- hint: compare with the platform: cents or micros read as whole units look like this
-- Usual is the median of the 28 days before, of which at least 14 must have spend. Small accounts
-- jump for small reasons: below 100 units of the currency nothing is said. Older jumps than the
-- newest 28 days have been seen.
WITH days AS (
    SELECT org_id, source, account_id, currency, date, sum(spend) AS spend
    FROM ad_performance
    GROUP BY org_id, source, account_id, currency, date
),

usual AS (
    SELECT
        *,
        median(spend) OVER before AS usual_spend,
        count(*) FILTER (spend > 0) OVER before AS usual_days,
        max(date) OVER (PARTITION BY org_id, source, account_id, currency) AS newest_day
    FROM days
    WINDOW before AS (
        PARTITION BY org_id, source, account_id, currency ORDER BY date
        RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
    )
)

SELECT org_id, source, account_id, date, spend, usual_spend, currency
FROM usual
WHERE spend > 10 * usual_spend
    AND spend >= 100
    AND usual_days >= 14
    AND date > newest_day - 28
