-- table: ad_performance
-- grain: one row per campaign and day of the advertiser; rows of a finer template are added up
-- units: spend and conversion_value in units of `currency`, half-up to 2 places; conversions to 4
-- source: The Trade Desk v3, the CSV of a MyReports template (contract, 2026-11-21)
-- quality: 100, less 20 without a campaign name, less 20 without conversions
--
-- Columns are found by their titles, which are options. A template with further dimensions has more
-- rows per campaign and day: they are added up, and if one of them is refused, so are the others,
-- because a part of a sum would look like the whole.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    request ->> '$.account.currency' AS account_currency,
    request ->> '$.account.timezone' AS timezone,
    coalesce(request ->> '$.options.cost_column', 'Advertiser Cost (Adv Currency)') AS cost_title,
    coalesce(
      request ->> '$.options.conversions_column', 'All Last Click + View Conversions'
    ) AS conversions_title,
    request ->> '$.options.conversion_value_column' AS value_title,
    coalesce(request ->> '$.options.video_views_column', 'Player Starts') AS views_title,
    coalesce(
      TRY_CAST(request -> '$.options.column_aliases' AS MAP(VARCHAR, VARCHAR[])),
      MAP {
        'date': ['Date'], 'advertiser_id': ['Advertiser ID'], 'campaign_id': ['Campaign ID'],
        'campaign_name': ['Campaign'], 'impressions': ['Impressions'], 'clicks': ['Clicks'],
        'currency': ['Advertiser Currency Code']
      }
    ) AS titles,
    TRY(from_json(payload, '{"columns": ["VARCHAR"], "rows": [["VARCHAR"]]}')) AS report
  FROM pages
),
named AS (
  SELECT
    * EXCLUDE (report, payload),
    list_transform(report.columns, lambda title: lower(trim(title))) AS columns,
    report.rows AS rows,
    report.rows IS NULL OR report.columns IS NULL AS undecodable,
    -- no row may carry the whole page: the window below keeps all rows in memory
    CASE WHEN report.rows IS NULL OR report.columns IS NULL THEN left(payload, 4096) END AS evidence
  FROM decoded
),
placed AS (
  -- where each column stands: the first of its titles that the report has
  SELECT
    * EXCLUDE (titles),
    map_from_entries(list_transform(
      map_entries(titles),
      lambda entry: {
        'k': entry.key,
        'v': list_position(columns, list_filter(
          list_transform(entry.value, lambda title: lower(trim(title))),
          lambda title: list_contains(columns, title)
        )[1])
      }
    )) AS place,
    list_position(columns, lower(trim(cost_title))) AS spend_place,
    list_position(columns, lower(trim(conversions_title))) AS conversions_place,
    list_position(columns, lower(trim(value_title))) AS value_place,
    list_position(columns, lower(trim(views_title))) AS views_place,
    len(columns) AS width
  FROM named
),
records AS (
  SELECT
    * EXCLUDE (rows, columns),
    unnest(CASE WHEN undecodable THEN [NULL] ELSE rows END) AS r,
    unnest(CASE WHEN undecodable THEN [0] ELSE range(len(rows)) END) AS position
  FROM placed
),
texts AS (
  SELECT
    *,
    trim(r[place['date']]) AS date_text,
    trim(r[place['advertiser_id']]) AS advertiser_id,
    nullif(trim(r[place['campaign_id']]), '') AS campaign_id,
    nullif(trim(r[place['campaign_name']]), '') AS campaign_name,
    trim(r[place['impressions']]) AS impressions_text,
    trim(r[place['clicks']]) AS clicks_text,
    trim(r[spend_place]) AS spend_text,
    -- a column that is not there is unknown, a blank cell of one that is there is zero
    CASE WHEN conversions_place > 0
      THEN coalesce(nullif(trim(r[conversions_place]), ''), '0') END AS conversions_text,
    CASE WHEN value_place > 0
      THEN coalesce(nullif(trim(r[value_place]), ''), '0') END AS value_text,
    CASE WHEN views_place > 0
      THEN coalesce(nullif(trim(r[views_place]), ''), '0') END AS views_text,
    CASE WHEN ends_with(cost_title, '(USD)') THEN 'USD'
      ELSE upper(coalesce(nullif(trim(r[place['currency']]), ''), account_currency))
    END AS currency
  FROM records
),
typed AS (
  -- the patterns come first: casts alone accept '1_000', hex and 'infinity'. A number may come as
  -- 8.5E-05; none is rounded before the rows of a campaign are added up.
  SELECT
    *,
    CASE WHEN regexp_full_match(date_text, '\d{4}-\d{2}-\d{2}([T ][0-9:.]*Z?)?')
      THEN TRY_CAST(left(date_text, 10) AS DATE) END AS date,
    CASE WHEN regexp_full_match(impressions_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(impressions_text AS BIGINT) END AS impressions,
    CASE WHEN regexp_full_match(clicks_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(clicks_text AS BIGINT) END AS clicks,
    CASE WHEN regexp_full_match(spend_text, '-?\d+(\.\d+)?([eE]-?\d{1,2})?')
      THEN TRY_CAST(spend_text AS DECIMAL(22, 12)) END AS spend,
    CASE WHEN regexp_full_match(conversions_text, '-?\d+(\.\d+)?([eE]-?\d{1,2})?')
      THEN TRY_CAST(conversions_text AS DECIMAL(22, 12)) END AS conversions,
    CASE WHEN regexp_full_match(value_text, '-?\d+(\.\d+)?([eE]-?\d{1,2})?')
      THEN TRY_CAST(value_text AS DECIMAL(22, 12)) END AS conversion_value,
    CASE WHEN regexp_full_match(views_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(views_text AS BIGINT) END AS video_views
  FROM texts
),
checked AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN len(r) <> width THEN 'row_of_another_width'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN lower(advertiser_id) <> lower(account_id) THEN 'advertiser_of_another_account'
      WHEN campaign_id IS NULL THEN 'campaign_id_missing'
      WHEN impressions IS NULL THEN 'impressions_not_a_number'
      WHEN clicks IS NULL THEN 'clicks_not_a_number'
      WHEN spend IS NULL THEN 'spend_not_a_number'
      WHEN conversions IS NULL AND conversions_text IS NOT NULL THEN 'conversions_not_a_number'
      WHEN conversion_value IS NULL AND value_text IS NOT NULL
        THEN 'conversion_value_not_a_number'
      WHEN video_views IS NULL AND views_text IS NOT NULL THEN 'video_views_not_a_number'
      WHEN currency IS NULL THEN 'currency_missing'
    END AS own_rule
  FROM typed
),
judged AS (
  SELECT
    *,
    coalesce(own_rule, CASE
      WHEN count(own_rule) OVER same_day > 0 THEN 'part_of_a_refused_sum'
      WHEN min(currency) OVER same_day <> max(currency) OVER same_day THEN 'currencies_mixed'
    END) AS rule
  FROM checked
  WINDOW same_day AS (PARTITION BY log_seq, campaign_id, date)
),
summed AS (
  SELECT
    log_seq, org_id, source, account_id, stream, request_id, page, fetched_at, timezone,
    min(position) AS position,
    campaign_id, date, any_value(currency) AS currency,
    arg_max(campaign_name, position) AS campaign_name,
    sum(impressions) AS impressions, sum(clicks) AS clicks, sum(spend) AS spend,
    sum(conversions) AS conversions, sum(conversion_value) AS conversion_value,
    sum(video_views) AS video_views,
    NULL AS rule, NULL AS record
  FROM judged
  WHERE rule IS NULL
  GROUP BY ALL
),
refused AS (
  SELECT
    log_seq, org_id, source, account_id, stream, request_id, page, fetched_at, timezone,
    position, campaign_id, date, currency, campaign_name,
    impressions, clicks, spend, conversions, conversion_value, video_views,
    rule,
    CASE WHEN undecodable THEN evidence ELSE CAST(json_object(
      'date', date_text, 'advertiser_id', advertiser_id,
      'campaign_id', campaign_id, 'campaign_name', campaign_name,
      'impressions', impressions_text, 'clicks', clicks_text,
      'spend', spend_text, 'currency', currency, 'conversions', conversions_text,
      'conversion_value', value_text, 'video_views', views_text
    ) AS VARCHAR) END AS record
  FROM judged
  WHERE rule IS NOT NULL
),
everything AS (
  SELECT * FROM summed
  UNION ALL BY NAME
  SELECT * FROM refused
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  campaign_id AS entity_id,
  date,
  campaign_id, campaign_name,
  'programmatic' AS channel,
  TRY_CAST(impressions AS BIGINT) AS impressions,
  TRY_CAST(clicks AS BIGINT) AS clicks,
  TRY_CAST(spend AS DECIMAL(15, 2)) AS spend,
  currency,
  TRY_CAST(conversions AS DECIMAL(15, 4)) AS conversions,
  TRY_CAST(conversion_value AS DECIMAL(15, 2)) AS conversion_value,
  TRY_CAST(video_views AS BIGINT) AS video_views,
  timezone,
  CAST(
    100
    - CASE WHEN campaign_name IS NULL THEN 20 ELSE 0 END
    - CASE WHEN conversions IS NULL THEN 20 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  record
FROM everything
