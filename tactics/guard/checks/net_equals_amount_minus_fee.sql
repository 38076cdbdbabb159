-- check: net_equals_amount_minus_fee
-- severity: error
-- month: date
-- needs: transactions
-- message: a transaction's net is not its amount minus its fee
-- hint: compare the transaction with the Stripe dashboard; an amount was read wrongly
-- Source: contract sheet 6 (Stripe), section 9, invariants (checked 2026-11-21).
SELECT
    org_id, source, account_id, entity_id, date, amount_minor, fee_minor, net_minor, currency
FROM transactions
WHERE net_minor IS DISTINCT FROM amount_minor - fee_minor
    OR net IS DISTINCT FROM amount - fee
