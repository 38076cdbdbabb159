-- tables: orders, transactions
-- columns: those of revenue_bridge, per org, currency and day, newest first, for the last 28 days that are
--          loaded and closed in the shop and at the payment processor; every line is signed as it is added
WITH closed AS (
    SELECT org_id, min(watermark) AS last_day, greatest(max(first_day), min(watermark) - 27) AS first_day
    FROM freshness
    WHERE table_name IN ('orders', 'transactions') AND watermark IS NOT NULL
    GROUP BY org_id
)

SELECT
    b.*,
    describe_freshness(c.last_day, d.today) AS freshness
FROM revenue_bridge AS b
JOIN closed AS c ON c.org_id = b.org_id
LEFT JOIN reading_days AS d ON d.org_id = b.org_id
WHERE b.date BETWEEN c.first_day AND c.last_day
    AND ($org_id::VARCHAR IS NULL OR b.org_id = $org_id)
ORDER BY b.org_id, b.currency, b.date DESC
