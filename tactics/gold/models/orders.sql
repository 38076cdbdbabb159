-- grain: order of a shop, tests left out; date is the day it was processed, in the shop's time zone
-- units: money in `currency` (the shop's). gross - discounts + shipping + tax + other = total, before
--        refunds. expected = total - unpaid - paid_elsewhere - settled_elsewhere is what the payment
--        processor should have charged in this currency, charged what it did
-- source: silver.orders, gold.order_charges
-- part: day
-- reach: 60
-- An order is the processor's when it has a charge, or when one of its gateways is called so. It looks
-- for charges within 30 days, and each of them for orders within 30: hence the reach.
-- Source: DOMAIN section 8; contract sheet 4 (Shopify), section 9 (2026-11-21).
WITH placed AS (
    SELECT
        org_id, source, account_id, order_id, order_name, date, currency, is_first_order, financial_status,
        gateways, units, finality,
        clean_tag(utm_source) AS tag_source,
        clean_tag(utm_medium) AS tag_medium,
        clean_tag(utm_campaign) AS tag_campaign,
        upper(coalesce(financial_status, '')) AS status,
        cancelled_at IS NOT NULL AS is_cancelled,
        list_filter(
            list_transform(string_split(lower(coalesce(gateways, '')), ','), lambda g: trim(g)),
            lambda g: g <> ''
        ) AS paid_through,
        coalesce(gross, 0)::DECIMAL(18, 3) AS gross,
        coalesce(discounts, 0)::DECIMAL(18, 3) AS discounts,
        coalesce(shipping, 0)::DECIMAL(18, 3) AS shipping,
        coalesce(tax, 0)::DECIMAL(18, 3) AS tax,
        total::DECIMAL(18, 3) AS stated_total,
        coalesce(refunded, 0)::DECIMAL(18, 3) AS refunded,
        net_payment::DECIMAL(18, 3) AS net_payment
    FROM silver_orders
    WHERE org_id = $org_id AND date BETWEEN $start AND $end AND NOT coalesce(is_test, false)
),

priced AS (
    SELECT
        *,
        traffic_rule(tag_source, tag_medium, tag_campaign, '') AS rule,
        coalesce(stated_total, (gross - discounts + shipping + tax)::DECIMAL(18, 3)) AS total,
        status IN ('VOIDED', 'EXPIRED') OR (is_cancelled AND status IN ('PENDING', 'AUTHORIZED')) AS is_voided,
        len(list_filter(paid_through, lambda g: contains(g, 'stripe'))) AS through_stripe
    FROM placed
),

charges AS (
    SELECT
        shop_source, shop_account_id, order_id,
        coalesce(sum(amount) FILTER (WHERE currency = order_currency), 0)::DECIMAL(18, 3) AS charged,
        coalesce(sum(amount) FILTER (WHERE currency = order_currency AND date = order_date), 0)::DECIMAL(18, 3)
            AS charged_same_day,
        count(*) FILTER (WHERE currency = order_currency) AS own_charges,
        min(date) AS charged_on,
        max(finality_order(finality)) AS unsettled
    FROM order_charges
    WHERE org_id = $org_id AND order_id IS NOT NULL AND order_date BETWEEN $start AND $end
    GROUP BY shop_source, shop_account_id, order_id
),

matched AS (
    SELECT
        p.* EXCLUDE (finality),
        coalesce(c.charged, 0)::DECIMAL(18, 3) AS charged,
        coalesce(c.charged_same_day, 0)::DECIMAL(18, 3) AS charged_same_day,
        c.charged_on,
        c.order_id IS NOT NULL AS has_charge,
        coalesce(c.own_charges, 0) AS own_charges,
        c.order_id IS NOT NULL OR p.through_stripe > 0 AS is_stripe,
        CASE WHEN p.is_voided THEN 0 ELSE p.total END::DECIMAL(18, 3) AS value,
        finality_name(greatest(finality_order(p.finality), c.unsettled)) AS finality
    FROM priced AS p
    LEFT JOIN charges AS c
        ON c.shop_source = p.source AND c.shop_account_id = p.account_id AND c.order_id = p.order_id
),

owed AS (
    SELECT
        *,
        CASE
            WHEN is_voided OR has_charge THEN 0
            WHEN status IN ('PENDING', 'AUTHORIZED') THEN value
            WHEN status = 'PARTIALLY_PAID' AND net_payment IS NOT NULL
                THEN greatest(value - net_payment - refunded, 0)
            ELSE 0
        END::DECIMAL(18, 3) AS unpaid
    FROM matched
),

shared AS (
    SELECT
        *,
        CASE
            WHEN NOT is_stripe THEN value - unpaid
            -- Paid in two ways, partly by gift card: what is not charged went the other way.
            WHEN own_charges > 0 AND len(paid_through) > through_stripe THEN greatest(value - unpaid - charged, 0)
            ELSE 0
        END::DECIMAL(18, 3) AS paid_elsewhere
    FROM owed
),

settled AS (
    SELECT
        *,
        CASE WHEN has_charge AND own_charges = 0 THEN value - unpaid - paid_elsewhere ELSE 0 END::DECIMAL(18, 3)
            AS settled_elsewhere
    FROM shared
)

SELECT
    org_id, source, account_id, order_id, order_name, date, currency,
    rule_channel(rule) AS channel,
    rule AS channel_rule,
    rule_warning(rule) AS channel_warning,
    is_first_order, financial_status, gateways, units,
    gross, discounts, shipping, tax,
    (total - gross + discounts - shipping - tax)::DECIMAL(18, 3) AS other,
    total, refunded, is_voided, is_stripe, unpaid, paid_elsewhere, settled_elsewhere,
    (value - unpaid - paid_elsewhere - settled_elsewhere)::DECIMAL(18, 3) AS expected,
    charged, charged_same_day, charged_on, finality
FROM settled
