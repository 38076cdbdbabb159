-- grain: org, currency, day (the shop's lines by its own calendar, the payment processor's by its own)
-- units: money in `currency`, signed as it is added: what takes away is negative.
--        gross_sales + discounts + voided + refunds = net_sales; + shipping + tax + other_sales = total_sales;
--        + refunds_added_back + unpaid + paid_elsewhere + settled_elsewhere = expected_charges;
--        + timing + foreign_orders + residual = charges;
--        + stripe_refunds + disputes + adjustments + fees = stripe_net
-- source: gold.orders, gold.order_charges, gold.revenue_daily, silver.order_refunds, silver.orders, streams
-- part: day
-- reach: 60
-- Both sides take refunds off, each on its own day and at its own amount, so they are put back before
-- charges are compared. refunds are whole, with the tax and shipping in them. voided are orders that
-- nobody will pay; their shipping and tax are in no line. Lines of a side that the org does not have
-- are NULL, and so is the residual.
-- Source: DOMAIN section 8 (2026-11-21).
WITH sides AS (
    SELECT
        coalesce(bool_or(table_name = 'orders'), false) AS has_shop,
        coalesce(bool_or(table_name = 'transactions'), false) AS has_stripe
    FROM streams
    WHERE org_id = $org_id
),

sales AS (
    SELECT
        date, currency,
        count(*) FILTER (WHERE NOT is_voided) AS orders,
        count(*) FILTER (WHERE is_voided) AS voided_orders,
        sum(gross) AS gross,
        sum(discounts) AS discounts,
        coalesce(sum(gross - discounts) FILTER (WHERE is_voided), 0) AS voided,
        coalesce(sum(shipping) FILTER (WHERE NOT is_voided), 0) AS shipping,
        coalesce(sum(tax) FILTER (WHERE NOT is_voided), 0) AS tax,
        coalesce(sum(other) FILTER (WHERE NOT is_voided), 0) AS other,
        sum(unpaid) AS unpaid,
        sum(paid_elsewhere) AS paid_elsewhere,
        sum(settled_elsewhere) AS settled_elsewhere,
        sum(charged_same_day - charged) AS charged_otherwise,
        max(finality_order(finality)) AS unsettled
    FROM orders
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
    GROUP BY date, currency
),

refunds AS (
    SELECT r.date, r.currency, sum(r.amount) AS refunds, max(finality_order(r.finality)) AS unsettled
    FROM silver_order_refunds AS r
    ANTI JOIN (FROM silver_orders WHERE org_id = $org_id AND is_test) AS t
        ON t.source = r.source AND t.account_id = r.account_id AND t.order_id = r.order_id
    WHERE r.org_id = $org_id AND r.date BETWEEN $start AND $end
    GROUP BY r.date, r.currency
),

arrivals AS (
    SELECT
        date, currency,
        sum(amount) FILTER (WHERE order_currency = currency AND order_date <> date) AS of_other_days,
        sum(amount) FILTER (WHERE order_currency <> currency) AS foreign_orders
    FROM order_charges
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
    GROUP BY date, currency
),

stripe AS (
    SELECT
        date, currency,
        sum(charge_count) AS charge_count,
        sum(charges) AS charges,
        sum(refunds) AS refunds,
        sum(disputes) AS disputes,
        sum(fees) AS fees,
        sum(other) AS other,
        sum(net) AS net,
        max(finality_order(finality)) AS unsettled
    FROM revenue_daily
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
    GROUP BY date, currency
),

days AS (
    SELECT date, currency FROM sales
    UNION
    SELECT date, currency FROM refunds
    UNION
    SELECT date, currency FROM stripe
),

