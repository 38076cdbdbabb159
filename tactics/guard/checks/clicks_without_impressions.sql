-- check: clicks_without_impressions
-- severity: warn
-- month: date
-- needs: ad_performance
-- message: a campaign has more clicks than impressions on a day
-- hint: late clicks explain a few; many of them mean that a column is wrong
-- Platforms count a click on the day of the click: after a campaign has ended there are some.
SELECT org_id, source, account_id, campaign_id, entity_id, date, clicks, impressions
FROM ad_performance
WHERE clicks > coalesce(impressions, 0)
