-- tables: email_performance
-- columns: per org, source, account, kind (campaign, flow), send channel and currency, the last 28 closed days
--          by day of sending; rates are ratio of sums. `subscribers` is the newest count of the lists (who is
--          on two counts twice), not a sum. `order_day_orders` and `order_day_revenue` are what the kind is
--          credited with by the day of the order, all send channels together: the same money as
--          `conversion_value` seen another way, never to be added to it
WITH closed AS (
    SELECT org_id, source, account_id, min(watermark) AS last_day
    FROM freshness
    WHERE table_name = 'email_performance' AND watermark IS NOT NULL
    GROUP BY org_id, source, account_id
),

sums AS (
    SELECT
        e.org_id, e.source, e.account_id, e.kind, e.send_channel, e.currency,
        any_value(c.last_day) - 27 AS first_day,
        any_value(c.last_day) AS last_day,
        sum(e.messages)::BIGINT AS messages,
        sum(e.recipients)::BIGINT AS recipients,
        sum(e.delivered)::BIGINT AS delivered,
        sum(e.opens_unique)::BIGINT AS opens_unique,
        sum(e.clicks_unique)::BIGINT AS clicks_unique,
        sum(e.bounced)::BIGINT AS bounced,
        sum(e.unsubscribes)::BIGINT AS unsubscribes,
        sum(e.spam_complaints)::BIGINT AS spam_complaints,
        sum(e.conversions)::BIGINT AS conversions,
        sum(e.conversion_value)::DECIMAL(18, 2) AS conversion_value,
        weakest_finality(e.finality) AS finality
    FROM email_daily AS e
    JOIN closed AS c ON c.org_id = e.org_id AND c.source = e.source AND c.account_id = e.account_id
    WHERE e.date BETWEEN c.last_day - 27 AND c.last_day
        AND ($org_id::VARCHAR IS NULL OR e.org_id = $org_id)
    GROUP BY e.org_id, e.source, e.account_id, e.kind, e.send_channel, e.currency
),

counted AS (
    SELECT
        org_id, source, account_id,
        arg_max(subscribers, date) AS subscribers,
        max(subscribers_as_of) AS subscribers_as_of
    FROM email_daily
    WHERE subscribers IS NOT NULL
    GROUP BY org_id, source, account_id
),

ordered AS (
    SELECT
        o.org_id, o.source, o.account_id, o.kind, o.currency,
        sum(o.orders)::BIGINT AS orders,
        sum(o.revenue)::DECIMAL(18, 2) AS revenue
    FROM email_orders_daily AS o
    JOIN closed AS c ON c.org_id = o.org_id AND c.source = o.source AND c.account_id = o.account_id
    WHERE o.date BETWEEN c.last_day - 27 AND c.last_day
    GROUP BY o.org_id, o.source, o.account_id, o.kind, o.currency
)

SELECT
    s.* EXCLUDE (finality),
    {{ open_rate }} AS open_rate,
    {{ click_rate }} AS click_rate,
    {{ click_to_open }} AS click_to_open,
    {{ unsubscribe_rate }} AS unsubscribe_rate,
    {{ bounce_rate }} AS bounce_rate,
    {{ value_per_delivered }} AS value_per_delivered,
    o.orders AS order_day_orders,
    o.revenue AS order_day_revenue,
    n.subscribers,
    n.subscribers_as_of,
    s.finality,
    coalesce(describe_freshness(s.last_day, d.today), 'no data') AS freshness
FROM sums AS s
LEFT JOIN ordered AS o
    ON o.org_id = s.org_id AND o.source = s.source AND o.account_id = s.account_id AND o.kind = s.kind
    AND o.currency IS NOT DISTINCT FROM s.currency
LEFT JOIN counted AS n ON n.org_id = s.org_id AND n.source = s.source AND n.account_id = s.account_id
LEFT JOIN reading_days AS d ON d.org_id = s.org_id
ORDER BY s.org_id, s.source, s.account_id, s.kind, s.send_channel, s.currency
