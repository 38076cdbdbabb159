-- The rows of a report, typed. campaign_values.sql and flow_series.sql continue after these
-- expressions. The pages of a request are the campaigns or flows, {"data": [{"id", "attributes":
-- {"name", "send_time"}}]}, and the report, {"data": {"attributes": {"results": [{"groupings",
-- "statistics"}], "date_times"}}, "asked": {...}}. A statistic is a number, or an array with one
-- number for each of `date_times`.
WITH opened AS (
  SELECT
    * EXCLUDE (payload, request),
    left(payload, 4096) AS page_text,
    upper(trim(request ->> '$.account.currency')) AS currency,
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    TRY(from_json(payload, '{
      "data": "JSON", "asked": {"metric_id": "VARCHAR", "start": "VARCHAR", "end": "VARCHAR"}
    }')) AS answer
  FROM pages
),
parents AS (
  -- one that was archived between two pages stands in both lists: the later one counts
  SELECT request_id, item.id AS id, arg_max(item.attributes, page) AS about
  FROM (
    SELECT request_id, page, unnest(TRY(from_json(answer.data, '[{
      "id": "VARCHAR", "attributes": {"name": "VARCHAR", "send_time": "VARCHAR"}
    }]'))) AS item
    FROM opened
    WHERE json_type(answer.data) = 'ARRAY'
  )
  GROUP BY ALL
),
reports AS (
  SELECT
    * EXCLUDE (answer),
    answer.asked AS asked,
    CASE WHEN json_type(answer.data) = 'OBJECT' THEN TRY(from_json(answer.data, '{"attributes": {
      "date_times": ["VARCHAR"],
      "results": [{
        "groupings": {
          "campaign_id": "VARCHAR", "campaign_message_id": "VARCHAR",
          "flow_id": "VARCHAR", "flow_message_id": "VARCHAR", "send_channel": "VARCHAR"
        },
        "statistics": {
          "recipients": "JSON", "delivered": "JSON", "opens_unique": "JSON",
          "clicks_unique": "JSON", "bounced": "JSON", "unsubscribes": "JSON",
          "spam_complaints": "JSON", "conversion_uniques": "JSON", "conversion_value": "JSON"
        }
      }]
    }}')) END.attributes AS report
  FROM opened
  WHERE coalesce(json_type(answer.data), 'NULL') <> 'ARRAY'
),
results AS (
  SELECT
    * EXCLUDE (report),
    report.results IS NULL AS undecodable,
    report.date_times AS days,
    unnest(CASE WHEN report.results IS NULL THEN [NULL] ELSE report.results END) AS r,
    unnest(CASE WHEN report.results IS NULL THEN [0] ELSE range(len(report.results)) END) AS result
  FROM reports
),
series AS (
  -- each statistic as a list of texts, in the order of `names`
  SELECT
    * EXCLUDE (r),
    r.groupings AS groups,
    [
      'recipients', 'delivered', 'opens_unique', 'clicks_unique', 'bounced', 'unsubscribes',
      'spam_complaints', 'conversion_uniques', 'conversion_value'
    ] AS names,
    list_transform(
      [
        r.statistics.recipients, r.statistics.delivered, r.statistics.opens_unique,
        r.statistics.clicks_unique, r.statistics.bounced, r.statistics.unsubscribes,
        r.statistics.spam_complaints, r.statistics.conversion_uniques, r.statistics.conversion_value
      ],
      lambda v: CASE
        WHEN json_type(v) = 'ARRAY' THEN TRY_CAST(v AS VARCHAR[])
        WHEN v IS NOT NULL THEN [v ->> '$']
      END
    ) AS lists
  FROM results
),
measured AS (
  SELECT
    *,
    len(list_filter(lists, lambda l: len(l) <> coalesce(len(days), 1))) > 0 AS misaligned
  FROM series
),
points AS (
  SELECT
    *,
    -- one refused row for what does not fit together
    unnest(range(1, CASE WHEN misaligned THEN 2 ELSE coalesce(len(days), 1) + 1 END)) AS point
  FROM measured
),
texts AS (
  SELECT
    * EXCLUDE (lists, days, point),
    result * 1000 + point - 1 AS position,
    days[point] AS day_text,
    list_transform(lists, lambda l: l[point]) AS texts
  FROM points
),
numbers AS (
  -- Klaviyo writes counts as floats (1020.0). TRY_CAST behind a pattern, too: the optimizer may cast
  -- before it looks at the pattern.
  SELECT
    *,
    list_transform(texts, lambda t: CASE
      WHEN regexp_full_match(t, '-?\d+(\.\d+)?([eE][+-]?\d+)?') THEN TRY_CAST(t AS DECIMAL(38, 10))
    END) AS numbers
  FROM texts
),
typed AS (
  SELECT
    * EXCLUDE (numbers),
    len(list_filter(numbers, lambda n: n <> 0)) = 0 AS nothing_happened,
    list_transform(numbers, lambda n: CASE WHEN n = trunc(n) THEN TRY_CAST(n AS BIGINT) END) AS counts,
    TRY_CAST(numbers[9] AS DECIMAL(15, 2)) AS conversion_value  -- rounds half up
  FROM numbers
),
checked AS (
  SELECT
    *,
    list_filter(
      range(1, 9), lambda i: texts[i] IS NOT NULL AND counts[i] IS NULL
    )[1] AS broken_count
  FROM typed
),
report_rows AS (
  SELECT
    * EXCLUDE (counts, names, broken_count),
    counts[1] AS recipients,
    counts[2] AS delivered,
    counts[3] AS opens_unique,
    counts[4] AS clicks_unique,
    counts[5] AS bounced,
    counts[6] AS unsubscribes,
    counts[7] AS spam_complaints,
    counts[8] AS conversions,
    CASE
      WHEN broken_count IS NOT NULL THEN names[broken_count] || '_not_an_integer'
      WHEN texts[9] IS NOT NULL AND conversion_value IS NULL THEN 'conversion_value_not_a_number'
      WHEN NOT coalesce(regexp_full_match(currency, '[A-Z]{3}'), false) THEN 'currency_missing'
    END AS number_rule,
    -- what silver can do without, but a reader should know of
    20 * CAST(recipients IS NULL OR delivered IS NULL AS INTEGER)
      + 10 * CAST(len(list_filter(texts[3:9], lambda t: t IS NULL)) > 0 AS INTEGER) AS missing_points
  FROM checked
)
