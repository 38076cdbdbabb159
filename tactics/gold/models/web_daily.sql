-- grain: org, source, account (property), channel of the taxonomy, currency, day (the property's own)
-- units: counts; key_events may be fractions; revenue money in `currency`. users are people: known only
--        where one row of the report stands for all, otherwise at most `users_at_most`
-- source: silver.web_traffic
-- part: day
-- Sessions per channel do not add up to the property's own total where has_other_row or
-- is_thresholded is set. Source: contract sheet 1 (Google Analytics 4), section 10 (2026-11-21).
WITH tagged AS (
    SELECT
        *,
        clean_tag(traffic_source) AS tag_source,
        clean_tag(medium) AS tag_medium,
        clean_tag(campaign) AS tag_campaign,
        clean_tag(channel_group) AS tag_vendor
    FROM silver_web_traffic
    WHERE org_id = $org_id AND date BETWEEN $start AND $end
),

-- A month has few combinations of tags: each is looked up once.
tags AS (
    SELECT DISTINCT tag_source, tag_medium, tag_campaign, tag_vendor FROM tagged
),

ruled AS (
    SELECT *, traffic_rule(tag_source, tag_medium, tag_campaign, tag_vendor) AS rule FROM tags
),

assigned AS (
    SELECT t.*, rule_channel(r.rule) AS assigned_channel, rule_warning(r.rule) AS warning
    FROM tagged AS t
    JOIN ruled AS r USING (tag_source, tag_medium, tag_campaign, tag_vendor)
)

SELECT
    org_id, source, account_id,
    assigned_channel AS channel,
    date,
    sum(sessions)::BIGINT AS sessions,
    sum(engaged_sessions)::BIGINT AS engaged_sessions,
    sum(new_users)::BIGINT AS new_users,
    CASE WHEN count(*) = 1 THEN max(users) END AS users,
    sum(users)::BIGINT AS users_at_most,
    sum(page_views)::BIGINT AS page_views,
    sum(key_events)::DECIMAL(18, 4) AS key_events,
    sum(purchases)::BIGINT AS purchases,
    sum(purchase_revenue)::DECIMAL(18, 2) AS purchase_revenue,
    sum(total_revenue)::DECIMAL(18, 2) AS total_revenue,
    currency,
    coalesce(sum(sessions) FILTER (WHERE tag_vendor <> '' AND tag_vendor <> lower(assigned_channel)), 0)::BIGINT
        AS regrouped_sessions,
    coalesce(
        sum(sessions) FILTER (WHERE tag_source IN ('', '(not set)', '(data not available)', '(other)')), 0
    )::BIGINT AS unattributed_sessions,
    coalesce(sum(sessions) FILTER (WHERE warning IS NOT NULL), 0)::BIGINT AS warned_sessions,
    string_agg(DISTINCT warning, '; ' ORDER BY warning) AS warnings,
    coalesce(bool_or(is_sampled), false) AS is_sampled,
    coalesce(bool_or(is_thresholded), false) AS is_thresholded,
    coalesce(bool_or(has_other_row), false) AS has_other_row,
    weakest_finality(finality) AS finality,
    max(timezone) AS timezone
FROM assigned
GROUP BY org_id, source, account_id, assigned_channel, date, currency
