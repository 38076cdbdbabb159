-- grain: org, day
-- units: money in the org's currency, what is in another one converted at the day's rate (`rates` shows
--        it, `is_converted` says so); orders, new_customers counts. NULL when a part is missing
-- source: steps business_days, business_amounts; gold.orders, gold.revenue_bridge
-- part: org
-- store_revenue: net sales of the shop by the day of the order (refunds by their own day); without a
-- shop, charges less refunds and disputes. new_customer_revenue takes refunds off the day of the order.
-- claimed_value: what ad and e-mail platforms claim together. Every ratio wants a week or a month:
-- revenue follows spend by days. Source: DOMAIN section 6 (2026-11-21).
WITH sides AS (
    SELECT
        coalesce(bool_or(table_name = 'orders'), false) AS has_shop,
        coalesce(bool_or(table_name = 'transactions'), false) AS has_stripe,
        coalesce(bool_or(table_name = 'email_performance'), false) AS has_email
    FROM streams
    WHERE org_id = $org_id
),

parts AS (
    SELECT
        d.day AS date,
        bool_or(d.is_complete) FILTER (WHERE d.table_name = 'ad_performance') AS has_ads,
        bool_or(d.is_complete) FILTER (WHERE d.table_name = 'orders') AS has_orders,
        bool_or(d.is_complete) FILTER (WHERE d.table_name = 'transactions') AS has_transactions,
        bool_or(d.is_complete) FILTER (WHERE d.table_name = 'email_performance') AS has_emails,
        finality_name(
            max(finality_order(d.finality)) FILTER (
                WHERE d.table_name = 'ad_performance'
                    OR d.table_name = CASE WHEN s.has_shop THEN 'orders' ELSE 'transactions' END
            )
        ) AS finality,
        string_agg(d.missing, ', ' ORDER BY d.table_name) AS missing
    FROM business_days AS d
    CROSS JOIN sides AS s
    GROUP BY d.day
    HAVING bool_or(d.is_begun) FILTER (WHERE d.table_name <> 'email_performance')
),

money AS (
    SELECT
        date,
        {'amount': max(amount) FILTER (WHERE item = 'spend'), 'held': count(*) FILTER (WHERE item = 'spend')}
            AS spend,
        {'amount': max(amount) FILTER (WHERE item = 'ad_value'), 'held': count(*) FILTER (WHERE item = 'ad_value')}
            AS ad_value,
        {
            'amount': max(amount) FILTER (WHERE item = 'email_value'),
            'held': count(*) FILTER (WHERE item = 'email_value')
        } AS email_value,
        {
            'amount': max(amount) FILTER (WHERE item = 'store_revenue'),
            'held': count(*) FILTER (WHERE item = 'store_revenue')
        } AS store_revenue,
        {
            'amount': max(amount) FILTER (WHERE item = 'stripe_net'),
            'held': count(*) FILTER (WHERE item = 'stripe_net')
        } AS stripe_net,
        {
            'amount': max(amount) FILTER (WHERE item = 'new_customer_revenue'),
            'held': count(*) FILTER (WHERE item = 'new_customer_revenue')
        } AS new_customer_revenue,
        bool_or(is_converted) AS is_converted,
        min(rate_date) AS rate_date,
        list_sort(list_distinct(flatten(list(rates)))) AS rates,
        list_sort(
            flatten(list(list_transform(without_rate, lambda c: 'no exchange rate for ' || c || ' (' || item || ')')))
        ) AS without_rate
    FROM business_amounts
    GROUP BY date
),

customers AS (
    SELECT
        date,
        count(*) FILTER (WHERE NOT is_voided) AS orders,
        -- Who cannot tell first orders from others says nothing about any of them.
        CASE WHEN count(is_first_order) > 0 THEN count(*) FILTER (WHERE is_first_order AND NOT is_voided) END
            AS new_customers
    FROM orders
    WHERE org_id = $org_id
    GROUP BY date
)

SELECT
    $org_id AS org_id,
    p.date,
    o.currency,
    CASE WHEN p.has_ads THEN known_amount(m.spend) END AS spend,
    CASE WHEN p.has_ads THEN known_amount(m.ad_value) END AS ad_value,
    CASE WHEN p.has_emails THEN known_amount(m.email_value) END AS email_value,
    CASE
        WHEN NOT s.has_email AND p.has_ads THEN known_amount(m.ad_value)
        WHEN p.has_emails AND p.has_ads THEN known_amount(m.ad_value) + known_amount(m.email_value)
    END AS claimed_value,
    CASE WHEN s.has_shop THEN 'orders' WHEN s.has_stripe THEN 'charges' END AS revenue_basis,
    CASE WHEN CASE WHEN s.has_shop THEN p.has_orders ELSE p.has_transactions END
        THEN known_amount(m.store_revenue)
    END AS store_revenue,
    CASE WHEN p.has_transactions THEN known_amount(m.stripe_net) END AS stripe_net,
    CASE WHEN p.has_orders THEN coalesce(c.orders, 0) END AS orders,
    CASE WHEN p.has_orders THEN CASE WHEN c.date IS NULL THEN 0 ELSE c.new_customers END END AS new_customers,
    CASE WHEN p.has_orders AND (c.date IS NULL OR c.new_customers IS NOT NULL)
        THEN known_amount(m.new_customer_revenue)
    END AS new_customer_revenue,
    coalesce(m.is_converted, false) AS is_converted,
    m.rate_date,
    nullif(array_to_string(m.rates, '; '), '') AS rates,
    p.finality,
    nullif(
        concat_ws(
            '; ',
            'not loaded: ' || p.missing,
            nullif(array_to_string(m.without_rate, '; '), ''),
            CASE WHEN m.is_converted THEN 'converted at ECB reference rates' END
        ),
        ''
    ) AS findings
FROM parts AS p
CROSS JOIN sides AS s
JOIN orgs AS o ON o.org_id = $org_id
LEFT JOIN money AS m ON m.date = p.date
LEFT JOIN customers AS c ON c.date = p.date
