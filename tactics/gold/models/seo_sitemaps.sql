-- grain: org, source, account (property), sitemap, day on which it was read (Pacific time)
-- units: counts; submitted_urls over all kinds of content; unread_days since Google downloaded it last, or
--        since it was submitted if it never did
-- source: silver.sitemaps
-- part: day
SELECT
    org_id, source, account_id, path, date, type, is_index, is_pending, errors, warnings, submitted_urls,
    last_submitted, last_downloaded,
    (date - timezone('America/Los_Angeles', coalesce(last_downloaded, last_submitted))::DATE)::INTEGER
        AS unread_days
FROM silver_sitemaps
WHERE org_id = $org_id AND date BETWEEN $start AND $end
