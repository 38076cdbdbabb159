-- tables: search_performance
-- columns: per org, source, account (property) and search type, the last 28 final days and, as `previous_*`,
--          the 28 before. `*_change_percent` compares the two; it is NULL when either has fewer days than
--          28. A day that was read (the watermark of `site_totals` has reached it) and has no row had no
--          clicks: it counts, as zero; a day that was not read is unknown, and counts nowhere.
--          `search_position` is weighted by impressions (1 is the top, so a rise is a loss);
--          `anonymised_share` of the clicks belong to queries that are not named; `truncated_days` were
--          cut at the vendor's row limit, so that their queries and pages are not all there.
--          Of the newest reading of the property: `sitemaps`, `sitemap_problems` (errors, warnings, not
--          downloaded for more than 30 days), `urls_inspected`, `url_problems` (not indexed, or another
--          canonical than the page wants); `notes` names the worst two of each and counts the rest;
--          all of them are in `seo_sitemaps` and `seo_urls`
WITH last AS (
    SELECT
        org_id, source, account_id, search_type, max(date) AS last_day,
        -- The ledger does not say which type was read on a day: of two, neither is known to be zero.
        count(*) OVER (PARTITION BY org_id, source, account_id) = 1 AS is_only_type
    FROM seo_daily
    WHERE is_final AND clicks IS NOT NULL AND ($org_id::VARCHAR IS NULL OR org_id = $org_id)
    GROUP BY org_id, source, account_id, search_type
),

days AS (
    SELECT *, unnest(generate_series(last_day - 55, last_day, INTERVAL 1 DAY))::DATE AS date
    FROM last
),

numbered AS (
    SELECT
        d.org_id, d.source, d.account_id, d.search_type, d.last_day,
        (d.last_day - d.date) // 28 AS period,
        coalesce(s.clicks, 0) AS clicks,
        coalesce(s.impressions, 0) AS impressions,
        coalesce(s.position_weight, 0) AS position_weight,
        s.query_clicks, s.is_truncated
    FROM days AS d
    LEFT JOIN seo_daily AS s
        ON s.org_id = d.org_id AND s.source = d.source AND s.account_id = d.account_id
        AND s.search_type = d.search_type AND s.date = d.date
    LEFT JOIN freshness AS f
        ON f.org_id = d.org_id AND f.source = d.source AND f.account_id = d.account_id
        AND f.stream = 'site_totals' AND d.is_only_type
    -- Queries without a total of their day: the total is not known, rather than zero.
    WHERE s.clicks IS NOT NULL OR (s.date IS NULL AND d.date BETWEEN f.first_day AND f.watermark)
),

sums AS (
    SELECT
        org_id, source, account_id, search_type, last_day, period,
        count(*) AS days,
        sum(clicks)::BIGINT AS clicks,
        sum(impressions)::BIGINT AS impressions,
        sum(position_weight) AS position_weight,
        -- Days without rows by query stay out of both sides of the share.
        sum(query_clicks)::BIGINT AS query_clicks,
        sum(clicks) FILTER (WHERE query_clicks IS NOT NULL)::BIGINT AS queried_clicks,
        count(*) FILTER (WHERE is_truncated) AS truncated_days
    FROM numbered
    GROUP BY org_id, source, account_id, search_type, last_day, period
),

rated AS (
    SELECT
        *,
        {{ search_ctr }} AS search_ctr,
        {{ search_position }} AS search_position,
        (SELECT {{ anonymised_share }} FROM (SELECT s.queried_clicks AS clicks, s.query_clicks AS query_clicks) AS q)
            AS anonymised_share
    FROM sums AS s
),

newest AS (
    SELECT * FROM rated WHERE period = 0
),

-- A day that was read and has no row had nothing: what is gone since the day before is no problem.
readings AS (
    SELECT org_id, source, account_id, table_name, max(newest_day) AS date
    FROM freshness
    WHERE table_name IN ('sitemaps', 'url_inspections') AND ($org_id::VARCHAR IS NULL OR org_id = $org_id)
    GROUP BY org_id, source, account_id, table_name
),

