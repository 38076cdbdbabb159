-- check: orders_without_charge
-- severity: warn
-- needs: orders, transactions
-- message: orders that Stripe should have been paid for have no charge, or the other way round
-- hint: `tactics report reconciliation` lists them; check that the shop writes its order id into the metadata of the charge (order_metadata_keys)
-- Cross-source: a shop's orders against Stripe's charges, by id, never by amount. Only organisations
-- that have both, and only days that both have loaded, less three for what is still on its way. Shops
-- write the order's name or its id into the charge.
-- Half a percent is usual (DOMAIN section 8).
WITH streams AS (
    SELECT DISTINCT org_id, source, stream, table_name
    FROM entities
    WHERE table_name IN ('orders', 'transactions')
),

bounds AS (
    SELECT
        org_id,
        greatest(min(day) FILTER (table_name = 'orders'), min(day) FILTER (table_name = 'transactions'))
            AS first_day,
        least(max(day) FILTER (table_name = 'orders'), max(day) FILTER (table_name = 'transactions')) - 3
            AS last_day
    FROM coverage
    JOIN streams USING (org_id, source, stream)
    GROUP BY org_id
    HAVING bool_or(table_name = 'orders') AND bool_or(table_name = 'transactions')
),

wanted AS (
    SELECT o.org_id, o.source, o.account_id, o.order_id, o.order_name, o.date, o.total AS amount, o.currency
    FROM orders AS o
    JOIN bounds AS b ON b.org_id = o.org_id AND o.date BETWEEN b.first_day AND b.last_day
    WHERE NOT coalesce(o.is_test, false)
        AND o.total > 0
        AND lower(o.financial_status) NOT IN ('pending', 'authorized', 'voided', 'expired')
        AND regexp_matches(lower(coalesce(o.gateways, '')), 'stripe|shopify_payments')
),

charged AS (
    SELECT DISTINCT org_id, order_ref FROM transactions
    WHERE order_ref IS NOT NULL AND coalesce(reporting_category, type) IN ('charge', 'payment')
),

missing AS (
    SELECT w.*, count(*) OVER (PARTITION BY w.org_id, w.source, w.account_id) AS missing
    FROM wanted AS w
    ANTI JOIN charged AS c ON c.org_id = w.org_id AND c.order_ref = w.order_name
    ANTI JOIN charged AS d ON d.org_id = w.org_id AND d.order_ref = w.order_id
)

SELECT m.*, t.orders
FROM missing AS m
JOIN (SELECT org_id, source, account_id, count(*) AS orders FROM wanted GROUP BY ALL) AS t
    USING (org_id, source, account_id)
WHERE m.missing > 0.005 * t.orders
