-- check: spend_without_impressions
-- severity: warn
-- month: date
-- needs: ad_performance
-- message: a campaign was charged on a day without impressions
-- hint: fees and late charges look like this; if it is every day, impressions are missing
SELECT org_id, source, account_id, campaign_id, entity_id, date, spend, currency
FROM ad_performance
WHERE spend > 0 AND coalesce(impressions, 0) = 0
