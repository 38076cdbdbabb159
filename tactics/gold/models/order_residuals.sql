-- grain: reason why a day's charges differ from its orders: an order, or a charge
-- units: money in `currency`; amount is signed as it enters the bridge: charged more is positive
-- source: gold.orders, gold.order_charges, streams
-- part: day
-- reach: 60
-- Rows with in_residual add up to revenue_bridge.residual of that day and currency; those of reason
-- timing to its timing, those of reason other currency to its foreign_orders.
WITH sides AS (
    SELECT
        bool_or(table_name = 'orders') AS has_shop,
        bool_or(table_name = 'transactions') AS has_stripe
    FROM streams
    WHERE org_id = $org_id
),

of_orders AS (
    SELECT
        org_id, date, currency, source, account_id, order_id, order_name, date AS order_date, charged_on,
        expected, charged,
        unnest([
            {
                'reason': CASE WHEN charged = 0 THEN 'no charge' ELSE 'amount differs' END,
                'in_residual': true,
                'amount': (charged - expected)::DECIMAL(18, 3)
            },
            {
                'reason': 'timing', 'in_residual': false,
                'amount': (charged_same_day - charged)::DECIMAL(18, 3)
            }
        ]) AS part
    FROM orders
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
),

of_charges AS (
    SELECT
        *,
        CASE
            WHEN order_id IS NULL THEN 'no order'
            WHEN order_currency <> currency THEN 'other currency'
            WHEN order_date <> date THEN 'timing'
        END AS reason
    FROM order_charges
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
)

SELECT
    org_id, date, currency, part.reason AS reason, part.in_residual AS in_residual, part.amount AS amount,
    source, account_id, order_id, order_name, order_date,
    NULL::VARCHAR AS txn_id,
    NULL::VARCHAR AS order_ref,
    charged_on, expected, charged,
    NULL::VARCHAR AS finding
FROM of_orders
CROSS JOIN sides AS s
WHERE s.has_shop AND s.has_stripe AND part.amount <> 0
UNION ALL BY NAME
SELECT
    org_id, date, currency, reason,
    reason = 'no order' AS in_residual,
    amount, source, account_id, order_id, order_name, order_date, txn_id, order_ref,
    date AS charged_on,
    NULL::DECIMAL(18, 3) AS expected,
    amount AS charged,
    finding
FROM of_charges
CROSS JOIN sides AS s
WHERE s.has_shop AND s.has_stripe AND reason IS NOT NULL
