-- grain: source, account, campaign that a line may mean
-- units: none
-- source: gold.ad_monthly (a thirtieth of the rows of ad_daily), lines
-- `names` lists the names it had at the end of a month, so that a renamed campaign is found.
-- Ties (a campaign with two channels on its last day) are broken by name, so that every build agrees.
WITH wanted AS (
    SELECT source, account_id, campaign_id, last_day, campaign_name, channel, timezone
    FROM ad_monthly
    WHERE org_id = $org_id AND (
        campaign_id IN (SELECT campaign_id FROM lines)
        OR campaign_id IN (
            SELECT m.campaign_id
            FROM ad_monthly AS m
            WHERE m.org_id = $org_id
                AND m.campaign_name IS NOT NULL
                AND lower(trim(m.campaign_name)) IN (
                    SELECT lower(trim(campaign)) FROM lines WHERE campaign_id IS NULL AND campaign IS NOT NULL
                )
        )
    )
)

SELECT
    source, account_id, campaign_id,
    arg_max(campaign_name, (last_day, campaign_name)) AS campaign_name,
    arg_max(channel, (last_day, channel)) AS channel,
    list(DISTINCT lower(trim(campaign_name))) AS names,
    max(timezone) AS timezone
FROM wanted
GROUP BY source, account_id, campaign_id
