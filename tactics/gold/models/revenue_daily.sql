-- grain: org, source, account, business day, settlement currency
-- units: *_minor in the currency's smallest unit, the others in major units; signs as in Stripe's
--        ledger (refunds, disputes and payouts negative), fees positive.
--        net = charges + refunds + disputes + other - fees; net + payouts = change of the balance
-- source: silver.transactions
-- part: day
-- Classified by reporting_category, never by type.
-- Source: contract sheet 6 (Stripe), sections 9 and 11 (checked 2026-11-21).
WITH classified AS (
    SELECT
        *,
        CASE
            WHEN reporting_category = 'charge' THEN 'charge'
            WHEN reporting_category IN ('refund', 'refund_failure') THEN 'refund'
            WHEN reporting_category IN ('dispute', 'dispute_reversal') THEN 'dispute'
            WHEN reporting_category = 'fee' THEN 'fee'
            WHEN reporting_category IN ('payout', 'payout_reversal') THEN 'payout'
            ELSE 'other'
        END AS kind
    FROM silver_transactions
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
),

sums AS (
    SELECT
        org_id, source, account_id, date, currency,
        count(*) AS transactions,
        count(*) FILTER (WHERE kind = 'charge') AS charge_count,
        coalesce(sum(amount_minor) FILTER (WHERE kind = 'charge'), 0)::BIGINT AS charges_minor,
        coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0)::BIGINT AS refunds_minor,
        coalesce(sum(amount_minor) FILTER (WHERE kind = 'dispute'), 0)::BIGINT AS disputes_minor,
        -- What Stripe keeps of each row, and the rows that are nothing but a fee (negative amounts).
        (sum(fee_minor) - coalesce(sum(amount_minor) FILTER (WHERE kind = 'fee'), 0))::BIGINT AS fees_minor,
        coalesce(sum(amount_minor) FILTER (WHERE kind = 'other'), 0)::BIGINT AS other_minor,
        (sum(net_minor) - coalesce(sum(amount_minor) FILTER (WHERE kind = 'payout'), 0))::BIGINT AS net_minor,
        coalesce(sum(amount_minor) FILTER (WHERE kind = 'payout'), 0)::BIGINT AS payouts_minor,
        coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0)::DECIMAL(18, 3) AS charges,
        coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0)::DECIMAL(18, 3) AS refunds,
        coalesce(sum(amount) FILTER (WHERE kind = 'dispute'), 0)::DECIMAL(18, 3) AS disputes,
        (sum(fee) - coalesce(sum(amount) FILTER (WHERE kind = 'fee'), 0))::DECIMAL(18, 3) AS fees,
        coalesce(sum(amount) FILTER (WHERE kind = 'other'), 0)::DECIMAL(18, 3) AS other,
        (sum(net) - coalesce(sum(amount) FILTER (WHERE kind = 'payout'), 0))::DECIMAL(18, 3) AS net,
        coalesce(sum(amount) FILTER (WHERE kind = 'payout'), 0)::DECIMAL(18, 3) AS payouts,
        count(*) FILTER (WHERE status = 'pending') AS pending,
        weakest_finality(finality) AS finality
    FROM classified
    GROUP BY org_id, source, account_id, date, currency
)

SELECT * FROM sums
