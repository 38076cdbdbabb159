-- Rows of the probe's pages: {"rows": [{"id", "day", "spend"}]}.
WITH records AS (
    SELECT pages.* EXCLUDE (payload, window_start, window_end, page, api_version, request),
        unnest(from_json(payload, '{"rows":[{"id":"VARCHAR","day":"VARCHAR","spend":"VARCHAR"}]}').rows) AS r,
        generate_subscripts(from_json(payload, '{"rows":["JSON"]}').rows, 1) AS position
    FROM pages
)
SELECT log_seq, org_id, source, account_id, stream, request_id, fetched_at, position,
    r.id AS entity_id, r.day::DATE AS date, r.id AS campaign_id, r.id AS campaign_name,
    'social' AS channel, 100::BIGINT AS impressions, 10::BIGINT AS clicks,
    try_cast(r.spend AS DECIMAL(15,2)) AS spend, 'EUR' AS currency,
    0::DECIMAL(15,4) AS conversions, 0::DECIMAL(15,2) AS conversion_value,
    NULL::BIGINT AS video_views, 'Europe/Vienna' AS timezone, 100 AS quality_score,
    CASE WHEN try_cast(r.spend AS DECIMAL(15,2)) IS NULL THEN 'spend_not_a_number' END AS rule,
    CASE WHEN try_cast(r.spend AS DECIMAL(15,2)) IS NULL THEN to_json(r) END AS record
FROM records
