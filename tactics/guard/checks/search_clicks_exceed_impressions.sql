-- check: search_clicks_exceed_impressions
-- severity: error
-- month: date
-- needs: search_performance
-- message: a page or query has more clicks than impressions in search
-- hint: the two columns are swapped; compare with Search Console itself
-- Search Console counts a click only on something that was shown.
SELECT org_id, source, account_id, report, query, page_url, date, clicks, impressions
FROM search_performance
WHERE clicks > impressions
