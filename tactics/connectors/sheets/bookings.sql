-- table: bookings
-- uses: cells.sql
-- grain: one row per booking of the tab as it stands now; date is the start of the flight
-- units: booking_revenue in units of `currency`, half-up to 2 places; days are civil dates, in no zone
-- source: Google Sheets v4, values:batchGet, UNFORMATTED_VALUE and SERIAL_NUMBER (contract, 2026-11-21)
-- quality: 100, less 20 without impressions, less 20 without revenue, less 20 with a made-up key,
--          less 10 when a number or a date was typed as text, less 10 when a descriptive cell is an error
gathered AS (
  SELECT
    log_seq, position,
    max(id) FILTER (name = 'booking_id' AND NOT is_error) AS booking_id,
    max(text) FILTER (name = 'client' AND NOT is_error) AS client,
    max(text) FILTER (name = 'campaign' AND NOT is_error) AS campaign,
    max(id) FILTER (name = 'campaign_id' AND NOT is_error) AS campaign_id,
    max(text) FILTER (name = 'platform' AND NOT is_error) AS platform_text,
    max(text) FILTER (name = 'channel' AND NOT is_error) AS channel,
    max(text) FILTER (name = 'flight_start') AS start_text,
    max(day) FILTER (name = 'flight_start') AS flight_start,
    max(text) FILTER (name = 'flight_end') AS end_text,
    max(day) FILTER (name = 'flight_end') AS flight_end,
    max(text) FILTER (name = 'booked_impressions') AS impressions_text,
    max(number) FILTER (name = 'booked_impressions') AS impressions,
    max(text) FILTER (name = 'booking_revenue') AS revenue_text,
    max(number) FILTER (name = 'booking_revenue') AS revenue,
    nullif(max(money_code) FILTER (name = 'booking_revenue'), '') AS revenue_code,
    upper(max(text) FILTER (name = 'currency')) AS currency_text,
    lower(max(text) FILTER (name = 'status' AND NOT is_error)) AS status,
    max(id) FILTER (name = 'make_good_for' AND NOT is_error) AS make_good_for,
    max(is_number::INTEGER) FILTER (name = 'flight_start') AS start_is_number,
    lower(max(text) FILTER (name = 'goal')) AS goal_text,
    max(number) FILTER (name = 'booked_clicks') AS clicks,
    max(number) FILTER (name = 'booked_views') AS views,
    max(number) FILTER (name = 'booked_conversions') AS conversions,
    max(number) FILTER (name = 'booked_spend') AS budget,
    coalesce(bool_or(number IS NULL OR number < 0) FILTER (name IN (
      'booked_clicks', 'booked_views', 'booked_conversions', 'booked_spend'
    )), false) AS amount_error,
    max(text) FILTER (name = 'hiatus') AS hiatus_text,
    max(day) FILTER (name = 'hiatus' AND is_number) AS hiatus_day,
    lower(max(text) FILTER (name = 'plan')) AS plan_text,
    coalesce(bool_or(id IS NULL) FILTER (name IN ('campaign_id', 'booking_id')), false) AS lost_digits,
    coalesce(bool_or(is_error) FILTER (name IN (
      'booking_id', 'campaign_id', 'flight_start', 'flight_end', 'booked_impressions',
      'booking_revenue', 'currency', 'status'
    )), false) AS key_error,
    coalesce(bool_or(is_error), false) AS any_error,
    coalesce(bool_or(NOT is_number) FILTER (name IN (
      'flight_start', 'flight_end', 'booked_impressions', 'booking_revenue'
    )), false) AS typed_as_text
  FROM typed_cells
  GROUP BY log_seq, position
),
keyed AS (
  SELECT
    v.*,
    g.* EXCLUDE (log_seq, position, booking_id),
    v.synthetic_keys AND json_extract(v.titles, '$.booking_id') IS NULL AS synthetic,
    CASE
      WHEN NOT synthetic THEN g.booking_id
      WHEN coalesce(g.client, g.campaign) IS NOT NULL AND g.flight_start IS NOT NULL
        THEN 'made-' || left(sha256(concat_ws('|', lower(g.client), lower(g.campaign), g.flight_start)), 16)
    END AS booking_id,
    coalesce(g.currency_text, g.revenue_code, v.usual_currency) AS currency,
    CASE
      WHEN goal_text IN ('impressions', 'imps', 'cpm') THEN 'impressions'
      WHEN goal_text IN ('clicks', 'cpc') THEN 'clicks'
      WHEN goal_text IN ('views', 'video views', 'cpv') THEN 'views'
      WHEN goal_text IN ('conversions', 'cpa', 'cpl') THEN 'conversions'
      WHEN goal_text IN ('spend', 'budget') THEN 'spend'
    END AS goal,
    -- days or spans of days: 2026-11-10..2026-11-14, 2026-12-24
    CASE
      WHEN hiatus_day IS NOT NULL THEN CAST(hiatus_day AS VARCHAR)
      ELSE regexp_replace(regexp_replace(hiatus_text, '\s*(\.\.|–| to )\s*', '..', 'g'), '\s*[,;\n]\s*', ', ', 'g')
    END AS hiatus,
    -- even; weekdays and seven weights from Monday on; segments, each a first day and its share
    CASE
      WHEN plan_text IN ('even', 'evenly', 'linear') THEN NULL
      ELSE regexp_replace(regexp_replace(plan_text, '[,;%=:\s]+', ' ', 'g'), ' $', '')
    END AS plan,
    -- how much of the first day belongs to the flight, where the cell says when it starts
    CASE
      WHEN start_is_number = 1 THEN 1 - (TRY_CAST(start_text AS DOUBLE) - floor(TRY_CAST(start_text AS DOUBLE)))
      WHEN regexp_matches(start_text, '^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}')
        THEN 1 - (TRY_CAST(start_text[12:13] AS INTEGER) * 60 + TRY_CAST(start_text[15:16] AS INTEGER)) / 1440
      ELSE 1
    END AS start_share,
    -- the first name on the row says whether it is a total
    regexp_matches(
      lower(coalesce(g.booking_id, g.client, g.campaign, '')),
      '^(grand ?total|sub ?total|totals?|sum|summe|gesamt|gesamtsumme|zwischensumme)\b'
    ) AND g.start_text IS NULL AS is_total
  FROM vendor_rows v
  LEFT JOIN gathered g ON g.log_seq = v.log_seq AND g.position = v.position
),
counted AS (
  SELECT
    *,
    count(*) FILTER (NOT coalesce(is_total, false)) OVER (PARTITION BY request_id, booking_id) AS copies
  FROM keyed
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN is_total THEN 'total_row'
      WHEN key_error THEN 'error_cell'
      WHEN lost_digits THEN 'id_lost_digits'
      WHEN booking_id IS NULL THEN 'booking_id_missing'
      WHEN copies > 1 THEN 'duplicate_key'
      WHEN start_text IS NULL THEN 'flight_start_missing'
      WHEN flight_start IS NULL THEN 'flight_start_not_a_date'
      WHEN end_text IS NULL THEN 'flight_end_missing'
      WHEN flight_end IS NULL THEN 'flight_end_not_a_date'
      WHEN flight_end < flight_start THEN 'flight_ends_before_it_starts'
      WHEN impressions_text IS NOT NULL AND (impressions IS NULL OR impressions <> floor(impressions))
        THEN 'booked_impressions_not_a_number'
      WHEN impressions < 0 THEN 'booked_impressions_negative'
      WHEN revenue_text IS NOT NULL AND TRY_CAST(revenue AS DECIMAL(15, 2)) IS NULL
        THEN 'booking_revenue_not_a_number'
      WHEN currency IS NULL OR NOT regexp_full_match(currency, '[A-Z]{3}') THEN 'currency_missing'
      WHEN revenue_code <> currency THEN 'currency_contradicts'
      WHEN goal_text IS NOT NULL AND goal IS NULL THEN 'goal_unknown'
      WHEN amount_error THEN 'booked_amount_not_a_number'
      WHEN hiatus IS NOT NULL AND NOT coalesce(
        len(list_filter(
          string_split(hiatus, ', '),
          lambda part: TRY_CAST(left(part, 10) AS DATE) IS NULL
            OR coalesce(TRY_CAST(right(part, 10) AS DATE) < TRY_CAST(left(part, 10) AS DATE), true)
            OR NOT regexp_full_match(part, '\d{4}-\d{2}-\d{2}(\.\.\d{4}-\d{2}-\d{2})?')
        )) = 0, false) THEN 'hiatus_not_days'
      WHEN plan IS NOT NULL AND NOT regexp_full_match(
        plan,
        'weekdays( \d+(\.\d+)?){7}|segments( \d{4}-\d{2}-\d{2} \d+(\.\d+)?)+'
      ) THEN 'plan_not_understood'
    END AS rule
  FROM counted
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  booking_id AS entity_id,
  flight_start AS date,
  booking_id, client, campaign, campaign_id,
  CASE
    WHEN lower(platform_text) IN ('facebook', 'instagram', 'meta ads') THEN 'meta'
    WHEN lower(platform_text) IN ('google', 'adwords', 'youtube') THEN 'google_ads'
    WHEN lower(platform_text) IN ('the trade desk', 'tradedesk') THEN 'ttd'
    WHEN lower(platform_text) IN ('display & video 360', 'dv 360') THEN 'dv360'
    ELSE replace(lower(platform_text), ' ', '_')
  END AS platform,
  replace(lower(channel), ' ', '_') AS channel,
  flight_start, flight_end,
  TRY_CAST(impressions AS BIGINT) AS booked_impressions,
  TRY_CAST(revenue AS DECIMAL(15, 2)) AS booking_revenue,
  currency, status, make_good_for,
  goal,
  TRY_CAST(clicks AS BIGINT) AS booked_clicks,
  TRY_CAST(views AS BIGINT) AS booked_views,
  TRY_CAST(conversions AS DECIMAL(15, 4)) AS booked_conversions,
  TRY_CAST(budget AS DECIMAL(15, 2)) AS booked_spend,
  TRY_CAST(start_share AS DECIMAL(9, 8)) AS start_share,
  hiatus, plan,
  TRY_CAST(r ->> '$.row' AS INTEGER) AS sheet_row,
  nullif(CAST(json_extract(r, '$.extras') AS VARCHAR), '{}') AS extras,
  CAST(
    100
    - CASE WHEN impressions IS NULL THEN 20 ELSE 0 END
    - CASE WHEN revenue IS NULL THEN 20 ELSE 0 END
    - CASE WHEN synthetic THEN 20 ELSE 0 END
    - CASE WHEN typed_as_text THEN 10 ELSE 0 END
    - CASE WHEN any_error THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN page_text
    WHEN rule IS NOT NULL THEN CAST(r AS VARCHAR)
  END AS record
FROM judged