states AS (
    SELECT
        s.org_id, s.source, s.account_id,
        'sitemap' AS kind,
        s.path AS address,
        coalesce(s.errors, 0) AS errors,
        coalesce(s.warnings, 0) AS warnings,
        -- A guess: Google reads a healthy sitemap every few days.
        coalesce(s.unread_days > 30, false) AS is_unread,
        concat_ws(', ',
            CASE WHEN s.errors = 1 THEN '1 error' WHEN s.errors > 1 THEN s.errors || ' errors' END,
            CASE WHEN s.warnings = 1 THEN '1 warning' WHEN s.warnings > 1 THEN s.warnings || ' warnings' END,
            CASE
                WHEN s.unread_days > 30 AND s.last_downloaded IS NULL
                    THEN 'not read by Google since it was submitted, ' || s.unread_days || ' days ago'
                WHEN s.unread_days > 30 THEN 'not read by Google for ' || s.unread_days || ' days'
            END
        ) AS problem
    FROM seo_sitemaps AS s
    SEMI JOIN readings AS r
        ON r.org_id = s.org_id AND r.source = s.source AND r.account_id = s.account_id AND r.date = s.date
        AND r.table_name = 'sitemaps'
    UNION ALL
    SELECT
        u.org_id, u.source, u.account_id,
        'page' AS kind,
        u.page_url AS address,
        (u.is_indexed IS FALSE)::BIGINT AS errors,
        0 AS warnings,
        false AS is_unread,
        CASE
            WHEN u.is_indexed IS FALSE THEN concat_ws(': ', 'not indexed', replace(u.coverage_state, '|', '/'))
            WHEN u.is_canonical_kept IS FALSE THEN 'Google prefers ' || u.google_canonical
            ELSE ''
        END AS problem
    FROM seo_urls AS u
    SEMI JOIN readings AS r
        ON r.org_id = u.org_id AND r.source = u.source AND r.account_id = u.account_id AND r.date = u.date
        AND r.table_name = 'url_inspections'
),

ranked AS (
    SELECT
        *,
        problem <> '' AS is_problem,
        row_number() OVER (
            PARTITION BY org_id, source, account_id, kind
            ORDER BY problem = '', errors DESC, is_unread DESC, warnings DESC, address
        ) AS place
    FROM states
),

-- The worst two of each kind; the second one says how many there are besides.
told AS (
    SELECT
        *,
        count(*) OVER of_the_kind AS held,
        count(*) FILTER (WHERE is_problem) OVER of_the_kind AS problems,
        concat(
            kind, ' ', address, ': ', problem,
            CASE WHEN place = 2 AND count(*) FILTER (WHERE is_problem) OVER of_the_kind > 2
                THEN ' (and ' || (count(*) FILTER (WHERE is_problem) OVER of_the_kind - 2) || ' more)'
            END
        ) AS note
    FROM ranked
    WINDOW of_the_kind AS (PARTITION BY org_id, source, account_id, kind)
),

health AS (
    SELECT
        org_id, source, account_id,
        max(held) FILTER (WHERE kind = 'sitemap') AS sitemaps,
        max(problems) FILTER (WHERE kind = 'sitemap') AS sitemap_problems,
        max(held) FILTER (WHERE kind = 'page') AS urls_inspected,
        max(problems) FILTER (WHERE kind = 'page') AS url_problems,
        string_agg(note, ' | ' ORDER BY kind DESC, place) FILTER (WHERE is_problem AND place <= 2) AS notes
    FROM told
    GROUP BY org_id, source, account_id
)

SELECT
    coalesce(n.org_id, h.org_id) AS org_id,
    coalesce(n.source, h.source) AS source,
    coalesce(n.account_id, h.account_id) AS account_id,
    n.search_type,
    n.last_day - 27 AS first_day,
    n.last_day,
    n.days,
    n.clicks, n.impressions, n.search_ctr, n.search_position, n.anonymised_share, n.truncated_days,
    p.clicks AS previous_clicks,
    p.impressions AS previous_impressions,
    p.search_ctr AS previous_search_ctr,
    p.search_position AS previous_search_position,
    CASE WHEN n.days = 28 AND p.days = 28 THEN (n.clicks - p.clicks) / nullif(p.clicks, 0) * 100 END
        AS clicks_change_percent,
    CASE WHEN n.days = 28 AND p.days = 28 THEN (n.impressions - p.impressions) / nullif(p.impressions, 0) * 100 END
        AS impressions_change_percent,
    CASE WHEN n.days = 28 AND p.days = 28 THEN n.search_position - p.search_position END AS position_change,
    -- Final days come two to three days late: that is no delay.
    CASE WHEN n.last_day >= d.today - 4 THEN 'current' ELSE describe_freshness(n.last_day, d.today) END
        AS freshness,
    h.sitemaps, h.sitemap_problems, h.urls_inspected, h.url_problems, h.notes
FROM newest AS n
-- A property that nobody finds any more has no searches, and the more to say.
FULL JOIN health AS h
    ON h.org_id = n.org_id AND h.source = n.source AND h.account_id = n.account_id
LEFT JOIN rated AS p
    ON p.org_id = n.org_id AND p.source = n.source AND p.account_id = n.account_id
    AND p.search_type = n.search_type AND p.period = 1
LEFT JOIN reading_days AS d ON d.org_id = n.org_id
WHERE n.org_id IS NOT NULL OR h.notes IS NOT NULL
ORDER BY 1, n.clicks DESC NULLS LAST, 2, 3, n.search_type
