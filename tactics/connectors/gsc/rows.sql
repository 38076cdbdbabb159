-- What the four reports share: typed rows, checked, those that became equal without personal data added up.
--
-- The page is stored by column, because reading it as objects takes twice the memory. `original` is the
-- pseudonym of the keys that a row had before something personal was taken out of them: rows of different
-- originals are added up, while a row that Google repeats on the next page (ties have no order) comes out
-- twice, so that the lake drops and counts it.
WITH decoded AS (
  SELECT
    * EXCLUDE (request, payload),
    coalesce(request ->> '$.options.search_type', 'web') AS search_type,
    left(payload, 4096) AS evidence,
    TRY(from_json(payload, '{
      "responseAggregationType": "VARCHAR", "metadata": {"firstIncompleteDate": "VARCHAR"},
      "columns": {
        "date": ["VARCHAR"], "query": ["VARCHAR"], "page": ["VARCHAR"], "country": ["VARCHAR"],
        "device": ["VARCHAR"], "clicks": ["VARCHAR"], "impressions": ["VARCHAR"], "position": ["VARCHAR"]
      },
      "original": [{"keys": "VARCHAR"}]
    }')) AS body
  FROM pages
),
records AS (
  -- columns that the report does not have are as long as the others, and NULL
  SELECT
    * EXCLUDE (body, evidence),
    body IS NULL AS undecodable,
    CASE WHEN body IS NULL THEN evidence END AS evidence,
    regexp_replace(lower(body.responseAggregationType), '^by_?', 'by_') AS aggregation,
    body.metadata.firstIncompleteDate AS incomplete_text,
    body.columns.query IS NOT NULL AS has_query,
    body.columns.page IS NOT NULL AS has_page,
    unnest(CASE WHEN body IS NULL THEN [NULL] ELSE body.columns.date END) AS date_text,
    unnest(body.columns.query) AS query,
    unnest(body.columns.page) AS page_url,
    unnest(body.columns.country) AS country_text,
    unnest(body.columns.device) AS device_text,
    unnest(body.columns.clicks) AS clicks_text,
    unnest(body.columns.impressions) AS impressions_text,
    unnest(body.columns.position) AS position_text,
    unnest(body.original) AS original,
    unnest(CASE WHEN body IS NULL THEN [0] ELSE range(len(body.columns.date)) END) AS position
  FROM decoded
),
numbers AS (
  -- the patterns come first: casts alone accept '1_000', hex and 'infinity'
  SELECT
    *,
    upper(country_text) AS country,
    upper(device_text) AS device,
    CASE WHEN regexp_full_match(date_text, '\d{4}-\d{2}-\d{2}')
      THEN TRY_CAST(date_text AS DATE) END AS date,
    CASE WHEN regexp_full_match(incomplete_text, '\d{4}-\d{2}-\d{2}')
      THEN TRY_CAST(incomplete_text AS DATE) END AS incomplete_from,
    CASE WHEN regexp_full_match(clicks_text, '\d{1,10}(\.0*)?|\d(\.\d{1,10})?[eE]\+?\d{1,2}')
      THEN TRY_CAST(clicks_text AS DECIMAL(28, 10)) END AS clicks_number,
    CASE WHEN regexp_full_match(impressions_text, '\d{1,10}(\.0*)?|\d(\.\d{1,10})?[eE]\+?\d{1,2}')
      THEN TRY_CAST(impressions_text AS DECIMAL(28, 10)) END AS impressions_number,
    CASE WHEN regexp_full_match(position_text, '\d{1,4}(\.\d*)?([eE][+-]?\d{1,2})?')
      THEN TRY_CAST(position_text AS DECIMAL(20, 16)) END AS mean_position
  FROM records
),
counted AS (
  SELECT
    *,
    CASE WHEN clicks_number = trunc(clicks_number)
      THEN TRY_CAST(clicks_number AS DECIMAL(10, 0)) END AS clicks,
    CASE WHEN impressions_number = trunc(impressions_number)
      THEN TRY_CAST(impressions_number AS DECIMAL(10, 0)) END AS impressions
  FROM numbers
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN has_query AND query IS NULL OR has_page AND page_url IS NULL THEN 'keys_missing'
      WHEN clicks IS NULL THEN 'clicks_not_a_count'
      WHEN impressions IS NULL THEN 'impressions_not_a_count'
      WHEN mean_position IS NULL THEN 'position_not_a_number'
    END AS rule
  FROM counted
),
narrowed AS (
  -- only what the steps below need: they hold all rows of a load at once
  SELECT
    org_id, source, account_id, stream, request_id, fetched_at, page, search_type, aggregation, date,
    query, page_url, country, device, clicks, impressions, rule, incomplete_from,
    mean_position * impressions AS weight,
    original.keys AS original,
    log_seq * 1000000 + position AS seat,
    CASE WHEN rule IS NOT NULL THEN log_seq * 1000000 + position END AS refused,
    CASE
      WHEN rule = 'page_undecodable' THEN evidence
      WHEN rule IS NOT NULL THEN CAST(json_object(
        'date', date_text, 'query', query, 'page', page_url, 'country', country_text,
        'device', device_text, 'clicks', clicks_text, 'impressions', impressions_text,
        'position', position_text
      ) AS VARCHAR)
    END AS record
  FROM judged
),
numbered AS (
  -- `turn` 1 is the last time that a row is told, so it is also what the lake keeps
  SELECT
    * EXCLUDE (incomplete_from, original),
    row_number() OVER (
      PARTITION BY request_id, date, query, page_url, country, device, original, refused
      ORDER BY seat DESC
    ) AS turn,
    coalesce(date < min(incomplete_from) OVER of_the_day, true) AS is_final,
    count(*) OVER of_the_day >= 50000 AS is_truncated  -- about so many are exposed (contract, section 5)
  FROM narrowed
  WINDOW of_the_day AS (PARTITION BY request_id, date)
),
summed AS (
  SELECT
    * EXCLUDE (seat, page, fetched_at, clicks, impressions, weight),
    max(seat) AS seat,
    max(page) AS page,
    max(fetched_at) AS fetched_at,
    CAST(sum(clicks) AS BIGINT) AS clicks,
    CAST(sum(impressions) AS BIGINT) AS impressions,
    TRY_CAST(sum(weight) AS DECIMAL(18, 4)) AS position_weight
  FROM numbered
  GROUP BY ALL
),
merged AS (
  SELECT
    * EXCLUDE (seat, turn, refused),
    seat // 1000000 AS log_seq,
    seat % 1000000 AS position,
    -- half-up, in whole ten-thousandths: a division of decimals would be a float
    CASE WHEN impressions > 0 THEN TRY_CAST(CAST(
      (2 * CAST(position_weight * 10000 AS HUGEINT) + impressions) // (2 * impressions)
      AS DECIMAL(18, 0)) * 0.0001 AS DECIMAL(9, 4)) END AS average_position,
    100 - CASE WHEN is_final THEN 0 ELSE 30 END - CASE WHEN is_truncated THEN 20 ELSE 0 END
      AS quality_score
  FROM summed
)
