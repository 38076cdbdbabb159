-- check: unit_jump
-- severity: warn
-- message: an account's money is more than 10 times its usual day
-- hint: compare with the platform: cents or micros read as whole units look like this
-- Usual is the median of the 28 days before, of which at least 14 must have any. Small accounts
-- jump for small reasons: below 100 units of the currency nothing is said. Older jumps than the
-- newest 28 days have been seen.
WITH days AS (
    SELECT org_id, source, account_id, 'spend' AS measure, currency, date, sum(spend) AS value
    FROM ad_performance
    GROUP BY ALL
    UNION ALL
    SELECT org_id, source, account_id, 'orders' AS measure, currency, date, sum(total) AS value
    FROM orders
    WHERE NOT coalesce(is_test, false)
    GROUP BY ALL
    UNION ALL
    SELECT org_id, source, account_id, 'web revenue' AS measure, currency, date, sum(purchase_revenue) AS value
    FROM web_traffic
    GROUP BY ALL
),

usual AS (
    SELECT
        *,
        median(value) OVER before AS usual_value,
        count(*) FILTER (value > 0) OVER before AS usual_days,
        max(date) OVER (PARTITION BY org_id, source, account_id, measure, currency) AS newest_day
    FROM days
    WINDOW before AS (
        PARTITION BY org_id, source, account_id, measure, currency ORDER BY date
        RANGE BETWEEN INTERVAL 28 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING
    )
)

SELECT org_id, source, account_id, measure, date, value, usual_value, currency
FROM usual
WHERE value > 10 * usual_value
    AND value >= 100
    AND usual_days >= 14
    AND date > newest_day - 28
