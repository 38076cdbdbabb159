-- check: currency_missing
-- severity: error
-- month: date
-- message: there is money without a currency
-- hint: add the currency's three letters (EUR) to the sheet, or check the account's settings at the platform; nothing is summed without it
WITH money AS (
    SELECT
        org_id, source, account_id, 'ad_performance' AS table_name, entity_id, date,
        CASE WHEN spend <> 0 THEN spend ELSE conversion_value END AS value, currency
    FROM ad_performance
    WHERE spend <> 0 OR conversion_value <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'transactions' AS table_name, entity_id, date,
        amount AS value, currency
    FROM transactions
    WHERE amount_minor <> 0 OR fee_minor <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'bookings' AS table_name, entity_id, date,
        booking_revenue AS value, currency, sheet_row
    FROM bookings
    WHERE booking_revenue <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'crm_deals' AS table_name, entity_id, date,
        amount AS value, currency
    FROM crm_deals
    WHERE amount <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'web_traffic' AS table_name, entity_id, date,
        coalesce(total_revenue, purchase_revenue) AS value, currency
    FROM web_traffic
    WHERE total_revenue <> 0 OR purchase_revenue <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'orders' AS table_name, entity_id, date, total AS value, currency
    FROM orders
    WHERE total <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'order_refunds' AS table_name, entity_id, date, amount AS value, currency
    FROM order_refunds
    WHERE amount <> 0
    UNION ALL BY NAME
    SELECT
        org_id, source, account_id, 'email_performance' AS table_name, entity_id, date,
        conversion_value AS value, currency
    FROM email_performance
    WHERE conversion_value <> 0
)

SELECT *
FROM money
WHERE currency IS NULL OR length(currency) <> 3 OR currency <> upper(currency)
