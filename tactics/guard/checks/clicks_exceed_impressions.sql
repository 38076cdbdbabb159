-- check: clicks_exceed_impressions
-- severity: error
-- month: month_start
-- needs: ad_performance
-- message: a campaign has more clicks than impressions in a whole month
-- hint: the two columns are swapped, or one of them counts something else; compare with the platform's own report
-- Within a month clicks and impressions belong together. Below 10 clicks it may be people who
-- click on what they saw the month before (a guess, not a vendor's number).
-- Such a month has at least one such day: only campaigns with one are summed.
WITH suspects AS (
    SELECT DISTINCT org_id, source, account_id, campaign_id
    FROM ad_performance
    WHERE clicks > coalesce(impressions, 0)
)

SELECT
    org_id, source, account_id, campaign_id,
    date_trunc('month', date)::DATE AS month_start,
    sum(clicks)::BIGINT AS clicks,
    sum(impressions)::BIGINT AS impressions
FROM ad_performance
SEMI JOIN suspects USING (org_id, source, account_id, campaign_id)
GROUP BY org_id, source, account_id, campaign_id, month_start
HAVING sum(clicks) > coalesce(sum(impressions), 0) AND sum(clicks) >= 10
