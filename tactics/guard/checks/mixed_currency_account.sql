-- check: mixed_currency_account
-- severity: warn
-- needs: ad_performance
-- message: an ad account reports more than one currency
-- hint: an account has one currency; if it was changed, totals before and after must not be added up
-- Stripe accounts settle in several currencies by design and are not looked at.
SELECT
    org_id, source, account_id,
    string_agg(DISTINCT currency, ', ' ORDER BY currency) AS currencies,
    min(date) AS first_day,
    max(date) AS last_day
FROM (
    SELECT org_id, source, account_id, currency, min(date) AS date
    FROM ad_performance
    WHERE currency IS NOT NULL
    GROUP BY org_id, source, account_id, currency
)
GROUP BY org_id, source, account_id
HAVING count(*) > 1
