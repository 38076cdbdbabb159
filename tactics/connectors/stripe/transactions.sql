-- table: transactions
-- grain: one row per balance transaction; several may belong to one charge (refunds, disputes, fees)
-- units: *_minor in the currency's smallest unit; amount, fee, net in the currency; date is the day of
--        `created` in the account's time zone, available_on Stripe's own (UTC)
-- source: Stripe API 2026-10-28.endive, /v1/balance_transactions (contract, 2026-11-21)
-- quality: 100, less 30 when net is not amount - fee, less 10 without a reporting category
--
-- Enums grow without notice: type, status and reporting_category are any text.
WITH decoded AS (
  SELECT
    * EXCLUDE (request),
    coalesce(request ->> '$.account.timezone', 'UTC') AS timezone,
    coalesce(TRY_CAST(request -> '$.options.order_metadata_keys' AS VARCHAR[]), []) AS order_keys,
    TRY(from_json(payload, '{"data": [{
      "id": "VARCHAR", "amount": "VARCHAR", "fee": "VARCHAR", "net": "VARCHAR",
      "currency": "VARCHAR", "exchange_rate": "VARCHAR", "type": "VARCHAR",
      "reporting_category": "VARCHAR", "status": "VARCHAR", "created": "VARCHAR",
      "available_on": "VARCHAR", "source": "JSON"
    }]}')).data AS data
  FROM pages
),
records AS (
  SELECT
    * EXCLUDE (data),
    data IS NULL AS undecodable,
    unnest(CASE WHEN data IS NULL THEN [NULL] ELSE data END) AS r,
    unnest(CASE WHEN data IS NULL THEN [0] ELSE range(len(data)) END) AS position
  FROM decoded
),
texts AS (
  -- `source` is an id, or the expanded object
  SELECT
    *,
    nullif(trim(r.id), '') AS txn_id,
    upper(trim(r.currency)) AS currency,
    coalesce(json_extract_string(r.source, '$.id'), json_extract_string(r.source, '$')) AS source_id,
    json_extract(r.source, '$.metadata') AS metadata
  FROM records
),
typed AS (
  -- TRY_CAST behind a pattern, too: the optimizer may cast before it looks at the pattern
  SELECT
    *,
    CASE WHEN regexp_full_match(r.amount, '-?\d+') THEN TRY_CAST(r.amount AS BIGINT) END AS amount_minor,
    CASE WHEN regexp_full_match(r.fee, '-?\d+') THEN TRY_CAST(r.fee AS BIGINT) END AS fee_minor,
    CASE WHEN regexp_full_match(r.net, '-?\d+') THEN TRY_CAST(r.net AS BIGINT) END AS net_minor,
    CASE WHEN regexp_full_match(r.created, '\d{1,11}')
      THEN to_timestamp(TRY_CAST(r.created AS BIGINT)) END AS created_at,
    CASE WHEN regexp_full_match(r.available_on, '\d{1,11}')
      THEN CAST(timezone('UTC', to_timestamp(TRY_CAST(r.available_on AS BIGINT))) AS DATE)
    END AS available_on,
    -- reviewed 2026-11-21 against the contract, section 5; every other currency has two decimals.
    -- UGX and ISK have none in daily life but are sent with two, so they are not listed.
    CASE
      WHEN currency IN (
        'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA',
        'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
      ) THEN 1.000
      WHEN currency IN ('BHD', 'JOD', 'KWD', 'OMR', 'TND') THEN 0.001
      ELSE 0.010
    END AS factor
  FROM texts
),
priced AS (
  SELECT
    *,
    CAST(timezone(timezone, created_at) AS DATE) AS date,
    TRY_CAST(CAST(amount_minor AS DECIMAL(19, 0)) * factor AS DECIMAL(18, 3)) AS amount,
    TRY_CAST(CAST(fee_minor AS DECIMAL(19, 0)) * factor AS DECIMAL(18, 3)) AS fee,
    TRY_CAST(CAST(net_minor AS DECIMAL(19, 0)) * factor AS DECIMAL(18, 3)) AS net
  FROM typed
),
judged AS (
  SELECT
    *,
    CASE
      WHEN undecodable THEN 'page_undecodable'
      WHEN txn_id IS NULL THEN 'txn_id_missing'
      WHEN created_at IS NULL THEN 'created_not_a_time'
      WHEN date NOT BETWEEN window_start AND window_end THEN 'date_outside_window'
      WHEN amount IS NULL THEN 'amount_not_an_integer'
      WHEN fee IS NULL THEN 'fee_not_an_integer'
      WHEN net IS NULL THEN 'net_not_an_integer'
      WHEN NOT coalesce(regexp_full_match(currency, '[A-Z]{3}'), false) THEN 'currency_missing'
    END AS rule
  FROM priced
)
SELECT
  log_seq, org_id, source, account_id, stream, request_id, page, fetched_at,
  position,
  txn_id AS entity_id,
  date,
  txn_id, created_at, available_on,
  r.type AS type,
  r.reporting_category AS reporting_category,
  r.status AS status,
  source_id,
  amount_minor, fee_minor, net_minor,
  amount, fee, net, currency,
  TRY_CAST(r.exchange_rate AS DOUBLE) AS exchange_rate,
  CASE WHEN starts_with(source_id, 'po_') THEN source_id END AS payout_id,
  list_filter(
    list_transform(order_keys, lambda k: nullif(trim(json_extract_string(metadata, k)), '')),
    lambda v: v IS NOT NULL
  )[1] AS order_ref,
  CAST(
    100
    - CASE WHEN net_minor <> amount_minor - fee_minor THEN 30 ELSE 0 END
    - CASE WHEN r.reporting_category IS NULL THEN 10 ELSE 0 END
    AS INTEGER
  ) AS quality_score,
  rule,
  CASE
    WHEN rule = 'page_undecodable' THEN left(payload, 4096)
    WHEN rule IS NOT NULL THEN CAST(json_object(
      'id', r.id, 'amount', r.amount, 'fee', r.fee, 'net', r.net, 'currency', r.currency,
      'type', r.type, 'reporting_category', r.reporting_category, 'status', r.status,
      'created', r.created, 'available_on', r.available_on, 'source', source_id
    ) AS VARCHAR)
  END AS record
FROM judged
