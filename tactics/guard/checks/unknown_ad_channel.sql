-- check: unknown_ad_channel
-- severity: warn
-- needs: ad_performance
-- message: a platform reports a channel that is not known
-- hint: nothing is lost: reports count it as Paid Other, or Unassigned where there is none; a newer release may know it, and a connector of your own can name a known one
-- Only whoever wrote the connector can mend it: halting would leave an organisation without news until then.
-- The names are few: each is judged once, then its rows are counted.
WITH unknown AS (
    SELECT n.channel
    FROM (SELECT DISTINCT channel FROM ad_performance) AS n
    ANTI JOIN channels AS c ON c.name = lower(regexp_replace(trim(n.channel), '[\s_-]+', '_', 'g'))
)

SELECT a.org_id, a.source, a.account_id, a.campaign_id, a.channel, count(*) AS records
FROM ad_performance AS a
SEMI JOIN unknown AS u ON a.channel IS NOT DISTINCT FROM u.channel
GROUP BY a.org_id, a.source, a.account_id, a.campaign_id, a.channel