joined AS (
    SELECT
        d.date, d.currency, b.has_shop, b.has_stripe,
        coalesce(s.orders, 0)::BIGINT AS orders,
        coalesce(s.voided_orders, 0)::BIGINT AS voided_orders,
        coalesce(s.gross, 0)::DECIMAL(18, 3) AS gross_sales,
        coalesce(-s.discounts, 0)::DECIMAL(18, 3) AS discounts,
        coalesce(-s.voided, 0)::DECIMAL(18, 3) AS voided,
        coalesce(-r.refunds, 0)::DECIMAL(18, 3) AS refunds,
        coalesce(s.shipping, 0)::DECIMAL(18, 3) AS shipping,
        coalesce(s.tax, 0)::DECIMAL(18, 3) AS tax,
        coalesce(s.other, 0)::DECIMAL(18, 3) AS other_sales,
        coalesce(-s.unpaid, 0)::DECIMAL(18, 3) AS unpaid,
        coalesce(-s.paid_elsewhere, 0)::DECIMAL(18, 3) AS paid_elsewhere,
        coalesce(-s.settled_elsewhere, 0)::DECIMAL(18, 3) AS settled_elsewhere,
        (coalesce(a.of_other_days, 0) + coalesce(s.charged_otherwise, 0))::DECIMAL(18, 3) AS timing,
        coalesce(a.foreign_orders, 0)::DECIMAL(18, 3) AS foreign_orders,
        coalesce(t.charge_count, 0)::BIGINT AS charge_count,
        coalesce(t.charges, 0)::DECIMAL(18, 3) AS charges,
        coalesce(t.refunds, 0)::DECIMAL(18, 3) AS stripe_refunds,
        coalesce(t.disputes, 0)::DECIMAL(18, 3) AS disputes,
        coalesce(-t.fees, 0)::DECIMAL(18, 3) AS fees,
        coalesce(t.other, 0)::DECIMAL(18, 3) AS adjustments,
        coalesce(t.net, 0)::DECIMAL(18, 3) AS stripe_net,
        -- greatest ignores what is NULL
        greatest(s.unsettled, r.unsettled, t.unsettled) AS unsettled
    FROM days AS d
    CROSS JOIN sides AS b
    LEFT JOIN sales AS s ON s.date = d.date AND s.currency = d.currency
    LEFT JOIN refunds AS r ON r.date = d.date AND r.currency = d.currency
    LEFT JOIN arrivals AS a ON a.date = d.date AND a.currency = d.currency
    LEFT JOIN stripe AS t ON t.date = d.date AND t.currency = d.currency
),

added AS (
    SELECT
        *,
        (gross_sales + discounts + voided + refunds)::DECIMAL(18, 3) AS net_sales,
        (gross_sales + discounts + voided + refunds + shipping + tax + other_sales)::DECIMAL(18, 3)
            AS total_sales,
        (
            gross_sales + discounts + voided + shipping + tax + other_sales
            + unpaid + paid_elsewhere + settled_elsewhere
        )::DECIMAL(18, 3) AS expected_charges
    FROM joined
)

SELECT
    $org_id AS org_id, date, currency,
    CASE WHEN has_shop THEN orders END AS orders,
    CASE WHEN has_shop THEN voided_orders END AS voided_orders,
    CASE WHEN has_shop THEN gross_sales END AS gross_sales,
    CASE WHEN has_shop THEN discounts END AS discounts,
    CASE WHEN has_shop THEN voided END AS voided,
    CASE WHEN has_shop THEN refunds END AS refunds,
    CASE WHEN has_shop THEN net_sales END AS net_sales,
    CASE WHEN has_shop THEN shipping END AS shipping,
    CASE WHEN has_shop THEN tax END AS tax,
    CASE WHEN has_shop THEN other_sales END AS other_sales,
    CASE WHEN has_shop THEN total_sales END AS total_sales,
    CASE WHEN has_shop THEN -refunds END AS refunds_added_back,
    CASE WHEN has_shop THEN unpaid END AS unpaid,
    CASE WHEN has_shop THEN paid_elsewhere END AS paid_elsewhere,
    CASE WHEN has_shop THEN settled_elsewhere END AS settled_elsewhere,
    CASE WHEN has_shop THEN expected_charges END AS expected_charges,
    CASE WHEN has_shop AND has_stripe THEN timing END AS timing,
    CASE WHEN has_shop AND has_stripe THEN foreign_orders END AS foreign_orders,
    CASE WHEN has_shop AND has_stripe
        THEN (charges - expected_charges - timing - foreign_orders)::DECIMAL(18, 3)
    END AS residual,
    CASE WHEN has_stripe THEN charge_count END AS charge_count,
    CASE WHEN has_stripe THEN charges END AS charges,
    CASE WHEN has_stripe THEN stripe_refunds END AS stripe_refunds,
    CASE WHEN has_stripe THEN disputes END AS disputes,
    CASE WHEN has_stripe THEN fees END AS fees,
    CASE WHEN has_stripe THEN adjustments END AS adjustments,
    CASE WHEN has_stripe THEN stripe_net END AS stripe_net,
    finality_name(unsettled) AS finality
FROM added
