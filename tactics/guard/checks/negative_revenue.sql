-- check: negative_revenue
-- severity: error
-- month: date
-- message: revenue is negative
-- hint: a sale, a booking or a conversion value below zero is a wrong sign or a wrong column; correct it at the source and sync again
-- Refunds, disputes and fees are negative by nature and have reporting categories of their own;
-- the type `payment` belongs to the category `charge`.
-- Source: contract sheet 6 (Stripe), sections 3 and 9 (checked 2026-11-21).
SELECT
    org_id, source, account_id, 'transactions' AS table_name, entity_id, date,
    amount AS value, currency
FROM transactions
WHERE amount_minor < 0
    AND coalesce(reporting_category, type) IN ('charge', 'payment')
UNION ALL BY NAME
SELECT
    org_id, source, account_id, 'bookings' AS table_name, entity_id, date,
    booking_revenue AS value, currency, sheet_row
FROM bookings
WHERE booking_revenue < 0
UNION ALL BY NAME
SELECT
    org_id, source, account_id, 'ad_performance' AS table_name, entity_id, date,
    conversion_value AS value, currency
FROM ad_performance
WHERE conversion_value < 0
UNION ALL BY NAME
SELECT
    org_id, source, account_id, 'orders' AS table_name, entity_id, date, total AS value, currency
FROM orders
WHERE total < 0
UNION ALL BY NAME
SELECT
    org_id, source, account_id, 'order_refunds' AS table_name, entity_id, date, amount AS value, currency
FROM order_refunds
WHERE amount < 0
