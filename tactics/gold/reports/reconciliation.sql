-- tables: orders, transactions
-- columns: per org and currency, the last 28 days that are loaded and closed on both sides (`first_day` to
--          `last_day`). Rows of section `bridge` are its lines from gross sales to the processor's net, in
--          order of `position`: `amount` is what a line adds, `is_total` marks those that are sums of the
--          lines above, `percent` is of all charges. Rows of section `order` are what the residual is made
--          of, the largest first: `line` says why, `amount` how much too much (or, negative, too little) was
--          charged, with order and charge
WITH closed AS (
    SELECT
        f.org_id,
        min(f.watermark) AS last_day,
        greatest(max(f.first_day), min(f.watermark) - 27) AS first_day
    FROM freshness AS f
    WHERE f.table_name IN ('orders', 'transactions') AND f.watermark IS NOT NULL
        AND ($org_id::VARCHAR IS NULL OR f.org_id = $org_id)
    GROUP BY f.org_id
),

sums AS (
    SELECT
        b.org_id, b.currency,
        any_value(c.first_day) AS first_day,
        any_value(c.last_day) AS last_day,
        sum(gross_sales) AS gross_sales,
        sum(discounts) AS discounts,
        sum(voided) AS voided,
        sum(refunds) AS refunds,
        sum(net_sales) AS net_sales,
        sum(shipping) AS shipping,
        sum(tax) AS tax,
        sum(other_sales) AS other_sales,
        sum(total_sales) AS total_sales,
        sum(refunds_added_back) AS refunds_added_back,
        sum(unpaid) AS unpaid,
        sum(paid_elsewhere) AS paid_elsewhere,
        sum(settled_elsewhere) AS settled_elsewhere,
        sum(expected_charges) AS expected_charges,
        sum(timing) AS timing,
        sum(foreign_orders) AS foreign_orders,
        sum(residual) AS residual,
        sum(charges) AS charges,
        sum(stripe_refunds) AS stripe_refunds,
        sum(disputes) AS disputes,
        sum(adjustments) AS adjustments,
        sum(fees) AS fees,
        sum(stripe_net) AS stripe_net
    FROM revenue_bridge AS b
    JOIN closed AS c ON c.org_id = b.org_id
    WHERE b.date BETWEEN c.first_day AND c.last_day
    GROUP BY b.org_id, b.currency
),

lines AS (
    SELECT
        org_id, currency, first_day, last_day, charges,
        unnest([
            {'position': 1, 'line': 'gross_sales', 'is_total': false, 'amount': gross_sales},
            {'position': 2, 'line': 'discounts', 'is_total': false, 'amount': discounts},
            {'position': 3, 'line': 'voided', 'is_total': false, 'amount': voided},
            {'position': 4, 'line': 'refunds', 'is_total': false, 'amount': refunds},
            {'position': 5, 'line': 'net_sales', 'is_total': true, 'amount': net_sales},
            {'position': 6, 'line': 'shipping', 'is_total': false, 'amount': shipping},
            {'position': 7, 'line': 'tax', 'is_total': false, 'amount': tax},
            {'position': 8, 'line': 'other_sales', 'is_total': false, 'amount': other_sales},
            {'position': 9, 'line': 'total_sales', 'is_total': true, 'amount': total_sales},
            {'position': 10, 'line': 'refunds_added_back', 'is_total': false, 'amount': refunds_added_back},
            {'position': 11, 'line': 'unpaid', 'is_total': false, 'amount': unpaid},
            {'position': 12, 'line': 'paid_elsewhere', 'is_total': false, 'amount': paid_elsewhere},
            {'position': 13, 'line': 'settled_elsewhere', 'is_total': false, 'amount': settled_elsewhere},
            {'position': 14, 'line': 'expected_charges', 'is_total': true, 'amount': expected_charges},
            {'position': 15, 'line': 'timing', 'is_total': false, 'amount': timing},
            {'position': 16, 'line': 'foreign_orders', 'is_total': false, 'amount': foreign_orders},
            {'position': 17, 'line': 'residual', 'is_total': false, 'amount': residual},
            {'position': 18, 'line': 'charges', 'is_total': true, 'amount': charges},
            {'position': 19, 'line': 'stripe_refunds', 'is_total': false, 'amount': stripe_refunds},
            {'position': 20, 'line': 'disputes', 'is_total': false, 'amount': disputes},
            {'position': 21, 'line': 'adjustments', 'is_total': false, 'amount': adjustments},
            {'position': 22, 'line': 'fees', 'is_total': false, 'amount': fees},
            {'position': 23, 'line': 'stripe_net', 'is_total': true, 'amount': stripe_net}
        ], recursive := true)
    FROM sums
),

behind AS (
    SELECT
        r.*, c.first_day, c.last_day,
        row_number() OVER (
            PARTITION BY r.org_id, r.currency ORDER BY abs(r.amount) DESC, r.date, r.order_id, r.txn_id
        ) AS position
    FROM order_residuals AS r
    JOIN closed AS c ON c.org_id = r.org_id
    WHERE r.in_residual AND r.date BETWEEN c.first_day AND c.last_day
),

told AS (
    SELECT
        org_id, currency, first_day, last_day, 'bridge' AS section, position, line, is_total,
        amount::DECIMAL(18, 3) AS amount,
        amount / nullif(charges, 0) * 100 AS percent
    FROM lines
    UNION ALL BY NAME
    SELECT
        org_id, currency, first_day, last_day, 'order' AS section, position, reason AS line, false AS is_total, amount,
        date, order_name, order_id, order_date, txn_id, order_ref, charged_on, expected, charged, finding
    FROM behind
)

SELECT
    t.org_id, t.currency, t.first_day, t.last_day, t.section, t.position, t.line, t.is_total, t.amount, t.percent, t.date, t.order_name,
    t.order_id, t.order_date, t.txn_id, t.order_ref, t.charged_on, t.expected, t.charged, t.finding,
    describe_freshness(t.last_day, d.today) AS freshness
FROM told AS t
LEFT JOIN reading_days AS d ON d.org_id = t.org_id
ORDER BY t.org_id, t.currency, t.section, t.position
