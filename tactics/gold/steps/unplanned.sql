-- grain: source, account, campaign, spend currency that delivered unbooked since `unplanned_from`;
--        beyond the thousand that spent most, one row for the rest of a source and currency
-- units: impressions count; spend money in `currency`
-- source: gold.ad_daily, coverage_runs, line_campaigns
WITH watermarks AS (
    SELECT source, account_id, max(run_end) AS as_of
    FROM coverage_runs
    WHERE table_name = 'ad_performance'
    GROUP BY source, account_id
),

campaigns AS (
    SELECT
        a.source, a.account_id, a.campaign_id, a.currency,
        arg_max(a.campaign_name, (a.date, a.campaign_name)) AS campaign_name,
        arg_max(a.channel, (a.date, a.channel)) AS channel,
        min(w.as_of) AS as_of,
        sum(a.impressions)::BIGINT AS delivered_impressions,
        sum(a.spend)::DECIMAL(15, 2) AS spend,
        bool_or(a.finality <> 'final') AS provisional,
        row_number() OVER (
            PARTITION BY a.currency ORDER BY sum(a.spend) DESC, a.source, a.account_id, a.campaign_id
        ) AS place
    FROM ad_daily AS a
    JOIN watermarks AS w ON w.source = a.source AND w.account_id = a.account_id
    ANTI JOIN line_campaigns AS m
        ON m.source = a.source AND m.account_id = a.account_id AND m.campaign_id = a.campaign_id
    WHERE a.org_id = $org_id
        AND a.date >= $unplanned_from
        AND a.date <= w.as_of
    GROUP BY a.source, a.account_id, a.campaign_id, a.currency
    HAVING sum(a.impressions) <> 0 OR sum(a.spend) <> 0
)

SELECT source, account_id, campaign_id, currency, campaign_name, channel, as_of, delivered_impressions, spend, provisional
FROM campaigns
WHERE place <= 1000
UNION ALL
SELECT
    source, NULL AS account_id, NULL AS campaign_id, currency,
    format('{:,} more campaigns', count(*)) AS campaign_name,
    NULL AS channel,
    min(as_of) AS as_of,
    sum(delivered_impressions)::BIGINT AS delivered_impressions,
    sum(spend)::DECIMAL(15, 2) AS spend,
    bool_or(provisional) AS provisional
FROM campaigns
WHERE place > 1000
GROUP BY source, currency
