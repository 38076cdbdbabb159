-- tables: web_traffic
-- columns: per org, source, account (property), channel of the taxonomy and currency, the last 28 closed
--          days of that property. `users_at_most` is no count of people: who comes twice is two.
--          `quality` names what makes the numbers doubtful (sampled, thresholded, other row);
--          `regrouped_sessions` are in another channel for the vendor, `unattributed_sessions` have no
--          known source, `warned_sessions` are doubtful for what `warnings` says; `taxonomy` is its version
WITH closed AS (
    SELECT org_id, source, account_id, max(watermark) AS last_day
    FROM freshness
    WHERE table_name = 'web_traffic' AND watermark IS NOT NULL
    GROUP BY org_id, source, account_id
),

sums AS (
    SELECT
        w.org_id, w.source, w.account_id, w.channel, w.currency,
        any_value(c.last_day) - 27 AS first_day,
        any_value(c.last_day) AS last_day,
        sum(w.sessions)::BIGINT AS sessions,
        sum(w.engaged_sessions)::BIGINT AS engaged_sessions,
        sum(w.new_users)::BIGINT AS new_users,
        sum(w.users_at_most)::BIGINT AS users_at_most,
        sum(w.page_views)::BIGINT AS page_views,
        sum(w.key_events)::DECIMAL(18, 4) AS key_events,
        sum(w.purchases)::BIGINT AS purchases,
        sum(w.purchase_revenue)::DECIMAL(18, 2) AS purchase_revenue,
        sum(w.total_revenue)::DECIMAL(18, 2) AS total_revenue,
        sum(w.regrouped_sessions)::BIGINT AS regrouped_sessions,
        sum(w.unattributed_sessions)::BIGINT AS unattributed_sessions,
        sum(w.warned_sessions)::BIGINT AS warned_sessions,
        max(w.warnings) AS warnings,
        nullif(
            concat_ws(
                ', ',
                CASE WHEN bool_or(w.is_sampled) THEN 'sampled' END,
                CASE WHEN bool_or(w.is_thresholded) THEN 'thresholded' END,
                CASE WHEN bool_or(w.has_other_row) THEN 'other row' END
            ),
            ''
        ) AS quality,
        weakest_finality(w.finality) AS finality
    FROM web_daily AS w
    JOIN closed AS c ON c.org_id = w.org_id AND c.source = w.source AND c.account_id = w.account_id
    WHERE w.date BETWEEN c.last_day - 27 AND c.last_day
        AND ($org_id::VARCHAR IS NULL OR w.org_id = $org_id)
    GROUP BY w.org_id, w.source, w.account_id, w.channel, w.currency
)

SELECT
    s.* EXCLUDE (regrouped_sessions, unattributed_sessions, warned_sessions, warnings, quality, finality),
    {{ engagement_rate }} AS engagement_rate,
    {{ key_event_rate }} AS key_event_rate,
    {{ revenue_per_session }} AS revenue_per_session,
    s.sessions / nullif(sum(s.sessions) OVER (PARTITION BY s.org_id, s.source, s.account_id), 0) * 100
        AS session_percent,
    s.regrouped_sessions,
    s.unattributed_sessions,
    s.warned_sessions,
    s.warnings,
    s.quality,
    taxonomy_version() AS taxonomy,
    s.finality,
    coalesce(describe_freshness(s.last_day, d.today), 'no data') AS freshness
FROM sums AS s
LEFT JOIN reading_days AS d ON d.org_id = s.org_id
ORDER BY s.org_id, s.source, s.account_id, s.sessions DESC, s.channel
