-- grain: charge of the payment processor (a balance transaction of category charge)
-- units: amount money in `currency`, the one it is settled in; date is the day of the charge
-- source: silver.transactions, silver.orders
-- part: day
-- reach: 30
-- An order is found by the reference that the shop left with the charge, within 30 days of it: its id,
-- else its name. Never by amount. A reference that means two orders means none.
-- Source: DOMAIN section 8; contract sheet 6 (Stripe), sections 9 and 10 (2026-11-21).
WITH charges AS (
    SELECT *, order_key(order_ref) AS reference
    FROM silver_transactions
    WHERE org_id = $org_id AND date BETWEEN $start AND $end AND reporting_category = 'charge'
),

known AS (
    SELECT
        source, account_id, order_id, order_name, date, currency,
        coalesce(is_test, false) AS is_test,
        order_key(order_id) AS id_key,
        order_key(order_name) AS name_key
    FROM silver_orders
    WHERE org_id = $org_id AND date BETWEEN $start - 30 AND $end + 30
),

candidates AS (
    SELECT c.source AS charge_source, c.account_id AS charge_account_id, c.txn_id, 'id' AS matched_by, k
    FROM charges AS c
    JOIN known AS k ON k.id_key = c.reference AND k.date BETWEEN c.date - 30 AND c.date + 30
    UNION ALL
    SELECT c.source, c.account_id, c.txn_id, 'name', k
    FROM charges AS c
    JOIN known AS k
        ON k.name_key = c.reference AND k.id_key IS DISTINCT FROM c.reference
        AND k.date BETWEEN c.date - 30 AND c.date + 30
),

meant AS (
    SELECT
        charge_source, charge_account_id, txn_id,
        min(matched_by) AS matched_by, -- id before name
        count(DISTINCT (k.source, k.account_id, k.order_id)) FILTER (WHERE matched_by = 'id') AS by_id,
        count(DISTINCT (k.source, k.account_id, k.order_id)) AS found,
        arg_min(k, matched_by) AS k
    FROM candidates
    GROUP BY charge_source, charge_account_id, txn_id
),

judged AS (
    SELECT
        c.*, m.k, m.matched_by,
        CASE
            WHEN c.reference IS NULL THEN 'charge names no order'
            WHEN m.found IS NULL THEN 'no such order within 30 days'
            WHEN coalesce(nullif(m.by_id, 0), m.found) > 1 THEN 'reference means more than one order'
            WHEN m.k.is_test THEN 'order is a test'
        END AS finding
    FROM charges AS c
    LEFT JOIN meant AS m
        ON m.charge_source = c.source AND m.charge_account_id = c.account_id AND m.txn_id = c.txn_id
)

SELECT
    org_id, source, account_id, txn_id, date, currency, amount, order_ref,
    CASE WHEN finding IS NULL THEN matched_by END AS matched_by,
    CASE WHEN finding IS NULL THEN k.source END AS shop_source,
    CASE WHEN finding IS NULL THEN k.account_id END AS shop_account_id,
    CASE WHEN finding IS NULL THEN k.order_id END AS order_id,
    CASE WHEN finding IS NULL THEN k.order_name END AS order_name,
    CASE WHEN finding IS NULL THEN k.date END AS order_date,
    CASE WHEN finding IS NULL THEN k.currency END AS order_currency,
    finding,
    coalesce(finality, 'open') AS finality
FROM judged
