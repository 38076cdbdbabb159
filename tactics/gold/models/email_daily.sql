-- grain: org, source, account, kind (campaign, flow), send channel, currency, day of sending (a flow's
--        messages: the day they went out)
-- units: counts of messages; conversion_value money in `currency`, by the day of sending. subscribers
--        is a state, counted over all lists at the newest count of the 7 days before
-- source: silver.email_performance, silver.email_subscribers
-- part: day
-- reach: 7
-- A message counts once, as its newest report knows it: reports over several windows overlap.
-- Source: contract sheet 5 (Klaviyo), sections 6 and 10 (2026-11-21).
WITH messages AS (
    SELECT *
    FROM silver_email_performance
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
    QUALIFY row_number() OVER (
        PARTITION BY source, account_id, kind, coalesce(message_id, entity_id), send_channel, date
        ORDER BY as_of DESC NULLS LAST, log_seq DESC, window_start NULLS LAST, entity_id
    ) = 1
),

sums AS (
    SELECT
        org_id, source, account_id,
        coalesce(kind, 'unknown') AS kind,
        coalesce(send_channel, 'email') AS send_channel,
        date,
        count(*) AS messages,
        sum(recipients)::BIGINT AS recipients,
        sum(delivered)::BIGINT AS delivered,
        sum(opens_unique)::BIGINT AS opens_unique,
        sum(clicks_unique)::BIGINT AS clicks_unique,
        sum(bounced)::BIGINT AS bounced,
        sum(unsubscribes)::BIGINT AS unsubscribes,
        sum(spam_complaints)::BIGINT AS spam_complaints,
        sum(conversions)::BIGINT AS conversions,
        sum(conversion_value)::DECIMAL(18, 2) AS conversion_value,
        currency,
        min(as_of) AS numbers_as_of,
        weakest_finality(finality) AS finality
    FROM messages
    GROUP BY
        org_id, source, account_id, coalesce(kind, 'unknown'), coalesce(send_channel, 'email'), date, currency
),

counted AS (
    SELECT source, account_id, date AS counted_on, sum(profile_count)::BIGINT AS profiles
    FROM silver_email_subscribers
    WHERE org_id = $org_id AND kind = 'list' AND date BETWEEN $start - 7 AND $end
    GROUP BY source, account_id, date
)

SELECT
    s.*,
    CASE WHEN s.date - c.counted_on <= 7 THEN c.profiles END AS subscribers,
    CASE WHEN s.date - c.counted_on <= 7 THEN c.counted_on END AS subscribers_as_of
FROM sums AS s
ASOF LEFT JOIN counted AS c
    ON c.source = s.source AND c.account_id = s.account_id AND s.date >= c.counted_on
