-- What both reports share: typed rows, checked, with the one action type that is the conversion.
--
-- Every metric arrives as text and is left out when it is zero. One action type is the conversion: the
-- first of options.conversion_action_types that the row has; the types overlap and are never summed.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    request ->> '$.account.currency' AS account_currency,
    request ->> '$.account.timezone' AS timezone,
    coalesce(
      TRY_CAST(request -> '$.options.conversion_action_types' AS VARCHAR[]),
      ['omni_purchase', 'purchase', 'offsite_conversion.fb_pixel_purchase']
    ) AS wanted,
    -- a field that the vendor refused was not asked for: its metric is unknown, not zero
    string_split(
      coalesce(request ->> '$.query.fields', 'actions,action_values,video_play_actions'), ','
    ) AS asked,
    TRY(from_json(payload, '{"data": [{
      "campaign_id": "VARCHAR", "campaign_name": "VARCHAR", "account_currency": "VARCHAR",
      "date_start": "VARCHAR", "date_stop": "VARCHAR",
      "impressions": "VARCHAR", "clicks": "VARCHAR", "spend": "VARCHAR",
      "actions": [{"action_type": "VARCHAR", "value": "VARCHAR"}],
      "action_values": [{"action_type": "VARCHAR", "value": "VARCHAR"}],
      "video_play_actions": [{"action_type": "VARCHAR", "value": "VARCHAR"}]
    }]}')).data AS data
  FROM pages
),
records AS (
  SELECT
    * EXCLUDE (data, asked),
    data IS NULL AS undecodable,
    list_contains(asked, 'actions') AS asked_actions,
    list_contains(asked, 'action_values') AS asked_values,
    list_contains(asked, 'video_play_actions') AS asked_videos,
    unnest(CASE WHEN data IS NULL THEN [NULL] ELSE data END) AS r,
    unnest(CASE WHEN data IS NULL THEN [0] ELSE range(len(data)) END) AS position
  FROM decoded
),
listed AS (
  SELECT
    *,
    list_transform(r.actions, lambda a: a.action_type) AS counted,
    list_transform(r.action_values, lambda a: a.action_type) AS valued
  FROM records
),
chosen AS (
  SELECT
    *,
    -- written out: a lambda over `wanted` that captures a list costs a quarter of the speed
    CASE
      WHEN list_contains(counted, wanted[1]) THEN wanted[1]
      WHEN list_contains(counted, wanted[2]) THEN wanted[2]
      WHEN list_contains(counted, wanted[3]) THEN wanted[3]
      WHEN list_contains(counted, wanted[4]) THEN wanted[4]
      WHEN list_contains(valued, wanted[1]) THEN wanted[1]
      WHEN list_contains(valued, wanted[2]) THEN wanted[2]
      WHEN list_contains(valued, wanted[3]) THEN wanted[3]
      WHEN list_contains(valued, wanted[4]) THEN wanted[4]
      ELSE ''
    END AS conversion_type
  FROM listed
),
texts AS (
  SELECT
    *,
    nullif(trim(r.campaign_id), '') AS campaign_id,
    nullif(trim(r.campaign_name), '') AS campaign_name,
    coalesce(r.impressions, '0') AS impressions_text,
    coalesce(r.clicks, '0') AS clicks_text,
    coalesce(r.spend, '0') AS spend_text,
    CASE WHEN asked_actions
      THEN coalesce(r.actions[list_position(counted, conversion_type)].value, '0')
    END AS conversions_text,
    CASE WHEN asked_values
      THEN coalesce(r.action_values[list_position(valued, conversion_type)].value, '0')
    END AS value_text,
    coalesce(
      r.video_play_actions[1].value,
      CASE WHEN asked_actions THEN coalesce(r.actions[list_position(counted, 'video_view')].value, '0') END,
      CASE WHEN asked_videos THEN '0' END
    ) AS views_text
  FROM chosen
),
typed AS (
  -- the patterns come first: casts alone accept '1_000', hex and 'infinity'
  SELECT
    *,
    CASE WHEN regexp_full_match(r.date_start, '\d{4}-\d{2}-\d{2}')
      THEN TRY_CAST(r.date_start AS DATE) END AS date,
    coalesce(nullif(trim(r.account_currency), ''), account_currency) AS currency,
    CASE WHEN regexp_full_match(impressions_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(impressions_text AS BIGINT) END AS impressions,
    CASE WHEN regexp_full_match(clicks_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(clicks_text AS BIGINT) END AS clicks,
    CASE WHEN regexp_full_match(spend_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(spend_text AS DECIMAL(15, 2)) END AS spend,
    CASE WHEN regexp_full_match(conversions_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(conversions_text AS DECIMAL(15, 4)) END AS conversions,
    CASE WHEN regexp_full_match(value_text, '-?\d+(\.\d+)?')
      THEN TRY_CAST(value_text AS DECIMAL(15, 2)) END AS conversion_value,
    CASE WHEN regexp_full_match(views_text, '-?\d+(\.0+)?')
      THEN TRY_CAST(views_text AS BIGINT) END AS video_views
  FROM texts
),
ruled AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN stream = 'campaign_insights' AND campaign_id IS NULL THEN 'campaign_id_missing'
      WHEN date IS NULL THEN 'date_not_a_date'
      WHEN r.date_stop <> r.date_start THEN 'date_not_a_single_day'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN impressions IS NULL THEN 'impressions_not_a_number'
      WHEN clicks IS NULL THEN 'clicks_not_a_number'
      WHEN spend IS NULL THEN 'spend_not_a_number'
      WHEN conversions IS NULL AND conversions_text IS NOT NULL THEN 'conversions_not_a_number'
      WHEN conversion_value IS NULL AND value_text IS NOT NULL
        THEN 'conversion_value_not_a_number'
      WHEN video_views IS NULL AND views_text IS NOT NULL THEN 'video_views_not_a_number'
      WHEN currency IS NULL THEN 'currency_missing'
    END AS rule
  FROM typed
),
judged AS (
  SELECT
    *,
    CASE
      WHEN rule = 'page_undecodable' THEN left(payload, 4096)
      -- the fields read above; to_json(r), or the record cut out of the page, take the memory of the
      -- whole page for every row. The page itself stays in bronze.
      WHEN rule IS NOT NULL THEN CAST(json_object(
        'campaign_id', r.campaign_id, 'campaign_name', r.campaign_name,
        'account_currency', r.account_currency,
        'date_start', r.date_start, 'date_stop', r.date_stop,
        'impressions', r.impressions, 'clicks', r.clicks, 'spend', r.spend,
        'conversion_type', nullif(conversion_type, ''), 'conversions', conversions_text,
        'conversion_value', value_text, 'video_views', views_text
      ) AS VARCHAR)
    END AS record
  FROM ruled
)
