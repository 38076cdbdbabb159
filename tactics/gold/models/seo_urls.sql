-- grain: org, source, account (property), inspected page, day on which Google was asked (Pacific time)
-- units: is_canonical_kept: Google's canonical is the one that the page declares, or the page itself when it
--        declares none; both without the URL parameters that are not kept
-- source: silver.url_inspections
-- part: day
-- PASS is in the index, FAIL and NEUTRAL are not; PARTIAL is no longer used.
-- Source: contract sheet 2 (Google Search Console), section 3 (2026-11-21).
SELECT
    org_id, source, account_id, page_url, date, verdict, coverage_state, indexing_state, robots_state,
    fetch_state, last_crawl, google_canonical, user_canonical, crawled_as,
    CASE WHEN verdict IN ('PASS', 'FAIL', 'NEUTRAL') THEN verdict = 'PASS' END AS is_indexed,
    -- Google writes an address percent-encoded that the page may write plainly
    coalesce(TRY(url_decode(google_canonical)), google_canonical)
        = coalesce(TRY(url_decode(coalesce(user_canonical, page_url))), user_canonical, page_url)
        AS is_canonical_kept
FROM silver_url_inspections
WHERE org_id = $org_id AND date BETWEEN $start AND $end
