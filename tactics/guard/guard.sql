-- What runs around the checks.

-- name: create_settings
-- The limits that are configured.
CREATE OR REPLACE TEMP VIEW settings AS
SELECT CAST($credit_percent AS DOUBLE) AS credit_percent;

-- name: create_channels
-- Every name a channel may be written as.
CREATE OR REPLACE TEMP TABLE channels AS
SELECT entry.name, entry.channel, entry.family
FROM (SELECT unnest($rows) AS entry);

-- name: create_entities
-- What every table has. Where a record replaces the one of its entity whatever its date, the date is
-- no part of what must be unique.
CREATE OR REPLACE TEMP VIEW entities AS
SELECT 'ad_performance' AS table_name, org_id, source, account_id, stream, entity_id, date AS key_date, date, fetched_at
FROM ad_performance
UNION ALL
SELECT 'ad_account_totals', org_id, source, account_id, stream, entity_id, date, date, fetched_at
FROM ad_account_totals
UNION ALL
SELECT 'web_traffic', org_id, source, account_id, stream, entity_id, date, date, fetched_at FROM web_traffic
UNION ALL
SELECT 'search_performance', org_id, source, account_id, stream, entity_id, date, date, fetched_at
FROM search_performance
UNION ALL
SELECT 'sitemaps', org_id, source, account_id, stream, entity_id, date, date, fetched_at FROM sitemaps
UNION ALL
SELECT 'url_inspections', org_id, source, account_id, stream, entity_id, date, date, fetched_at FROM url_inspections
UNION ALL
SELECT 'email_performance', org_id, source, account_id, stream, entity_id, date, date, fetched_at
FROM email_performance
UNION ALL
SELECT 'email_subscribers', org_id, source, account_id, stream, entity_id, date, date, fetched_at
FROM email_subscribers
UNION ALL
SELECT 'email_revenue', org_id, source, account_id, stream, entity_id, date, date, fetched_at FROM email_revenue
UNION ALL
SELECT 'transactions', org_id, source, account_id, stream, entity_id, date, date, fetched_at FROM transactions
UNION ALL
SELECT 'orders', org_id, source, account_id, stream, entity_id, NULL, date, fetched_at FROM orders
UNION ALL
SELECT 'order_refunds', org_id, source, account_id, stream, entity_id, NULL, date, fetched_at FROM order_refunds
UNION ALL
SELECT 'customers', org_id, source, account_id, stream, entity_id, NULL, date, fetched_at FROM customers
UNION ALL
SELECT 'products', org_id, source, account_id, stream, entity_id, NULL, date, fetched_at FROM products
UNION ALL
SELECT 'bookings', org_id, source, account_id, stream, entity_id, NULL, date, fetched_at FROM bookings
UNION ALL
SELECT 'crm_deals', org_id, source, account_id, stream, entity_id, NULL, date, fetched_at FROM crm_deals;

-- name: summarize
-- Per org: how many rows offend, and the first of them in the order of their columns.
SELECT org_id, count(*) AS offending_rows, min(offending, $examples) AS examples
FROM $check AS offending
GROUP BY org_id
ORDER BY org_id

-- name: summarize_months
-- The same by month. All before the first one belongs to it, all after the last one to that.
SELECT
    org_id,
    greatest($first, least($last, date_trunc('month', $column)::DATE))::DATE AS month,
    count(*) AS offending_rows,
    min(offending, $examples) AS examples
FROM $check AS offending
GROUP BY ALL
ORDER BY ALL
