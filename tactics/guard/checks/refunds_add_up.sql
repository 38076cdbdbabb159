-- check: refunds_add_up
-- severity: warn
-- needs: orders
-- message: an order says it was refunded another amount than its refunds add up to
-- hint: `tactics sync` reads changed orders again; if it stays, compare the order with the shop
-- Roll-up of order_refunds to orders, in the shop's currency. Orders that are not held, because they
-- are older than what was loaded, are left out.
WITH refunded AS (
    SELECT org_id, source, account_id, order_id, sum(amount) AS refunds
    FROM order_refunds
    GROUP BY ALL
)

SELECT
    o.org_id, o.source, o.account_id, o.order_id, o.order_name, o.date,
    o.refunded, coalesce(r.refunds, 0) AS refunds, o.currency
FROM orders AS o
LEFT JOIN refunded AS r USING (org_id, source, account_id, order_id)
WHERE coalesce(o.refunded, 0) <> coalesce(r.refunds, 0)
